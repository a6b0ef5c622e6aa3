"""Decides who still needs a KeyID: the reference counts of RFC v2 patch 07 (``encrypt_count``).

One 4-byte count per KeyID, indexed by KeyID: one reference for the key itself, one per encrypted
VMA. As posted there are N entries (0..N-1) although KeyIDs are 1..N: KeyID N's count lies past the
end, in memory that happens to be nobody's. Each such access is recorded.
"""

from __future__ import annotations

from typing import Final

from designs import Design
from impl.heap.memory import KernelMemory, OutOfBounds

COUNT_BYTES: Final = 4


class EncryptCounts:
    """The counts of the whole system, or of one package."""

    def __init__(
        self,
        design: Design,
        memory: KernelMemory,
        name: str,
        keyids: int,
        events: list[OutOfBounds],
    ) -> None:
        self.entries = keyids if design.count_entries == "n" else keyids + 1
        self._memory = memory
        self._name = name
        # The array ends after ``entries``; what lies behind it is there all the same.
        self._area = memory.area(name, (keyids + 1) * COUNT_BYTES)
        self._events = events

    def get(self, keyid: int) -> int:
        """The count of a KeyID, 0 when it is out of use."""
        return self._memory.read_int(self._address(keyid), COUNT_BYTES)

    def peek(self, keyid: int) -> int:
        """The same for an observer, whose look is no access of the kernel's."""
        return self._memory.read_int(self._area.address + keyid * COUNT_BYTES, COUNT_BYTES)

    def set(self, keyid: int, count: int) -> None:
        """Start or end the counting."""
        self._memory.write_int(self._address(keyid), count, COUNT_BYTES)

    def take(self, keyid: int) -> None:
        """One reference more."""
        self.set(keyid, self.get(keyid) + 1)

    def drop(self, keyid: int) -> bool:
        """One reference less; whether it was the last."""
        left = self.get(keyid) - 1
        # A reference that was never taken must not bring the count below zero (refcount_t
        # saturates and warns).
        self.set(keyid, max(left, 0))
        return left == 0

    def _address(self, keyid: int) -> int:
        if keyid >= self.entries:
            self._events.append(OutOfBounds(self._name, keyid))
        return self._area.address + keyid * COUNT_BYTES
