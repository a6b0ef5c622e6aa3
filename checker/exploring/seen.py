"""Which packed states a search has seen: a growing set of sorted arrays, on disk where it must be.

The arrays are each more than twice as long as the next, so that a search with many small levels
does not copy the whole set at each of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from checker.exploring.spill import Array, Memory


@dataclasses.dataclass
class _Run:
    """An ascending array; with `path` it is a file that is mapped into memory."""

    states: Array
    path: Path | None = None

    def remove(self) -> None:
        if self.path is not None:
            with contextlib.suppress(OSError):  # not possible everywhere while it is mapped
                self.path.unlink()


class Seen:
    """The set. It counts as a store of the memory until it is released."""

    def __init__(self, dtype: Any, memory: Memory | None = None) -> None:
        self._dtype = dtype
        self._memory = memory if memory is not None else Memory()
        self._runs: list[_Run] = []
        self._memory.watch(self)

    def __len__(self) -> int:
        return sum(len(run.states) for run in self._runs)

    @property
    def nbytes(self) -> int:
        """The bytes of the arrays that are in memory."""
        return sum(run.states.nbytes for run in self._runs if run.path is None)

    def spill(self) -> None:
        """Move every array to disk."""
        for run in self._runs:
            if run.path is None and len(run.states):
                run.states, run.path = self._memory.on_disk(run.states)

    def release(self) -> None:
        """Be empty, and count no more."""
        self._memory.forget(self)
        for run in self._runs:
            run.remove()
        self._runs = []

    def add(self, states: Array) -> None:
        """Add sorted states that are not in the set yet."""
        if not len(states):
            return
        self._runs.append(_Run(states))
        while len(self._runs) > 1 and len(self._runs[-2].states) <= 2 * len(self._runs[-1].states):
            self._merge_last()

    def without(self, states: Array) -> Array:
        """Those of the sorted states that are not in the set."""
        for run in self._runs:
            if not len(states):
                break
            places: Array = np.searchsorted(run.states, states)
            places[places == len(run.states)] = 0
            states = states[run.states[places] != states]
        return states

    @property
    def parts(self) -> list[Array]:
        """The sorted arrays, which have no state in common."""
        return [run.states for run in self._runs]

    def all(self) -> Array:
        """The whole set, ascending; what is added later does not change it."""
        while len(self._runs) > 1:
            self._merge_last()
        return self._runs[0].states if self._runs else np.empty(0, self._dtype)

    def _merge_last(self) -> None:
        first, second = self._runs[-2:]
        total = first.states.nbytes + second.states.nbytes
        if first.path is None and second.path is None and self._memory.fits(total + total // 2):
            self._memory.reserve(total + total // 2)
            states = np.concatenate([first.states, second.states])
            states.sort(kind="stable")  # which merges sorted parts
            merged = _Run(states)
        else:
            merged = _Run(*self._memory.merged(first.states, second.states))
        self._runs[-2:] = [merged]
        first.remove()
        second.remove()
