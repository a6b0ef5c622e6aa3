"""Which steps a system has once every parameter is a number: one instance for each useful choice.

Parameters are replaced by literals one after another, and a guard that simplifies to false ends
the branch, so that the choices that can never fire are not even counted through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import z3

from checker.systems.asking import ask
from checker.systems.deadlines import is_over, seconds_left
from checker.systems.finite import OutOfTime
from checker.systems.property import GroundProperty
from checker.systems.system import GroundAction, GroundSystem, State, Term

INSTANCES_MAX = 20_000
"""Beyond this many choices, setting up and evaluating them costs more than bounded search."""


class TooLarge(ValueError):
    """The system is not for explicit exploration; the message says what there is too much of."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """An action with literals for its parameters; every term is over the system's variables.

    `updates` has places of variables and their new values. `steps` and `premises` have a formula
    for each claim, None where the claim says nothing of this action. `count` is how many choices
    of parameters these terms are the same for; `values` is the least of them.
    """

    action: str
    values: tuple[int, ...]
    guard: Term
    updates: tuple[tuple[int, Term], ...]
    steps: tuple[Term | None, ...]
    premises: tuple[Term | None, ...]
    count: int = 1

    def terms(self) -> list[Term]:
        """Every term in it."""
        formulas = [term for term in (*self.steps, *self.premises) if term is not None]
        return [self.guard, *(term for _, term in self.updates), *formulas]


def instances(
    system: GroundSystem, claims: Sequence[GroundProperty], deadline: float | None = None
) -> list[Instance]:
    """All instances that may fire, in the order of actions and then of parameter values.

    Choices that no guard, update or formula tells apart share one instance. Raises TooLarge when
    there are more than INSTANCES_MAX choices, and OutOfTime after the deadline, a moment of
    `time.monotonic`.
    """
    found: list[Instance] = []
    tried = 0
    for action in system.actions:
        shared: dict[tuple[Any, ...], int] = {}
        for values, guard in _choices(action, (), action.guard, deadline):
            tried += 1
            if tried > INSTANCES_MAX:
                raise TooLarge(f"{system.name} has more than {INSTANCES_MAX} action instances")
            instance = _instance(system, action, values, guard, claims)
            # Z3 gives equal terms one id while they live, and those in `found` do.
            key = (
                guard.get_id(),
                *((at, term.get_id()) for at, term in instance.updates),
                *(None if t is None else t.get_id() for t in (*instance.steps, *instance.premises)),
            )
            if key in shared:
                twin = found[shared[key]]
                found[shared[key]] = dataclasses.replace(twin, count=twin.count + 1)
            else:
                shared[key] = len(found)
                found.append(instance)
    return found


def _choices(
    action: GroundAction, values: tuple[int, ...], guard: Term, deadline: float | None
) -> Iterator[tuple[tuple[int, ...], Term]]:
    """Parameter values that begin with the given ones, and what remains of the guard."""
    if is_over(deadline):
        raise OutOfTime("out of time while action instances were made")
    guard = z3.simplify(guard)
    if z3.is_false(guard):
        return
    if len(values) == len(action.parameters):
        yield values, guard
        return
    parameter = action.parameters[len(values)]
    for value in range(parameter.size):
        chosen = z3.substitute(guard, (parameter.term, parameter.literal(value)))
        yield from _choices(action, (*values, value), chosen, deadline)


def _instance(
    system: GroundSystem,
    action: GroundAction,
    values: tuple[int, ...],
    guard: Term,
    claims: Sequence[GroundProperty],
) -> Instance:
    choice = [
        (p.term, p.literal(value)) for p, value in zip(action.parameters, values, strict=True)
    ]

    def chosen(term: Term | None) -> Term | None:
        return None if term is None else z3.simplify(z3.substitute(term, *choice))

    return Instance(
        action=action.name,
        values=values,
        guard=guard,
        updates=tuple(
            (place, value)
            for place, variable in enumerate(system.variables)
            if (value := chosen(action.updates.get(variable.name))) is not None
            and not value.eq(variable.term)
        ),
        steps=tuple(_unless(chosen(claim.steps.get(action.name)), True) for claim in claims),
        premises=tuple(
            _unless(chosen(claim.premise_steps.get(action.name)), False) for claim in claims
        ),
    )


def _unless(term: Term | None, idle: bool) -> Term | None:
    """None in place of a formula that says nothing."""
    if term is not None and (z3.is_true(term) if idle else z3.is_false(term)):
        return None
    return term


def initial_states(
    system: GroundSystem, at_most: int = 20_000, deadline: float | None = None
) -> list[State]:
    """All initial states, ascending.

    Raises TooLarge when there are more than fit, and OutOfTime after the deadline, a moment of
    `time.monotonic`.
    """
    solver = z3.Solver()
    solver.add(system.initially, *(variable.in_range() for variable in system.variables))
    found: list[State] = []
    while (answer := ask(solver, seconds=_left(deadline))) == z3.sat:
        if found and len(found) >= at_most:
            raise TooLarge(f"{system.name} has too many initial states: over {len(found)}")
        model = solver.model()
        values = [model.eval(v.term, model_completion=True) for v in system.variables]
        found.append(
            tuple(int(z3.is_true(v)) if z3.is_bool(v) else int(v.as_long()) for v in values)
        )
        pairs = zip(system.variables, values, strict=True)
        solver.add(z3.Or([variable.term != value for variable, value in pairs]))
    if answer != z3.unsat:
        _left(deadline)
        raise TooLarge(f"Z3 cannot enumerate initial states: {solver.reason_unknown()}")
    return sorted(found)


def _left(deadline: float | None) -> float | None:
    """Seconds until the deadline. Raises OutOfTime after it."""
    if is_over(deadline):
        raise OutOfTime("out of time while initial states were enumerated")
    return seconds_left(deadline)
