"""Which run is shown of all that a solver could find: the least one, whichever solver it is.

The order is that of `least`: the start state first, variable by variable, and then each call in
turn, by the order of actions and of their parameters' values. What is least is found greedily, one
bit after the other: the solver is asked only where the run that it has found last is not least.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from checker.solving.unroll import Goal, Runs, Unknown
from checker.systems.system import Call, State


class Shown(NamedTuple):
    """A run's start and calls. Where the time ran out it is not known to be the least."""

    start: State
    calls: list[Call]
    is_least: bool


def least_run(runs: Runs, *goals: Goal) -> Shown:
    """The least run that satisfies the goals, or one that does where the time runs out.

    `runs.is_possible(*goals)` must just have said that there is one.
    """
    is_least = True
    try:
        _minimise(runs, list(goals))
    except Unknown:  # the run that was found last still satisfies the goals
        is_least = False
    return Shown(*runs.counterexample(), is_least)


def _minimise(runs: Runs, fixed: list[Goal]) -> None:
    """Make the run that was found last the least; `fixed` has what it must satisfy."""

    def prefer(goal: Goal) -> bool:
        """Whether the run can satisfy the goal, beside what is fixed; from now on it does."""
        is_possible = runs.is_true(goal) or runs.is_possible(*fixed, goal)
        fixed.append(goal if is_possible else runs.negated(goal))
        return is_possible

    def lower(bits: Iterable[Goal]) -> None:
        for bit in bits:
            prefer(runs.negated(bit))

    lower(runs.state_bits())
    for moment in range(runs.length):
        numbers = range(len(runs.system.actions))
        chosen = next(number for number in numbers if prefer(runs.taken(number, moment)))
        lower(runs.parameter_bits(chosen, moment))
