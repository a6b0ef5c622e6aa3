"""How much memory a search holds, and what of it goes to disk once that would be too much.

What holds many states registers here as a *store*. Before anything large is made, room for it is
reserved: where that would exceed the budget, the stores write to disk what they can spare, and if
that is not enough the search has to end. Only arrays of states and tables are counted, not the
interpreter, its libraries and the code.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

Array = Any

_BLOCK = 1 << 19
"""How many bytes of each array a merge on disk reads at once, at most."""


class MemoryReached(Exception):
    """There is no room within the budget, or on the disk; the message says which."""


class Store(Protocol):
    """Something that holds many bytes, some of which it can move to disk."""

    @property
    def nbytes(self) -> int:
        """The bytes that it holds in memory."""

    def spill(self) -> None:
        """Move to disk what need not be in memory."""


class Memory:
    """A budget in bytes (None for no limit), the stores that share it, and a place on disk."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.peak = 0
        self._block = _BLOCK if limit is None else min(_BLOCK, max(64, limit // 64))
        # A merge on disk reads two blocks, joins them, and sorts what it joined.
        self._margin = 0 if limit is None else 5 * self._block
        self._stores: list[Store] = []
        self._directory: Path | None = None
        self._removal: Callable[[], object] | None = None
        self._files = 0

    @property
    def used(self) -> int:
        """The bytes that all stores hold in memory."""
        return sum(store.nbytes for store in self._stores)

    def watch(self, store: Store) -> None:
        """Count a store's bytes from now on. Those that come first are the first to spill."""
        self._stores.append(store)

    def forget(self, store: Store) -> None:
        """Count a store's bytes no more."""
        self._stores = [other for other in self._stores if other is not store]

    def fits(self, extra: int) -> bool:
        """Whether so many bytes more are within the budget as things are."""
        return self.limit is None or self.used + extra + self._margin <= self.limit

    def reserve(self, extra: int = 0) -> None:
        """Make room for so many bytes more. Raises MemoryReached where that cannot be done."""
        if not self.fits(extra):
            for store in self._stores:
                store.spill()
            if not self.fits(extra):
                raise MemoryReached(f"more than {self.limit:,} bytes of memory")
        self.peak = max(self.peak, self.used + extra)

    def on_disk(self, states: Array) -> tuple[Array, Path]:
        """A copy of an array in a new file, mapped into memory, and that file."""
        with _disk_errors():
            path = self.new_path()
            states.tofile(path)
            return mapped(path, states.dtype), path

    def merged(self, first: Array, second: Array) -> tuple[Array, Path]:
        """Two ascending arrays as one in a new file, read and written a block at a time."""
        block = max(1, self._block // first.dtype.itemsize)
        self.peak = max(self.peak, self.used + 5 * self._block)
        with _disk_errors():
            path = self.new_path()
            with path.open("wb") as file:
                _merge(first, second, block, file)
            return mapped(path, first.dtype), path

    def close(self) -> None:
        """Remove everything on disk, as happens by itself once nobody refers to this any more."""
        if self._removal is not None:
            self._removal()
            self._directory = self._removal = None

    def new_path(self) -> Path:
        """A name for one file more, in a directory that `close` removes."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="mktme-states-"))
            self._removal = weakref.finalize(self, shutil.rmtree, self._directory, True)
        self._files += 1
        return self._directory / f"{self._files}"


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MemoryReached(f"the disk took no more states: {error.strerror or error}") from error


def _merge(first: Array, second: Array, block: int, file: IO[bytes]) -> None:
    i = j = 0
    while i < len(first) and j < len(second):
        left, right = first[i : i + block], second[j : j + block]
        last = min(left[-1], right[-1])
        left = left[: np.searchsorted(left, last, side="right")]
        right = right[: np.searchsorted(right, last, side="right")]
        both = np.concatenate([left, right])
        both.sort(kind="stable")
        both.tofile(file)
        i += len(left)
        j += len(right)
    for rest in (first[i:], second[j:]):
        for start in range(0, len(rest), block):
            np.array(rest[start : start + block]).tofile(file)


def mapped(path: Path, dtype: Any) -> Array:
    """A file's states. Copied when written to, which never happens: compiled code asks for it."""
    if not path.stat().st_size:
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="c").view(np.ndarray)


class Levels:
    """The levels of a search, in order: ascending arrays of packed states, the older ones on disk.

    Several levels that go to disk together share a file.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._levels: list[Array] = []
        self._spilled = 0
        self._states = 0
        memory.watch(self)

    def __len__(self) -> int:
        return len(self._levels)

    def __getitem__(self, depth: int) -> Array:
        return self._levels[depth]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many states each level has."""
        return tuple(len(level) for level in self._levels)

    @property
    def states(self) -> int:
        """How many states all levels have."""
        return self._states

    @property
    def all(self) -> list[Array]:
        """The levels themselves."""
        return list(self._levels)

    @property
    def nbytes(self) -> int:
        """The bytes of the levels that are in memory."""
        return sum(level.nbytes for level in self._levels[self._spilled :])

    def adopt(self, levels: Sequence[Array]) -> None:
        """Begin with levels that are on disk already."""
        for level in levels:
            self.append(level)
        self._spilled = len(self._levels)

    def append(self, level: Array) -> None:
        """One level more."""
        self._levels.append(level)
        self._states += len(level)

    def spill(self) -> None:
        """Move all levels to disk."""
        resident = self._levels[self._spilled :]
        if self.nbytes == 0:
            return
        with _disk_errors():
            path = self._memory.new_path()
            with path.open("wb") as file:
                for level in resident:
                    level.tofile(file)
            together = mapped(path, resident[0].dtype)
        start = 0
        for place, level in enumerate(resident, self._spilled):
            self._levels[place] = together[start : start + len(level)]
            start += len(level)
        self._spilled = len(self._levels)
