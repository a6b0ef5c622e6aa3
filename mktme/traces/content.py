"""What a record is as a JSON object, and how such an object, from anywhere, becomes a record again.

Every format that traces are written in carries this object. It is the part of a `document` from
which the rest follows, so an object may have more fields than those here.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from designs import KNOWN_DESIGNS, Design, DesignError, design_from_text, nearest
from mktme.traces.document import FORMAT, VERSION
from mktme.traces.recorded import Record, RecordedCall, RecordError
from model import Scope, ScopeError
from properties import PropertyError, property_from_text

CALLS_MAX: Final = 10_000
"""No engine finds runs a hundredth as long; a longer list is a slip or worse."""

POSTED: Final = "rfc-v2"
"""The named design that has every knob as posted."""

WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\[\],-]{0,79}")
"""Names of calls and arguments, and labels of values."""


def content(record: Record) -> dict[str, Any]:
    """The object: plain values, in the order in which a person reads them."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": record.id,
        "design": design_text(record.design),
        "knobs": record.design.settings(),
        "property": record.property_id,
        "scope": dataclasses.asdict(record.scope),
        "absent": list(record.absent),
        "bypass": record.bypass,
        "calls": [
            {"action": call.action, "arguments": dict(call.arguments)} for call in record.calls
        ],
    }


def design_text(design: Design) -> str:
    """The design as a command line names it: by its name, if that says all, else by its knobs.

    So too a user's own: who has not their file can make the run again.
    """
    is_own = KNOWN_DESIGNS.is_own(design.name.partition(",")[0])
    try:
        if not is_own and design_from_text(design.name) == design:
            return design.name
    except DesignError:
        pass
    posted = Design().settings()
    changed = [f"{k}={v}" for k, v in design.settings().items() if v != posted[k]]
    return ",".join([POSTED, *changed])


def record_of(given: object) -> Record:
    """The record that an object stands for. Raises RecordError for whatever is wrong with it.

    Whether the model has the run is not looked at: `recorded.retraced` does that.
    """
    fields = _Fields(given)
    fields.require_format()
    record = Record(
        _design(fields),
        _property_id(fields.text("property")),
        _scope(fields.mapping("scope")),
        _absent(fields.sequence("absent")),
        fields.truth("bypass"),
        tuple(_calls(fields.sequence("calls"))),
    )
    if (claimed := fields.text("id")) != record.id:
        fact = "something in it was changed"
        raise RecordError(f"the id {claimed!r} does not fit the run, which is {record.id}: {fact}")
    return record


class _Fields:
    """The fields of an object, each of which must be there and of its kind."""

    def __init__(self, given: object) -> None:
        if not isinstance(given, dict):
            raise RecordError("a record is an object, and this is none")
        self._given = given

    def require_format(self) -> None:
        """What it says that it is, and which version of that."""
        if self._get("format") != FORMAT:
            raise RecordError(f"its format is {shown(self._get('format'))} and not {FORMAT}")
        version = self._get("version")
        if type(version) is not int or version != VERSION:
            known = f"this program reads version {VERSION}"
            raise RecordError(f"its version is {shown(version)}; {known}")

    def _get(self, name: str) -> Any:
        if name not in self._given:
            raise RecordError(f"the record lacks {name!r}")
        return self._given[name]

    def _of(self, name: str, kind: type, article: str) -> Any:
        value = self._get(name)
        if type(value) is not kind:
            raise RecordError(f"{name} is {shown(value)} and not {article}")
        return value

    def text(self, name: str) -> str:
        """A field that is a text."""
        value: str = self._of(name, str, "a text")
        return value

    def truth(self, name: str) -> bool:
        """A field that is true or false."""
        value: bool = self._of(name, bool, "true or false")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A field that is an object."""
        value: Mapping[str, Any] = self._of(name, dict, "an object")
        return value

    def sequence(self, name: str) -> list[Any]:
        """A field that is a list."""
        value: list[Any] = self._of(name, list, "a list")
        return value


def shown(value: object) -> str:
    """A value in a message: of one that is long, its beginning."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    said = json.dumps(value) if value is None or isinstance(value, bool) else ascii(value)
    return said if len(said) <= 60 else f"{said[:57]}…"


def _design(fields: _Fields) -> Design:
    text, knobs = fields.text("design"), fields.mapping("knobs")
    try:
        named = design_from_text(text)
    except DesignError as error:
        raise RecordError(str(error)) from None
    settings = named.settings()
    for knob, value in knobs.items():
        if knob not in settings:
            raise RecordError(f"unknown knob {shown(knob)}{nearest(knob, settings)}")
        if settings[knob] != value:
            fact = f"{knob} is {settings[knob]} in it, and {shown(value)} in the record"
            raise RecordError(f"the design {text} is not what it was: {fact}")
    if missing := [knob for knob in settings if knob not in knobs]:
        raise RecordError(f"the record does not say what {', '.join(missing)} was in {text}")
    return named


def _property_id(text: str) -> str:
    try:
        return property_from_text(text).id
    except PropertyError as error:
        raise RecordError(str(error)) from None


def _scope(given: Mapping[str, Any]) -> Scope:
    bounds = [field.name for field in dataclasses.fields(Scope)]
    for name, value in given.items():
        if name not in bounds:
            raise RecordError(f"unknown bound {shown(name)} of a scope{nearest(name, bounds)}")
        if type(value) is not int:
            raise RecordError(f"{name} is {shown(value)} and not a number")
    if missing := [name for name in bounds if name not in given]:
        raise RecordError(f"the scope lacks {', '.join(missing)}")
    try:
        return Scope(**given)
    except ScopeError as error:
        raise RecordError(str(error)) from None


def _absent(given: list[Any]) -> tuple[int, ...]:
    if any(type(package) is not int for package in given) or given != sorted(set(given)):
        raise RecordError("absent is no list of packages, ascending and each once")
    return tuple(given)


def _calls(given: list[Any]) -> Iterator[RecordedCall]:
    if not 1 <= len(given) <= CALLS_MAX:
        raise RecordError(f"a run has 1 to {CALLS_MAX} calls, and this has {len(given)}")
    for number, call in enumerate(given, 1):
        if not isinstance(call, dict) or not {"action", "arguments"} <= set(call):
            raise RecordError(f"step {number} is no call: an object with action and arguments")
        if not isinstance(call["arguments"], dict):
            raise RecordError(f"step {number}: arguments is no object")
        for word in (call["action"], *call["arguments"], *call["arguments"].values()):
            if not isinstance(word, str) or not WORD.fullmatch(word):
                raise RecordError(f"step {number}: {shown(word)} is no name of anything")
        yield RecordedCall(call["action"], tuple(call["arguments"].items()))
