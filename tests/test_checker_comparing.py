"""What one system allows and another does not: as a plain search over pairs of states finds it."""

from __future__ import annotations

import functools

import plain_search
import pytest
import random_systems
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_systems import flag
from small_systems import FALSE, TRUE, numeral

from checker.answers.trace import run
from checker.comparing.answering import answering
from checker.comparing.correspondence import Correspondence, Tie
from checker.comparing.difference import compared
from checker.comparing.product import product
from checker.limits import Limits
from checker.systems.system import Call, GroundAction, GroundSystem, ModelError, Variable
from checker.systems.wellformed import require_well_formed
from conformance.lockstep import ground
from designs import DESIGNS
from model import Scope

LIMITS = Limits(depth_max=12)
ANSWERS = ("ok", "refused")
OK, REFUSED = z3.BitVecVal(0, 1), z3.BitVecVal(1, 1)


def answered(refused):
    """The answer of an action that is refused where the term is true."""
    return z3.If(refused, REFUSED, OK)


def system_of(name, variables, *actions):
    """A system whose variables are all 0 at first."""
    initially = z3.And([v.term == v.literal(0) for v in variables])
    return GroundSystem(name, tuple(variables), initially, actions, ANSWERS)


def plain_length(left, right, is_same):
    """The least number of calls of a difference, by breadth-first search over pairs of states."""
    starts = (plain_search.initial_states(system) for system in (left, right))
    firsts, seconds = starts
    level = {(a, b) for a in firsts for b in seconds}
    seen, depth = set(level), 0
    steps = [functools.cache(functools.partial(plain_search.steps_from, s)) for s in (left, right)]
    while level:
        depth, following = depth + 1, set()
        for a, b in level:
            for mine in steps[0](a):
                for other in steps[1](b):
                    if mine.answer != "done" or not is_same(mine.call, other.call):
                        continue
                    if other.answer != "done":
                        return depth
                    following.add((mine.state, other.state))
        level = following - seen
        seen |= level
    return None


SAME = {
    "matched": (Correspondence(), lambda a, b: a == b),
    "own": (Correspondence(own=frozenset({"p"})), lambda a, b: a.action == b.action),
    "fixed": (
        Correspondence(fixed=frozenset({"p"})),
        lambda a, b: a == b and a.values == (0,),
    ),
}


@pytest.mark.parametrize("how", SAME)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_shortest_difference_of_random_systems_is_that_of_a_plain_search(how, data):
    left, right = (data.draw(random_systems.systems()) for _ in range(2))
    matched, is_same = SAME[how]
    expected = plain_length(left, right, is_same)
    require_well_formed(product(left, right, matched, "done").system)
    found = compared(left, right, matched, "done", Limits(depth_max=2))
    if expected is None:
        assert found.verdict.word in ("PROVED", "VACUOUS")
        return
    first, second = found.runs
    answers = [
        [step.answer for step in run(system, done.start, done.calls).steps]
        for system, done in ((left, first), (right, second))
    ]
    allowed = ["done"] * expected
    assert [allowed, [*allowed[:-1], "refused"]] == answers
    assert all(is_same(a, b) for a, b in zip(first.calls, second.calls, strict=True))


def with_things(name, *, from_above, refuses_second=False):
    """Makes two things, numbered from 0 or from 1 downwards, and lets them be used."""
    made = [flag("made[0]"), flag("made[1]")]
    first, second = reversed(made) if from_above else made
    numbers = {first.name: int(from_above), second.name: int(not from_above)}
    key, used = numeral("key", 1), numeral("key", 1)
    key = Variable("key", z3.BitVec("make!key", 1), key.labels)
    used = Variable("key", z3.BitVec("use!key", 1), used.labels)
    is_first = z3.And(key.term == numbers[first.name], z3.Not(first.term))
    is_second = z3.And(key.term == numbers[second.name], first.term, z3.Not(second.term))
    updates = {m.name: z3.Or(m.term, key.term == numbers[m.name]) for m in made}
    make = GroundAction("make", (key,), z3.Or(is_first, is_second), OK, updates)
    is_made = z3.Or([z3.And(m.term, used.term == numbers[m.name]) for m in made])
    refused = used.term == numbers[second.name] if refuses_second else FALSE
    use = GroundAction("use", (used,), is_made, answered(refused), {})
    return system_of(name, made, use, make)


