"""What a run of so many transitions is, as one formula: variables and parameters for each moment.

Parameters stay symbolic. At each moment one selector, of one for each action, is true; the next
value of a variable is its update under the selected action, or its old value under every other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import z3

from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State, Term, Variable


class Unknown(Exception):
    """The solver gave no answer; the message is its reason."""


class Unrolling:
    """A solver that holds a run from an arbitrary state, made longer step by step.

    `length` is how many transitions it has. Bit-vectors are blasted for an incremental SAT solver
    (Z3's QF_FD), which decides everything that a ground system can say.
    """

    def __init__(self, system: GroundSystem, deadline: float | None = None) -> None:
        self.system = system
        self.solver = z3.SolverFor("QF_FD")
        self.length = 0
        self._deadline = deadline
        self._parameters = [p for action in system.actions for p in action.parameters]
        self._selectors: list[list[Term]] = []
        self._moments = [self._moment(0)]
        self.solver.add(*self._in_range(0))

    def at(self, term: Term, moment: int) -> Term:
        """A term over variables (and parameters of the step that begins there) at a moment."""
        return z3.substitute(term, *self._moments[moment])

    def step(self) -> None:
        """Make the run one transition longer."""
        moment = self.length
        selectors = [z3.Bool(f"{action.name}?@{moment}") for action in self.system.actions]
        self._selectors.append(selectors)
        self._moments.append(self._moment(moment + 1))
        self.length += 1
        self.solver.add(z3.Or(selectors))
        for i, selector in enumerate(selectors):
            self.solver.add(*(z3.Or(z3.Not(selector), z3.Not(other)) for other in selectors[:i]))
            guard = self.system.actions[i].guard
            self.solver.add(z3.Implies(selector, self.at(guard, moment)))
        for variable in self.system.variables:
            value = variable.term
            for selector, action in zip(selectors, self.system.actions, strict=True):
                if variable.name in action.updates:
                    value = z3.If(selector, action.updates[variable.name], value)
            after = self.at(variable.term, moment + 1)
            self.solver.add(after == self.at(value, moment))
        self.solver.add(*self._in_range(moment + 1))
        self.solver.add(*(self.at(parameter.in_range(), moment) for parameter in self._parameters))

    def violated(self, claim: GroundProperty, moment: int) -> Term:
        """That the claim is false in the state at a moment, or of the step that leads to it."""
        steps = self._of_step(claim.steps, moment, negated=True)
        return z3.Or(z3.Not(self.at(claim.state, moment)), *steps)

    def premise(self, claim: GroundProperty, moment: int) -> Term:
        """That the premise is reached in the state at a moment, or by the step that leads to it."""
        steps = self._of_step(claim.premise_steps, moment, negated=False)
        return z3.Or(self.at(claim.premise_state, moment), *steps)

    def is_possible(self, formula: Term) -> bool:
        """Whether some such run satisfies the formula. Raises Unknown."""
        goal = z3.FreshBool("goal")
        self.solver.add(z3.Implies(goal, formula))
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise Unknown("out of time")
            self.solver.set("timeout", max(1, int(1000 * left)))
        answer = self.solver.check(goal)
        if answer == z3.unknown:
            raise Unknown(f"Z3 gave no answer: {self.solver.reason_unknown()}")
        return bool(answer == z3.sat)

    def counterexample(self) -> tuple[State, list[Call]]:
        """The start and the calls of the run that `is_possible` has just found."""
        model = self.solver.model()

        def value(variable: Variable, moment: int) -> int:
            term = model.eval(self.at(variable.term, moment), model_completion=True)
            return int(z3.is_true(term)) if z3.is_bool(term) else int(term.as_long())

        calls = []
        for moment, selectors in enumerate(self._selectors):
            chosen = next(i for i, s in enumerate(selectors) if z3.is_true(model.eval(s)))
            action = self.system.actions[chosen]
            calls.append(Call(action.name, tuple(value(p, moment) for p in action.parameters)))
        return tuple(value(v, 0) for v in self.system.variables), calls

    def _of_step(self, formulas: Mapping[str, Term], moment: int, negated: bool) -> Sequence[Term]:
        if moment == 0:
            return []
        return [
            z3.And(selector, self.at(z3.Not(term) if negated else term, moment - 1))
            for selector, action in zip(
                self._selectors[moment - 1], self.system.actions, strict=True
            )
            if (term := formulas.get(action.name)) is not None
        ]

    def _in_range(self, moment: int) -> list[Term]:
        return [self.at(variable.in_range(), moment) for variable in self.system.variables]

    def _moment(self, moment: int) -> list[tuple[Term, Term]]:
        terms = [v.term for v in (*self.system.variables, *self._parameters)]
        return [(t, z3.Const(f"{t.decl().name()}@{moment}", t.sort())) for t in terms]
