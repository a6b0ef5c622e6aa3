"""The engines agree: on small random systems, and on every design and property in small scopes.

What they agree with is a plain search over tuples, which shares no code with them.
"""

from __future__ import annotations

from unittest import mock

import plain_search
import pytest
import random_systems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import grounded

from checker import confirm, decide
from checker.exploring import machine
from checker.exploring.explore import explore
from checker.exploring.machine import Machine
from checker.ic3.search import ic3
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.systems.cone import cone_of_influence
from checker.systems.wellformed import require_well_formed
from conformance.lockstep import ground
from designs import DESIGNS
from model import Scope
from properties import PROPERTIES, not_applicable

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=40)


@st.composite
def judged_systems(draw):
    """A system, a claim about it, and what the plain search finds."""
    system = draw(random_systems.systems())
    claim = draw(random_systems.claims(system))
    require_well_formed(system)
    return system, claim, plain_search.search(system, claim)


@MANY
@given(judged_systems())
def test_exploration_counts_what_a_plain_search_counts(judged):
    system, _, plain = judged
    seen = explore(system, [], jit=False)
    assert seen.closed
    assert (plain.states, plain.transitions, plain.levels) == (
        seen.states,
        seen.transitions,
        seen.levels,
    )
    assert len(plain.levels) - 1 == seen.depth
    assert plain.transitions == sum(seen.fired.values())


@MANY
@given(judged_systems())
def test_every_engine_answers_as_the_plain_search_and_shows_the_same_run(judged):
    system, claim, plain = judged
    deep = len(plain.levels)
    whole = [explore(system, [claim], jit=False).verdict(system, claim), ic3(system, claim)]
    solved = [bounded(system, claim, deep, backend=backend) for backend in ("sat", "z3")]
    assert [plain.premise] * 2 == [
        reaches_premise(system, claim, deep, backend=backend) for backend in ("sat", "z3")
    ]
    if plain.violation is None:
        word = "VACUOUS" if plain.premise is None else "PROVED"
        assert [word, word] == [verdict.word for verdict in whole]
        assert [("HOLDS_TO", deep, plain.premise is not None)] * 2 == [
            (verdict.word, verdict.depth, verdict.premise_reached) for verdict in solved
        ]
    else:
        everyone = [*whole, *solved, k_induction(system, claim, deep + 1)]
        found = [(verdict.word, len(verdict.trace)) for verdict in everyone]
        assert [("VIOLATED", plain.violation)] * 5 == found
        least = whole[0].trace
        assert [least, least] == [verdict.trace for verdict in solved]
        assert least == everyone[-1].trace
        for verdict in everyone:
            confirm(system, claim, verdict.trace.start, [s.call for s in verdict.trace.steps])


@FEW
@given(judged_systems())
def test_induction_proves_nothing_that_is_false_with_either_backend(judged):
    system, claim, plain = judged
    for backend in ("sat", "z3"):
        verdict = k_induction(system, claim, 6, backend=backend)
        if verdict.word == "PROVED":
            assert plain.violation is None
            assert plain.premise is not None
        elif verdict.word == "VIOLATED":
            assert plain.violation == len(verdict.trace)
        else:
            assert plain.violation is None or plain.violation >= 6


@FEW
@given(judged_systems())
def test_both_backends_say_the_same_of_induction(judged):
    system, claim, _ = judged
    found = [k_induction(system, claim, 4, backend=backend) for backend in ("sat", "z3")]
    assert found[0] == found[1]


@FEW
@given(judged_systems())
def test_the_portfolio_decides_on_the_cone_and_confirms_on_the_full_system(judged):
    system, claim, plain = judged
    verdict = decide(system, claim)
    if plain.violation is not None:
        assert ("VIOLATED", plain.violation) == (verdict.word, len(verdict.trace))
        assert len(system.variables) == len(verdict.trace.start)
    else:
        assert ("VACUOUS" if plain.premise is None else "PROVED") == verdict.word


@FEW
@given(judged_systems())
def test_the_cone_has_exactly_the_projected_states(judged):
    system, claim, plain = judged
    cone = cone_of_influence(system, claim)
    places = [system.variables.index(variable) for variable in cone.variables]
    projected = {tuple(state[place] for place in places) for state in plain.reached}
    small = plain_search.search(cone, claim)
    assert projected == small.reached
    assert (plain.violation, plain.premise) == (small.violation, small.premise)


