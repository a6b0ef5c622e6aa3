"""Decides what counts as shared state that one step of an operation read or wrote.

The explorer of interleavings swaps two steps only if neither wrote what the other touched. Every
part of the machine and the kernel that more than one operation can see reports here; what a report
names is coarse where that is cheap: a 64-byte line of memory, a slab cache, a key table.
"""

from __future__ import annotations

from collections.abc import Hashable


class Accesses:
    """Reads and writes since the last `start`; nothing is noted before the first one."""

    def __init__(self) -> None:
        self.reads: set[Hashable] = set()
        self.writes: set[Hashable] = set()
        self._noting = False

    def start(self) -> None:
        """Forget what was noted, and note from now on."""
        self.reads, self.writes = set(), set()
        self._noting = True

    def read(self, what: Hashable) -> None:
        """A step looked at this."""
        if self._noting:
            self.reads.add(what)

    def read_lines(self, lines: range) -> None:
        """A step looked at these lines of memory, each named by its physical address."""
        if self._noting:
            self.reads.update(lines)

    def write(self, what: Hashable) -> None:
        """A step changed this, or may have."""
        if self._noting:
            self.writes.add(what)

    def write_lines(self, lines: range) -> None:
        """A step changed these lines, or may have."""
        if self._noting:
            self.writes.update(lines)
