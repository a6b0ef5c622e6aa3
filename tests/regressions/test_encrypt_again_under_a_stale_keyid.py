"""Encrypting a VMA once more with the KeyID that it has was taken to change nothing.

Look-up by address finds the KeyID of a destroyed key for the key that now has its address. Where
the VMA still has that KeyID, the call leaves it; but the VMA's owner named another key, and is told
that it is in use. Such a VMA is no stranger to its own page, nor its owner to a page under the very
bytes that the owner handed in.
"""

from __future__ import annotations

import pytest
from runs import call_of, grounded

from checker.answers.trace import Trace, first_violation, run
from conformance import Lockstep, replay
from designs import design_from_text
from model import Scope
from properties import PROPERTIES

DESIGN = design_from_text("rfc-v2-fixed,key_lookup=by_address")
SCOPE = Scope(1, 1, 2, 2, 2, 1)

Calls = list[tuple[str, dict[str, object]]]


def made(calls: Calls) -> Trace:
    """The calls, each of which succeeds in model and implementation alike."""
    lockstep = Lockstep(DESIGN, SCOPE)
    start, system = lockstep.state, lockstep.grounding.system
    chosen = [call_of(system, action, **choice) for action, choice in calls]
    assert {"ok"} == {lockstep.step(call) for call in chosen}
    return run(system, start, chosen)


def broken(trace: Trace, property_id: str) -> int | None:
    """The step at which the run breaks the property, if any."""
    grounding = grounded(DESIGN, SCOPE)
    return first_violation(grounding.system, grounding.property(PROPERTIES[property_id]), trace)


def reused(bytes: str) -> Calls:
    """A key that a VMA uses is destroyed; a new one is at its address and has these bytes."""
    return [
        ("instantiate", {"key": 0, "kind": "user", "bytes": "A"}),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "user", "bytes": bytes}),
    ]


def test_right_key_is_broken_by_the_second_call_and_that_replays() -> None:
    trace = made([*reused("B"), ("encrypt", {"vma": 0, "key": 0})])
    assert 5 == broken(trace, "right-key")
    again = replay(DESIGN, SCOPE, grounded(DESIGN, SCOPE), PROPERTIES["right-key"], trace)
    assert "" == again.disagreement


def test_a_vma_is_no_neighbour_of_its_own_page() -> None:
    own: Calls = [("encrypt", {"vma": 0, "key": 0}), ("write", {"vma": 0, "package": 0})]
    assert broken(made([*reused("B"), *own]), "no-neighbour") is None


@pytest.mark.parametrize(("bytes", "step"), [("A", None), ("B", 6)])
def test_an_owner_who_handed_in_the_same_bytes_is_no_neighbour(
    bytes: str, step: int | None
) -> None:
    calls: Calls = reused(bytes)
    calls.insert(2, ("write", {"vma": 0, "package": 0}))
    assert step == broken(made([*calls, ("encrypt", {"vma": 1, "key": 0})]), "no-neighbour")
