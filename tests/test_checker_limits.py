"""Limits of time are kept by what is done before and between searches, and named as what they are.

An answer that a limit cuts short is never another one: nothing is dropped, used or said for it.
"""

from __future__ import annotations

import dataclasses
import time

import pytest
import z3
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral
from test_checker_asking import HARD, endless

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from checker import engines
from checker.engines import asked, explored
from checker.exploring.compile import compile_terms
from checker.exploring.emit import postorder
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge, initial_states, instances
from checker.exploring.stepper import Stepper
from checker.limits import Limits
from checker.portfolio import combined
from checker.question import about
from checker.solving import spacer as spacer_module
from checker.solving.spacer import spacer
from checker.systems import cone, deadlines, wellformed
from checker.systems.cone import cone_of_influence
from checker.systems.deadlines import SECONDS_LEAST, deadline_after, is_over, seconds_left
from checker.systems.finite import Finite, OutOfTime
from checker.systems.grounding import Grounding
from checker.systems.system import GroundAction, GroundSystem, ModelError

LATE = 0.0
"""A moment that is over."""


def test_a_limit_of_none_at_all_is_never_what_is_left(monkeypatch):
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: 100.0)
    assert 130.0 == deadline_after(30)
    assert (30.0, 15.0) == (seconds_left(130.0), seconds_left(130.0, part=0.5))
    assert [SECONDS_LEAST] * 2 == [seconds_left(100.0), seconds_left(50.0)]
    assert [False, True, True] == [is_over(moment) for moment in (100.5, 100.0, 99.5)]


def test_without_a_deadline_there_is_no_limit():
    assert (None, False, None) == (deadline_after(None), is_over(None), seconds_left(None))


def test_limits_are_shared_and_capped(monkeypatch):
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: 100.0)
    limits = Limits(seconds_max=40, states_max=7)
    assert Limits(seconds_max=10.0, states_max=3) == limits.until(120.0, 0.5, states_max=3)
    assert Limits(states_max=7) == limits.until(None)
    assert [5, 40, 50] == [
        chosen.seconds_max
        for chosen in (limits.at_most(5), limits.at_most(50), Limits().at_most(50))
    ]


def tables():
    finite = Finite({PACKAGE: 2, KEYID: 2, BYTES: 3})
    grounding = Grounding(key_tables(finite))
    return grounding, grounding.property(online_packages_agree(finite))


def test_spacer_at_its_time_limit_gives_no_answer(monkeypatch):
    horn, goal = endless()
    asked_in_truth, set_limit = z3.Fixedpoint.query, z3.Fixedpoint.set
    monkeypatch.setattr(z3.Fixedpoint, "query", lambda *_: asked_in_truth(horn, goal))
    monkeypatch.setattr(z3.Fixedpoint, "set", lambda self, *a, **k: set_limit(horn, *a, **k))
    system, n = counter()
    verdict = spacer(system, claim_of(n != 15), seconds_max=0.3)
    assert ("UNKNOWN", "out of time") == (verdict.word, verdict.reason)


