"""Decides what a process ought to read: the bytes that the script last stored there.

Only what is known for sure: where a mapping went, its key may have changed, or a store was refused
half-way, nothing is expected any more.
"""

from __future__ import annotations

from collections.abc import Container

from impl.mm.vma import page_end, page_of


class Stored:
    """By process (its pid) and virtual address, byte for byte."""

    def __init__(self) -> None:
        self._known: dict[int, dict[int, int]] = {}

    def store(self, pid: int, address: int, data: bytes) -> None:
        """A process has stored these bytes."""
        self._known.setdefault(pid, {}).update(enumerate(data, address))

    def forget(
        self, pid: int, address: int, length: int, but: Container[int] = frozenset()
    ) -> None:
        """Nothing is known of these pages any more, but for some (their addresses)."""
        known, end = self._known.get(pid, {}), address + page_end(length)
        self._known[pid] = {
            at: byte for at, byte in known.items() if not address <= at < end or page_of(at) in but
        }

    def fork(self, parent: int, child: int) -> None:
        """The child reads what its parent would have read."""
        self._known[child] = dict(self._known.get(parent, {}))

    def compared(self, pid: int, address: int, data: bytes) -> tuple[int, int]:
        """How many of the bytes that were read are known, and how many of these differ."""
        known = self._known.get(pid, {})
        expected = [(byte, known[at]) for at, byte in enumerate(data, address) if at in known]
        return len(expected), sum(read != stored for read, stored in expected)
