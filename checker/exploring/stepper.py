"""How packed states are stepped: the code of every instance, and chunks of states to run it on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from checker.exploring.compile import Program, compile_terms, widest
from checker.exploring.instances import Instance
from checker.exploring.packed import Array, Chunk, Packing, sorted_once, word_update
from checker.systems.system import GroundSystem, Term

CHUNK = 32_768
"""How many states are expanded at once, at most: enough for NumPy to be worth its calls."""


class InstanceCode:
    """An instance and its code, which is compiled when it first fires."""

    def __init__(self, instance: Instance, inputs: Sequence[Term], dtype: Any) -> None:
        self.instance = instance
        self._inputs = inputs
        self._dtype = dtype
        self._programs: dict[int, Program] = {}
        self._effect: Program | None = None

    def formula(self, term: Term, chunk: Chunk, rows: Array) -> Array:
        """The truth of one of the instance's formulas in some rows."""
        number = term.get_id()
        if number not in self._programs:
            self._programs[number] = compile_terms([term], self._inputs, self._dtype)
        return truths(chunk.evaluate(self._programs[number], rows)[0], len(rows))

    def successors(self, packing: Packing, chunk: Chunk, rows: Array) -> list[Array]:
        """The words of the states that the step leads to from some rows, in their order."""
        updates = self.instance.updates
        if self._effect is None:
            terms = [term for _, term in updates]
            self._effect = compile_terms(terms, self._inputs, self._dtype)
        values = chunk.evaluate(self._effect, rows)
        changes = [(place, value) for (place, _), value in zip(updates, values, strict=True)]
        return word_update(packing, changes)([word[rows] for word in chunk.words])

    def other_states(self, packing: Packing, chunk: Chunk, rows: Array) -> list[Array]:
        """The words of those successors that are not the state that they come from."""
        after = self.successors(packing, chunk, rows)
        moved = np.zeros(len(rows), bool)
        for word, before in zip(after, chunk.words, strict=True):
            moved |= word != before[rows]
        return after if moved.all() else [word[moved] for word in after]


def _starts(chunk: int, states: Array) -> range:
    return range(0, len(states), chunk)


def truths(result: Any, size: int) -> Array:
    """A column of Booleans from a result that may be the same everywhere."""
    return np.full(size, result, bool) if np.ndim(result) == 0 else result


class Stepper:
    """A system's instances, compiled, and its packing.

    `formulas` are judged in its states too. With `representative` every state that a step leads to
    is replaced by the one that stands for it. The arrays that a chunk needs fit in a quarter of
    `memory_max` bytes, if one state's do; `row_bytes` is what a state's may take. To make it takes
    time: raises OutOfTime after the deadline, a moment of `time.monotonic`.
    """

    def __init__(
        self,
        system: GroundSystem,
        found: Sequence[Instance],
        formulas: Sequence[Term],
        representative: Sequence[Term] | None = None,
        memory_max: int | None = None,
        deadline: float | None = None,
    ) -> None:
        bits = widest(
            [*(v.term for v in system.variables), *formulas, *(representative or ())]
            + [term for instance in found for term in instance.terms()],
            deadline,
        )
        self._dtype = next(
            (np.dtype(f"u{size}") for size in (1, 2, 4, 8) if bits <= 8 * size), np.dtype("u8")
        )
        self._inputs = [variable.term for variable in system.variables]
        self.packing = Packing(system.variables)
        flags = (variable.is_bool for variable in system.variables)
        self._columns = list(zip(self.packing.fields, flags, strict=True))
        self.steps = [InstanceCode(instance, self._inputs, self._dtype) for instance in found]
        guards = [instance.guard for instance in found]
        self._guards = compile_terms(guards, self._inputs, self._dtype, deadline)
        self._changed = [
            place
            for place, term in enumerate(representative or ())
            if not term.eq(self._inputs[place])
        ]
        changing = [(representative or ())[place] for place in self._changed]
        self._representative = compile_terms(changing, self._inputs, self._dtype, deadline)
        writing = sum(bool(instance.updates) for instance in found)
        # All the guards' columns of a chunk are in memory at once; of the successors, what each
        # instance found, all of them, what was sorted, and what of that is new.
        self.row_bytes = (
            len(found)
            + self._dtype.itemsize * len(self._inputs)
            + 4 * writing * self.packing.dtype.itemsize
        )
        self.chunk = min(CHUNK, max(256, (1 << 23) // max(1, len(found))))
        if memory_max is not None:
            self.chunk = max(1, min(self.chunk, memory_max // (4 * self.row_bytes)))

    def compile(self, *terms: Term) -> Program:
        """Code for formulas over the system's variables."""
        return compile_terms(terms, self._inputs, self._dtype)

    def chunks(self, states: Array) -> Iterator[tuple[int, Chunk]]:
        """The packed states in parts, each with the number of its first state."""
        for start in _starts(self.chunk, states):
            part = states[start : start + self.chunk]
            yield start, Chunk(self.packing, self._columns, self._dtype, part)

    def represented(self, states: Array) -> Array:
        """The states that stand for some distinct states: distinct, ascending."""
        if not self._changed:
            return states
        parts = [self.represent(states[at : at + self.chunk]) for at in _starts(self.chunk, states)]
        return sorted_once(np.concatenate([states[:0], *parts]))

    def represent(self, states: Array) -> Array:
        """The state that stands for each of the states."""
        if not self._changed or not len(states):
            return states
        chunk = Chunk(self.packing, self._columns, self._dtype, states)
        values = chunk.evaluate(self._representative)
        changes = list(zip(self._changed, values, strict=True))
        return self.packing.join(word_update(self.packing, changes)(chunk.words))

    def enabled(self, chunk: Chunk) -> Iterator[tuple[InstanceCode, Array]]:
        """The instances that can fire, in their order, each with the rows where it can."""
        for step, mask in zip(self.steps, chunk.evaluate(self._guards), strict=True):
            rows = np.flatnonzero(truths(mask, chunk.size))
            if len(rows):
                yield step, rows
