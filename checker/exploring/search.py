"""How a search goes on: level after level, with what is done between, and what comes of it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from checker.exploring.checkpoint import ClaimSoFar, Snapshot
from checker.exploring.estimate import estimate
from checker.exploring.exploration import Counterexample, Exploration, Finding, Kept, Progress
from checker.exploring.fingerprint import fingerprint
from checker.exploring.instances import initial_states, instances
from checker.exploring.judged import Judged, judged
from checker.exploring.least import least_counterexample
from checker.exploring.packed import Array, sorted_once
from checker.exploring.pauses import Interrupts, Saving, Watch
from checker.exploring.spill import Levels, Memory, MemoryReached
from checker.exploring.stepper import Stepper
from checker.exploring.sweep import Searched, Sweeps
from checker.systems.deadlines import is_over
from checker.systems.finite import OutOfTime
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem, ModelError, Term


class Reduced(Protocol):
    """Which state stands for each: a term for each variable, over the system's variables.

    It has been proved to be sound for the system and the claims; `conditions`, where there are any,
    say why, and go into the proof that an exploration offers.
    """

    @property
    def representative(self) -> tuple[Term, ...]: ...


class _LimitReached(Exception):
    """A limit ends the search in the middle of a level; the message names it."""


def too_late() -> str:
    """Why a search ends at its limit of time, which is not said.

    It is mostly what other engines have left of the time that somebody gave, and no number of his.
    """
    return "out of time"


def not_begun(
    system: GroundSystem, claims: Sequence[GroundProperty], seconds_max: float | None
) -> Exploration:
    """What comes of a search whose time is over before it has seen a state."""
    return Exploration(
        closed=False,
        depth=0,
        states=0,
        transitions=0,
        levels=(),
        fired={action.name: 0 for action in system.actions},
        findings={claim.id: Finding(None, False) for claim in claims},
        reason=too_late(),
    )


class Search:
    """A search of one system about some claims: `limits` are in states, seconds and bytes.

    Raises OutOfTime where it takes too long to be set up.
    """

    def __init__(
        self,
        system: GroundSystem,
        claims: Sequence[GroundProperty],
        reduction: Reduced | None,
        limits: tuple[int | None, float | None, int | None],
        jit: bool | None,
        keep_states: bool,
        watch: Watch | None,
    ) -> None:
        self._begun = time.monotonic()
        self._system, self._grounds, self._keep_states = system, list(claims), keep_states
        self._states_max, self._seconds_max, memory_max = limits
        if getattr(reduction, "is_identity", False):
            reduction = None
        proved = getattr(reduction, "claims", claims)
        if not all(any(claim is known for known in proved) for claim in claims):
            raise ModelError(f"{system.name}: the reduction is not proved for these claims")
        self._conditions = tuple(getattr(reduction, "conditions", ()))
        self._representative = None if reduction is None else tuple(reduction.representative)
        self._claims = judged(claims)
        formulas = [t for c in self._claims for t in (c.state, c.premise) if t is not None]
        self._deadline = None if self._seconds_max is None else self._begun + self._seconds_max
        found = instances(system, claims, self._deadline)
        self._stepper = Stepper(
            system, found, formulas, self._representative, memory_max, self._deadline
        )
        self._memory = Memory(memory_max)
        self._levels = Levels(self._memory)
        self._fired = {action.name: 0 for action in system.actions}
        self._fired_before = dict(self._fired)
        self._expanded = 0
        searched = Searched(
            system, self._stepper, self._claims, self._levels, self._memory, self._fired,
            self._representative, self._deadline, self._states_max,
        )  # fmt: skip
        self._sweeps = Sweeps(searched, jit)
        self._starts: Array | None = None
        self._saving: Saving | None = None
        self._interrupts = Interrupts(False)
        self._watch = watch

    def run(self, directory: Path | None, seconds: float) -> Exploration:
        """The whole search, and what it leaves behind."""
        kept = False
        try:
            if directory is not None:
                digest = fingerprint(self._system, self._grounds, self._representative)
                self._saving = Saving(directory, digest, self._stepper.packing.dtype, seconds)
            with Interrupts(directory is not None) as self._interrupts:
                reason = self._search()
            result = self._result(reason)
            kept = result.kept is not None
            return result
        finally:
            self._sweeps.close()
            if self._saving is not None:
                self._saving.close()
            if not kept:
                self._memory.close()

    def _search(self) -> str:
        """Levels until there are no new states, no open claims, or no time or room: the reason."""
        if not self._resumed():
            at_most = min(20_000, self._states_max or 20_000)
            try:
                self._starts = self._initial(at_most, self._deadline)
            except OutOfTime:
                return too_late()
            self._begin(sorted_once(self._stepper.represent(self._starts.copy())))
        while len(self._levels):
            if self._claims and not any(claim.is_open for claim in self._claims):
                return self._finished("every claim is violated")
            try:
                self._expand()
                self._settle_steps()
                level = self._sweeps.take()
            except (_LimitReached, MemoryReached) as limit:
                return self._unfinished(str(limit))
            if not len(level):
                break
            self._begin(level)
        return self._finished("")

    def _initial(self, at_most: int, deadline: float | None) -> Array:
        """The initial states, whatever stands for them, ascending."""
        return self._stepper.packing.pack(initial_states(self._system, at_most, deadline))

    def _begin(self, level: Array) -> None:
        """A level has been found whole."""
        if not len(level):
            return
        self._levels.append(level)
        self._expanded, self._fired_before = 0, dict(self._fired)
        self._sweeps.begin()
        self._sweeps.sweep.judge(level)
        for claim in self._claims:
            claim.settle(len(self._levels) - 1)

    def _expand(self) -> None:
        """Every transition from the rest of the last level."""
        size = self._levels.sizes[-1]
        while self._expanded < size:
            self._between_chunks()
            stop = min(self._expanded + self._stepper.chunk, size)
            self._sweeps.expand(self._expanded, stop)
            self._expanded = stop

    def _between_chunks(self) -> None:
        """Say how far the search is, leave a checkpoint if it is time, and look at the limits."""
        try:
            if self._watch is not None:
                self._watch.tell(self._progress)
        except KeyboardInterrupt:
            self._save(always=True)
            raise
        if self._interrupts.pending:
            self._save(always=True)
            raise KeyboardInterrupt
        self._save()
        states = self._levels.states + self._sweeps.sweep.found
        if self._states_max is not None and states > self._states_max:
            raise _LimitReached(f"more than {self._states_max} states")
        if is_over(self._deadline):
            raise _LimitReached(too_late())
        self._memory.reserve()

    def _settle_steps(self) -> None:
        """Claims that a call from the last level violates."""
        for claim in self._claims:
            claim.settle(len(self._levels) - 1)

    def _finished(self, reason: str) -> str:
        self._save(always=True)
        if self._interrupts.pending:
            raise KeyboardInterrupt
        return reason

    def _unfinished(self, reason: str) -> str:
        """A limit was reached: what was counted in the last level does not count."""
        with contextlib.suppress(MemoryReached):
            self._save(always=True)
        self._settle_steps()
        with contextlib.suppress(MemoryReached):
            # A violation in what was found of the next level is a shortest one all the same.
            self._sweeps.sweep.judge(self._sweeps.following())
        for claim in self._claims:
            claim.settle(len(self._levels))
        self._fired.update(self._fired_before)
        return reason

    def _save(self, always: bool = False) -> None:
        """Leave a checkpoint, if there is a directory for it and it is time."""
        if self._saving is None or not (always or self._saving.is_due(self._expanded)):
            return
        dtype = self._stepper.packing.dtype
        self._saving.save(
            Snapshot(
                self._levels.all,
                self._expanded,
                self._sweeps.following() if len(self._levels) else np.empty(0, dtype),
                self._fired,
                self._fired_before,
                [ClaimSoFar(c.premise_reached, c.depth, c.violating(dtype)) for c in self._claims],
            )
        )

    def _resumed(self) -> bool:
        """Whether a checkpoint was there, from which the search goes on now."""
        snapshot = None if self._saving is None else self._saving.load(self._fired, self._claims)
        if snapshot is None:
            return False
        self._levels.adopt(snapshot.levels)
        self._expanded = snapshot.expanded
        self._fired.update(snapshot.fired)
        self._fired_before = dict(snapshot.fired_before)
        for claim, known in zip(self._claims, snapshot.claims, strict=True):
            claim.premise_reached, claim.depth = known.premise_reached, known.depth
            claim.found = [known.found] if len(known.found) else []
        if len(self._levels):
            self._sweeps.begin(snapshot.following)
        return True

    def _progress(self) -> Progress:
        levels, found = self._levels.sizes, self._sweeps.sweep.found
        ceiling = math.prod(variable.size for variable in self._system.variables)
        return Progress(
            depth=len(levels) - 1,
            states=self._levels.states + found,
            transitions=sum(self._fired.values()),
            frontier=levels[-1],
            expanded=self._expanded,
            seconds=time.monotonic() - self._begun,
            memory=self._memory.used,
            ceiling=ceiling,
            estimate=estimate(levels, self._expanded, found, ceiling, self._sweeps.rate),
        )

    def _result(self, reason: str) -> Exploration:
        self._sweeps.close()  # so that there is room to look for runs
        return Exploration(
            closed=not reason,
            depth=max(0, len(self._levels) - 1),
            states=self._levels.states,
            transitions=sum(self._fired.values()),
            levels=self._levels.sizes,
            fired=self._fired,
            findings={
                claim.ground.id: Finding(self._counterexample(claim), claim.premise_reached)
                for claim in self._claims
            },
            reason=reason,
            memory=self._memory.peak,
            compiling=self._sweeps.compiling,
            kept=self._kept() if self._keep_states and not reason else None,
        )

    def _counterexample(self, claim: Judged) -> Counterexample | None:
        if claim.depth is None:
            return None
        if self._starts is None:
            self._starts = self._initial(20_000, None)
        return least_counterexample(
            self._stepper,
            self._starts,
            self._levels.all[: claim.depth],
            claim.violating(self._stepper.packing.dtype),
            claim.number if claim.ground.kind == "step" else None,
        )

    def _kept(self) -> Kept:
        return Kept(
            levels=self._levels.all,
            packing=self._stepper.packing,
            representative=self._representative,
            conditions=self._conditions,
            memory=self._memory,
        )
