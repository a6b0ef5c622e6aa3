"""Which set a compiled search keeps of the states it has seen, how it grows, and what it takes.

Where a state has few bits, a bit for each that there could be is smallest and quickest; else it is
a hash set in open addressing, at most three quarters full.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from checker.exploring import hashed
from checker.exploring.jit import Machinery
from checker.exploring.packed import Packing
from checker.exploring.spill import Array, Memory

BITS_MAX = 28
"""A bit for each possible state is kept up to so many bits of a state: 32 MiB."""

ROWS = "uint64[:,::1]"
_FILLED = 32_768

Refill = Callable[[], Iterable[Array]]
"""Gives all states that a set has, as rows of words: a set that grows is built anew."""


class BitTable:
    """A set with a bit for each possible state of one word, of which `bits` are used."""

    def __init__(self, bits: int) -> None:
        machinery = Machinery(inspect.getsource(hashed))
        signature = f"int64({ROWS},int64,uint8[::1],uint64,{ROWS},int64)"
        self._insert = machinery.function("insert_bits", signature)
        self._bits = np.zeros(1 << max(0, bits - 3), np.uint8)
        self._shift = np.uint64(64 - bits)
        self.nbytes = self._bits.nbytes

    def insert(self, rows: Array, count: int, fresh: Array, at: int) -> int:
        """Add the first `count` rows; the new ones go into `fresh` from row `at` on."""
        return int(self._insert(rows, count, self._bits, self._shift, fresh, at))

    def grow(self, extra: int, refill: Refill) -> None:
        """It has room for every state from the start."""


class HashTable:
    """A set of states of any number of words, which grows as it fills."""

    def __init__(self, words: int, memory: Memory) -> None:
        machinery = Machinery(inspect.getsource(hashed))
        name = "insert_words" if words == 1 else "insert_rows"
        signature = f"int64({ROWS},int64,{ROWS},uint64,boolean[::1],{ROWS},int64)"
        self._insert: Callable[..., Any] = machinery.function(name, signature)
        self._memory = memory
        self._words = words
        self._size = 0
        self._clear(1 << 10)

    @property
    def nbytes(self) -> int:
        """The bytes that it holds."""
        return int(self._slots.nbytes)

    def insert(self, rows: Array, count: int, fresh: Array, at: int) -> int:
        """Add the first `count` rows; the new ones go into `fresh` from row `at` on."""
        end = self._insert(rows, count, self._slots, self._shift, self._zero, fresh, at)
        self._size += end - at
        return int(end)

    def grow(self, extra: int, refill: Refill) -> None:
        """Make room for so many states more. Raises MemoryReached."""
        capacity = len(self._slots)
        needed = self._size + extra
        if needed <= capacity * 3 // 4:
            return
        while needed > capacity * 3 // 4:
            capacity *= 2
        # The old slots go first: every state is in some level, from where the new ones are filled.
        self._memory.reserve((capacity - len(self._slots) + _FILLED) * 8 * self._words)
        self._clear(capacity)
        fresh = np.empty((_FILLED, self._words), np.uint64)
        for rows in refill():
            self.insert(rows, len(rows), fresh, 0)

    def _clear(self, capacity: int) -> None:
        self._slots = np.empty((0, self._words), np.uint64)
        self._slots = np.zeros((capacity, self._words), np.uint64)
        self._zero = np.zeros(1, bool)
        self._shift = np.uint64(64 - (capacity.bit_length() - 1))
        self._size = 0


def slices(array: Array) -> Iterator[Array]:
    """An array's rows, as many at a time as `grow` sets room aside for."""
    for start in range(0, len(array), _FILLED):
        yield array[start : start + _FILLED]


def pieces(packing: Packing, states: Array) -> Iterator[Array]:
    """Packed states as rows of words, in such slices."""
    return map(packing.rows, slices(states))
