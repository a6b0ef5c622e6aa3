"""What a run of so many transitions is, as one formula: variables and parameters for each moment.

Parameters stay symbolic. At each moment one selector, of one for each action, is true; the next
value of a variable is its update under the selected action, or its old value under every other.

`Runs` is what bounded search and induction ask of such a formula, whichever solver holds it: Z3
here, which is the reference, or the SAT solver of `sat_runs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import z3

from checker.systems.asking import ask
from checker.systems.deadlines import is_over, seconds_left
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State, Term, Variable

Backend = Literal["sat", "z3"]
"""Which solver holds the runs: a SAT solver over bit-blasted terms, or Z3."""

Goal = Any
"""A Boolean of a run, in the solver's own form: a Z3 term, or a literal. See `Runs.negated`."""


class Unknown(Exception):
    """The solver gave no answer; the message is its reason."""


class Runs(Protocol):
    """A run from an arbitrary state, made longer step by step, and one claim about it.

    `length` is how many transitions it has. Moments are 0 … length, steps are told by the moment at
    which they begin. What is required stays required.
    """

    system: GroundSystem
    length: int

    def step(self) -> None:
        """Make the run one transition longer."""

    def begins_initially(self) -> Goal:
        """That the first state is an initial one."""

    def violated(self, moment: int) -> Goal:
        """That the claim is false in the state at a moment, or of the step that leads to it."""

    def pieces(self, moment: int) -> Sequence[Goal]:
        """Goals that imply `violated`, easier to ask about one by one; they need not be all."""

    def premise(self, moment: int) -> Goal:
        """That the premise is reached in the state at a moment, or by the step that leads to it."""

    def differs(self, earlier: int, later: int) -> Goal:
        """That the states at two moments are not the same."""

    def taken(self, action: int, moment: int) -> Goal:
        """That the step is one of the action with this number."""

    def state_bits(self) -> Sequence[Goal]:
        """The bits of the first state: variable after variable, each with its highest bit first."""

    def parameter_bits(self, action: int, moment: int) -> Sequence[Goal]:
        """The bits of an action's parameters in a step, in the same order."""

    def negated(self, goal: Goal) -> Goal:
        """The opposite."""

    def require(self, goal: Goal) -> None:
        """Look from now on only at runs of which this is true."""

    def is_possible(self, *goals: Goal) -> bool:
        """Whether some such run satisfies all of the goals. Raises Unknown."""

    def is_true(self, goal: Goal) -> bool:
        """Whether the run that `is_possible` has found last satisfies a goal."""

    def counterexample(self) -> tuple[State, list[Call]]:
        """The start and the calls of that run."""


