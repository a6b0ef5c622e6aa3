"""How a run is written in the Informal Trace Format, which Apalache's and Quint's viewers open.

The format is that of Apalache's ADR-015. A family is a map from its indices (a tuple of them where
it has several) to its value. Indices are numbers where people count them; Booleans are Booleans and
all else is text. The variables `action`, `arguments` and `answer` say what led to a state. The
record goes along under `#meta`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from checker import Grounding
from checker.answers.trace import Trace, TraceStep
from checker.systems.reading import Reading
from checker.systems.system import BOOL, Family, Index, Sort, State
from mktme.traces.content import content
from mktme.traces.recorded import Record, RecordError
from properties import KNOWN_PROPERTIES

ABOUT: Final = "https://apalache-mc.org/docs/adr/015adr-trace.html"
ACTION, ARGUMENTS, ANSWER = "action", "arguments", "answer"
BOOT: Final = "boot"
"""The action that leads to the first state."""


def itf(record: Record, trace: Trace, grounding: Grounding) -> str:
    """The run as a text in ITF: a line for each state, and the end of a line at the end."""
    document = _document(record, trace, grounding)
    states = ",\n".join(json.dumps(state) for state in document["states"])
    meta, names = json.dumps(document["#meta"], indent=1), json.dumps(document["vars"])
    return f'{{\n"#meta": {meta},\n"vars": {names},\n"states": [\n{states}\n]\n}}\n'


def require_states(
    given: dict[str, Any], record: Record, trace: Trace, grounding: Grounding
) -> None:
    """Raise RecordError unless the states of an ITF document are those of the run."""
    right = _document(record, trace, grounding)
    if given.get("vars") != right["vars"]:
        raise RecordError("its variables are not those of the record's system")
    states = given.get("states")
    if not isinstance(states, list) or len(states) != len(right["states"]):
        raise RecordError(f"its states are not the {len(right['states'])} of the record's run")
    for number, (state, expected) in enumerate(zip(states, right["states"], strict=True)):
        if not isinstance(state, dict):
            raise RecordError(f"state {number} is no object")
        for name in right["vars"]:
            if name not in state or not _is_same(state[name], expected[name]):
                raise RecordError(f"state {number}: {name} is not what the record's run has there")


def _document(record: Record, trace: Trace, grounding: Grounding) -> dict[str, Any]:
    families = grounding.text.families
    types = {family.name: _type(family) for family in families}
    calls = [None, *trace.steps]
    return {
        "#meta": {
            "format": "ITF",
            "format-description": ABOUT,
            "description": f"{record.design.name} violates {record.property_id}:"
            f" {KNOWN_PROPERTIES[record.property_id].sentence}",
            "varTypes": {ACTION: "Str", ARGUMENTS: "Str -> Str", ANSWER: "Str", **types},
            "mktme": content(record),
        },
        "vars": [ACTION, ARGUMENTS, ANSWER, *types],
        "states": [
            {"#meta": {"index": index}, **_call(grounding, step), **_values(grounding, state)}
            for index, (step, state) in enumerate(zip(calls, trace.states, strict=True))
        ],
    }


def _call(grounding: Grounding, step: TraceStep | None) -> dict[str, Any]:
    if step is None:
        return {ACTION: BOOT, ARGUMENTS: {"#map": []}, ANSWER: "ok"}
    labelled = step.call.labelled(grounding.system)
    given = {"#map": [[name, label] for name, label in labelled.items()]}
    return {ACTION: step.call.action, ARGUMENTS: given, ANSWER: step.answer}


def _values(grounding: Grounding, state: State) -> dict[str, Any]:
    reading, finite = Reading(grounding, state), grounding.finite
    found: dict[str, Any] = {}
    for family in grounding.text.families:
        if not family.over:
            found[family.name] = _value(family.of, reading(family.name))
            continue
        found[family.name] = {
            "#map": [
                [_key(family, at), _value(family.of, reading(family.name, *at))]
                for at in finite.tuples(family.over)
            ]
        }
    return found


def _key(family: Family, at: tuple[int, ...]) -> Any:
    values = [_value(sort, sort.label(i)) for sort, i in zip(family.over, at, strict=True)]
    return values[0] if len(values) == 1 else {"#tup": values}


def _value(sort: Sort, label: str) -> Any:
    if sort is BOOL:
        return label == "yes"
    return {"#bigint": label} if _type_of(sort) == "Int" else label


def _type(family: Family) -> str:
    """The type of a family, as Apalache writes types."""
    over = [_type_of(sort) for sort in family.over]
    if not over:
        return _type_of(family.of)
    index = over[0] if len(over) == 1 else f"<<{', '.join(over)}>>"
    return f"{index} -> {_type_of(family.of)}"


def _type_of(sort: Sort) -> str:
    if sort is BOOL:
        return "Bool"
    is_numbered = isinstance(sort, Index) and not sort.constants and sort.numbered_from is not None
    return "Int" if is_numbered else "Str"


def _is_same(given: Any, expected: Any) -> bool:
    try:
        return bool(_plain(given) == _plain(expected))
    except RecursionError:
        # No value of ours is that deep.
        return False


def _plain(value: Any) -> Any:
    """A value of a file in one form: tools write numbers in two, and maps in any order."""
    if isinstance(value, list):
        return ("list", *map(_plain, value))
    if not isinstance(value, dict):
        return type(value).__name__, value
    match value:
        case {"#bigint": str(digits)} if digits.isdecimal() and len(digits) < 20:
            return "int", int(digits)
        case {"#map": list(pairs)}:
            return "map", frozenset(map(_plain, pairs))
        case {"#tup": list(values)}:
            return ("tuple", *map(_plain, values))
    return "record", frozenset((name, _plain(one)) for name, one in value.items())
