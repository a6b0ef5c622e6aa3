"""Bounded search in the corners: the last state, no time, nothing to do, and which run it shows."""

from __future__ import annotations

import dataclasses
import time

import pytest
import z3
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral

from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.solving.sat_runs import SatRuns, runs_of
from checker.solving.unroll import Unknown, Unrolling
from checker.systems.system import Call, GroundAction


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
    monkeypatch.setattr(z3.Solver, "model", lambda self: None)
    monkeypatch.setattr(z3.Solver, "reason_unknown", lambda self: "tired")
    verdict = bounded(system, claim_of(n != 15), 20, backend="z3")
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


@pytest.mark.parametrize("backend", ["sat", "z3"])
def test_the_least_of_the_shortest_runs_is_shown_by_either_backend(backend):
    by, system = numeral("by", 2), counter()[0]
    n = system.variables[0].term
    free = dataclasses.replace(system, initially=z3.ULT(n, 8))
    jump = GroundAction("jump", (by,), TRUE, ANSWER, {"n": n + z3.ZeroExt(2, by.term)})
    system = dataclasses.replace(free, actions=(*system.actions, jump))
    trace = bounded(system, claim_of(n != 9), 5, backend=backend).trace
    assert (6,) == trace.start
    assert [Call("jump", (3,))] == [step.call for step in trace.steps]
    trace = bounded(system, claim_of(n != 11), 5, backend=backend).trace
    assert (5,) == trace.start
    assert [Call("jump", (3,)), Call("jump", (3,))] == [step.call for step in trace.steps]


def test_a_solver_that_gives_up_while_it_looks_for_the_least_run_leaves_one(monkeypatch):
    system, n = counter()
    free = dataclasses.replace(system, initially=z3.UGE(n, 8))

    def out_of_time(*_):
        raise Unknown("out of time")

    monkeypatch.setattr("checker.solving.shortest._minimise", out_of_time)
    verdict = bounded(free, claim_of(z3.ULT(n, 12)), 5)
    assert ("VIOLATED", 0, False) == (verdict.word, len(verdict.trace), verdict.is_least)
    assert verdict.trace.start[0] >= 12


def test_a_query_is_cut_into_pieces_so_that_the_clock_is_looked_at(monkeypatch):
    monkeypatch.setattr("checker.solving.sat_runs.CONFLICTS", 1)
    system, n = counter(6)
    odd = z3.And(z3.Extract(0, 0, n * n * n) == 1, n * n == 41)
    runs = SatRuns(system, claim_of(z3.Not(odd)), time.monotonic() + 60)
    assert runs.is_possible(runs.violated(0)) == bounded(
        dataclasses.replace(system, initially=TRUE), claim_of(z3.Not(odd)), 0, backend="z3"
    ).word.startswith("VIOLATED")


def test_what_has_no_clauses_is_held_by_z3():
    system, n = counter()
    claim = claim_of(z3.RotateLeft(n, n) != 15)
    assert isinstance(runs_of(system, claim, "sat"), Unrolling)
    assert isinstance(runs_of(system, claim_of(n != 3), "sat"), SatRuns)
    assert ("VIOLATED", 15) == (bounded(system, claim, 15).word, 15)


def test_an_unknown_backend_is_refused():
    system, n = counter()
    with pytest.raises(ValueError, match="unknown backend 'sta'; known: sat, z3"):
        bounded(system, claim_of(n != 3), 3, backend="sta")


def test_a_claim_is_asked_about_in_pieces():
    system, n = counter()
    apart = [n != number for number in (3, 5, 6)]
    runs = SatRuns(system, claim_of(z3.And(*apart[:2], z3.And(apart[2], n != 9))))
    assert 4 == len(runs.pieces(0))
    assert 0 == len(SatRuns(system, claim_of(n != 3)).pieces(0))
