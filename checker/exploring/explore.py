"""Which states a system reaches: all of them, breadth first, each once; and which claims hold.

A *level* is the set of states whose shortest run has that many transitions. A *transition* is an
enabled triple of state, action and parameter values; choices with one effect count separately.
Levels are judged and expanded as NumPy arrays, a chunk at a time, by the code of `compile`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
import z3

from checker.exploring.compile import Program
from checker.exploring.exploration import Exploration, Finding, Progress
from checker.exploring.instances import initial_states, instances
from checker.exploring.least import least_counterexample
from checker.exploring.packed import Array, Chunk, Seen
from checker.exploring.stepper import InstanceCode, Stepper, truths
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem


def explore(
    system: GroundSystem,
    claims: Sequence[GroundProperty],
    *,
    states_max: int | None = None,
    seconds_max: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """Search every reachable state, or until each of the claims (one at least) is violated.

    Counterexamples are shortest, and among those the least (see `least`). `seconds_max` is looked
    at between chunks. Raises TooLarge when there are too many initial states or action instances,
    and CompileError when a term has no translation to code.
    """
    return _Search(system, claims, states_max, seconds_max, progress).run()


class _LimitReached(Exception):
    """A limit ends the search in the middle of a level; the message names it."""


@dataclasses.dataclass
class _Claim:
    """A claim under search. `found` collects the violating states of the level that is judged.

    For a step property they are the states that a violating call leaves. `depth` is their level,
    once the whole level has been judged.
    """

    number: int
    ground: GroundProperty
    state: Program | None
    premise_state: Program | None
    premise_reached: bool = False
    depth: int | None = None
    found: list[Array] = dataclasses.field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.depth is None

    def settle(self, depth: int) -> None:
        """A level has been judged."""
        if self.is_open and self.found:
            self.depth = depth


class _Search:
    def __init__(
        self,
        system: GroundSystem,
        claims: Sequence[GroundProperty],
        states_max: int | None,
        seconds_max: float | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._begun = time.monotonic()
        self._system = system
        self._limits = states_max, seconds_max
        self._progress = progress
        formulas = [z3.simplify(t) for c in claims for t in (c.state, c.premise_state)]
        self._stepper = Stepper(system, instances(system, claims), formulas)
        self._claims = [self._claim(number, claim) for number, claim in enumerate(claims)]
        self._levels: list[Array] = []
        self._seen = Seen()
        self._fired = {action.name: 0 for action in system.actions}
        self._states = 0

    def _claim(self, number: int, ground: GroundProperty) -> _Claim:
        state, premise = z3.simplify(ground.state), z3.simplify(ground.premise_state)
        return _Claim(
            number,
            ground,
            None if z3.is_true(state) else self._stepper.compile(state),
            None if z3.is_false(premise) else self._stepper.compile(premise),
        )

    def run(self) -> Exploration:
        """Levels until there are no new states, no open claims, or no time or room."""
        states_max, seconds_max = self._limits
        deadline = None if seconds_max is None else self._begun + seconds_max
        at_most = min(20_000, states_max or 20_000)
        packing = self._stepper.packing
        level = packing.pack(initial_states(self._system, at_most, deadline))
        reason = ""
        while len(level):
            self._levels.append(level)
            self._states += len(level)
            self._seen.add(level)
            self._judge(level, len(self._levels) - 1)
            if self._claims and not any(claim.is_open for claim in self._claims):
                reason = "every claim is violated"
                break
            following = Seen()
            fired = dict(self._fired)
            try:
                self._expand(level, following)
            except _LimitReached as limit:
                self._settle_steps()
                # A violation in what was found of the next level is a shortest one all the same.
                self._judge(following.all(packing.dtype), len(self._levels))
                self._fired, reason = fired, str(limit)
                break
            self._settle_steps()
            level = following.all(packing.dtype)
        return self._result(reason)

    def _settle_steps(self) -> None:
        """Claims that a call from the last level violates."""
        for claim in self._claims:
            claim.settle(len(self._levels) - 1)

    def _judge(self, level: Array, depth: int) -> None:
        """State formulas and premises in the states of a level."""
        for start, chunk in self._stepper.chunks(level):
            for claim in self._claims:
                if claim.is_open and claim.state is not None:
                    holds = truths(chunk.evaluate(claim.state)[0], chunk.size)
                    if not holds.all():
                        claim.found.append(level[start : start + chunk.size][~holds])
                if claim.premise_state is not None and not claim.premise_reached:
                    claim.premise_reached = bool(np.any(chunk.evaluate(claim.premise_state)[0]))
        for claim in self._claims:
            claim.settle(depth)

    def _expand(self, level: Array, following: Seen) -> None:
        """Every transition from a level: judge it, and collect the new states."""
        packing = self._stepper.packing
        for start, chunk in self._stepper.chunks(level):
            self._check_limits(len(following), len(level), start)
            parts = []
            violating = {claim.number: np.zeros(chunk.size, bool) for claim in self._claims}
            for step, rows in self._stepper.enabled(chunk):
                self._fired[step.instance.action] += len(rows) * step.instance.count
                for claim in self._claims:
                    self._judge_step(claim, step, chunk, rows, violating[claim.number])
                if step.instance.updates:
                    parts.append(step.other_states(packing, chunk, rows))
            for claim in self._claims:
                if violating[claim.number].any():
                    mask = violating[claim.number]
                    claim.found.append(level[start : start + chunk.size][mask])
            if parts:
                words = [np.concatenate(word) for word in zip(*parts, strict=True)]
                found = packing.distinct(words)
                following.add(following.without(self._seen.without(found)))

    def _judge_step(
        self, claim: _Claim, step: InstanceCode, chunk: Chunk, rows: Array, violating: Array
    ) -> None:
        """A step's formulas for one claim; marks in `violating` the rows it violates it from."""
        formula = step.instance.steps[claim.number]
        premise = step.instance.premises[claim.number]
        if formula is not None and claim.is_open:
            violating[rows[~step.formula(formula, chunk, rows)]] = True
        if premise is not None and not claim.premise_reached:
            claim.premise_reached = bool(step.formula(premise, chunk, rows).any())

    def _check_limits(self, found: int, frontier: int, expanded: int) -> None:
        states_max, seconds_max = self._limits
        seconds = time.monotonic() - self._begun
        states = self._states + found
        if self._progress is not None:
            depth, transitions = len(self._levels) - 1, sum(self._fired.values())
            self._progress(Progress(depth, states, transitions, frontier, expanded, seconds))
        if states_max is not None and states > states_max:
            raise _LimitReached(f"more than {states_max} states")
        if seconds_max is not None and seconds > seconds_max:
            raise _LimitReached(f"more than {seconds_max:g} seconds")

    def _result(self, reason: str) -> Exploration:
        return Exploration(
            closed=not reason,
            depth=max(0, len(self._levels) - 1),
            states=self._states,
            transitions=sum(self._fired.values()),
            levels=tuple(len(level) for level in self._levels),
            fired=self._fired,
            findings={
                claim.ground.id: Finding(
                    least_counterexample(
                        self._stepper,
                        self._levels[: claim.depth],
                        np.concatenate(claim.found),
                        claim.number if claim.ground.kind == "step" else None,
                    )
                    if claim.depth is not None
                    else None,
                    claim.premise_reached,
                )
                for claim in self._claims
            },
            reason=reason,
        )
