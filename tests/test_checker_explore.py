"""The explorer's counts, limits, and canonical counterexamples, in the corners."""

from __future__ import annotations

import dataclasses
import itertools

import plain_search
import pytest
import textbook
import z3
from small_systems import ANSWER, FALSE, TRUE, claim_of, counter, numeral

from checker.exploring import instances, stepper
from checker.exploring.explore import explore
from checker.exploring.instances import TooLarge
from checker.systems.system import Call, GroundAction, GroundSystem, Variable


def grid(spread=1):
    """A walker on a 5 by 7 grid whose coordinates are repeated `spread` times, with a jump.

    Repeated often enough, a state takes several words.
    """
    xs = [Variable(f"x{i}", z3.BitVec(f"x{i}", 11), tuple("01234")) for i in range(spread)]
    ys = [Variable(f"y{i}", z3.BitVec(f"y{i}", 11), tuple("0123456")) for i in range(spread)]
    jump = Variable("by", z3.BitVec("jump!by", 2), tuple("012"))
    by = z3.ZeroExt(9, jump.term)
    x, y = xs[0].term, ys[-1].term
    actions = (
        GroundAction("right", (), z3.ULT(x, 4), ANSWER, {v.name: v.term + 1 for v in xs}),
        GroundAction("up", (), z3.ULT(y, 6), ANSWER, {v.name: v.term + 1 for v in ys}),
        GroundAction(
            "jump",
            (jump,),
            z3.And(jump.in_range(), z3.ULT(x + by, 5), y == 3),
            ANSWER,
            {v.name: v.term + by for v in xs},
        ),
    )
    initially = z3.And([v.term == 0 for v in (*xs, *ys)])
    return GroundSystem("grid", (*xs, *ys), initially, actions, ("done",)), x, y


def test_a_bad_state_without_a_successor_is_found():
    system, n = counter()
    verdict = explore(system, [claim_of(n != 15)]).verdict(system, claim_of(n != 15))
    assert ("VIOLATED", 15) == (verdict.word, len(verdict.trace))


def test_a_bad_initial_state_is_a_violation_of_length_0():
    system, n = counter()
    verdict = explore(system, [claim_of(n != 0)]).verdict(system, claim_of(n != 0))
    assert ("VIOLATED", 0) == (verdict.word, len(verdict.trace))


def test_a_violating_step_may_lead_to_where_the_run_has_been():
    system, n = counter()
    loop = GroundAction("loop", (), n == 3, ANSWER, {})
    system = dataclasses.replace(system, actions=(*system.actions, loop))
    verdict = explore(system, [claim_of(steps={"loop": FALSE})]).verdict(
        system, claim_of(steps={"loop": FALSE})
    )
    assert ["up", "up", "up", "loop"] == [step.call.action for step in verdict.trace.steps]


def test_a_claim_whose_premise_is_never_reached_is_vacuous():
    system, n = counter()
    claim = claim_of(z3.ULE(n, 15), premise=n == 7)
    holds = claim_of(z3.ULE(n, 15), premise=FALSE)
    assert "PROVED" == explore(system, [claim]).verdict(system, claim).word
    assert "VACUOUS" == explore(system, [holds]).verdict(system, holds).word


def test_a_premise_about_steps_is_reached_by_a_transition():
    system, n = counter()
    for premise, word in ((n == 14, "PROVED"), (n == 15, "VACUOUS")):
        claim = claim_of(z3.ULE(n, 15), premise=FALSE, premise_steps={"up": premise})
        assert word == explore(system, [claim]).verdict(system, claim).word


def test_a_system_without_initial_states_proves_nothing():
    system, _ = counter()
    nowhere = dataclasses.replace(system, initially=FALSE)
    claim = claim_of(TRUE)
    seen = explore(nowhere, [claim])
    assert (0, 0, ()) == (seen.states, seen.transitions, seen.levels)
    assert "VACUOUS" == seen.verdict(nowhere, claim).word


@pytest.mark.parametrize("most", [1, 5, 14])
def test_a_limit_on_states_gives_the_depth_that_was_expanded_whole(most):
    system, n = counter()
    claim = claim_of(z3.ULE(n, 15))
    seen = explore(system, [claim], states_max=most)
    verdict = seen.verdict(system, claim)
    assert ("HOLDS_TO", most) == (verdict.word, verdict.depth)
    assert f"more than {most} states" == verdict.reason
    # The state just beyond the limit was judged, but no transition from it.
    assert (most + 1, most) == (seen.states, seen.transitions)


def test_a_limit_that_is_not_exceeded_changes_nothing():
    system, _ = counter()
    assert explore(system, [], states_max=16).closed


def test_a_limit_on_seconds_gives_depth_and_reason():
    system, n = counter()
    claim = claim_of(z3.ULE(n, 15))
    verdict = explore(system, [claim], seconds_max=0).verdict(system, claim)
    assert ("UNKNOWN", 0, "out of time") == (verdict.word, verdict.depth, verdict.reason)


def test_a_violation_just_beyond_the_limit_is_not_lost():
    system, n = counter()
    claim = claim_of(n != 6)
    assert "HOLDS_TO" == explore(system, [claim], states_max=5).verdict(system, claim).word
    verdict = explore(system, [claim], states_max=6).verdict(system, claim)
    assert ("VIOLATED", 6) == (verdict.word, len(verdict.trace))


