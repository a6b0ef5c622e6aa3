"""How a path is written in one line, so that an address can hold it: a machine, and calls on it.

    design=rfc-v2,savekeys=on&absent=1&run=instantiate(key=0,kind=user,bytes=A);destroy(key=0)

What has its usual value is left out; an argument that is "no" is too, and one that is "yes" is
only named (`fails.1` for `fails[1]`). No sign in it means anything to a browser or a chat.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Final

from designs import Design, design_from_text, nearest
from mktme.traces.recorded import Record, RecordedCall
from model import SYSTEMS, Scope
from properties import claims_about

CALLS_MAX: Final = 200
"""Calls of a path at most: each is made again on the implementation when an address is opened."""

TEXT_MAX: Final = 16_384
"""Signs of a path at most."""

DESIGN: Final = "rfc-v2"
"""The design of a path that names none."""


class PathError(ValueError):
    """A text that is no path; the message says which part of it is wrong, and what is known."""


@dataclasses.dataclass(frozen=True)
class Path:
    """A machine under a design, how it boots, and the calls that are made on it.

    `system`: which of the design's systems, as properties name them. `absent`, `bypass`: as in a
    record.
    """

    design: Design
    system: str = ""
    scope: Scope = Scope()  # noqa: RUF009 (it is immutable)
    absent: tuple[int, ...] = ()
    bypass: bool = False
    calls: tuple[RecordedCall, ...] = ()

    def upto(self, length: int) -> Path:
        """The same machine with the first calls only."""
        return dataclasses.replace(self, calls=self.calls[:length])

    def then(self, *calls: RecordedCall) -> Path:
        """The same with more calls. Raises PathError beyond the greatest number of them."""
        if len(self.calls) + len(calls) > CALLS_MAX:
            raise PathError(f"a path has at most {CALLS_MAX} calls")
        return dataclasses.replace(self, calls=(*self.calls, *calls))

    def as_record(self, property_id: str = "") -> Record:
        """The record of its run, named by a property of its system; by the first if none is."""
        claim = property_id or claims_about(self.system)[0].id
        return Record(self.design, claim, self.scope, self.absent, self.bypass, self.calls)

    def __str__(self) -> str:
        return "&".join(self._parts())

    def _parts(self) -> Iterator[str]:
        yield f"design={self.design.name}"
        if self.system:
            yield f"system={self.system}"
        usual = Scope()
        for bound in SIZES:
            if getattr(self.scope, bound) != getattr(usual, bound):
                yield f"{bound}={getattr(self.scope, bound)}"
        if self.absent:
            yield f"absent={','.join(map(str, self.absent))}"
        if self.bypass:
            yield "bypass=yes"
        if self.calls:
            yield f"run={';'.join(map(call_in_text, self.calls))}"


SIZES: Final = tuple(field.name for field in dataclasses.fields(Scope))
PARTS: Final = ("design", "system", *SIZES, "absent", "bypass", "run")


def call_in_text(call: RecordedCall) -> str:
    """A call as a path has it: its action and, in brackets, its arguments."""
    given = [_argument(name, label) for name, label in call.arguments if label != "no"]
    return f"{call.action}({','.join(given)})" if given else call.action


def _argument(name: str, label: str) -> str:
    short = name.replace("[", ".").rstrip("]")
    return short if label == "yes" else f"{short}={label}"


_CALL: Final = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*")


def call_from_text(text: str, number: int = 1) -> RecordedCall:
    """Read what `call_in_text` writes. Raises PathError, which names the step by its number."""
    found = _CALL.fullmatch(text)
    if found is None:
        raise PathError(f"step {number}: {shortened(text)!r} is no call such as destroy(key=0)")
    action, within = found[1], found[2] or ""
    arguments: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in within.split(","))):
        name, equals, label = part.partition("=")
        name = re.sub(r"\.(\w+)$", r"[\1]", name.strip())
        if name in arguments:
            raise PathError(f"step {number}, {action}: {shortened(name)} is given twice")
        arguments[name] = label.strip() if equals else "yes"
    return RecordedCall(action, tuple(arguments.items()))


def path_from_text(text: str) -> Path:
    """Read a path, or an address that has one behind its `#`.

    An address without one is refused: the path was cut off, or it is an address of something else.
    Raises PathError, DesignError and ScopeError. Whether the run exists only a session can tell.
    """
    if len(text) > TEXT_MAX:
        raise PathError(f"a path has at most {TEXT_MAX} signs; this one has {len(text)}")
    if "://" in text:
        address, _, text = text.partition("#")
        if not text.strip():
            known = "`mktme explore` prints one such as http://127.0.0.1:8000/#design=rfc-v2"
            raise PathError(f"the address {shortened(address)!r} has no path behind its #; {known}")
    text = urllib.parse.unquote(text)
    parts: dict[str, str] = {}
    for part in filter(None, text.strip().removeprefix("#").split("&")):
        name, equals, value = part.partition("=")
        if not equals or name not in PARTS:
            raise PathError(f"a path has no part {shortened(name)!r}{nearest(name, PARTS)}")
        if name in parts:
            raise PathError(f"the path has two parts {name}")
        parts[name] = value
    return _path(parts)


def _path(parts: Mapping[str, str]) -> Path:
    system = parts.get("system", "")
    if system not in SYSTEMS:
        known = nearest(system, filter(None, SYSTEMS))
        raise PathError(f"unknown system {shortened(system)!r}{known}")
    bypass = parts.get("bypass", "no")
    if bypass not in ("yes", "no"):
        raise PathError(f"bypass is yes or no, not {shortened(bypass)!r}")
    texts = list(filter(None, parts.get("run", "").split(";")))
    absent = {_number("absent", text) for text in parts.get("absent", "").split(",") if text}
    path = Path(
        design=design_from_text(parts.get("design", DESIGN)),
        system=system,
        scope=Scope(**{name: _number(name, parts[name]) for name in SIZES if name in parts}),
        absent=tuple(sorted(absent)),
        bypass=bypass == "yes",
    )
    return path.then(*(call_from_text(call, n) for n, call in enumerate(texts, 1)))


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise PathError(f"{name} is a number, not {shortened(text)!r}")
    return int(text)


def shortened(text: str) -> str:
    """So much of what somebody gave as a message needs."""
    return text if len(text) <= 60 else f"{text[:57]}…"
