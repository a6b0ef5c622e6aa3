"""Decides how a run ended, and whether a schedule can be executed again.

A schedule is a list of steps as people read it; who makes the step and what the environment chose
is all that a replay needs of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.interleaving.deadlocks import Cause, Held, causes, left_held
from impl.interleaving.scenario import Outcome, Run, Scenario, World
from impl.interleaving.schedule import Choice, Schedule, Step


@dataclass(frozen=True)
class End:
    """A state in which no thread can make a step.

    ``causes``: why some wait for ever; none if all operations have ended. ``left_held``: the locks
    that ended operations hold.
    """

    outcome: Outcome
    causes: tuple[Cause, ...] = ()
    left_held: tuple[Held, ...] = ()


def end_of(run: Run[Any]) -> End:
    """How a run ended that cannot go on."""
    return End(run.outcome(), tuple(causes(run)), tuple(left_held(run)))


def replay(scenario: Scenario[World], schedule: Sequence[Step]) -> End:
    """Execute a schedule again. Raises ValueError if it is not one of this scenario's, to the end.

    A schedule that stops early gives the end that would come if no thread ever went on.
    """
    numbers = {name: number for number, name in enumerate(scenario.operations)}
    for step in schedule:
        if step.thread not in numbers:
            raise ValueError(f"cannot replay: there is no operation {step.thread!r}")
    return narrated(scenario, [Choice(numbers[step.thread], step.way) for step in schedule])[1]


def narrated(scenario: Scenario[World], choices: Sequence[Choice]) -> tuple[Schedule, End]:
    """Execute steps from the boot, and put them into words. Raises ValueError as `replay` does."""
    run = Run(scenario, None)
    steps: list[Step] = []
    for choice in choices:
        if choice.way not in run.ways(choice.thread):
            name = run.threads[choice.thread].name
            raise ValueError(f"cannot replay step {len(steps) + 1}: {name} cannot make it")
        steps.append(run.narrate(choice))
    return tuple(steps), end_of(run)
