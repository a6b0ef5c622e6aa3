"""A breadth-first search over tuples that shares no code with the engines: only Z3's simplifier."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import z3

from checker.answers.trace import TraceStep, choice_of, is_true_in, run
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State, Variable


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
    return list(_choices(system.initially, system.variables))


def _choices(formula, variables: Sequence[Variable]) -> Iterator[tuple[int, ...]]:
    """Every combination of values that makes a formula over the variables true, in order."""
    formula = z3.simplify(formula)
    if z3.is_false(formula):
        return
    if not variables:
        assert z3.is_true(formula), f"a formula has no value: {formula}"
        yield ()
        return
    first, *rest = variables
    for value in range(first.size):
        for others in _choices(z3.substitute(formula, (first.term, first.literal(value))), rest):
            yield (value, *others)


def steps_from(system: GroundSystem, state: State) -> list[TraceStep]:
    """Every call that is possible in a state, and what it leads to."""
    known = [(v.term, v.literal(x)) for v, x in zip(system.variables, state, strict=True)]
    everywhere = dataclasses.replace(system, initially=z3.BoolVal(True))
    return [
        run(everywhere, state, [Call(action.name, values)]).steps[0]
        for action in system.actions
        for values in _choices(z3.substitute(action.guard, *known), action.parameters)
    ]


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
