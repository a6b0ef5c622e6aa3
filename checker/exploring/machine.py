"""What one state of a system may do: its calls, their answers, and what claims say of it.

For lockstep runs and interactive use: plain Python on tuples, with actions compiled on first use.
Only where an action has many choices are they tried side by side, by NumPy.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import z3

from checker.exploring.compile import CompileError, Program, compile_terms, successor_function
from checker.exploring.instances import initial_states
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundAction, GroundSystem, State, Term

CHOICES_MANY = 64
"""Choices from which on NumPy is faster than as many calls of Python's code."""

NUMBER = np.uint32
"""What NumPy has a bit-vector in. A guard with a wider one is tried choice by choice."""


class Machine:
    """A system to step through, a state at a time."""

    def __init__(self, system: GroundSystem) -> None:
        self.system = system
        self._successor = successor_function(system)
        self._compiled: dict[tuple[int, str], tuple[Term, Callable[..., tuple[Any, ...]]]] = {}
        self._choices: dict[str, _Choices] = {}

    def initial_states(self) -> list[State]:
        """All initial states, ascending. Raises TooLarge when there are very many."""
        return initial_states(self.system)

    def step(self, state: State, call: Call) -> tuple[str, State] | None:
        """The answer and the next state; None when the call is not possible there."""
        return self._successor(state, call)

    def enabled(self, state: State) -> list[Call]:
        """Every possible call, in the order of actions and then of parameter values."""
        return [
            Call(action.name, values)
            for action in self.system.actions
            for values in self._possible(action, state)
        ]

    def _possible(self, action: GroundAction, state: State) -> list[tuple[int, ...]]:
        choices = self._choices.get(action.name)
        if choices is None:
            choices = self._choices[action.name] = _Choices(self.system, action)
        if choices.guard is not None:
            return choices.possible(state)
        return [x for x in choices.all if self._value(action.guard, state, action, x)]

    def holds(self, claim: GroundProperty, state: State) -> bool:
        """Whether the claim's state formula is true in a state (it is, for a step claim)."""
        return self._value(claim.state, state)

    def allows(self, claim: GroundProperty, state: State, call: Call) -> bool:
        """Whether the claim's step formula is true of a call that is made in a state."""
        formula = claim.steps.get(call.action)
        if formula is None:
            return True
        return self._value(formula, state, self.system.action(call.action), call.values)

    def _value(
        self,
        formula: Term,
        state: State,
        action: GroundAction | None = None,
        values: tuple[int, ...] = (),
    ) -> bool:
        key = formula.get_id(), action.name if action is not None else ""
        if key not in self._compiled:
            parameters = action.parameters if action is not None else ()
            inputs = [v.term for v in (*self.system.variables, *parameters)]
            # The formula is kept beside its code: z3 recycles the ids of dead terms.
            self._compiled[key] = formula, compile_terms([formula], inputs).run
        return bool(self._compiled[key][1](*state, *values)[0])


class _Choices:
    """Every choice of an action's parameters; where they are many, the guard for all at once."""

    def __init__(self, system: GroundSystem, action: GroundAction) -> None:
        self.all = list(itertools.product(*(range(p.size) for p in action.parameters)))
        self.guard: Program | None = None
        if len(self.all) < CHOICES_MANY:
            return
        inputs = [v.term for v in (*system.variables, *action.parameters)]
        try:
            self.guard = compile_terms([action.guard], inputs, NUMBER)
        except CompileError:
            return
        self._is_flag = [z3.is_bool(term) for term in inputs]
        columns = np.array(self.all, NUMBER).T
        self._columns = _as_typed(columns, self._is_flag[len(system.variables) :])

    def possible(self, state: State) -> list[tuple[int, ...]]:
        """Those that the guard allows in a state, ascending."""
        assert self.guard is not None
        numbers = np.array(state, NUMBER)[:, None]  # each a column of one, for all choices
        given = _as_typed(numbers, self._is_flag[: len(state)])
        (allowed,) = self.guard(*given, *self._columns)
        return [self.all[i] for i in np.flatnonzero(np.broadcast_to(allowed, len(self.all)))]


def _as_typed(columns: Any, is_flag: list[bool]) -> list[Any]:
    """The columns, with those of Booleans as Booleans."""
    return [column != 0 if flag else column for column, flag in zip(columns, is_flag, strict=True)]
