"""A breadth-first search over tuples that shares no code with the engines: only Z3's simplifier."""

from __future__ import annotations

import dataclasses
import itertools

import z3

from checker.answers.trace import TraceStep, choice_of, is_true_in, run
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State


@dataclasses.dataclass(frozen=True)
class Found:
    """Counts of the whole space; for the claim, the least length of a violation or premise."""

    states: int
    transitions: int
    levels: tuple[int, ...]
    violation: int | None
    premise: int | None
    reached: frozenset[State]


def initial_states(system: GroundSystem) -> list[State]:
    """Every combination of values that the initial condition accepts."""
    ranges = (range(variable.size) for variable in system.variables)
    return [s for s in itertools.product(*ranges) if is_true_in(system, s, system.initially)]


def steps_from(system: GroundSystem, state: State) -> list[TraceStep]:
    """Every call that is possible in a state, and what it leads to."""
    everywhere = dataclasses.replace(system, initially=z3.BoolVal(True))
    found = []
    for action in system.actions:
        for values in itertools.product(*(range(p.size) for p in action.parameters)):
            call = Call(action.name, values)
            if is_true_in(system, state, action.guard, *choice_of(system, call)):
                found.append(run(everywhere, state, [call]).steps[0])
    return found


def search(system: GroundSystem, claim: GroundProperty | None = None) -> Found:
    """The whole space, level by level."""
    level = initial_states(system)
    seen = set(level)
    levels: list[int] = []
    transitions = 0
    violations: list[int] = []
    premises: list[int] = []
    while level:
        depth = len(levels)
        levels.append(len(level))
        following: list[State] = []
        for state in level:
            if claim is not None:
                violations += [depth] * (not is_true_in(system, state, claim.state))
                premises += [depth] * is_true_in(system, state, claim.premise_state)
            for step in steps_from(system, state):
                transitions += 1
                choice = choice_of(system, step.call)
                name = step.call.action
                if claim is not None and name in claim.steps:
                    kept = is_true_in(system, state, claim.steps[name], *choice)
                    violations += [depth + 1] * (not kept)
                if claim is not None and name in claim.premise_steps:
                    reached = is_true_in(system, state, claim.premise_steps[name], *choice)
                    premises += [depth + 1] * reached
                if step.state not in seen:
                    seen.add(step.state)
                    following.append(step.state)
        level = following
    return Found(
        states=len(seen),
        transitions=transitions,
        levels=tuple(levels),
        violation=min(violations, default=None),
        premise=min(premises, default=None),
        reached=frozenset(seen),
    )
