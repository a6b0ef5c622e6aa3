"""Memory safety and interface: bounds, dangling pointers, and errors that have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Family, Term
from model import State, changewords, words
from model.families import families
from model.sorts import KEY

ACCESSES = ("overread", "overrun")
"""Ghosts that remember an access out of bounds, of a kind of its own each."""


def _stays_within(step: Transition) -> Term:
    def strays(name: str) -> Term:
        return z3.And(z3.Not(getattr(step.old, name)), getattr(step.new, name))

    return z3.Not(z3.Or([strays(name) for name in ACCESSES]))


def _explain_access(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    if "bytes" in call and words.design_of(reading).parser == "lenient":
        return "one byte beyond the end of the payload's text is read"
    return "the reference count of the last KeyID is accessed, which lies beyond the array"


IN_BOUNDS = Property(
    id="in-bounds",
    kind="step",
    sentence="Every access to an array, a bitmap or a buffer is within its bounds.",
    formula=_stays_within,
    premise=Premise(
        "state",
        lambda state: state.some_slot(
            lambda p, k: z3.And(state.is_last_keyid(k), state.is_mapped(p, k))
        ),
    ),
    explain=_explain_access,
    source="RFC v2 patches 07 and 10",
)


def _holds_address(state: State, x: Any) -> Term:
    """The map holds the key object's address; with serial numbers it holds none."""
    is_held = state.some_slot(lambda p, k: state.has_keyid(x, p, k))
    return z3.And(z3.BoolVal(state.design.key_lookup == "by_address"), is_held)


def _explain_address(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    places = " and ".join(words.places(reading, at["x"]))
    return f"the map still holds the address of a freed key object at {places}, which VMAs use"


NO_DANGLING = Property(
    id="no-dangling",
    kind="state",
    sentence="The map never holds the address of a freed key object.",
    formula=lambda state: state.every(
        KEY, lambda x: z3.Or(state.live[x], z3.Not(_holds_address(state, x)))
    ),
    premise=Premise(
        "state",
        lambda state: state.some(
            KEY,
            lambda x: z3.And(
                z3.Not(state.live[x]), state.some_slot(lambda p, k: state.has_keyid(x, p, k))
            ),
        ),
    ),
    explain=_explain_address,
    source="RFC v2 patches 04 and 10",
)

_UNSEEN = frozenset({"struct_residue", "leaked"})
"""What lies about in freed memory: no later operation and no hardware reads it."""


def _observable(step: Transition) -> Iterator[Family]:
    for family in families(step.old.design):
        if not family.ghost and family.name not in _UNSEEN:
            yield family


def _is_as_before(step: Transition, family: Family) -> Term:
    old, new = getattr(step.old, family.name), getattr(step.new, family.name)
    bodies = {
        1: lambda a: new[a] == old[a],
        2: lambda a, b: new[a, b] == old[a, b],
        3: lambda a, b, c: new[a, b, c] == old[a, b, c],
    }
    return step.old.every(*family.over, bodies[len(family.over)]) if family.over else new == old


def _returns_an_error(step: Transition) -> Term:
    others = ("ok", "waits for ever")
    return z3.And([step.answer != step.answers(name) for name in others])


def _has_no_effect(step: Transition) -> Term:
    if step.action in ("fork", "write", "package_add"):
        return z3.BoolVal(True)  # they never answer with an error
    same = [_is_as_before(step, family) for family in _observable(step)]
    return z3.Implies(_returns_an_error(step), z3.And(same))


def _explain_effect(reading: Reading, _at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    seen = {f.name for f in reading.grounding.text.families if not f.ghost} - _UNSEEN
    said = {**changewords.ENTRIES, **changewords.SAID}
    changed = changewords.changes(
        reading, reading.after or reading, {name: said[name] for name in said if name in seen}
    )
    return f"the call answers {reading.answer}, and yet {_listed(changed)}"


def _listed(parts: list[str]) -> str:
    """a, b and c."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


FAILURE_IS_NOOP = Property(
    id="failure-is-noop",
    kind="step",
    sentence=(
        "An operation that returns an error has changed nothing that a later operation or the"
        " hardware can observe."
    ),
    formula=_has_no_effect,
    premise=Premise("step", _returns_an_error),
    explain=_explain_effect,
    source="RFC v2 patches 10, 11 and 13",
)
