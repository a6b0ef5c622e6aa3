"""Which assignments satisfy clauses: incremental SAT solvers behind one small interface.

CaDiCaL and others come from python-sat; Z3 answers the same questions as their reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import pysat.solvers  # type: ignore[import-untyped]  # python-sat ships no types
import z3

from checker.solving.unroll import Unknown
from checker.systems.asking import ask
from checker.systems.deadlines import is_over, seconds_left

Z3 = "z3"
"""The name of the reference solver. Every other name is one of python-sat's."""

CONFLICTS = 2_000
"""How many conflicts a question may have before the clock is looked at; twice as many each time.

python-sat's solvers are not interrupted from outside, so a question may outlast its deadline by
what so many conflicts take.
"""


class Solver(Protocol):
    """Clauses, in DIMACS literals, and questions about them under assumptions.

    Questions raise Unknown when the solver gives no answer, or none before its deadline.
    """

    def add(self, clause: Iterable[int]) -> None:
        """Add a clause for good."""

    def solve(self, assumptions: Sequence[int]) -> bool:
        """Whether some assignment satisfies the clauses and the assumptions."""

    def core(self) -> set[int]:
        """After "no": assumptions that are enough for that answer."""

    def model(self) -> Sequence[int]:
        """After "yes": entry i is variable i + 1 or its negation."""


class PySat:
    """A solver of python-sat."""

    def __init__(
        self, name: str, clauses: Iterable[Sequence[int]], deadline: float | None = None
    ) -> None:
        self._solver = pysat.solvers.Solver(name)
        self._solver.append_formula([list(clause) for clause in clauses])
        self._deadline = deadline

    def add(self, clause: Iterable[int]) -> None:
        self._solver.add_clause(list(clause))

    def solve(self, assumptions: Sequence[int]) -> bool:
        assumed = list(assumptions)  # python-sat keeps what it is given, and wants a list back
        if self._deadline is None:
            return bool(_heeding(lambda: self._solver.solve(assumed)))
        answer, conflicts = None, CONFLICTS
        while answer is None:
            if is_over(self._deadline):
                raise Unknown("out of time")
            self._solver.conf_budget(conflicts)
            answer = _heeding(lambda: self._solver.solve_limited(assumed))
            conflicts *= 2
        return bool(answer)

    def core(self) -> set[int]:
        return set(self._solver.get_core() or ())

    def model(self) -> Sequence[int]:
        found: Sequence[int] = self._solver.get_model()
        return found


def _heeding(call: Callable[[], bool | None]) -> bool | None:
    """The call's answer. Ctrl-C during it is KeyboardInterrupt, not an error of python-sat's own.

    That error's class cannot be imported from python-sat, so it is known by its words.
    """
    try:
        return call()
    except Exception as error:
        if str(error) == "Caught keyboard interrupt":
            raise KeyboardInterrupt from error
        raise


class ByZ3:
    """The same by Z3's own SAT solver, through a Boolean constant for each variable."""

    def __init__(self, clauses: Iterable[Sequence[int]], deadline: float | None = None) -> None:
        self._solver = z3.SolverFor("QF_FD")
        self._deadline = deadline
        self._variables: list[z3.BoolRef] = []
        for clause in clauses:
            self.add(clause)

    def _literal(self, literal: int) -> z3.BoolRef:
        for number in range(len(self._variables), abs(literal)):
            self._variables.append(z3.Bool(f"v{number + 1}"))
        variable = self._variables[abs(literal) - 1]
        return variable if literal > 0 else z3.Not(variable)

    def add(self, clause: Iterable[int]) -> None:
        self._solver.add(z3.Or([self._literal(x) for x in clause]))

    def solve(self, assumptions: Sequence[int]) -> bool:
        if is_over(self._deadline):
            raise Unknown("out of time")
        assumed = map(self._literal, assumptions)
        answer = ask(self._solver, *assumed, seconds=seconds_left(self._deadline))
        if answer == z3.unknown:
            raise Unknown(f"Z3 gave no answer: {self._solver.reason_unknown()}")
        return bool(answer == z3.sat)

    def core(self) -> set[int]:
        return {self._number(term) for term in self._solver.unsat_core()}

    def model(self) -> Sequence[int]:
        found = self._solver.model()
        return [
            number if z3.is_true(found.eval(variable)) else -number
            for number, variable in enumerate(self._variables, 1)
        ]

    def _number(self, term: z3.BoolRef) -> int:
        if z3.is_not(term):
            return -self._number(term.arg(0))
        return int(term.decl().name()[1:])


def solver(name: str, clauses: Iterable[Sequence[int]], deadline: float | None = None) -> Solver:
    """A new solver of that name with these clauses. Raises ValueError on an unknown name.

    `deadline` is in seconds of `time.monotonic`.
    """
    if name == Z3:
        return ByZ3(clauses, deadline)
    try:
        return PySat(name, clauses, deadline)
    except pysat.solvers.NoSuchSolverError as unknown:
        raise ValueError(f"python-sat has no solver {name!r}") from unknown
