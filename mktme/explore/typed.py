"""What somebody types in a terminal: which call is meant, and how a line can go on.

    update key=0 kind=user bytes=B fails[1]

An argument that is not given is "no" where it can be, and what is left open must be the only one
that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from designs import nearest
from mktme.explore.offers import Offer
from mktme.explore.paths import (
    CALLS_MAX,
    Path,
    PathError,
    call_from_text,
    path_from_text,
    shortened,
)
from mktme.explore.session import Session
from mktme.explore.world import claims_of
from mktme.traces.recorded import RecordedCall

COMMANDS: Final[Mapping[str, str]] = {
    "calls": "every call that is possible now, by number; a number makes it",
    "undo": "take the last call back, or so many",
    "redo": "make the call again that was taken back",
    "lamps": "what the run does to each property",
    "why": "why a property's lamp is red",
    "jump": "go to the nearest violation of a property from here",
    "show": "the whole state",
    "bytes": "the implementation's memory; of keys only where they lie",
    "link": "the path so far, in one line",
    "go": "go along a path, or to an address that has one",
    "help": "these lines",
    "quit": "end",
}
"""What can be typed beside calls."""

_TAKERS: Final = ("undo", "why", "jump", "go")
"""The commands that mean something with words after them."""


def require_plain(command: str, rest: str) -> None:
    """Raises PathError where words stand after a command that takes none: they mean something."""
    if rest and command not in _TAKERS:
        known = ", ".join(_TAKERS)
        raise PathError(f"{command} takes no {shortened(rest)!r} after it; {known} do")


def undone(rest: str) -> int:
    """How many calls the words after `undo` take back. Raises PathError."""
    if not rest:
        return 1
    if not re.fullmatch(r"[0-9]{1,3}", rest) or not 1 <= int(rest) <= CALLS_MAX:
        known = f"a number of calls, from 1 to {CALLS_MAX}"
        raise PathError(f"undo takes {known}, or nothing for 1, not {shortened(rest)!r}")
    return int(rest)


def going(rest: str) -> Path:
    """The path that the words after `go` are. Raises PathError, DesignError and ScopeError.

    An empty one is the posted design from its start, which nobody means who typed no more.
    """
    if not rest.strip("# "):
        raise PathError("go needs a path such as design=rfc-v2, or an address that has one")
    return path_from_text(rest)


def call_from_line(offered: tuple[Offer, ...], line: str) -> RecordedCall:
    """The call that a line means. Raises PathError where it means none, or more than one."""
    if "(" in line:
        given = call_from_text(line)
    else:
        action, *words = line.split()
        given = call_from_text(f"{action}({','.join(words)})")
    offer = next((offer for offer in offered if offer.action == given.action), None)
    if offer is None:
        known = [*(offer.action for offer in offered), *COMMANDS]
        raise PathError(
            f"no command or possible call {given.action!r}{nearest(given.action, known)}"
        )
    names = [argument.name for argument in offer.arguments]
    for name, _ in given.arguments:
        if name not in names:
            raise PathError(f"{given.action} has no open argument {name!r}{nearest(name, names)}")
    return _only(offer, dict(given.arguments))


def _only(offer: Offer, given: Mapping[str, str]) -> RecordedCall:
    """The only call of an offer with these arguments, if need be with "no" for the others."""
    names = [argument.name for argument in offer.arguments]
    fitting = _fitting(offer, given)
    if len(fitting) > 1:
        calm = {a.name: "no" for a in offer.arguments if a.is_switch and a.name not in given}
        fitting = _fitting(offer, {**calm, **given}) or fitting
    if not fitting:
        said = " ".join(f"{name}={label}" for name, label in given.items())
        raise PathError(f"{offer.action} {said} is not possible now; `calls` shows what is")
    if len(fitting) > 1:
        open_ = [n for at, n in enumerate(names) if len({call[at] for call in fitting}) > 1]
        raise PathError(f"{offer.action} leaves open: {', '.join(open_)}")
    return RecordedCall(offer.action, tuple(zip(names, fitting[0], strict=True)))


def _fitting(offer: Offer, given: Mapping[str, str]) -> list[tuple[str, ...]]:
    names = [argument.name for argument in offer.arguments]
    return [
        call
        for call in offer.calls
        if all(given.get(name, label) == label for name, label in zip(names, call, strict=True))
    ]


def numbered(offered: tuple[Offer, ...]) -> list[tuple[RecordedCall, str]]:
    """Every possible call with its words, in the order in which `calls` numbers them."""
    return [
        (
            RecordedCall(o.action, tuple(zip((a.name for a in o.arguments), labels, strict=True))),
            said,
        )
        for o in offered
        for labels, said in zip(o.calls, o.words, strict=True)
    ]


def completions(session: Session, before: str) -> Iterator[tuple[str, str]]:
    """How the last word of a line can go on: each whole word, and what it means."""
    *earlier, word = re.split(r"\s+", before.lstrip()) or [""]
    if not earlier:
        first = {**{o.action: o.title for o in session.offers()}, **COMMANDS}
        yield from ((name, said) for name, said in first.items() if name.startswith(word))
    elif earlier[0] in ("why", "jump"):
        claims = claims_of(session.path.system)
        yield from ((c.id, c.sentence) for c in claims if c.id.startswith(word))
    else:
        yield from _arguments(session, earlier, word)


def _arguments(session: Session, earlier: list[str], word: str) -> Iterator[tuple[str, str]]:
    offer = next((o for o in session.offers() if o.action == earlier[0]), None)
    if offer is None:
        return
    parts = (part.partition("=") for part in earlier[1:])
    given = {name: label if equals else "yes" for name, equals, label in parts}
    fitting = _fitting(offer, given)
    for at, argument in enumerate(offer.arguments):
        if argument.name in given or len(argument.choices) == 1:
            continue
        possible = {call[at] for call in fitting}
        for choice in argument.choices:
            said = f"{argument.name}={choice.label}"
            is_usual = argument.is_switch and choice.label == "no"
            if choice.label in possible and said.startswith(word) and not is_usual:
                yield said, f"{argument.words}: {choice.words}"
