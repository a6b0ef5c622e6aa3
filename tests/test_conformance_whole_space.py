"""Model and implementation agree on every transition of a small scope, each run from boot.

The walk of `conformance.edges` makes the same transitions and more, from snapshots. What is made
here rests on no snapshot.
"""

from __future__ import annotations

from collections import Counter

import pytest
from runs import grounded, machine_of, starts_of

from checker import Call, State
from conformance import Disagreement, abstract
from conformance.lockstep import booted, differences
from designs import design_from_text
from impl.service.system import System
from model import Scope

ONE = Scope(1, 1, 1, 1, 1, 1)
TWO = Scope(2, 1, 1, 1, 1, 1)

# design, scope, levels expanded, transitions
WHOLE = [("rfc-v2-fixed", ONE, 10, 6722), ("cpu-keys-only", ONE, 9, 1658)]
"""The whole space: one level more than its greatest depth finds nothing new."""

LARGER = [("rfc-v2", ONE, 12, 24118), ("per-package", ONE, 10, 6722)]

BEGINNINGS = [
    ("rfc-v2", TWO, 2, 848),
    ("rfc-v2-savekeys", TWO, 2, 848),
    ("per-package", TWO, 2, 1500),
    ("per-package,on_program_failure=leave,bitmap_bits=n", TWO, 2, 1554),
    ("rfc-v2,startup_gate=none", TWO, 2, 848),
    ("resupply,bitmap_bits=n,program_struct=dirty_free", TWO, 2, 670),
]
"""Every run of so many calls."""


def compared(text: str, scope: Scope, levels: int) -> Counter[str]:
    """How often each action was compared: in every state that the first levels reach.

    Each transition is made at the end of a shortest run from boot. Raises Disagreement.
    """
    design = design_from_text(text)
    grounding, machine = grounded(design, scope), machine_of(design, scope)
    level: dict[State, tuple[State, tuple[Call, ...]]] = {
        start: (start, ()) for start in starts_of(design, scope)
    }
    seen, made = set(level), Counter[str]()
    for _ in range(levels):
        following: dict[State, tuple[State, tuple[Call, ...]]] = {}
        for state, (start, calls) in level.items():
            for call in machine.enabled(state):
                outcome = machine.step(state, call)
                assert outcome is not None
                subject = booted(design, scope, grounding, start)
                *_, answer = [subject.call(grounding, c) for c in (*calls, call)]
                wrong = differences(grounding.system, outcome[1], abstract(subject, grounding))
                if answer != outcome[0] or wrong:
                    raise Disagreement(f"{[*calls, call]}: {outcome[0]}, {answer}: {wrong}")
                made[call.action] += 1
                if outcome[1] not in seen:
                    seen.add(outcome[1])
                    following[outcome[1]] = (start, (*calls, call))
        level = following
    return made


@pytest.mark.parametrize(("text", "scope", "levels", "transitions"), WHOLE, ids=str)
def test_every_transition_of_a_small_space_is_the_implementations(
    text: str, scope: Scope, levels: int, transitions: int
) -> None:
    made = compared(text, scope, levels)
    assert transitions == made.total()


@pytest.mark.deep
@pytest.mark.parametrize(("text", "scope", "levels", "transitions"), LARGER, ids=str)
def test_every_transition_of_a_larger_space_is_the_implementations(
    text: str, scope: Scope, levels: int, transitions: int
) -> None:
    assert transitions == compared(text, scope, levels).total()


@pytest.mark.parametrize(("text", "scope", "levels", "transitions"), BEGINNINGS, ids=str)
def test_every_short_run_is_the_implementations(
    text: str, scope: Scope, levels: int, transitions: int
) -> None:
    assert transitions == compared(text, scope, levels).total()


def test_a_fault_in_the_implementation_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "quarantines", lambda _self: False)
    with pytest.raises(Disagreement, match=r"uncleared\[0,1\]: model yes, implementation no"):
        compared("rfc-v2-fixed", ONE, 1)
