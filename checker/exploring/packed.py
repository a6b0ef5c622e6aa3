"""How states lie in memory: each in as few 64-bit words as hold its variables, in one array.

A variable's bits lie in one word, the first variable in the most significant bits of the first
word, so that packed states sort as their tuples do. One word is a `uint64`; several are a string
of bytes, most significant first, which NumPy sorts and searches as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from checker.exploring.compile import CompileError, Program
from checker.systems.system import State, Variable

Array = Any
"""A NumPy array. Its element type depends on the system, so it is not written out."""


_ODD = np.uint64(0x9E3779B97F4A7C15)
"""Knuth's multiplier for hashing: 2^64 over the golden ratio."""

_SLOT_BITS = 20


@dataclasses.dataclass(frozen=True)
class Field:
    """Where a variable lies: its word, the distance to the word's low end, and its bits."""

    word: int
    shift: int
    bits: int

    @property
    def mask(self) -> int:
        """As many ones as there are bits, at the low end."""
        return (1 << self.bits) - 1


class Packing:
    """The places of a system's variables. Raises CompileError on one of more than 64 bits."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.fields: list[Field] = []
        word, room = 0, 64
        for variable in variables:
            bits = 1 if variable.is_bool else variable.term.size()
            if bits > 64:
                raise CompileError(f"variable {variable.name} has {bits} bits, more than a word")
            if bits > room:
                word, room = word + 1, 64
            room -= bits
            self.fields.append(Field(word, room, bits))
        self.words = word + 1
        self.bits = 64 * word + 64 - room
        self.dtype = np.dtype(np.uint64) if self.words == 1 else np.dtype(f"S{8 * self.words}")

    def pack(self, states: Iterable[State]) -> Array:
        """Packed states, in the order given."""
        rows = list(states)
        words = [np.zeros(len(rows), np.uint64) for _ in range(self.words)]
        for field, values in zip(self.fields, zip(*rows, strict=True), strict=False):
            words[field.word] |= np.array(values, np.uint64) << field.shift
        return self.join(words)

    def unpack(self, packed: Array) -> State:
        """The values of one packed state (an array of length 1)."""
        words = self.split(packed)
        return tuple(int(words[f.word][0]) >> f.shift & f.mask for f in self.fields)

    def rows(self, packed: Array) -> Array:
        """The words of packed states, as `uint64` of shape (states, words)."""
        if self.words == 1:
            return packed.reshape(-1, 1)
        return np.ascontiguousarray(packed).view(">u8").reshape(-1, self.words).astype(np.uint64)

    def viewed(self, packed: Array) -> Array:
        """The words of packed states as `rows` has them, not copied, in their own byte order."""
        return packed.view("u8" if self.words == 1 else ">u8").reshape(-1, self.words)

    def from_rows(self, rows: Array) -> Array:
        """The packed states that have these words, of shape (states, words)."""
        if self.words == 1:
            return rows.reshape(-1)
        return np.ascontiguousarray(rows).astype(">u8").view(self.dtype).ravel()

    def split(self, packed: Array) -> list[Array]:
        """The words of packed states: one `uint64` array for each word."""
        if self.words == 1:
            return [packed]
        table = np.ascontiguousarray(packed).view(">u8").reshape(-1, self.words)
        return [table[:, word].astype(np.uint64) for word in range(self.words)]

    def distinct(self, words: Sequence[Array]) -> Array:
        """The distinct packed states that have these words, ascending."""
        if self.words > 1:
            # Strings sort slowly, so most repetitions go first: each state is compared with the
            # last one of its hash, and goes if that is another occurrence of the same state.
            mixed = words[0] * _ODD
            for word in words[1:]:
                mixed = (mixed ^ word) * _ODD
            slots = (mixed >> np.uint64(64 - _SLOT_BITS)).astype(np.intp)
            order = np.arange(len(slots), dtype=np.int32)
            table = np.empty(1 << _SLOT_BITS, np.int32)
            table[slots] = order
            last = table[slots]
            keep = last == order
            for word in words:
                keep |= word[last] != word
            words = [word[keep] for word in words]
        return sorted_once(self.join(words))

    def join(self, words: Sequence[Array]) -> Array:
        """The packed states that have these words."""
        if self.words == 1:
            return words[0]
        return self.from_rows(np.stack(words, axis=1))


class Chunk:
    """Some packed states, with the values of their variables as columns made when asked for."""

    def __init__(
        self, packing: Packing, columns: Sequence[tuple[Field, bool]], dtype: Any, packed: Array
    ) -> None:
        self.size = len(packed)
        self.words = packing.split(packed)
        self._fields = columns
        self._dtype = dtype
        self._columns: dict[int, Array] = {}

    def column(self, place: int) -> Array:
        """The values of one variable: Boolean, or of the search's unsigned dtype."""
        if place not in self._columns:
            field, is_bool = self._fields[place]
            raw = (self.words[field.word] >> field.shift) & field.mask
            self._columns[place] = raw.astype(bool if is_bool else self._dtype)
        return self._columns[place]

    def evaluate(self, program: Program, rows: Array | None = None) -> tuple[Array, ...]:
        """The program's results in these states, or in the given rows of them.

        A result that is the same everywhere may be a plain Python value.
        """
        inputs: list[Array | None] = [None] * len(self._fields)
        for place in program.reads:
            column = self.column(place)
            inputs[place] = column if rows is None else column[rows]
        return program.run(*inputs)


def sorted_once(states: Array) -> Array:
    """The distinct states, ascending. The given array is lost: it may be sorted in place."""
    states.sort()
    if len(states) < 2:
        return states
    keep = np.empty(len(states), bool)
    keep[0] = True
    np.not_equal(states[1:], states[:-1], out=keep[1:])
    return states[keep]


def word_update(
    packing: Packing, changes: Sequence[tuple[int, Any]]
) -> Callable[[list[Array]], list[Array]]:
    """A function that writes values into words: `changes` has places of variables and values.

    A value is an array, or one int or bool for all states.
    """
    clear = [(1 << 64) - 1] * packing.words
    fixed = [0] * packing.words
    moving: list[tuple[int, int, Array]] = []
    for place, value in changes:
        field = packing.fields[place]
        clear[field.word] &= ~(field.mask << field.shift)
        if isinstance(value, int):
            fixed[field.word] |= value << field.shift
        else:
            moving.append((field.word, field.shift, value))

    def update(words: list[Array]) -> list[Array]:
        after = [(word & np.uint64(clear[i])) | np.uint64(fixed[i]) for i, word in enumerate(words)]
        for i, shift, value in moving:
            after[i] |= value.astype(np.uint64) << np.uint64(shift)
        return after

    return update
