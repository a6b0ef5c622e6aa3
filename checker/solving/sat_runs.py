"""Runs of a system for an incremental SAT solver: the clauses of one step, copied for each moment.

The terms are bit-blasted once (see `blast`); a longer run costs only a renaming of clauses. The
solver is one of `python-sat`, CaDiCaL unless another is named.
"""

from __future__ import annotations

from collections.abc import Sequence

from pysat.solvers import Solver  # type: ignore[import-untyped]  # it ships no types

from checker.exploring.compile import CompileError
from checker.solving.blast import Copy, blast
from checker.solving.pieces import pieces
from checker.solving.unroll import Backend, Runs, Unknown, Unrolling
from checker.systems.deadlines import is_over
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State

SOLVER = "cadical153"
"""The least time for many small queries of those that python-sat has."""

CONFLICTS = 2_000
"""How many conflicts a query may have before the clock is looked at; twice as many each time.

CaDiCaL cannot be interrupted from outside, so a query may overrun its deadline by what so many
conflicts take; a caller that needs more runs it in a process that can be killed.
"""


def runs_of(
    system: GroundSystem,
    claim: GroundProperty,
    backend: Backend,
    deadline: float | None = None,
) -> Runs:
    """Runs of a system and a claim about it; in Z3 where asked for, or where no clauses exist.

    `deadline` is in seconds of `time.monotonic`. Raises ValueError on an unknown backend.
    """
    if backend not in ("sat", "z3"):
        raise ValueError(f"unknown backend {backend!r}; known: sat, z3")
    if backend == "sat":
        try:
            return SatRuns(system, claim, deadline)
        except CompileError:
            pass  # an operator that only Z3 knows
    return Unrolling(system, claim, deadline)


class SatRuns:
    """`Runs` in a SAT solver: goals are literals."""

    def __init__(
        self,
        system: GroundSystem,
        claim: GroundProperty,
        deadline: float | None = None,
        solver: str = SOLVER,
    ) -> None:
        self.system = system
        self.length = 0
        self._template = blast(system, claim)
        self._deadline = deadline
        self._solver = Solver(name=solver)
        self._top = self._template.variables
        self._copies: list[Copy] = []
        self._named: dict[tuple[int, ...], int] = {}
        self._model: list[int] = []
        inputs = {bit for bits in self._template.now for bit in bits}
        self._pieces = {
            goal: pieces(goal, self._template.clauses, inputs)
            for goal in (self._template.bad.now, self._template.bad.step)
        }
        self._append(self._template.first_moment())

    def step(self) -> None:
        before = self._copies[-1]
        self.require(before(self._template.guard))
        after = self._template.following(before, self._top)
        self._top += self._template.variables
        self._append(after)
        self.length += 1

    def begins_initially(self) -> int:
        return self._copies[0](self._template.initially)

    def violated(self, moment: int) -> int:
        bad = self._template.bad
        return self._reached(bad.now, bad.step, moment)

    def pieces(self, moment: int) -> list[int]:
        bad, copy = self._template.bad, self._copies[moment]
        now = [copy(literal) for literal in self._pieces[bad.now]]
        if moment == 0:
            return now
        before = self._copies[moment - 1]
        return [*now, *(before(literal) for literal in self._pieces[bad.step])]

    def premise(self, moment: int) -> int:
        premise = self._template.premise
        return self._reached(premise.now, premise.step, moment)

    def differs(self, earlier: int, later: int) -> int:
        pairs = [
            (self._copies[earlier](bit), self._copies[later](bit))
            for bits in self._template.now
            for bit in bits
        ]
        return self._any_of([self._unequal(a, b) for a, b in pairs])

    def taken(self, action: int, moment: int) -> int:
        return self._copies[moment](self._template.selectors[action])

    def state_bits(self) -> list[int]:
        first = self._copies[0]
        return [first(bit) for bits in self._template.now for bit in reversed(bits)]

    def parameter_bits(self, action: int, moment: int) -> list[int]:
        copy = self._copies[moment]
        return [copy(bit) for bits in self._template.parameters[action] for bit in reversed(bits)]

    def negated(self, goal: int) -> int:
        return -goal

    def require(self, goal: int) -> None:
        self._solver.add_clause([goal])

    def is_possible(self, *goals: int) -> bool:
        answer, conflicts = None, CONFLICTS
        while answer is None:
            if self._deadline is None:
                answer = self._solver.solve(assumptions=goals)
                continue
            if is_over(self._deadline):
                raise Unknown("out of time")
            self._solver.conf_budget(conflicts)
            answer = self._solver.solve_limited(assumptions=goals)
            conflicts *= 2
        if answer:
            self._model = self._solver.get_model()
        return bool(answer)

    def is_true(self, goal: int) -> bool:
        number = abs(goal)
        positive = number <= len(self._model) and self._model[number - 1] > 0
        return positive == (goal > 0)

    def counterexample(self) -> tuple[State, list[Call]]:
        template = self._template
        found = [copy.assignment(self._model) for copy in self._copies]
        calls = [template.call(assignment) for assignment in found[:-1]]
        return template.state(found[0]), [call for call in calls if call is not None]

    def _append(self, copy: Copy) -> None:
        self._copies.append(copy)
        self._solver.append_formula(copy.clauses())

    def _reached(self, now: int, step: int, moment: int) -> int:
        """That something is there in a state, or on the step that leads to it."""
        here = self._copies[moment](now)
        if moment == 0:
            return here
        return self._any_of([here, self._copies[moment - 1](step)])

    def _any_of(self, literals: Sequence[int]) -> int:
        """A literal that is true exactly where one of the literals is."""
        key = tuple(literals)
        if key not in self._named:
            self._named[key] = name = self._fresh()
            self._solver.add_clause([-name, *literals])
            for literal in literals:
                self._solver.add_clause([name, -literal])
        return self._named[key]

    def _unequal(self, a: int, b: int) -> int:
        name = self._fresh()
        for clause in ([-name, a, b], [-name, -a, -b], [name, -a, b], [name, a, -b]):
            self._solver.add_clause(clause)
        return name

    def _fresh(self) -> int:
        self._top += 1
        return self._top
