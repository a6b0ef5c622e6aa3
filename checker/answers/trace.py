"""What a run of a system is: a start, and calls with their answers and the states they led to.

`run` executes calls by substitution and Z3's own simplifier. It is slow and shares nothing with
the compiled code that the explorer uses, so a counterexample that it accepts has been seen by two
pairs of eyes before the implementation replays it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import z3

from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State, Term


class TraceError(ValueError):
    """A run that the system does not have; the message names the step."""


@dataclasses.dataclass(frozen=True)
class TraceStep:
    """One call, its answer, and the state after it."""

    call: Call
    answer: str
    state: State


@dataclasses.dataclass(frozen=True)
class Trace:
    """A run: a start state and steps. Its length is the number of steps."""

    start: State
    steps: tuple[TraceStep, ...]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def states(self) -> tuple[State, ...]:
        """The start and the state after each step: one more than there are steps."""
        return (self.start, *(step.state for step in self.steps))


def values_in(
    system: GroundSystem, state: State, terms: Sequence[Term], *choice: tuple[Term, Term]
) -> list[Term]:
    """The literals that terms have in a state (with parameters replaced by `choice`).

    The terms are made one, so that what is known is handed to Z3 once.
    """
    known = [(v.term, v.literal(x)) for v, x in zip(system.variables, state, strict=True)]
    together = z3.Function("together", *(term.sort() for term in terms), z3.BoolSort())
    values: list[Term] = z3.simplify(z3.substitute(together(*terms), *known, *choice)).children()
    return values


def is_true_in(system: GroundSystem, state: State, term: Term, *choice: tuple[Term, Term]) -> bool:
    """Whether a formula over variables and parameters is true in a state."""
    (value,) = values_in(system, state, [term], *choice)
    if not (z3.is_true(value) or z3.is_false(value)):
        raise TraceError(f"a formula has no value in a state: {value}")
    return bool(z3.is_true(value))


def choice_of(system: GroundSystem, call: Call) -> list[tuple[Term, Term]]:
    """The substitution that replaces an action's parameters by a call's values."""
    parameters = system.action(call.action).parameters
    return [(p.term, p.literal(x)) for p, x in zip(parameters, call.values, strict=True)]


def _number(term: Term) -> int:
    return int(z3.is_true(term)) if z3.is_bool(term) else int(term.as_long())


def run(system: GroundSystem, start: State, calls: Sequence[Call]) -> Trace:
    """Execute the calls from a start state. Raises TraceError where one is not possible."""
    if not is_true_in(system, start, system.initially):
        raise TraceError("the run does not start in an initial state")
    steps: list[TraceStep] = []
    state = start
    for number, call in enumerate(calls, 1):
        action, choice = system.action(call.action), choice_of(system, call)
        if not is_true_in(system, state, action.guard, *choice):
            raise TraceError(f"step {number}, {call.action}, is not possible there")
        answered, *after = values_in(
            system, state, [action.answer, *action.updates.values()], *choice
        )
        answer = system.answers[_number(answered)]
        changed = dict(zip(action.updates, map(_number, after), strict=True))
        state = tuple(
            changed.get(v.name, old) for v, old in zip(system.variables, state, strict=True)
        )
        steps.append(TraceStep(call, answer, state))
    return Trace(start, tuple(steps))


def first_violation(system: GroundSystem, claim: GroundProperty, trace: Trace) -> int | None:
    """How many steps the run takes to violate the claim; None where it does not."""
    states = trace.states
    for number, state in enumerate(states):
        if number:
            call = trace.steps[number - 1].call
            formula = claim.steps.get(call.action)
            choice = choice_of(system, call)
            if formula is not None and not is_true_in(system, states[number - 1], formula, *choice):
                return number
        if not is_true_in(system, state, claim.state):
            return number
    return None
