"""Decides which KeyIDs count as user keys: the user-type bitmap of RFC v2 patch 12.

It is allocated in whole machine words. As posted it has N bits (0..N-1) although KeyIDs are 1..N:
KeyID N's bit lands in the padding of the last word, where the weight does not see it, or outside
the bitmap when N is a multiple of 64.
"""

from __future__ import annotations

from typing import Final

from designs import Design
from impl.heap.memory import KernelMemory, OutOfBounds

WORD_BITS: Final = 64


class UserBitmap:
    """One bitmap; bit index = KeyID."""

    def __init__(
        self,
        design: Design,
        memory: KernelMemory,
        name: str,
        keyids: int,
        events: list[OutOfBounds],
    ) -> None:
        self.bits = keyids if design.bitmap_bits == "n" else keyids + 1
        self._words = (self.bits + WORD_BITS - 1) // WORD_BITS
        self._memory = memory
        self._name = name
        self._area = memory.area(name, self._words * WORD_BITS // 8)
        self._events = events

    def _read(self) -> int:
        return self._memory.read_int(self._area.address, self._area.size)

    def set(self, keyid: int, value: bool) -> None:
        """Set or clear a KeyID's bit. Outside the allocated words: an event, and no effect."""
        if keyid >= self._words * WORD_BITS:
            self._events.append(OutOfBounds(self._name, keyid))
            return
        others = self._read() & ~(1 << keyid)
        self._memory.write_int(self._area.address, others | value << keyid, self._area.size)

    def bit(self, keyid: int) -> bool:
        """Whether the bit is set in the allocated words, counted or not."""
        return bool(self._read() >> keyid & 1)

    def weight(self) -> int:
        """How many bits are set among those the bitmap was declared with."""
        return (self._read() & ((1 << self.bits) - 1)).bit_count()