def test_spacer_is_interrupted_by_an_interrupt(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(spacer_module, "query", interrupted)
    system, n = counter()
    with pytest.raises(KeyboardInterrupt):
        spacer(system, claim_of(n != 15))


def test_instances_and_code_are_made_until_the_deadline():
    grounding, claim = tables()
    system = grounding.system
    far = time.monotonic() + 600
    found = instances(system, [claim], far)
    assert [i.values for i in instances(system, [claim])] == [i.values for i in found]
    with pytest.raises(OutOfTime, match="action instances"):
        instances(system, [claim], LATE)
    with pytest.raises(OutOfTime, match="made code"):
        Stepper(system, found, [claim.state], deadline=LATE)
    with pytest.raises(OutOfTime, match="made code"):
        compile_terms([claim.state], [v.term for v in system.variables], deadline=LATE)
    assert len([*postorder([claim.state])]) == len([*postorder([claim.state], far)])


def test_it_is_the_time_that_initial_states_lack_and_not_the_room():
    system, _ = counter()
    free = dataclasses.replace(system, initially=TRUE)
    with pytest.raises(OutOfTime, match="while initial states were enumerated"):
        initial_states(free, deadline=LATE)
    with pytest.raises(TooLarge, match="too many initial states: over 3"):
        initial_states(free, 3, time.monotonic() + 600)


def test_one_hard_initial_state_does_not_outlast_the_deadline():
    begun = time.monotonic()
    system = GroundSystem("hard", (), z3.And(*HARD), (), ("done",))
    with pytest.raises(OutOfTime):
        initial_states(system, deadline=begun + 0.3)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("late", ["instances", "Stepper", "initial_states"])
def test_a_search_that_comes_to_no_state_in_its_time_judges_nothing(monkeypatch, late):
    def too_late(*_, **__):
        raise OutOfTime("too late")

    grounding, claim = tables()
    monkeypatch.setattr(f"checker.exploring.search.{late}", too_late)
    found = explore(grounding.system, [claim], seconds_max=7)
    assert (False, 0, (), "out of time") == (
        found.closed,
        found.states,
        found.levels,
        found.reason,
    )
    verdict = found.verdict(grounding.system, claim)
    assert ("UNKNOWN", "out of time") == (verdict.word, verdict.reason)


def test_two_searches_that_had_too_little_time_give_one_reason_without_a_number():
    grounding, claim = tables()
    question = about(grounding.system, claim, grounding)
    late = [explored(question, Limits(seconds_max=seconds)) for seconds in (0.0, 1e-6)]
    assert ("UNKNOWN", "explore: out of time") == (
        combined(late).word,
        combined(late).reason,
    )


def test_a_search_that_is_out_of_time_leaves_a_checkpoint_as_it_is(tmp_path, monkeypatch):
    grounding, claim = tables()
    question = about(grounding.system, claim, grounding)
    limits = Limits(checkpoint=tmp_path, states_max=100)
    assert "HOLDS_TO" == explored(question, limits, reduced=True).word
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    late = dataclasses.replace(limits, seconds_max=0.0)
    verdict = explored(question, late, reduced=True)
    assert ("UNKNOWN", "out of time") == (verdict.word, verdict.reason)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_an_exploration_tells_the_reductions_when_its_time_is_over(monkeypatch):
    given = []
    reduce = engines.reduce

    def noting(*args, deadline):
        given.append(deadline - time.monotonic())
        return reduce(*args, deadline=deadline)

    monkeypatch.setattr(engines, "reduce", noting)
    grounding, claim = tables()
    explored(about(grounding.system, claim, grounding), Limits(seconds_max=600.0), reduced=True)
    (left,) = given
    assert 500 < left <= 600


def test_what_was_explored_counts_where_no_time_is_left_for_more(monkeypatch):
    grounding, claim = tables()
    monkeypatch.setattr(engines, "UNREDUCED_MAX", 100)
    monkeypatch.setattr(engines, "reduce", lambda *_, deadline: time.sleep(2.1))
    question = about(grounding.system, claim, grounding)
    verdict = asked("explore", question, Limits(seconds_max=2.0))
    assert ("HOLDS_TO", "out of time") == (verdict.word, verdict.reason)


def test_nothing_is_dropped_that_z3_cannot_tell_to_be_free(monkeypatch):
    monkeypatch.setattr(cone, "ask", lambda *_, **__: z3.unknown)
    a, b, p = numeral("a", 2), numeral("b", 2), numeral("p", 2)
    guard = z3.And(z3.ULT(p.term, 3), p.term != 1)
    move = GroundAction("move", (p,), guard, ANSWER, {"a": a.term + 1})
    system = GroundSystem("two", (a, b), z3.And(a.term == 0, b.term != 0), (move,), ("done",))
    assert system == cone_of_influence(system, claim_of(a.term != 3))


def test_what_could_be_dropped_is_asked_for_a_while_only(monkeypatch):
    monkeypatch.setattr(cone, "SECONDS_MAX", 0.2)
    assert z3.unknown == cone._answer(HARD)


def test_a_value_that_z3_cannot_tell_to_be_in_range_is_refused_as_that(monkeypatch):
    monkeypatch.setattr(wellformed, "SECONDS_MAX", 0.2)
    n = numeral("n", 2)
    three = dataclasses.replace(n, labels=n.labels[:3])
    beyond = z3.If(z3.And(*HARD), z3.BitVecVal(3, n.term.size()), z3.BitVecVal(0, n.term.size()))
    move = GroundAction("move", (), TRUE, ANSWER, {"n": beyond})
    system = GroundSystem("hard", (three,), FALSE, (move,), ("done",))
    whole = wellformed._Whole(system)
    expected = "it puts n out of its range, as far as Z3 can say: "
    with pytest.raises(ModelError, match=expected):
        whole.require_in_range(move, "move")