def test_things_are_the_same_by_when_they_were_made_whatever_their_numbers():
    left = with_things("up", from_above=False)
    right = with_things("down", from_above=True, refuses_second=True)
    matched = Correspondence(tie=Tie("key", "make"))
    first, second = compared(left, right, matched, "ok", LIMITS).runs
    assert [("make", (0,)), ("make", (1,)), ("use", (1,))] == [
        (call.action, call.values) for call in first.calls
    ]
    assert [("make", (1,)), ("make", (0,)), ("use", (0,))] == [
        (call.action, call.values) for call in second.calls
    ]
    assert "PROVED" == compared(right, left, matched, "ok", LIMITS).verdict.word


def reusing(name, *, remembers):
    """One thing, which can be made again under its number; some remember that it was."""
    made, again = flag("made"), flag("again")
    key = Variable("key", z3.BitVec("make!key", 1), ("0", "1"))
    used = Variable("key", z3.BitVec("use!key", 1), ("0", "1"))
    is_again = z3.And(made.term, key.term == 0)
    updates = {"made": TRUE, "again": z3.Or(again.term, is_again)}
    make = GroundAction("make", (key,), TRUE, OK, updates)
    refused = again.term if remembers else FALSE
    use = GroundAction("use", (used,), made.term, answered(refused), {})
    return system_of(name, [made, again], make, use), is_again


def test_numbers_that_still_mean_something_are_chosen_by_both_sides_or_by_neither():
    (left, mine), (right, others) = (
        reusing("left", remembers=True),
        reusing("right", remembers=True),
    )
    free = Correspondence(tie=Tie("key", "make"))
    assert 3 == len(compared(left, right, free, "ok", LIMITS).runs[0].calls)
    tied = Correspondence(tie=Tie("key", "make", (mine, others)))
    assert "PROVED" == compared(left, right, tied, "ok", LIMITS).verdict.word


def failing(name, *, refuses):
    """Two ways to come to a refusal in two calls: by a failure, or by walking."""
    failed, walked = flag("failed"), flag("walked")
    fails = flag("fails")
    fail = GroundAction("fail", (fails,), TRUE, OK, {"failed": fails.term})
    walk = GroundAction("walk", (), TRUE, OK, {"walked": TRUE})
    refused = z3.Or(failed.term, walked.term) if refuses else FALSE
    use = GroundAction("use", (), TRUE, answered(refused), {})
    return system_of(name, [failed, walked], fail, walk, use)


def test_of_runs_of_one_length_one_without_what_is_spared_is_shown():
    left, right = failing("left", refuses=False), failing("right", refuses=True)
    for spared, first in ((set(), Call("fail", (1,))), ({"fails"}, Call("walk", ()))):
        found = compared(left, right, Correspondence(), "ok", LIMITS, frozenset(spared))
        assert [first, Call("use", ())] == list(found.runs[0].calls)
        assert found.runs[0] == found.runs[1]


def test_what_is_spared_stays_where_there_is_no_run_without_it():
    left, right = failing("left", refuses=False), failing("right", refuses=True)
    left, right = (
        GroundSystem(s.name, s.variables, s.initially, (s.actions[0], s.actions[2]), ANSWERS)
        for s in (left, right)
    )
    found = compared(left, right, Correspondence(), "ok", LIMITS, frozenset({"fails"}))
    assert [Call("fail", (1,)), Call("use", ())] == list(found.runs[0].calls)


def test_a_quiet_parameter_of_one_side_only_has_its_first_value():
    right = failing("right", refuses=True)
    fail = GroundAction("fail", (), TRUE, OK, {})
    use = GroundAction("use", (), TRUE, OK, {})
    left = system_of("left", [flag("failed")], fail, use)
    free = compared(left, right, Correspondence(), "ok", LIMITS)
    assert [Call("fail", ()), Call("use", ())] == list(free.runs[0].calls)
    assert Call("fail", (1,)) == free.runs[1].calls[0]
    quiet = Correspondence(quiet=frozenset({"fails"}))
    assert "PROVED" == compared(left, right, quiet, "ok", LIMITS).verdict.word


