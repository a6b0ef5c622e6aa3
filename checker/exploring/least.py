"""Which of the shortest counterexamples is shown: the least one.

Runs are compared by their start states, then by their first calls, then their second, and so on;
calls by the order of actions in the system and of their parameters' values. So the answer is the
same whichever state a search happened to find first, and a model that lists its plainest actions
and values first gets the plainest counterexamples.

Where a search visits only states that stand for others, the levels are theirs, and the run is still
one of the system: it goes forward through the states themselves, and a state leads on where the one
that stands for it does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.exploring.exploration import Counterexample
from checker.exploring.packed import Array
from checker.exploring.stepper import InstanceCode, Stepper
from checker.systems.system import Call


def least_counterexample(
    stepper: Stepper,
    starts: Array,
    levels: Sequence[Array],
    violating: Array,
    claim: int | None,
) -> Counterexample:
    """The least run that takes one state of each level and ends in a `violating` state.

    `starts` are the initial states and `levels` the levels before the violating states; all are
    sorted packed states. For a step property (`claim` is its number among the claims) a last call
    follows, which violates it.
    """
    goals = [violating]
    for level in reversed(levels):
        goals.append(_leading_to(stepper, level, goals[-1]))
    goals.reverse()
    state = starts[_among(stepper.represent(starts), goals[0])][:1]
    start = stepper.packing.unpack(state)
    calls: list[Call] = []
    for following in goals[1:]:
        call, state = _least_step(stepper, state, following)
        calls.append(call)
    if claim is not None:
        calls.append(_least_violation(stepper, state, claim))
    return Counterexample(start, tuple(calls))


def _leading_to(stepper: Stepper, level: Array, goals: Array) -> Array:
    """The states of a level that have a successor among the goals, in order."""
    parts = []
    for start, chunk in stepper.chunks(level):
        leads = np.zeros(chunk.size, bool)
        for step, rows in stepper.enabled(chunk):
            rows = rows[~leads[rows]]
            if len(rows) and step.instance.updates:
                after = stepper.packing.join(step.successors(stepper.packing, chunk, rows))
                leads[rows[_among(stepper.represent(after), goals)]] = True
        parts.append(level[start : start + chunk.size][leads])
    return np.concatenate(parts)


def _among(states: Array, goals: Array) -> Array:
    """Which of the states are goals; the goals are sorted."""
    places: Array = np.searchsorted(goals, states)
    places[places == len(goals)] = 0
    return goals[places] == states


def _steps_from(stepper: Stepper, state: Array) -> list[tuple[InstanceCode, Array]]:
    """The instances that can fire in one state, in order, each with its successor."""
    ((_, chunk),) = stepper.chunks(state)
    row = np.zeros(1, np.intp)
    return [
        (step, stepper.packing.join(step.successors(stepper.packing, chunk, row)))
        for step, _ in stepper.enabled(chunk)
    ]


def _least_step(stepper: Stepper, state: Array, goals: Array) -> tuple[Call, Array]:
    for step, after in _steps_from(stepper, state):
        if _among(stepper.represent(after), goals).all():
            return Call(step.instance.action, step.instance.values), after
    raise AssertionError("a state that leads to a goal has a step that does")


def _least_violation(stepper: Stepper, state: Array, claim: int) -> Call:
    ((_, chunk),) = stepper.chunks(state)
    for step, rows in stepper.enabled(chunk):
        formula = step.instance.steps[claim]
        if formula is not None and not step.formula(formula, chunk, rows).all():
            return Call(step.instance.action, step.instance.values)
    raise AssertionError("a violating state has a step that violates the claim")
