"""Decides how a byte string of any length lies in kernel memory, and that it leaves no trace.

DIFFERS FROM SOURCE: a string longer than the largest slab object lies in several objects; Linux
takes whole pages for it. The bytes are in kernel memory all the same.
"""

from __future__ import annotations

from typing import Final

from impl.heap.memory import KernelMemory
from impl.heap.slab import KMALLOC_SIZES, Object, Slab

PIECE_BYTES: Final = KMALLOC_SIZES[-1]

Buffer = tuple[Object, ...]


class Buffers:
    """Byte strings in and out of kernel memory."""

    def __init__(self, memory: KernelMemory, slab: Slab) -> None:
        self._memory = memory
        self._slab = slab

    def store(self, data: bytes, holds: str, header: int = 0) -> Buffer:
        """A copy of ``data`` after ``header`` zero bytes. Nothing at all is no object."""
        whole = bytes(header) + data
        pieces = [whole[at : at + PIECE_BYTES] for at in range(0, len(whole), PIECE_BYTES)]
        return tuple(self._store(piece, holds) for piece in pieces)

    def _store(self, piece: bytes, holds: str) -> Object:
        found = self._slab.kmalloc(len(piece), holds)
        self._memory.write(found.address, piece)
        return found

    def load(self, buffer: Buffer, size: int, header: int = 0) -> bytes:
        """The ``size`` bytes after the header."""
        whole = b"".join(self._memory.read(found.address, found.size) for found in buffer)
        return whole[header : header + size]

    def scrub(self, buffer: Buffer) -> None:
        """Clear and free."""
        for found in buffer:
            self._slab.kfree_sensitive(found)