@FEW
@given(judged_systems())
def test_the_machine_does_what_substitution_does(judged):
    system, _, plain = judged
    machine = Machine(system)
    assert plain_search.initial_states(system) == machine.initial_states()
    for state in sorted(plain.reached)[:12]:
        steps = plain_search.steps_from(system, state)
        assert [step.call for step in steps] == machine.enabled(state)
        for step in steps:
            assert (step.answer, step.state) == machine.step(state, step.call)


@FEW
@given(judged_systems())
def test_a_machine_that_tries_choices_side_by_side_finds_the_same(judged):
    system, _, plain = judged
    with mock.patch.object(machine, "CHOICES_MANY", 1):
        together = Machine(system)
        for state in sorted(plain.reached)[:12]:
            called = [step.call for step in plain_search.steps_from(system, state)]
            assert called == together.enabled(state)


@pytest.mark.deep
@FEW
@given(judged_systems())
def test_compiled_exploration_is_no_other(judged):
    pytest.importorskip("numba", reason="compiled exploration is an extra")
    system, claim, _ = judged
    plain, compiled = (explore(system, [claim], jit=jit) for jit in (False, True))
    assert (plain.levels, plain.fired, plain.findings) == (
        compiled.levels,
        compiled.fired,
        compiled.findings,
    )


SMALLEST, TWO_PACKAGES = Scope(1, 1, 1, 1, 1, 1), Scope(2, 1, 1, 1, 1, 1)

COUNTS = {
    # design: (states, transitions) in the smallest scope
    **dict.fromkeys(DESIGNS, (582, 6722)),
    **dict.fromkeys(("rfc-v2", "rfc-v2-savekeys"), (3086, 24118)),
    "cpu-keys-only": (150, 1658),
}

KEY_SERVICE = PROPERTIES["tables-agree"].system

OF_ONE_PACKAGE = (
    "tables-agree memory-agrees lead-exact hotplug-admitted teardown-admitted migration-admitted"
    " keyid-names-key"
)
"""What speaks of several packages or KeyIDs, so that nothing is said where there is one."""

VACUOUS = {
    # scope: design: the claims whose premise is not reached
    SMALLEST: {
        # A thread that is alone waits only for a lock that it holds itself.
        **dict.fromkeys(DESIGNS, f"{OF_ONE_PACKAGE} no-deadlock"),
        **dict.fromkeys(("rfc-v2", "rfc-v2-savekeys"), OF_ONE_PACKAGE),
    },
    TWO_PACKAGES: {
        **dict.fromkeys(DESIGNS, "keyid-names-key"),
        "per-package": "",
    },
}

POSTED = (
    "bitmap-exact 1, no-plaintext-after-release 2, cold-boot-keys 1, released-is-clear {},"
    " in-bounds 1, no-dangling 3, failure-is-noop {}"
)
ELSEWHERE = "no-deadlock 4, no-lost-lock 3, operations-finish 4, payload-as-documented 4"
"""What is violated of the posted threads and of the posted parser."""
OUT_OF_REACH = (
    "memory-agrees 2, table-as-requested 2, cold-boot-data 4, never-in-clear 4,"
    " live-data-intact 5, right-key 4"
)
"""The prices of a package whose memory is used while its key table is out of reach."""

IN_REACH = "teardown-admitted 2, user-keys-admitted 2, failure-is-noop 1"
"""The prices of keeping a package in reach: what is refused for it."""

VIOLATED = {
    # scope: design: the claims that are violated, each with the length of a shortest run
    SMALLEST: {
        **dict.fromkeys(DESIGNS, "failure-is-noop 1"),
        "rfc-v2": f"no-plaintext-unsaved 1, {POSTED.format(2, 2)}, {ELSEWHERE}",
        "rfc-v2-savekeys": f"{POSTED.format(2, 2)}, {ELSEWHERE}",
        "rfc-v2-savekeys-fixed": "cold-boot-keys 1, failure-is-noop 1",
        "cpu-keys-only": "user-keys-admitted 1, payload-as-documented 6, failure-is-noop 1",
    },
    TWO_PACKAGES: {
        "rfc-v2": (
            f"tables-agree 2, {OUT_OF_REACH}, no-neighbour 7, no-plaintext-unsaved 1,"
            f" {POSTED.format(1, 1)}"
        ),
        "rfc-v2-savekeys": f"tables-agree 2, {OUT_OF_REACH}, no-neighbour 7, {POSTED.format(1, 1)}",
        "rfc-v2-fixed": f"{OUT_OF_REACH}, hotplug-admitted 3, failure-is-noop 1",
        "rfc-v2-savekeys-fixed": f"{OUT_OF_REACH}, cold-boot-keys 1, failure-is-noop 1",
        "no-hotplug": f"hotplug-admitted 3, {IN_REACH}",
        "cpu-keys-only": f"{OUT_OF_REACH}, user-keys-admitted 1, failure-is-noop 1",
        "per-package": (
            "tables-agree 4, memory-agrees 3, table-as-requested 3, cold-boot-data 5,"
            " never-in-clear 5, right-key 5, user-keys-admitted 2, migration-admitted 4,"
            " keyid-names-key 2, failure-is-noop 1"
        ),
        "wrapped-vault": IN_REACH,
        "resupply": f"hotplug-admitted 3, {IN_REACH}",
    },
}