def test_progress_counts_up():
    system, _ = counter()
    seen = []
    explore(system, [], progress=seen.append, progress_seconds=0)
    assert list(range(16)) == [progress.depth for progress in seen]
    assert list(range(1, 17)) == [progress.states for progress in seen]


def test_the_search_goes_on_until_every_claim_is_decided():
    system, n = counter()
    early, late = claim_of(n != 2, name="early"), claim_of(n != 9, name="late")
    seen = explore(system, [early, late])
    assert (2, 9) == tuple(len(seen.verdict(system, c).trace) for c in (early, late))
    assert (10, False, "every claim is violated") == (seen.states, seen.closed, seen.reason)


@pytest.mark.parametrize("spread", [1, 3, 5])
def test_states_of_several_words_are_counted_alike(spread):
    system, x, y = grid(spread)
    seen = explore(system, [])
    plain = plain_search.search(grid()[0])
    assert (plain.states, plain.transitions) == (seen.states, seen.transitions)
    assert plain.levels == seen.levels
    claim = claim_of(z3.Not(z3.And(x == 4, y == 6)))
    verdict = explore(system, [claim]).verdict(system, claim)
    assert 8 == len(verdict.trace)
    assert {4} == set(verdict.trace.states[-1][:spread])


def test_still_bits_beside_a_count_change_nothing():
    narrow, wide = (explore(counter(6, width)[0], []) for width in (0, 130))
    assert narrow.levels == wide.levels


def test_a_variable_that_fills_a_word_lies_in_it():
    big = numeral("n", 3)
    wide = Variable("w", z3.BitVec("w", 64), ("only the width matters",))
    action = GroundAction("up", (), big.term != 7, ANSWER,
                          {"n": big.term + 1, "w": wide.term - 1})  # fmt: skip
    start = z3.And(big.term == 0, wide.term == 0)
    system = GroundSystem("wide", (big, wide), start, (action,), ("done",))
    assert 8 == explore(system, []).states


def test_the_counterexample_is_the_least_one():
    system, x, y = grid()
    claim = claim_of(z3.Or(x != 2, y != 4))
    verdict = explore(system, [claim]).verdict(system, claim)
    calls = [step.call for step in verdict.trace.steps]
    assert least_run(system, len(calls), (2, 4)) == calls
    assert verdict == explore(system, [claim]).verdict(system, claim)


def least_run(system, length, target):
    """Backwards from a state: the least predecessor, and the first call from it, at each step."""
    levels = [set(plain_search.initial_states(system))]
    seen = set(levels[0])
    for _ in range(length):
        following = {
            s.state for state in levels[-1] for s in plain_search.steps_from(system, state)
        }
        levels.append(following - seen)
        seen |= following
    calls = []
    for level in reversed(levels[:length]):
        steps = (
            (state, s) for state in sorted(level) for s in plain_search.steps_from(system, state)
        )
        source, step = next((state, s) for state, s in steps if s.state == target)
        calls.append(step.call)
        target = source
    return calls[::-1]


def test_choices_that_make_no_difference_still_count_as_transitions():
    system, n = counter()
    idle = numeral("idle", 2)
    up = dataclasses.replace(system.actions[0], parameters=(idle,))
    system = dataclasses.replace(system, actions=(up,))
    assert 1 == len(instances.instances(system, []))
    seen = explore(system, [claim_of(n != 15)])
    assert (16, 60) == (seen.states, seen.transitions)
    assert {Call("up", (0,))} == set(seen.findings["claim"].counterexample.calls)


def test_too_many_choices_are_refused(monkeypatch):
    monkeypatch.setattr(instances, "INSTANCES_MAX", 20)
    system, _ = counter()
    idle = numeral("idle", 5)
    system = dataclasses.replace(
        system, actions=(dataclasses.replace(system.actions[0], parameters=(idle,)),)
    )
    with pytest.raises(TooLarge, match="20 action instances"):
        explore(system, [])


def test_too_many_initial_states_are_refused():
    system, _ = counter()
    with pytest.raises(TooLarge, match="initial states"):
        explore(dataclasses.replace(system, initially=TRUE), [], states_max=5)


def test_small_chunks_give_the_same_answer(monkeypatch):
    ground, (claim,) = textbook.two_phase_commit(5)
    whole = explore(ground.system, [claim])
    monkeypatch.setattr(stepper, "CHUNK", 7)
    assert whole == explore(ground.system, [claim])


def test_every_state_of_a_product_is_reached_once():
    bits = [Variable(f"b{i}", z3.Bool(f"b{i}"), ("no", "yes")) for i in range(10)]
    actions = tuple(
        GroundAction(f"set{i}", (), z3.Not(b.term), ANSWER, {b.name: TRUE})
        for i, b in enumerate(bits)
    )
    start = z3.And([z3.Not(b.term) for b in bits])
    seen = explore(GroundSystem("bits", tuple(bits), start, actions, ("done",)), [])
    assert (1024, 5120, 10) == (seen.states, seen.transitions, seen.depth)
    assert [1, 10, 45, 120, 210, 252] == list(itertools.islice(seen.levels, 6))
