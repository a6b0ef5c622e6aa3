"""Whether a claim holds at every depth, by clauses that are inductive relative to earlier ones.

Source: Bradley, "SAT-Based Model Checking without Unrolling", VMCAI 2011; Eén, Mishchenko, Brayton,
"Efficient Implementation of Property Directed Reachability", FMCAD 2011. A clause that is learned
is learned for its images under declared symmetries too, each of which is asked about.

DIFFERS FROM SOURCE: an obligation is never moved to a later frame. What is excluded in round N is
thus a state from which the goal is exactly so many steps away, and the first counterexample that
is found, in round N, has N steps: a shortest one.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from checker.answers.proof import Invariant
from checker.answers.trace import run
from checker.answers.verdict import Verdict
from checker.ic3.atoms import Clause, Cube, Permutation, clause_term, symmetries_of
from checker.ic3.frames import Frames
from checker.ic3.generalise import Generaliser
from checker.solving.blast import Blasted, Goal, blast
from checker.solving.sat import solver
from checker.solving.unroll import Unknown
from checker.systems.deadlines import deadline_after
from checker.systems.property import GroundProperty
from checker.systems.system import Call, GroundSystem, State

__all__ = ["BACKEND", "ENGINE", "ic3", "ic3_invariant", "symmetries_of"]

ENGINE = "ic3"
BACKEND = "cadical153"
"""The SAT solver that is used unless another is asked for."""


def ic3(
    system: GroundSystem,
    claim: GroundProperty,
    *,
    seconds_max: float | None = None,
    symmetry: Sequence[Permutation] = (),
    backend: str = BACKEND,
) -> Verdict:
    """Judge a claim about a well-formed system, without a bound on the depth.

    PROVED carries an Invariant that together with the claim is inductive in one step. VACUOUS: it
    is proved, and so is that the premise is never reached. VIOLATED has a shortest run. UNKNOWN:
    out of time; `depth` is the greatest length such that no run of it violates the claim. `backend`
    is the name of a solver of python-sat, or "z3". `symmetry` has permutations of atoms, such as
    `symmetries_of` has; a wrong one costs time and nothing else. Raises
    CompileError on an operator without translation.
    """
    verdict, _ = ic3_invariant(
        system, claim, seconds_max=seconds_max, symmetry=symmetry, backend=backend
    )
    return verdict


def ic3_invariant(
    system: GroundSystem,
    claim: GroundProperty,
    *,
    seconds_max: float | None = None,
    symmetry: Sequence[Permutation] = (),
    backend: str = BACKEND,
) -> tuple[Verdict, tuple[Clause, ...]]:
    """The verdict of `ic3`, and the clauses of its invariant, in order; none but for PROVED."""
    deadline = deadline_after(seconds_max)
    blasted = blast(system, claim, holds_next=True)
    runs = functools.partial(_Search, blasted, backend, symmetry, deadline)
    claimed = runs(blasted.bad)
    try:
        if not claimed.decide():
            trace = run(system, *claimed.counterexample)
            return Verdict("VIOLATED", ENGINE, claimed.round, trace=trace, is_least=False), ()
    except Unknown as unknown:
        return _unknown(claimed, f"{unknown}: {_covered(claimed)}"), ()
    premise = runs(blasted.premise)
    try:
        if premise.decide():
            verdict = Verdict("VACUOUS", ENGINE, claimed.round, premise_reached=False)
            return verdict, ()
    except Unknown as unknown:
        reason = f"{unknown}: proved, but premise not reached within depth {premise.done}"
        return _unknown(claimed, reason), ()
    clauses = claimed.invariant()
    terms = tuple(clause_term(system, clause) for clause in clauses)
    proof = Invariant(system, terms)
    return Verdict("PROVED", ENGINE, claimed.round, proof=proof), clauses


def _unknown(search: _Search, reason: str) -> Verdict:
    depth = max(0, search.done)
    return Verdict("UNKNOWN", ENGINE, depth, premise_reached=False, reason=reason)


def _covered(search: _Search) -> str:
    if search.done < 0:
        return "not even the initial states were judged"
    return f"no violation within {search.done} transitions"


@dataclasses.dataclass(frozen=True)
class _Obligation:
    """A cube of states from which the calls lead to the goal: no run may come there in `level`."""

    cube: Cube
    level: int
    calls: tuple[Call, ...]


class _Search:
    """Whether any run comes to a goal. In round N, runs of N steps are examined.

    `done` is the greatest length such that no run of it comes to the goal; -1: not even 0 is.
    """

    def __init__(
        self,
        blasted: Blasted,
        backend: str,
        symmetry: Sequence[Permutation],
        deadline: float | None,
        goal: Goal,
    ) -> None:
        make = functools.partial(solver, backend, deadline=deadline)
        self.frames = Frames(blasted, goal, make)
        renamings = [self.frames.atoms.renaming(permutation) for permutation in symmetry]
        self._generaliser = Generaliser(self.frames, renamings)
        self._blasted = blasted
        self._goal = goal
        self.done = -1
        self.round = 0
        self.counterexample: tuple[State, tuple[Call, ...]]

    def decide(self) -> bool:
        """True when no run comes to the goal; else `counterexample` is a shortest that does.

        Raises Unknown when the time is over.
        """
        start = self.frames.start.solver
        if start.solve([self._goal.now]):
            model = self._blasted.first_moment().assignment(start.model())
            self.counterexample = self._blasted.state(model), ()
            return False
        self.done = 0
        while True:
            self.round += 1
            if not self._examine():
                return False
            self.done = self.round
            self.frames.extend()
            if self._propagate():
                return True

    def invariant(self) -> tuple[Clause, ...]:
        """The clauses of the frame that has turned out to be inductive, in order."""
        cubes = [cube for its in self.frames.cubes[self._fixed :] for cube in its]
        return tuple(sorted(map(self.frames.atoms.clause, cubes), key=sorted))

    def _examine(self) -> bool:
        """Whether no run of exactly `round` steps comes to the goal."""
        last = self.round - 1
        while (before := self.frames.before_goal(last)) is not None:
            if last == 0:
                self.counterexample = before.state, (before.call,)
                return False
            if not self._block(_Obligation(before.cube, last, (before.call,))):
                return False
        return True

    def _block(self, first: _Obligation) -> bool:
        """Whether the cube can be excluded from the frame of its level, and now is."""
        waiting = [first]
        while waiting:
            cube, level = waiting[-1].cube, waiting[-1].level
            if self.frames.excludes(cube, level):
                waiting.pop()
                continue
            before = self.frames.before(cube, level - 1)
            if before is None:
                self._learn(self.frames.reason(cube), level)
                waiting.pop()
                continue
            calls = (before.call, *waiting[-1].calls)
            if level == 1:
                self.counterexample = before.state, calls
                return False
            waiting.append(_Obligation(before.cube, level - 1, calls))
        return True

    def _learn(self, cube: Cube, level: int) -> None:
        """Exclude as much as can be excluded along with a cube that no step enters."""
        frames = self.frames
        cube = self._generaliser.generalise(cube, level - 1)
        while level < frames.last:
            further = frames.unreachable(cube, level)
            if further is None:
                break
            cube, level = further, level + 1
        frames.add(cube, level)
        self._generaliser.spread(cube, level)

    def _propagate(self) -> bool:
        """Move clauses to later frames where they hold; whether two frames are then the same."""
        frames = self.frames
        for level in range(1, frames.last):
            for cube in sorted(frames.cubes[level], key=sorted):
                if cube not in frames.cubes[level]:
                    continue
                part = frames.unreachable(tuple(sorted(cube, key=abs)), level)
                if part is not None:
                    frames.add(part, level + 1)
            if not frames.cubes[level]:
                self._fixed = level + 1
                return True
        return False
