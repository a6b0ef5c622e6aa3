"""What one state of a system may do: its calls, their answers, and what claims say of it.

For lockstep runs and interactive use: plain Python on tuples, with actions compiled on first use.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from checker.exploring.compile import compile_terms, successor_function
from checker.exploring.instances import initial_states
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundAction, GroundSystem, State, Term


class Machine:
    """A system to step through, a state at a time."""

    def __init__(self, system: GroundSystem) -> None:
        self.system = system
        self._successor = successor_function(system)
        self._compiled: dict[tuple[int, str], tuple[Term, Callable[..., tuple[Any, ...]]]] = {}

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
            for values in itertools.product(*(range(p.size) for p in action.parameters))
            if self._value(action.guard, state, action, values)
        ]

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
