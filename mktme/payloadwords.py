"""How a payload's call is told: what its text says token by token, and what the parser makes of it.

Of a key only the class of its token and its fingerprint are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker import Grounding
from checker.systems.reading import Reading
from conformance.payloadtexts import KEY, token_in_words

Labels = Mapping[str, str]

START = "before the first payload"

_LENGTHS = {
    "zero": "a payload of no bytes",
    "within": "a payload",
    "above": "a payload of more than 1024 bytes",
}


def call_in_words(action: str, labels: Labels) -> str:
    """A step of a payload's call."""
    return _CALLS[action](labels)


def _begin(labels: Labels) -> str:
    said = f"begin {_LENGTHS[labels['length']]}"
    if labels["nul"] == "yes":
        said += " with a NUL in it"
    return said if labels["capable"] == "yes" else f"{said} without the capability"


_CALLS: Mapping[str, Callable[[Labels], str]] = {
    "begin": _begin,
    "take": lambda labels: f"take {token_in_words(labels['token'], labels['value'])}",
    "nul": lambda _: "a NUL, with more bytes behind it",
    "end_of_text": lambda _: "end the text",
}


def changes_in_words(grounding: Grounding, before: Reading, after: Reading) -> list[str]:
    """What a step did to the structure that outlives it, and where it reached out of bounds.

    The mask is shown as a table.
    """
    del grounding
    said = []
    for field, words in {"data_key": "data key", "tweak_key": "tweak key"}.items():
        held = after(field)
        if held != before(field) and held != "nothing":
            said.append(f"the payload structure holds {_amount(held)} the {words} of {_KEY}")
        if after("stage") == "refused" != before("stage") and held != "nothing":
            said.append(f"it is never freed, with {_amount(held)} the {words} of {_KEY} in it")
    for access, words in _ACCESSES.items():
        if after.is_true(access) and not before.is_true(access):
            said.append(words)
    if after.is_true("spoilt") and not before.is_true("spoilt"):
        said.append("no documented payload is like this")
    return said


_KEY = f"key {KEY.label} ({KEY.fingerprint})"

_ACCESSES = {
    "source_overread": "a byte past the source of the text is read",
    "mask_overrun": "bit -1 of the token mask is tested and set",
}


def _amount(held: str) -> str:
    return "all of" if held == "whole" else "the first bytes of"
