"""A search as machine code: a loop over states that finds successors, and one that looks them up.

It sees what `array_search` sees, in the same order of chunks, so that either may go on where the
other has stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import z3

from checker.exploring import tables
from checker.exploring.instances import Instance
from checker.exploring.jit import Machinery
from checker.exploring.judged import Judged
from checker.exploring.kernels import Kernels, kernels
from checker.exploring.packed import Array, Packing
from checker.exploring.spill import Levels, Memory, MemoryReached
from checker.exploring.tables import ROWS, BitTable, HashTable, pieces, slices
from checker.systems.deadlines import is_over
from checker.systems.system import GroundSystem, Term

_FOUND = 4096
"""How many successors are found before they are looked up: few enough for the nearest cache."""

_BLOCK = 1 << 17
"""How many new states are put into one array, at most; the arrays of a level are joined later."""


def kernels_of(
    system: GroundSystem,
    packing: Packing,
    found: Sequence[Instance],
    claims: Sequence[Judged],
    representative: Sequence[Term] | None,
) -> Kernels:
    """What there is to compile for a search."""
    always, never = z3.BoolVal(True), z3.BoolVal(False)
    formulas = [
        (always if c.state is None else c.state, never if c.premise is None else c.premise)
        for c in claims
    ]
    return kernels(packing, system.variables, found, formulas, representative)


class Code:
    """A search's functions as machine code. `seconds` is what it took to get them.

    `deadline` is in seconds of `time.monotonic`, and looked at before each function: past it,
    TimeoutError is raised. Raises JitUnavailable without Numba.
    """

    def __init__(self, text: Kernels, deadline: float | None = None) -> None:
        begun = time.monotonic()
        machinery = Machinery(text.text)
        self._deadline = deadline
        marks = "boolean[:,::1],boolean[::1]"
        step = f"Tuple((int64,int64))({ROWS},int64,int64,{ROWS},int64[::1],{marks})"
        self.parts = [(part, self._function(machinery, part.name, step)) for part in text.parts]
        self.judge = (
            self._function(machinery, "judge", f"void({ROWS},{marks})") if text.judge else None
        )
        self.represent = (
            self._function(machinery, "represent", f"void({ROWS},int64)")
            if text.represent
            else None
        )
        machinery.finished()
        self.seconds = time.monotonic() - begun

    def _function(self, machinery: Machinery, name: str, signature: str) -> Callable[..., Any]:
        if is_over(self._deadline):
            raise TimeoutError
        return machinery.function(name, signature)


class JitSearch:
    """A `Sweep` by Numba. `fired` is counted up; `following` has what is known of the next level.

    The parts of `following` have no state in common. Raises MemoryReached without room for the set.
    """

    def __init__(
        self,
        code: Code,
        packing: Packing,
        found: Sequence[Instance],
        claims: Sequence[Judged],
        levels: Levels,
        memory: Memory,
        fired: dict[str, int],
        following: Sequence[Array],
        chunk: int,
    ) -> None:
        self._code = code
        self._packing = packing
        self._claims = claims
        self._levels = levels
        self._memory = memory
        self._chunk = chunk
        self._fired = fired
        self._actions = [instance.action for instance in found]
        self._counts = [instance.count for instance in found]
        self._blocks: list[Array] = []
        self._fresh, self._at = self._room(0), 0
        writes = max((part.writes for part, _ in code.parts), default=0)
        self._out = np.empty((0, packing.words), np.uint64)
        self._table: BitTable | HashTable | None = None
        memory.watch(self)
        try:
            self._fill(writes, following)
        except MemoryReached:
            self.give_up()
            raise

    def _fill(self, writes: int, following: Sequence[Array]) -> None:
        """Make the table, and put into it all that is known."""
        packing, memory = self._packing, self._memory
        rows_found = writes + _FOUND
        bits = packing.bits if packing.bits <= tables.BITS_MAX else 0
        taken = (1 << bits) // 8
        if bits and (memory.limit is None or taken <= memory.limit // 2):
            memory.reserve(taken + 8 * rows_found * packing.words)
            self._table = BitTable(bits)
        else:
            memory.reserve(8 * (rows_found + 1024) * packing.words)
            self._table = HashTable(packing.words, memory)
        self._out = np.empty((rows_found, packing.words), np.uint64)
        self._table.grow(self._levels.states + sum(map(len, following)), lambda: ())
        for level in self._levels.all:
            for rows in pieces(packing, level):
                self._add(rows, len(rows), keep=False)
        for states in following:
            for rows in pieces(packing, states):
                self._add(rows, len(rows))

    @property
    def nbytes(self) -> int:
        """The bytes of its table, of the new states, and of room for successors."""
        table = self._table.nbytes if self._table is not None else 0
        blocks = sum(block.nbytes for block in self._blocks)
        return int(table + blocks + self._fresh.nbytes + self._out.nbytes)

    def spill(self) -> None:
        """Nothing of it can be spared."""

    def judge(self, level: Array) -> None:
        """Judge the state formulas and premises in the states of a level."""
        if self._code.judge is None:
            return
        for start in range(0, len(level), self._chunk):
            part = level[start : start + self._chunk]
            marks, premises = self._marks(len(part))
            self._code.judge(self._packing.rows(part), marks, premises)
            self._note(part, marks, premises)

    def expand(self, start: int, stop: int) -> None:
        """Every transition from some states of the last level."""
        part = self._levels[len(self._levels) - 1][start:stop]
        rows = self._packing.rows(part)
        fired = np.zeros(len(self._actions), np.int64)
        marks, premises = self._marks(len(part))
        for _, expand in self._code.parts:
            at = 0
            while at < len(part):
                at, count = expand(rows, at, len(part), self._out, fired, marks, premises)
                if count:
                    if self._code.represent is not None:
                        self._code.represent(self._out, count)
                    self._add(self._out, count)
        self._note(part, marks, premises)
        for action, count, times in zip(self._actions, self._counts, fired.tolist(), strict=True):
            self._fired[action] += times * count

    def _marks(self, rows: int) -> tuple[Array, Array]:
        """For each claim and row whether it is violated, for each claim whether it has content."""
        return np.zeros((len(self._claims), rows), bool), np.zeros(len(self._claims), bool)

    def _note(self, part: Array, marks: Array, premises: Array) -> None:
        for claim in self._claims:
            mask = marks[claim.number]
            if claim.is_open and mask.any():
                claim.found.append(part[mask])
            claim.premise_reached |= bool(premises[claim.number])

    def _add(self, rows: Array, count: int, keep: bool = True) -> None:
        """Put states into the table, and those that are new to the next level if they are kept."""
        assert self._table is not None
        self._table.grow(count, self._held)
        if self._at + count > len(self._fresh):
            self._close_block(count)
        end = self._table.insert(rows, count, self._fresh, self._at)
        if keep:
            self._at = end

    def _close_block(self, count: int) -> None:
        if self._at:
            # A copy of a small part gives the rest back.
            self._blocks.append(self._fresh[: self._at].copy())
        known = sum(len(block) for block in self._blocks)
        size = max(count, min(_BLOCK, 2 * known))
        self._fresh, self._at = self._room(0), 0
        self._memory.reserve(2 * size * 8 * self._packing.words)
        self._fresh = self._room(size)

    def _room(self, size: int) -> Array:
        return np.empty((size, self._packing.words), np.uint64)

    def _held(self) -> Iterable[Array]:
        """Every state in the table."""
        for level in self._levels.all:
            yield from pieces(self._packing, level)
        for block in (*self._blocks, self._fresh[: self._at]):
            yield from slices(block)

    @property
    def found(self) -> int:
        """How many states of the next level are known."""
        return sum(len(block) for block in self._blocks) + self._at

    def following(self) -> Array:
        """The states of the next level that are known, ascending."""
        self._memory.reserve(2 * self.found * 8 * self._packing.words)
        states = self._packing.from_rows(np.concatenate([*self._blocks, self._fresh[: self._at]]))
        states.sort()
        return states

    def take(self) -> Array:
        """The next level, which is no longer the next."""
        level = self.following()
        self._blocks = []
        self._at = 0
        return level

    def give_up(self) -> list[Array]:
        """Give back what it holds; the states of the next level, as ascending parts."""
        self._memory.forget(self)
        self._table, self._out = None, self._room(0)
        blocks = [*self._blocks, self._fresh[: self._at]]
        self._blocks, self._fresh, self._at = [], self._room(0), 0
        parts = [self._packing.from_rows(block) for block in blocks if len(block)]
        for states in parts:
            states.sort()
        return parts
