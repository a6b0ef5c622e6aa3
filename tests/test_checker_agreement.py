"""The engines agree: on small random systems, and on every design and property in small scopes.

What they agree with is a plain search over tuples, which shares no code with them.
"""

from __future__ import annotations

import functools

import plain_search
import pytest
import random_systems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import grounded

from checker import confirm, decide
from checker.exploring.explore import explore
from checker.exploring.machine import Machine
from checker.ic3.search import ic3
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.systems.cone import cone_of_influence
from checker.systems.wellformed import require_well_formed
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

CLAIMS = [
    *("tables-agree", "memory-agrees", "bitmap-exact"),
    *("no-plaintext-unsaved", "released-is-clear", "hotplug-admitted"),
]

ANSWERS = {
    # scope: design: a word for each of CLAIMS; a number is the length of a shortest violation
    SMALLEST: {
        "rfc-v2": "vacuous vacuous 1 1 2 vacuous",
        "rfc-v2-savekeys": "vacuous vacuous 1 n/a 2 vacuous",
        "rfc-v2-fixed": "vacuous vacuous proved proved proved vacuous",
        "rfc-v2-savekeys-fixed": "vacuous vacuous proved n/a proved vacuous",
        "no-hotplug": "vacuous vacuous proved proved proved vacuous",
        "cpu-keys-only": "vacuous vacuous n/a proved proved vacuous",
        "per-package": "vacuous vacuous proved proved proved vacuous",
        "wrapped-vault": "vacuous vacuous proved n/a proved vacuous",
        "resupply": "vacuous vacuous proved proved proved vacuous",
    },
    TWO_PACKAGES: {
        "rfc-v2": "2 2 1 1 1 proved",
        "rfc-v2-savekeys": "2 2 1 n/a 1 proved",
        "rfc-v2-fixed": "proved 2 proved proved proved 3",
        "rfc-v2-savekeys-fixed": "proved 2 proved n/a proved proved",
        "no-hotplug": "proved proved proved proved proved 3",
        "cpu-keys-only": "proved 2 n/a proved proved proved",
        "per-package": "4 3 proved proved proved proved",
        "wrapped-vault": "proved proved proved n/a proved proved",
        "resupply": "proved proved proved proved proved 3",
    },
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "cpu-keys-only" else pytest.mark.deep)
        for name in DESIGNS
    ],
)
def test_a_plain_search_counts_what_exploration_counts_in_every_design(name):
    system = grounded(DESIGNS[name], SMALLEST).system
    plain, seen = plain_search.search(system), explore(system, [], jit=False)
    assert COUNTS[name] == (plain.states, plain.transitions)
    assert (plain.states, plain.transitions, plain.levels) == (
        seen.states,
        seen.transitions,
        seen.levels,
    )


@functools.cache
def answers(name, scope, jit=False):
    """What each property's verdict is, once the engines have agreed."""
    return " ".join(
        "n/a" if not_applicable(DESIGNS[name], claim) else answer(name, scope, claim, jit)
        for claim in (PROPERTIES[property_id] for property_id in CLAIMS)
    )


def answer(name, scope, claim, jit):
    """What all engines say: the word of the verdict, or the length of the violation."""
    grounding = grounded(DESIGNS[name], scope)
    claim = grounding.property(claim)
    system = cone_of_influence(grounding.system, claim)
    explored = explore(system, [claim], jit=jit).verdict(system, claim)
    learnt, tried = ic3(system, claim), k_induction(system, claim, 5)
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


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("scope", ANSWERS, ids=str)
def test_all_engines_say_the_same_of_every_design_and_property(name, scope):
    assert ANSWERS[scope][name] == answers(name, scope)


@pytest.mark.deep
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("scope", ANSWERS, ids=str)
def test_compiled_exploration_says_the_same(name, scope):
    pytest.importorskip("numba", reason="compiled exploration is an extra")
    assert ANSWERS[scope][name] == answers(name, scope, jit=True)
