"""A search that meets its limit in the level that violates a claim still shows a whole run.

The states found of the unfinished level were judged, but the run to one of them was then looked for
without that level: a run that starts in a state that is not initial, or none at all.
"""

from __future__ import annotations

import pytest
import z3

from checker import GroundAction, GroundProperty, GroundSystem, Variable, explore
from checker.exploring import stepper

WIDTH = 10


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_violation_in_an_unfinished_level_has_its_run(
    monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    monkeypatch.setattr(stepper, "CHUNK", 256)
    count = Variable("count", z3.BitVec("count", 3), tuple("01234567"))
    still = [Variable(f"still{i}", z3.Bool(f"still{i}"), ("no", "yes")) for i in range(WIDTH)]
    up = GroundAction("up", (), count.term != 7, z3.BitVecVal(0, 1), {"count": count.term + 1})
    system = GroundSystem("wide", (*still, count), count.term == 0, (up,), ("done",))
    claim = GroundProperty("claim", "state", count.term != depth, {}, z3.BoolVal(True), {})
    limit = depth * 2**WIDTH + 10
    verdict = explore(system, [claim], states_max=limit).verdict(system, claim)
    assert ("VIOLATED", depth) == (verdict.word, verdict.depth)
    assert verdict.trace is not None
    assert depth == len(verdict.trace)
