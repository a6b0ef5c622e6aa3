"""The cone drops what a claim does not depend on, and nothing that changes an answer."""

from __future__ import annotations

import dataclasses

import pytest
import z3
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral

from checker.answers.trace import first_violation, run
from checker.confirm import EngineDisagreement, confirm
from checker.exploring.explore import explore
from checker.limits import Limits
from checker.portfolio import decide
from checker.systems.cone import cone_of_influence, lift, lift_start
from checker.systems.system import Call, GroundAction, GroundSystem, Variable


def two_counters():
    """Two counters; `second` follows `first`, and a log remembers which parameter was used last."""
    first, second, log = numeral("first", 2), numeral("second", 2), numeral("log", 2)
    note = Variable("note", z3.BitVec("up!note", 2), tuple("012"))
    guard = z3.And(first.term != 3, note.in_range())
    updates = {"first": first.term + 1, "log": note.term}
    up = GroundAction("up", (note,), guard, ANSWER, updates)
    last_bit = z3.Extract(0, 0, log.term)
    follow = GroundAction("follow", (), TRUE, last_bit, {"second": first.term})
    start = z3.And(first.term == 0, second.term == 0, log.term == 2)
    return GroundSystem("two", (log, first, second), start, (up, follow), ("done", "odd"))


def names(system):
    return [variable.name for variable in system.variables]


def test_what_only_the_cone_reads_is_kept():
    system = two_counters()
    first, second, log = (system.variable(n).term for n in ("first", "second", "log"))
    assert ["first"] == names(cone_of_influence(system, claim_of(first != 3)))
    assert ["first", "second"] == names(cone_of_influence(system, claim_of(second != 3)))
    assert ["log", "first"] == names(cone_of_influence(system, claim_of(log != 1)))
    premised = claim_of(first != 3, premise=second == 1)
    assert ["first", "second"] == names(cone_of_influence(system, premised))
    stepped = claim_of(steps={"up": log != 1})
    assert ["log", "first"] == names(cone_of_influence(system, stepped))


def test_a_parameter_that_only_its_own_range_constrains_is_dropped():
    system = two_counters()
    cone = cone_of_influence(system, claim_of(system.variable("first").term != 3))
    assert () == cone.action("up").parameters
    assert 4 == explore(cone, []).states


def test_a_parameter_that_a_guard_needs_is_kept():
    system = two_counters()
    note = system.action("up").parameters[0].term
    picky = dataclasses.replace(
        system.action("up"), guard=z3.And(system.action("up").guard, note != 0)
    )
    system = dataclasses.replace(system, actions=(picky, system.action("follow")))
    cone = cone_of_influence(system, claim_of(system.variable("first").term != 3))
    assert ["note"] == [parameter.name for parameter in cone.action("up").parameters]


def test_a_run_of_the_cone_is_lifted_to_the_full_system():
    system = two_counters()
    claim = claim_of(system.variable("second").term != 2)
    cone = cone_of_influence(system, claim)
    found = explore(cone, [claim]).findings["claim"].counterexample
    calls = lift(cone, system, list(found.calls))
    start = lift_start(cone, system, found.start)
    assert (2, 0, 0) == start
    assert [Call("up", (0,)), Call("up", (0,)), Call("follow", ())] == calls
    lifted = run(system, start, calls)
    assert 3 == first_violation(system, claim, lifted)
    assert ["done", "done", "done"] == [step.answer for step in lifted.steps]


def test_variables_that_start_related_are_kept_together():
    a, b, c = numeral("a", 2), numeral("b", 2), numeral("c", 2)
    move = GroundAction("move", (), a.term != 0, ANSWER, {"b": c.term})
    related = z3.And(z3.ULT(a.term, b.term), c.term != 1)
    system = GroundSystem("related", (a, b, c), related, (move,), ("done",))
    claim = claim_of(a.term != 3)
    cone = cone_of_influence(system, claim)
    assert ["a", "b", "c"] == names(cone)
    assert "PROVED" == decide(system, claim).word
    unrelated = dataclasses.replace(system, initially=c.term != 1)
    assert ["a"] == names(cone_of_influence(unrelated, claim))


def test_dropped_conjuncts_that_contradict_each_other_leave_no_start():
    a, b = numeral("a", 2), numeral("b", 2)
    nowhere = z3.And(a.term == 0, b.term == 1, z3.ULT(b.term, 1))
    system = GroundSystem("nowhere", (a, b), nowhere, (), ("done",))
    cone = cone_of_influence(system, claim_of(a.term == 1))
    assert 0 == explore(cone, []).states


def test_the_portfolio_counts_the_cone():
    system = two_counters()
    claim = claim_of(z3.ULE(system.variable("first").term, 3))
    verdict = decide(system, claim)
    assert ("PROVED", "explore", 4, 3) == (
        verdict.word, verdict.engine, verdict.states, verdict.depth,
    )  # fmt: skip


def test_beyond_the_explorers_limit_bounded_search_goes_on():
    system, n = counter(6)
    verdict = decide(system, claim_of(n != 20), Limits(states_max=10, depth_max=30))
    assert ("VIOLATED", "bounded", 20) == (verdict.word, verdict.engine, len(verdict.trace))
    beyond = decide(system, claim_of(n != 40), Limits(states_max=10, depth_max=30))
    assert ("HOLDS_TO", 30) == (beyond.word, beyond.depth)
    assert beyond.reason.startswith("explore: more than 10 states; ")
    assert beyond.reason.endswith("; bounded: searched to depth 30 only")
    assert "not inductive for any k up to 8" in beyond.reason
    explored = decide(system, claim_of(n != 60), Limits(states_max=50, depth_max=3))
    assert ("HOLDS_TO", 50) == (explored.word, explored.depth)


def test_induction_is_tried_before_a_bounded_answer():
    system, n = counter(6)
    claim = claim_of(steps={"up": n != 63}, premise=n == 2)
    verdict = decide(system, claim, Limits(states_max=10))
    assert ("PROVED", "k-induction", 11) == (verdict.word, verdict.engine, verdict.states)


def test_an_unexplorable_system_is_left_to_the_solver():
    system, n = counter(4)
    anywhere = dataclasses.replace(system, initially=z3.ULT(n, 9))
    verdict = decide(anywhere, claim_of(n != 12), Limits(states_max=5))
    assert ("VIOLATED", 4, None) == (verdict.word, len(verdict.trace), verdict.states)
    divided = dataclasses.replace(
        system.actions[0], updates={"n": z3.UDiv(n, z3.BitVecVal(3, 4)) + n + 1}
    )
    odd = dataclasses.replace(system, actions=(divided,))
    assert "VIOLATED" == decide(odd, claim_of(n != 5)).word


def test_a_claim_that_is_vacuous_says_so():
    system, n = counter()
    assert "VACUOUS" == decide(system, claim_of(premise=FALSE)).word
    assert "PROVED" == decide(system, claim_of(premise=n == 15)).word


@pytest.mark.parametrize("calls", [4, 2, 20])
def test_a_run_that_is_no_shortest_violation_is_a_disagreement(calls):
    system, n = counter()
    with pytest.raises(EngineDisagreement, match="claim of counter"):
        confirm(system, claim_of(n != 3), (0,), [Call("up", ())] * calls)
