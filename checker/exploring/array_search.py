"""A search as NumPy arrays: a chunk of states at a time, one instance after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.exploring.judged import Judged
from checker.exploring.packed import Array, Chunk
from checker.exploring.seen import Seen
from checker.exploring.spill import Levels, Memory
from checker.exploring.stepper import InstanceCode, Stepper, truths


class ArraySearch:
    """A `Sweep` by NumPy. `fired` is counted up; `following` has what is known of the next level.

    It holds the states that have been seen as sorted arrays, which go to disk when memory is short.
    """

    def __init__(
        self,
        stepper: Stepper,
        claims: Sequence[Judged],
        levels: Levels,
        memory: Memory,
        fired: dict[str, int],
        following: Sequence[Array],
    ) -> None:
        self._stepper = stepper
        self._claims = claims
        self._levels = levels
        self._memory = memory
        self._fired = fired
        self._seen = Seen(stepper.packing.dtype, memory)
        for level in levels.all:
            self._seen.add(level)
        self._following = Seen(stepper.packing.dtype, memory)
        for states in following:
            self._following.add(states)
        self._state = {c.number: stepper.compile(c.state) for c in claims if c.state is not None}
        self._premise = {
            c.number: stepper.compile(c.premise) for c in claims if c.premise is not None
        }

    def judge(self, level: Array) -> None:
        """Judge the state formulas and premises in the states of a level."""
        for start, chunk in self._stepper.chunks(level):
            for claim in self._claims:
                if claim.is_open and claim.number in self._state:
                    holds = chunk.evaluate(self._state[claim.number])[0]
                    holds = truths(holds, chunk.size)
                    if not holds.all():
                        claim.found.append(level[start : start + chunk.size][~holds])
                if claim.number in self._premise and not claim.premise_reached:
                    reached = chunk.evaluate(self._premise[claim.number])[0]
                    claim.premise_reached = bool(np.any(reached))

    def expand(self, start: int, stop: int) -> None:
        """Every transition from some states of the last level."""
        level = self._levels[len(self._levels) - 1]
        packing = self._stepper.packing
        self._memory.reserve((stop - start) * self._stepper.row_bytes)
        fired = dict.fromkeys(self._fired, 0)
        violating = {claim.number: np.zeros(stop - start, bool) for claim in self._claims}
        for _, chunk in self._stepper.chunks(level[start:stop]):
            parts = []
            for step, rows in self._stepper.enabled(chunk):
                fired[step.instance.action] += len(rows) * step.instance.count
                for claim in self._claims:
                    self._judge_step(claim, step, chunk, rows, violating[claim.number])
                if step.instance.updates:
                    parts.append(step.other_states(packing, chunk, rows))
            if parts:
                words = [np.concatenate(word) for word in zip(*parts, strict=True)]
                found = self._stepper.represented(packing.distinct(words))
                self._following.add(self._following.without(self._seen.without(found)))
        for claim in self._claims:
            mask = violating[claim.number]
            if mask.any():
                claim.found.append(level[start:stop][mask])
        for name, count in fired.items():
            self._fired[name] += count

    def _judge_step(
        self, claim: Judged, step: InstanceCode, chunk: Chunk, rows: Array, violating: Array
    ) -> None:
        """A step's formulas for one claim; marks in `violating` the rows it violates it from."""
        formula = step.instance.steps[claim.number]
        premise = step.instance.premises[claim.number]
        if formula is not None and claim.is_open:
            violating[rows[~step.formula(formula, chunk, rows)]] = True
        if premise is not None and not claim.premise_reached:
            claim.premise_reached = bool(step.formula(premise, chunk, rows).any())

    @property
    def found(self) -> int:
        """How many states of the next level are known."""
        return len(self._following)

    def following(self) -> Array:
        """The states of the next level that are known, ascending."""
        return self._following.all()

    def take(self) -> Array:
        """The next level, which is no longer the next."""
        level = self._following.all()
        self._following.release()
        self._following = Seen(self._stepper.packing.dtype, self._memory)
        self._seen.add(level)
        return level

    def give_up(self) -> list[Array]:
        """Give back what it holds; the states of the next level, as ascending parts."""
        parts = self._following.parts
        self._following.release()
        self._seen.release()
        return parts
