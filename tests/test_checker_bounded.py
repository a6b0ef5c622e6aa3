"""Bounded search and induction in the corners: the last state, no time, nothing to do."""

from __future__ import annotations

import dataclasses

import pytest
import z3
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral

from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.solving.unroll import Unknown
from checker.systems.system import GroundAction, GroundSystem


def ring(size=4):
    """A counter that runs round through all its values, starting at 0."""
    system, n = counter(size)
    up = dataclasses.replace(system.actions[0], guard=TRUE)
    return dataclasses.replace(system, actions=(up,)), n


def test_a_bad_state_without_a_successor_is_found():
    system, n = counter()
    verdict = bounded(system, claim_of(n != 15), 15)
    assert ("VIOLATED", 15) == (verdict.word, len(verdict.trace))


def test_depth_k_means_exactly_k_transitions():
    system, n = counter()
    verdict = bounded(system, claim_of(n != 15), 14)
    assert ("HOLDS_TO", 14) == (verdict.word, verdict.depth)


def test_a_bad_initial_state_needs_no_transition():
    system, n = counter()
    stuck = dataclasses.replace(system, actions=())
    assert 0 == len(bounded(stuck, claim_of(n != 0), 5).trace)
    verdict = bounded(stuck, claim_of(n == 0), 5)
    assert ("HOLDS_TO", 5) == (verdict.word, verdict.depth)


def test_out_of_time_is_no_answer_rather_than_a_good_one():
    system, n = counter()
    verdict = bounded(system, claim_of(n != 15), 20, seconds_max=0)
    assert ("UNKNOWN", "out of time at depth 0") == (verdict.word, verdict.reason)
    assert "UNKNOWN" == k_induction(system, claim_of(n != 15), 20, seconds_max=0).word
    with pytest.raises(Unknown):
        reaches_premise(system, claim_of(TRUE), 20, seconds_max=0)


def test_a_solver_that_gives_up_leaves_the_depth_that_was_done(monkeypatch):
    system, n = counter()
    answers = iter([z3.unsat, z3.sat, z3.unsat, z3.unknown])
    monkeypatch.setattr(z3.Solver, "check", lambda self, *goals: next(answers))
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda self: "tired")
    verdict = bounded(system, claim_of(n != 15), 20)
    assert ("HOLDS_TO", 1) == (verdict.word, verdict.depth)
    assert "Z3 gave no answer: tired at depth 2" == verdict.reason


def test_depths_known_to_be_good_are_not_judged_again():
    system, n = counter()
    verdict = bounded(system, claim_of(z3.And(n != 9, n != 3)), 12, depth_done=8)
    assert ("VIOLATED", 9) == (verdict.word, len(verdict.trace))
    nothing = bounded(system, claim_of(n != 3), 4, depth_done=8)
    assert ("HOLDS_TO", 8) == (nothing.word, nothing.depth)


def test_the_premise_is_found_at_its_depth():
    system, n = counter()
    assert 7 == reaches_premise(system, claim_of(premise=n == 7), 10)
    by_step = claim_of(premise=FALSE, premise_steps={"up": n == 7})
    assert 8 == reaches_premise(system, by_step, 10)
    assert reaches_premise(system, claim_of(premise=FALSE), 10) is None


def test_a_run_to_a_violation_may_not_pass_through_a_bad_parameter():
    by = numeral("by", 2)
    by = dataclasses.replace(by, labels=by.labels[:3])
    system, n = counter()
    jump = GroundAction("jump", (by,), TRUE, ANSWER, {"n": n + z3.ZeroExt(2, by.term)})
    system = dataclasses.replace(system, actions=(jump,))
    assert 3 == len(bounded(system, claim_of(n != 6), 5).trace)


def test_distinct_states_end_the_induction():
    # The bad value lies in a part that no run enters; runs inside that part are at most 3 long.
    n = numeral("n", 3)
    up = GroundAction("up", (), z3.And(n.term != 3, n.term != 7), ANSWER, {"n": n.term + 1})
    stay = GroundAction("stay", (), TRUE, ANSWER, {})
    system = GroundSystem("two-parts", (n,), n.term == 0, (up, stay), ("done",))
    verdict = k_induction(system, claim_of(n.term != 7), 8)
    assert ("PROVED", 4) == (verdict.word, verdict.depth)


def test_a_system_whose_every_run_has_been_seen_is_proved():
    system, n = ring(2)
    verdict = k_induction(system, claim_of(steps={"up": z3.ULE(n, 3)}), 6)
    assert "PROVED" == verdict.word


def test_a_proof_without_its_premise_is_none():
    system, n = counter()
    verdict = k_induction(system, claim_of(TRUE, premise=FALSE), 4)
    assert ("UNKNOWN", "premise not reached within depth 4") == (verdict.word, verdict.reason)
    assert "PROVED" == k_induction(system, claim_of(TRUE, premise=n == 3), 4).word
    late = claim_of(TRUE, premise=n == 14)
    assert "UNKNOWN" == k_induction(system, late, 4).word
    assert "PROVED" == k_induction(system, late, 4, premise_reached=True).word


def test_a_step_that_violates_on_its_way_to_an_old_state_is_not_overlooked():
    system, n = ring(2)
    verdict = k_induction(system, claim_of(steps={"up": n != 3}), 9)
    assert ("VIOLATED", 4) == (verdict.word, len(verdict.trace))
