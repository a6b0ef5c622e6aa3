"""How a run is written in the Informal Trace Format, which Apalache's and Quint's viewers open.

The format is that of Apalache's ADR-015. A family is a map from its indices (a tuple of them where
it has several) to its value. Indices are numbers where people count them; Booleans are Booleans and
all else is text. The variables `action`, `arguments` and `answer` say what led to a state, and
`executions` which PCONFIGs the implementation executed for it, a sequence of records. Keys are
fingerprints: `fingerprints` has those of the letters that name user keys elsewhere, `entry_keys`
and `vault_keys` what lies in the tables and in the vault. The record goes along under `#meta`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from checker import Grounding
from checker.answers.trace import Trace, TraceStep
from checker.systems.reading import Reading
from checker.systems.system import BOOL, Family, Index, Sort, State
from mktme.traces.content import content
from mktme.traces.observed import Observed, fingerprints, observed
from mktme.traces.recorded import Record, RecordError
from properties import KNOWN_PROPERTIES

ABOUT: Final = "https://apalache-mc.org/docs/adr/015adr-trace.html"
ACTION, ARGUMENTS, ANSWER = "action", "arguments", "answer"
SEEN: Final = {
    "executions": "Seq({ package: Int, cpu: Int, command: Str, keyid: Int, algorithm: Str,"
    " key: Str, status: Str })",
    "fingerprints": "Str -> Str",
    "entry_keys": "<<Int, Int>> -> Str",
    "vault_keys": "Int -> Str",
}
"""The variables of the implementation, with their types. Files of before they were are read too."""

TYPES: Final = {ACTION: "Str", ARGUMENTS: "Str -> Str", ANSWER: "Str", **SEEN}
"""The variables that every trace has, with their types, as Apalache writes types."""

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
    without = [name for name in right["vars"] if name not in SEEN]
    names = given.get("vars")
    if names not in (right["vars"], without):
        raise RecordError("its variables are not those of the record's system")
    states = given.get("states")
    if not isinstance(states, list) or len(states) != len(right["states"]):
        raise RecordError(f"its states are not the {len(right['states'])} of the record's run")
    for number, (state, expected) in enumerate(zip(states, right["states"], strict=True)):
        if not isinstance(state, dict):
            raise RecordError(f"state {number} is no object")
        for name in names:
            if name not in state or not _is_same(state[name], expected[name]):
                raise RecordError(f"state {number}: {name} is not what the record's run has there")


def _document(record: Record, trace: Trace, grounding: Grounding) -> dict[str, Any]:
    families = grounding.text.families
    types = {family.name: _type(family) for family in families}
    calls, letters = [None, *trace.steps], fingerprints(grounding, record.system)
    return {
        "#meta": {
            "format": "ITF",
            "format-description": ABOUT,
            "description": f"{record.design.name} violates {record.property_id}:"
            f" {KNOWN_PROPERTIES[record.property_id].sentence}",
            "varTypes": {**TYPES, **types},
            "mktme": content(record),
        },
        "vars": [*TYPES, *types],
        "states": [
            {
                "#meta": {"index": index},
                **_call(grounding, step),
                **_seen(one, letters),
                **_values(grounding, state),
            }
            for index, (step, one, state) in enumerate(
                zip(calls, observed(record), trace.states, strict=True)
            )
        ],
    }


def _call(grounding: Grounding, step: TraceStep | None) -> dict[str, Any]:
    if step is None:
        return {ACTION: BOOT, ARGUMENTS: {"#map": []}, ANSWER: "ok"}
    labelled = step.call.labelled(grounding.system)
    given = {"#map": [[name, label] for name, label in labelled.items()]}
    return {ACTION: step.call.action, ARGUMENTS: given, ANSWER: step.answer}


def _seen(one: Observed, letters: Mapping[str, str]) -> dict[str, Any]:
    executions = [
        {
            "package": _number(done.package),
            "cpu": _number(done.cpu),
            "command": done.command,
            "keyid": _number(done.keyid),
            "algorithm": done.algorithm,
            "key": done.key,
            "status": done.status,
        }
        for done in one.executions
    ]
    entries = [[{"#tup": [*map(_number, at)]}, key] for at, key in one.entries.items()]
    vault = [[_number(keyid), key] for keyid, key in one.vault.items()]
    maps = [[letter, key] for letter, key in letters.items()], entries, vault
    return dict(zip(SEEN, [executions, *({"#map": pairs} for pairs in maps)], strict=True))


def _number(value: int) -> dict[str, str]:
    return {"#bigint": str(value)}


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