class Unrolling:
    """`Runs` in Z3. Bit-vectors are blasted for its incremental SAT solver (QF_FD).

    That decides everything that a ground system can say.
    """

    def __init__(
        self, system: GroundSystem, claim: GroundProperty, deadline: float | None = None
    ) -> None:
        self.system = system
        self.length = 0
        self._claim = claim
        self._solver = z3.SolverFor("QF_FD")
        self._deadline = deadline
        self._parameters = [p for action in system.actions for p in action.parameters]
        self._selectors: list[list[Term]] = []
        self._moments = [self._moment(0)]
        self._model: Any = None
        # A goal is kept beside its name: z3 reuses the ids of terms that nothing holds.
        self._names: dict[int, tuple[Term, Term]] = {}
        self._solver.add(*self._in_range(0))

    def step(self) -> None:
        moment = self.length
        selectors = [z3.Bool(f"{action.name}?@{moment}") for action in self.system.actions]
        self._selectors.append(selectors)
        self._moments.append(self._moment(moment + 1))
        self.length += 1
        self._solver.add(z3.Or(selectors))
        for i, selector in enumerate(selectors):
            self._solver.add(*(z3.Or(z3.Not(selector), z3.Not(other)) for other in selectors[:i]))
            guard = self.system.actions[i].guard
            self._solver.add(z3.Implies(selector, self._at(guard, moment)))
        for variable in self.system.variables:
            value = variable.term
            for selector, action in zip(selectors, self.system.actions, strict=True):
                if variable.name in action.updates:
                    value = z3.If(selector, action.updates[variable.name], value)
            after = self._at(variable.term, moment + 1)
            self._solver.add(after == self._at(value, moment))
        self._solver.add(*self._in_range(moment + 1))
        self._solver.add(
            *(self._at(parameter.in_range(), moment) for parameter in self._parameters)
        )

    def begins_initially(self) -> Term:
        return self._at(self.system.initially, 0)

    def violated(self, moment: int) -> Term:
        steps = self._of_step(self._claim.steps, moment, negated=True)
        return z3.Or(z3.Not(self._at(self._claim.state, moment)), *steps)

    def pieces(self, moment: int) -> Sequence[Term]:
        return ()

    def premise(self, moment: int) -> Term:
        steps = self._of_step(self._claim.premise_steps, moment, negated=False)
        return z3.Or(self._at(self._claim.premise_state, moment), *steps)

    def differs(self, earlier: int, later: int) -> Term:
        return z3.Or(
            [
                self._at(variable.term, earlier) != self._at(variable.term, later)
                for variable in self.system.variables
            ]
        )

    def taken(self, action: int, moment: int) -> Term:
        return self._selectors[moment][action]

    def state_bits(self) -> list[Term]:
        return [bit for v in self.system.variables for bit in self._bits(v, 0)]

    def parameter_bits(self, action: int, moment: int) -> list[Term]:
        parameters = self.system.actions[action].parameters
        return [bit for p in parameters for bit in self._bits(p, moment)]

    def negated(self, goal: Term) -> Term:
        return z3.Not(goal)

    def require(self, goal: Term) -> None:
        self._solver.add(goal)

    def is_possible(self, *goals: Term) -> bool:
        assumed = [self._name(goal) for goal in goals]
        if is_over(self._deadline):
            raise Unknown("out of time")
        answer = ask(self._solver, *assumed, seconds=seconds_left(self._deadline))
        if answer == z3.unknown:
            raise Unknown(f"Z3 gave no answer: {self._solver.reason_unknown()}")
        if answer == z3.sat:
            self._model = self._solver.model()
        return bool(answer == z3.sat)

    def _name(self, goal: Term) -> Term:
        """A constant that implies a goal, so that it can be assumed."""
        if goal.get_id() not in self._names:
            name = z3.FreshBool("goal")
            self._solver.add(z3.Implies(name, goal))
            self._names[goal.get_id()] = goal, name
        return self._names[goal.get_id()][1]

    def is_true(self, goal: Term) -> bool:
        return bool(z3.is_true(self._model.eval(goal, model_completion=True)))

    def counterexample(self) -> tuple[State, list[Call]]:
        calls = []
        for moment, selectors in enumerate(self._selectors):
            action = self.system.actions[
                next(i for i, s in enumerate(selectors) if self.is_true(s))
            ]
            values = tuple(self._value(p, moment) for p in action.parameters)
            calls.append(Call(action.name, values))
        return tuple(self._value(v, 0) for v in self.system.variables), calls

    def _value(self, variable: Variable, moment: int) -> int:
        term = self._model.eval(self._at(variable.term, moment), model_completion=True)
        return int(z3.is_true(term)) if z3.is_bool(term) else int(term.as_long())

    def _bits(self, variable: Variable, moment: int) -> list[Term]:
        term = self._at(variable.term, moment)
        if variable.is_bool:
            return [term]
        return [z3.Extract(i, i, term) == 1 for i in reversed(range(term.size()))]

    def _of_step(self, formulas: Mapping[str, Term], moment: int, negated: bool) -> Sequence[Term]:
        if moment == 0:
            return []
        return [
            z3.And(selector, self._at(z3.Not(term) if negated else term, moment - 1))
            for selector, action in zip(
                self._selectors[moment - 1], self.system.actions, strict=True
            )
            if (term := formulas.get(action.name)) is not None
        ]

    def _in_range(self, moment: int) -> list[Term]:
        return [self._at(variable.in_range(), moment) for variable in self.system.variables]

    def _at(self, term: Term, moment: int) -> Term:
        """A term over variables (and parameters of the step that begins there) at a moment."""
        return z3.substitute(term, *self._moments[moment])

    def _moment(self, moment: int) -> list[tuple[Term, Term]]:
        terms = [v.term for v in (*self.system.variables, *self._parameters)]
        return [(t, z3.Const(f"{t.decl().name()}@{moment}", t.sort())) for t in terms]
