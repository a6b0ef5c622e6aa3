"""Which bytes stand for the tokens of the model's payload parser, and how they are shown.

The keys in them are those of user key A. Their digits never appear in what is shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from conformance.owners import user_key

KEY = user_key("A")
"""The key that every `key=` and `tweak=` is about."""

LENGTH_MAX = 1024
UNKNOWN = b"colour=blue"
HIDDEN = b"\0 " + UNKNOWN
"""A NUL, and behind it what every parser refuses if it sees it."""

RIGHT: Mapping[str, bytes] = {
    "type": b"user",
    "algorithm": b"aes-xts-128",
    "key": KEY.data_key.hex().encode(),
    "tweak": KEY.tweak_key.hex().encode(),
}
"""Token to a value that the documentation gives."""

PART = 10
"""How many bytes of a key convert from a value of which only the first digits do."""


@dataclasses.dataclass(frozen=True)
class PayloadCall:
    """A payload's text as bytes, and whether its caller has the capability. Shows no text."""

    text: bytes = dataclasses.field(repr=False)
    capable: bool


def token_text(name: str, value: str) -> bytes:
    """The text of a token of the model, such as `key=` with 32 digits."""
    if name == "unknown":
        return UNKNOWN
    if value == "bare":
        return name.encode()
    return name.encode() + b"=" + _value_text(name, value)


def _value_text(name: str, value: str) -> bytes:
    right = RIGHT[name]
    cut = 2 * PART if name in ("key", "tweak") else len(right) // 2
    texts = {
        "right": right,
        "long": right + b"00",
        "short": right[:cut],
        "broken": right[:cut] + b"x" * (len(right) - cut),
        "garbage": b"?" * len(right),
        "empty": b"",
    }
    return texts[value] if value in texts else value.replace("_", "-").encode()


def token_in_words(name: str, value: str) -> str:
    """The token as a person may see it: of a key only its class and its fingerprint."""
    if name not in ("key", "tweak") or value in ("garbage", "empty", "bare"):
        return token_text(name, value).decode()
    key = f"key {KEY.label} ({KEY.fingerprint})"
    said = {
        "right": f"32 digits of {key}",
        "long": f"32 digits of {key} and 2 more",
        "short": f"{2 * PART} digits of {key}",
        "broken": f"{2 * PART} digits of {key} and 12 x",
    }
    return f"{name}=<{said[value]}>"


def continuations(tokens: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """What else could follow these tokens, if a parser went on to look at it.

    What is missing of a documented payload, and a token that no parser knows.
    """
    names = {name for name, _ in tokens}
    is_whole = bool({("type", "clear"), ("type", "no_encrypt")} & set(tokens))
    missing = [] if is_whole else [name for name in RIGHT if name not in names]
    wanted = [(name, "user" if name == "type" else "right") for name in missing]
    return [wanted, [("unknown", "garbage")]]


def call_of(
    begun: Mapping[str, str], tokens: Iterable[tuple[str, str]], is_refused: bool = False
) -> PayloadCall:
    """The call that begins with these choices of the model, and has these tokens.

    One that is refused as it begins has a text that is a documented payload, but for what it is
    refused for.
    """
    text = b"type=clear" if is_refused else b" ".join(token_text(*token) for token in tokens)
    if begun["nul"] == "yes":
        text += HIDDEN
    padded = {"zero": b"", "within": text or b" ", "above": text.ljust(LENGTH_MAX + 1)}
    return PayloadCall(padded[begun["length"]], begun["capable"] == "yes")


def filled(call: PayloadCall) -> PayloadCall:
    """The same call, where its text is in bounds with so many blanks that no more would be."""
    if not 1 <= len(call.text) <= LENGTH_MAX:
        return call
    return dataclasses.replace(call, text=call.text.ljust(LENGTH_MAX))