@pytest.mark.deep
@pytest.mark.parametrize("name", DESIGNS)
def test_a_plain_search_counts_what_exploration_counts_in_every_design(name):
    system = grounded(DESIGNS[name], SMALLEST).system
    plain, seen = plain_search.search(system), explore(system, [], jit=False)
    assert COUNTS[name] == (plain.states, plain.transitions)
    assert (plain.states, plain.transitions, plain.levels) == (
        seen.states,
        seen.transitions,
        seen.levels,
    )


def claims(scope):
    """All claims, but for two packages only those in which packages occur."""
    return [c for c in PROPERTIES.values() if scope is SMALLEST or c.system == KEY_SERVICE]


def expected(name, scope):
    """What each claim's answer is: a word, or the length of a shortest violation."""
    answers = {
        claim.id: "n/a" if not_applicable(DESIGNS[name], claim) else "proved"
        for claim in claims(scope)
    }
    answers |= dict.fromkeys(VACUOUS[scope][name].split(), "vacuous")
    return answers | dict(violated.split() for violated in VIOLATED[scope][name].split(", "))


def answers(name, scope, jit=False):
    """What each claim's answer is, once the engines have agreed."""
    return {claim.id: answer(name, scope, claim, jit) for claim in claims(scope)}


def answer(name, scope, claim, jit):
    """What all engines say: the word of the verdict, or the length of the violation."""
    if not_applicable(DESIGNS[name], claim):
        return "n/a"
    grounding = ground(DESIGNS[name], scope, claim.system)
    claim = grounding.property(claim)
    system = cone_of_influence(grounding.system, claim)
    explored = explore(system, [claim], jit=jit).verdict(system, claim)
    deep = INDUCTION_MAX if explored.trace is None else len(explored.trace) + 1
    learnt, tried = ic3(system, claim), k_induction(system, claim, deep)
    searched = bounded(system, claim, explored.depth)
    assert explored.word == learnt.word
    assert tried.word in ("UNKNOWN", explored.word)
    if explored.trace is None:
        assert "HOLDS_TO" == searched.word
        assert (explored.word == "PROVED") == searched.premise_reached
        return explored.word.lower()
    assert "VIOLATED" == tried.word
    assert explored.trace == searched.trace == tried.trace
    assert len(explored.trace) == len(learnt.trace)
    return str(len(explored.trace))


INDUCTION_MAX = 5
"""How deep an induction goes where nothing is violated: there it may find no proof, only no lie."""

ALWAYS = {
    SMALLEST: ("rfc-v2", "rfc-v2-savekeys", "rfc-v2-fixed", "cpu-keys-only", "per-package"),
    TWO_PACKAGES: ("rfc-v2-fixed", "no-hotplug"),
}
"""Designs that are judged in every run: with one package the others have the states of these, with
two they have more."""


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        pytest.param(
            scope,
            name,
            marks=() if name in ALWAYS[scope] else pytest.mark.deep,
            id=f"{name}-{scope}",
        )
        for scope in VIOLATED
        for name in DESIGNS
    ],
)
def test_all_engines_say_the_same_of_every_design_and_property(name, scope):
    assert expected(name, scope) == answers(name, scope)


@pytest.mark.deep
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("scope", VIOLATED, ids=str)
def test_compiled_exploration_says_the_same(name, scope):
    pytest.importorskip("numba", reason="compiled exploration is an extra")
    assert expected(name, scope) == answers(name, scope, jit=True)
