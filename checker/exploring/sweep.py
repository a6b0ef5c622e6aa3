"""Which way a search computes: by NumPy at first, by machine code once that repays its making.

Both ways see the same, chunk by chunk. Machine code is a few times as fast, and takes seconds to be
compiled, which is why a search begins without. It is worth it when what is left for certain would
take NumPy longer than compiling takes: then the whole is at most about twice as long as the better
of the two would have been. Machine code keeps its table in memory; where that is too much, NumPy
goes on, with states on disk.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Protocol

from checker.exploring.array_search import ArraySearch
from checker.exploring.jit import SECONDS_AT_LEAST, compile_seconds, digest_of, is_available
from checker.exploring.jit_search import Code, JitSearch, kernels_of
from checker.exploring.judged import Judged
from checker.exploring.kernels import Kernels
from checker.exploring.packed import Array
from checker.exploring.spill import Levels, Memory, MemoryReached
from checker.exploring.stepper import Stepper
from checker.systems.system import GroundSystem, Term

FRONTIER_MIN = 20_000
"""A level of fewer states is not worth asking what its machine code would cost."""

GROWING = 3
"""While levels grow, what is left is at least this one, a greater one, and the way down again."""


TEXT_SECONDS = 0.005
"""What it takes to write the text of one instance, which only tells what compiling would cost."""


class Sweep(Protocol):
    """One way to compute, with its own set of the states that have been seen.

    `expand` counts transitions, judges steps, and collects the states that are new. A chunk that
    it could not finish (MemoryReached) may be expanded again: it has been counted in no number.
    """

    def judge(self, level: Array) -> None:
        """Judge the state formulas and premises in the states of a level."""

    def expand(self, start: int, stop: int) -> None:
        """Every transition from some states of the last level."""

    @property
    def found(self) -> int:
        """How many states of the next level are known."""

    def following(self) -> Array:
        """The states of the next level that are known, ascending."""

    def take(self) -> Array:
        """The next level, which is no longer the next."""

    def give_up(self) -> list[Array]:
        """Give back what it holds; the states of the next level, as ascending parts."""


@dataclasses.dataclass
class Searched:
    """What a search is of, and what it has come to: see `explore`. `fired` is counted up."""

    system: GroundSystem
    stepper: Stepper
    claims: Sequence[Judged]
    levels: Levels
    memory: Memory
    fired: dict[str, int]
    representative: Sequence[Term] | None
    deadline: float | None
    states_max: int | None


class Sweeps:
    """The way that is used `now`, and when to change it. `jit` forces machine code or forbids it.

    `compiling` is the seconds that machine code took to be made or loaded, None without any.
    """

    def __init__(self, searched: Searched, jit: bool | None) -> None:
        self._searched = searched
        self._is_forced = jit is True
        self._may_compile = self._is_forced or (jit is None and is_available())
        self._kernels: Kernels | None = None
        self._digest = ""
        self._seconds = 0.0
        self._expanded = 0
        self.now: Sweep | None = None
        self.compiling: float | None = None

    @property
    def sweep(self) -> Sweep:
        """The way that is used now."""
        assert self.now is not None
        return self.now

    def begin(self, following: Array | None = None) -> None:
        """Choose how to go on from a level; `following` is known of the next."""
        parts = [] if following is None or not len(following) else [following]
        if self._may_compile and (self._is_forced or self._repays()):
            self._may_compile = False  # whatever comes of it
            if self._compiled(parts):
                return
        if self.now is None:
            self.now = self._by_arrays(parts)

    def expand(self, start: int, stop: int) -> None:
        """Expand a chunk of the last level, by NumPy if the table of machine code has no room."""
        begun = time.monotonic()
        try:
            self.sweep.expand(start, stop)
        except MemoryReached:
            if not self._fall_back():
                raise
            self.sweep.expand(start, stop)
        self._seconds += time.monotonic() - begun
        self._expanded += stop - start

    def take(self) -> Array:
        """The next level, which is no longer the next."""
        try:
            return self.sweep.take()
        except MemoryReached:
            if not self._fall_back():
                raise
            return self.sweep.take()

    def following(self) -> Array:
        """What is known of the next level, ascending."""
        try:
            return self.sweep.following()
        except MemoryReached:
            if not self._fall_back():
                raise
            return self.sweep.following()

    @property
    def rate(self) -> float:
        """How many states are expanded in a second; 0 while that is not known."""
        return self._expanded / self._seconds if self._seconds else 0.0

    def close(self) -> None:
        """Give back what is held."""
        if self.now is not None:
            self.now.give_up()
            self.now = None

    def _repays(self) -> bool:
        """Whether machine code costs less time than NumPy would need for what is left."""
        sizes, most = self._searched.levels.sizes, self._searched.states_max
        is_over = most is not None and sum(sizes) > most
        if sizes[-1] < FRONTIER_MIN or is_over or not self._expanded:
            return False
        grows = len(sizes) > 1 and sizes[-1] >= sizes[-2]
        left = sizes[-1] * (GROWING if grows else 1) * self._seconds / self._expanded
        if left < SECONDS_AT_LEAST + TEXT_SECONDS * len(self._searched.stepper.steps):
            return False
        cost = compile_seconds(self._text().lines, self._digest)
        deadline = self._searched.deadline
        return left > cost and (deadline is None or time.monotonic() + 2 * cost < deadline)

    def _text(self) -> Kernels:
        if self._kernels is None:
            of = self._searched
            found = [step.instance for step in of.stepper.steps]
            self._kernels = kernels_of(
                of.system, of.stepper.packing, found, of.claims, of.representative
            )
            self._digest = digest_of(self._kernels.text)
        return self._kernels

    def _compiled(self, following: Sequence[Array]) -> bool:
        """Go on by machine code; false where that could not be."""
        of, before = self._searched, self.now
        try:
            code = Code(self._text(), of.deadline)
        except TimeoutError:
            return False
        except Exception:
            if self._is_forced:
                raise
            return False  # whatever is wrong with the compiler, NumPy can do it
        self.compiling = code.seconds
        parts = [*following, *(before.give_up() if before is not None else [])]
        self.now = None
        found = [step.instance for step in of.stepper.steps]
        try:
            self.now = JitSearch(
                code, of.stepper.packing, found, of.claims, of.levels, of.memory, of.fired,
                parts, of.stepper.chunk,
            )  # fmt: skip
        except MemoryReached:
            self.now = self._by_arrays(parts)
        return True

    def _fall_back(self) -> bool:
        """From machine code to NumPy; false where NumPy it is."""
        if not isinstance(self.now, JitSearch):
            return False
        self.now = self._by_arrays(self.now.give_up())
        return True

    def _by_arrays(self, following: Sequence[Array]) -> ArraySearch:
        of = self._searched
        return ArraySearch(of.stepper, of.claims, of.levels, of.memory, of.fired, following)
