"""Decides which KeyID belongs to which key object: the map of RFC v2 patch 04.

It lies in kernel memory: slots 0..N of 8 bytes each; 0 means free; slot 0 is never used. The count
of mapped slots follows the slots. A slot holds the key object's address as posted, or its serial
number with ``key_lookup=by_serial``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from impl.heap.memory import KernelMemory

SLOT_BYTES: Final = 8
FREE: Final = 0


class KeyMap:
    """One map: of the whole system, or of one package."""

    def __init__(self, memory: KernelMemory, name: str, keyids: int) -> None:
        self.keyids = keyids
        self._memory = memory
        self._area = memory.area(name, (keyids + 2) * SLOT_BYTES)

    def _slot(self, keyid: int) -> int:
        return self._area.address + keyid * SLOT_BYTES

    def entries(self) -> dict[int, int]:
        """KeyID -> what its slot holds, for the mapped KeyIDs in order."""
        raw = self._memory.read(self._area.address, (self.keyids + 1) * SLOT_BYTES)
        values = (
            (keyid, int.from_bytes(raw[keyid * SLOT_BYTES : (keyid + 1) * SLOT_BYTES], "little"))
            for keyid in range(1, self.keyids + 1)
        )
        return {keyid: value for keyid, value in values if value != FREE}

    @property
    def count(self) -> int:
        """The count of mapped slots, as the kernel keeps it."""
        return self._memory.read_int(self._slot(self.keyids + 1), SLOT_BYTES)

    def find(self, value: int) -> int | None:
        """The lowest KeyID whose slot holds ``value``."""
        return next((k for k, held in self.entries().items() if held == value), None)

    def lowest_free(self, out_of_service: Collection[int]) -> int | None:
        """The lowest KeyID neither mapped nor out of service, if fewer than N are mapped."""
        if self.count >= self.keyids:
            return None
        entries = self.entries()
        usable = (k for k in range(1, self.keyids + 1) if k not in entries)
        return next((k for k in usable if k not in out_of_service), None)

    def enter(self, keyid: int, value: int) -> None:
        """Map a free KeyID and count it."""
        self._memory.write_int(self._slot(keyid), value, SLOT_BYTES)
        self._set_count(self.count + 1)

    def free(self, keyid: int) -> None:
        """Unmap a KeyID and uncount it."""
        self._memory.write_int(self._slot(keyid), FREE, SLOT_BYTES)
        self._set_count(self.count - 1)

    def _set_count(self, count: int) -> None:
        self._memory.write_int(self._slot(self.keyids + 1), count, SLOT_BYTES)
