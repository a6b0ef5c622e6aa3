"""Which states a run may reach in so many steps, overapproximated by clauses, and what lies before.

Frame 0 is the initial states; frame i > 0 is the states that satisfy its clauses. Every frame
contains the one before and all of its successors. A *cube* is a conjunction of atoms, and the
negation of a clause.
"""

from __future__ import annotations

from collections.abc import Iterable

from checker.ic3.atoms import Atoms, Cube
from checker.ic3.questions import Lifting, Make, Predecessor, Questioned, Start
from checker.solving.blast import Blasted, Goal
from checker.solving.circuit import FALSE

_EMPTY = 0
"""In place of the least literal of a cube that has none: all states, where no run starts."""


class Frames:
    """The frames of a system, and the questions about them that IC3 asks.

    `goal` is where no run should come, and `blasted` was made with `holds_next`. The states of
    frames are assumed not to be in the goal: a frame may be asked about once it is known that no
    run comes there in so many steps. `cubes[i]` has the cubes that frames 1 … i exclude and no
    later frame does. `questions` counts what was asked. A question raises Unknown where its solver
    does.
    """

    def __init__(self, blasted: Blasted, goal: Goal, make: Make) -> None:
        assert goal.next is not None
        self.atoms = Atoms(blasted)
        self.start = Start(make, blasted)
        self.cubes: list[set[frozenset[int]]] = [set()]
        # The cubes again: the last frame that excludes each; those with a least literal, and those
        # with any literal at all, so that few need to be compared.
        self._level: dict[frozenset[int], int] = {}
        self._by_least: dict[int, set[frozenset[int]]] = {}
        self._by_literal: dict[int, set[frozenset[int]]] = {}
        self.questions = 0
        self._lifting = Lifting(make, blasted, goal, self.atoms)
        clauses = [*blasted.clauses, (blasted.guard,), (-goal.now,)]
        self._steps = Questioned(make, blasted.variables, clauses)
        self._levels = [blasted.initially]
        self._parts = [part for part in (*goal.parts, goal.step) if part != FALSE]
        self._safe_to = [-1] * len(self._parts)

    @property
    def last(self) -> int:
        """The number of the last frame."""
        return len(self.cubes) - 1

    def extend(self) -> None:
        """Add a frame without clauses."""
        self.cubes.append(set())
        self._levels.append(self._steps.variable())

    def excludes(self, cube: Iterable[int], level: int) -> bool:
        """Whether some one clause of a frame excludes the whole cube."""
        literals = frozenset(cube)
        return any(
            self._level[known] >= level and known <= literals
            for least in (_EMPTY, *literals)
            for known in self._by_least.get(least, ())
        )

    def add(self, cube: Iterable[int], level: int) -> None:
        """Exclude a cube from frames 1 … level; drop the cubes in it that this makes needless."""
        new = frozenset(cube)
        supersets = (self._by_literal.get(literal, set()) for literal in new)
        holding = min(supersets, key=len, default=self._by_least.get(_EMPTY, set()))
        for known in [known for known in holding if new <= known and self._level[known] <= level]:
            self._drop(known)
        self.cubes[level].add(new)
        self._level[new] = level
        self._by_least.setdefault(min(new, default=_EMPTY), set()).add(new)
        for literal in new:
            self._by_literal.setdefault(literal, set()).add(new)
        clause = self.atoms.literals(self.atoms.clause(new))
        self._steps.add(-self._levels[level], *clause)

    def _drop(self, cube: frozenset[int]) -> None:
        self.cubes[self._level.pop(cube)].remove(cube)
        self._by_least[min(cube, default=_EMPTY)].remove(cube)
        for literal in cube:
            self._by_literal[literal].remove(cube)

    def before_goal(self, level: int) -> Predecessor | None:
        """A state of a frame and a call there that leads to the goal, if there is one.

        Asked of one part of the goal after another, which is much faster than of all at once.
        Frames only lose states, so that a part that cannot be entered is not asked about again.
        """
        for number, part in enumerate(self._parts):
            if self._safe_to[number] < level:
                if self._ask([*self._in_frame(level), part], None):
                    return self._lifting.lift(self._steps.solver.model(), None)
                self._safe_to[number] = level
        return None

    def before(self, cube: Cube, level: int) -> Predecessor | None:
        """A state of a frame but not of the cube, and a call there that leads into the cube."""
        if self._is_unreachable(cube, level):
            return None
        return self._lifting.lift(self._steps.solver.model(), cube)

    def unreachable(self, cube: Cube, level: int) -> Cube | None:
        """A part of the cube that no step enters from outside it in a frame, and no run starts in.

        None when the whole cube can be entered. It must not meet the initial states.
        """
        if not self._is_unreachable(cube, level):
            return None
        return self.reason(cube)

    def reason(self, cube: Cube) -> Cube:
        """After a question about what leads into a cube, answered "nothing": see `unreachable`."""
        core = self._steps.solver.core()
        part = [literal for literal in cube if self.atoms.after[literal] in core]
        return self.start.apart(cube, part)

    def _is_unreachable(self, cube: Cube, level: int) -> bool:
        after = self.atoms.after
        assumptions = [*self._in_frame(level), *(after[literal] for literal in cube)]
        return not self._ask(assumptions, [-literal for literal in cube])

    def _in_frame(self, level: int) -> list[int]:
        if level == 0:
            return [self._levels[0]]
        levels = self._levels[level:]
        return [literal for literal, its in zip(levels, self.cubes[level:], strict=True) if its]

    def _ask(self, assumptions: list[int], clause: Iterable[int] | None) -> bool:
        self.questions += 1
        return self._steps.ask(assumptions, clause)
