"""All engines say the same of small random systems as a plain search over tuples does."""

from __future__ import annotations

import plain_search
import random_systems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker.exploring.explore import explore
from checker.exploring.machine import Machine
from checker.portfolio import confirm, decide
from checker.solving.bounded import bounded, reaches_premise
from checker.solving.induction import k_induction
from checker.systems.cone import cone_of_influence
from checker.systems.wellformed import require_well_formed

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def judged_systems(draw):
    """A system, a claim about it, and what the plain search finds."""
    system = draw(random_systems.systems())
    claim = draw(random_systems.claims(system))
    require_well_formed(system)
    return system, claim, plain_search.search(system, claim)


@SLOW
@given(judged_systems())
def test_exploration_counts_what_a_plain_search_counts(judged):
    system, _, plain = judged
    seen = explore(system, [])
    assert seen.closed
    assert (plain.states, plain.transitions, plain.levels) == (
        seen.states,
        seen.transitions,
        seen.levels,
    )
    assert len(plain.levels) - 1 == seen.depth
    assert plain.transitions == sum(seen.fired.values())


@SLOW
@given(judged_systems())
def test_exploration_finds_a_shortest_violation_or_proves(judged):
    system, claim, plain = judged
    verdict = explore(system, [claim]).verdict(system, claim)
    if plain.violation is not None:
        assert ("VIOLATED", plain.violation) == (verdict.word, len(verdict.trace))
        confirm(system, claim, verdict.trace.start, [s.call for s in verdict.trace.steps])
    else:
        assert ("VACUOUS" if plain.premise is None else "PROVED") == verdict.word
        assert len(plain.levels) - 1 == verdict.depth


@SLOW
@given(judged_systems())
def test_bounded_search_finds_the_same_shortest_violation(judged):
    system, claim, plain = judged
    deep = len(plain.levels)
    verdict = bounded(system, claim, deep)
    if plain.violation is not None:
        assert ("VIOLATED", plain.violation) == (verdict.word, len(verdict.trace))
        confirm(system, claim, verdict.trace.start, [s.call for s in verdict.trace.steps])
    else:
        assert ("HOLDS_TO", deep) == (verdict.word, verdict.depth)
        assert (plain.premise is not None) == verdict.premise_reached
    assert plain.premise == reaches_premise(system, claim, deep)


@SLOW
@given(judged_systems())
def test_induction_never_contradicts_the_plain_search(judged):
    system, claim, plain = judged
    verdict = k_induction(system, claim, 6)
    if verdict.word == "PROVED":
        assert plain.violation is None
        assert plain.premise is not None
    elif verdict.word == "VIOLATED":
        assert plain.violation == len(verdict.trace)
    elif plain.violation is not None:
        assert plain.violation >= 6


@SLOW
@given(judged_systems())
def test_the_portfolio_decides_on_the_cone_and_confirms_on_the_full_system(judged):
    system, claim, plain = judged
    verdict = decide(system, claim)
    if plain.violation is not None:
        assert ("VIOLATED", plain.violation) == (verdict.word, len(verdict.trace))
        assert len(system.variables) == len(verdict.trace.start)
    else:
        assert ("VACUOUS" if plain.premise is None else "PROVED") == verdict.word


@SLOW
@given(judged_systems())
def test_the_cone_has_exactly_the_projected_states(judged):
    system, claim, plain = judged
    cone = cone_of_influence(system, claim)
    places = [system.variables.index(variable) for variable in cone.variables]
    projected = {tuple(state[place] for place in places) for state in plain.reached}
    small = plain_search.search(cone, claim)
    assert projected == small.reached
    assert (plain.violation, plain.premise) == (small.violation, small.premise)


@SLOW
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