def choosing(name, labels, refused=()):
    """One call with a choice by label, some of which are refused."""
    choice = Variable("p", z3.BitVec("go!p", 2), labels)
    is_refused = z3.Or([choice.term == labels.index(label) for label in refused])
    go = GroundAction("go", (choice,), choice.in_range(), answered(is_refused), {})
    return system_of(name, [flag("idle")], go)


def test_choices_are_matched_by_their_labels_wherever_these_stand():
    left = choosing("left", ("a", "b", "c"))
    right = choosing("right", ("c", "d", "b"), refused=("b", "d"))
    first, second = compared(left, right, Correspondence(), "ok", LIMITS).runs
    assert (Call("go", (1,)), Call("go", (2,))) == (first.calls[0], second.calls[0])
    only_d = choosing("right", ("c", "d", "b"), refused=("d",))
    assert "PROVED" == compared(left, only_d, Correspondence(), "ok", LIMITS).verdict.word


def test_what_begins_together_begins_alike():
    free = flag("free")
    needs = GroundAction("go", (), free.term, OK, {})
    asks = GroundAction("go", (), TRUE, answered(z3.Not(free.term)), {})
    left, right = (
        GroundSystem(name, (free,), TRUE, (action,), ANSWERS)
        for name, action in (("left", needs), ("right", asks))
    )
    assert 1 == len(compared(left, right, Correspondence(), "ok", LIMITS).runs[0].calls)
    for alike in ({"together": frozenset({"free"})}, {"begins": {"free": "yes"}}):
        assert "PROVED" == compared(left, right, Correspondence(**alike), "ok", LIMITS).verdict.word


def test_systems_of_which_neither_allows_what_the_other_does_have_nothing_in_common():
    left, right = choosing("left", ("a", "b")), choosing("right", ("b", "a"))
    fixed = Correspondence(own=frozenset({"p"}))
    other = GroundSystem("other", right.variables, right.initially, (), ANSWERS)
    assert "PROVED" == compared(left, right, fixed, "ok", LIMITS).verdict.word
    assert "VACUOUS" == compared(left, other, fixed, "ok", LIMITS).verdict.word


def test_how_far_it_was_searched_is_the_depth_of_what_is_not_proved():
    left, right = failing("left", refuses=False), failing("right", refuses=True)
    found = compared(left, right, Correspondence(), "ok", Limits(states_max=1, depth_max=1))
    assert ("HOLDS_TO", 1, None) == (found.verdict.word, found.verdict.depth, found.runs)


REFUSALS = {
    "other never answers 'ok'": lambda left, right: (
        left,
        GroundSystem("other", right.variables, right.initially, right.actions, ("yes", "no")),
        Correspondence(),
    ),
    "go: parameter p has no value on both sides": lambda left, _right: (
        left,
        choosing("other", ("x", "y")),
        Correspondence(),
    ),
    "go of left has no parameter 'key'": lambda left, right: (
        left,
        right,
        Correspondence(tie=Tie("key", "go")),
    ),
    "use has the parameter 'key' on one side only": lambda _left, _right: (
        with_things("left", from_above=False),
        _uses_nothing(with_things("right", from_above=False)),
        Correspondence(tie=Tie("key", "make")),
    ),
}


def _uses_nothing(system):
    make = system.action("make")
    use = GroundAction("use", (), TRUE, OK, {})
    return GroundSystem(system.name, system.variables, system.initially, (make, use), ANSWERS)


@pytest.mark.parametrize("said", REFUSALS)
def test_systems_that_cannot_be_matched_are_refused(said):
    left, right = choosing("left", ("a", "b")), choosing("right", ("a", "b"))
    with pytest.raises(ModelError, match=said):
        product(*REFUSALS[said](left, right), "ok")


def test_answers_depend_on_no_ghost_but_what_an_owner_supplies_again():
    for name, needed in (("rfc-v2", set()), ("resupply", {"requested_bytes"})):
        grounding = ground(DESIGNS[name], Scope(values=1))
        ghosts = {family.name for family in grounding.text.families if family.ghost}
        kept = {
            variable.name.partition("[")[0] for variable in answering(grounding.system).variables
        }
        assert needed == ghosts & kept
        assert {"entry_mode", "vault_bytes", "leaked"} & kept == set()
        assert {"mapped", "counted", "page", "online"} <= kept
