"""How IC3 asks its small questions: clauses that hold for one question, start states, lifting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from checker.ic3.atoms import Atoms, Cube
from checker.solving.blast import Blasted, Goal
from checker.solving.sat import Solver
from checker.systems.system import Call, State

SPENT_MAX = 1000
"""How many spent clauses a solver may hold before it is made anew without them."""

Make = Callable[[Iterable[Sequence[int]]], Solver]


class Questioned:
    """A solver with clauses that stay, and at each question one that holds for it alone."""

    def __init__(self, make: Make, variables: int, clauses: Iterable[Sequence[int]]) -> None:
        self._make = make
        self._clauses = [tuple(clause) for clause in clauses]
        self._staying = self._last = self._holds = variables
        self._spent = 0
        self.solver = make(self._clauses)

    def variable(self) -> int:
        """A new variable for clauses that stay."""
        self._last += 1
        self._staying = self._last
        return self._last

    def add(self, *clause: int) -> None:
        """Add a clause that stays."""
        self._clauses.append(clause)
        self.solver.add(clause)

    def ask(self, assumptions: Sequence[int], clause: Iterable[int] | None = None) -> bool:
        """Whether an assignment satisfies what stays, the assumptions, and the clause."""
        if clause is None:
            return self.solver.solve(assumptions)
        if self._spent >= SPENT_MAX:
            self._renew()
        elif self._spent:
            self.solver.add((-self._holds,))
        self._last += 1
        self._spent += 1
        self._holds = self._last
        self.solver.add((-self._holds, *clause))
        return self.solver.solve([self._holds, *assumptions])

    def _renew(self) -> None:
        self.solver = self._make(self._clauses)
        self._last = self._holds = self._staying
        self._spent = 0


class Start:
    """The initial states, and which cubes have none of them."""

    def __init__(self, make: Make, blasted: Blasted) -> None:
        self.solver = make([*blasted.clauses, (blasted.initially,)])
        self._met: dict[frozenset[int], bool] = {}

    def meets(self, cube: Iterable[int]) -> bool:
        """Whether some initial state is in the cube."""
        key = frozenset(cube)
        if key not in self._met:
            self._met[key] = self.solver.solve(sorted(key))
        return self._met[key]

    def apart(self, cube: Cube, part: Iterable[int]) -> Cube:
        """A part of a cube that meets no initial state, with at least the given part.

        The whole cube must meet none.
        """
        kept = set(part)
        if self.meets(kept):
            self.solver.solve(cube)
            kept |= self.solver.core()
        return tuple(literal for literal in cube if literal in kept)


@dataclasses.dataclass(frozen=True)
class Predecessor:
    """A state, a call that is possible there, and a cube around the state.

    From every state of the cube the same call is possible, and leads to where it was asked to.
    """

    state: State
    call: Call
    cube: Cube


class Lifting:
    """Which part of a state is enough for a call to be possible and to lead to the same end."""

    def __init__(self, make: Make, blasted: Blasted, goal: Goal, atoms: Atoms) -> None:
        assert goal.next is not None
        self._blasted = blasted
        self._atoms = atoms
        self._solver = Questioned(make, blasted.variables, blasted.clauses)
        self._no_goal = self._solver.variable()
        for end in (goal.next, goal.step):
            self._solver.add(-self._no_goal, -blasted.guard, -end)

    def lift(self, model: Sequence[int], target: Cube | None) -> Predecessor:
        """The state and call of a model whose step leads into a cube; None means to the goal.

        That the step is possible is part of what must follow from the cube: an action may have no
        successor in a state that differs only in what its guard reads.
        """
        assignment = self._blasted.first_moment().assignment(model)
        state, call = self._blasted.state(assignment), self._blasted.call(assignment)
        assert call is not None, "a step whose guard holds has an action"
        inputs = self._inputs(call, model)
        cube = self._atoms.cube(state)
        if target is None:
            opposite, fixed = None, [self._no_goal, *inputs]
        else:
            after = self._atoms.after
            opposite, fixed = [-self._blasted.guard, *(-after[x] for x in target)], inputs
        while True:
            if self._solver.ask([*fixed, *cube], opposite):
                raise AssertionError("a step that leads to the target also does not")
            core = self._solver.solver.core()
            smaller = tuple(literal for literal in cube if literal in core)
            if len(smaller) == len(cube):
                return Predecessor(state, call, cube)
            cube = smaller

    def _inputs(self, call: Call, model: Sequence[int]) -> list[int]:
        names = [action.name for action in self._blasted.system.actions]
        chosen = names.index(call.action)
        bits = [bit for parameter in self._blasted.parameters[chosen] for bit in parameter]
        return [self._blasted.selectors[chosen], *(model[bit - 1] for bit in bits)]
