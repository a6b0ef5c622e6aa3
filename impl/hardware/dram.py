"""Decides what the memory modules of one package remember: bytes as stored, after encryption.

Sparse: only pages that were ever written take room; the others read as zero bytes, as fresh modules
do here. Contents outlive a reset: power is not taken away, or not for long enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PAGE_BYTES: Final = 4096
_FRESH: Final = bytes(PAGE_BYTES)


class Dram:
    """Raw storage by offset in the package's own range, 0 <= offset."""

    def __init__(self) -> None:
        # Each page is a value of its own that a write replaces: whoever keeps one keeps its moment.
        self._pages: dict[int, bytes] = {}

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` as stored."""
        page, start = divmod(offset, PAGE_BYTES)
        if start + size <= PAGE_BYTES:
            content = self._pages.get(page)
            return bytes(size) if content is None else content[start : start + size]
        pieces = []
        while size:
            piece = min(size, PAGE_BYTES - start)
            pieces.append(self.read(page * PAGE_BYTES + start, piece))
            page, start, size = page + 1, 0, size - piece
        return b"".join(pieces)

    def write(self, offset: int, data: bytes) -> None:
        """Store ``data`` at ``offset``."""
        page, start = divmod(offset, PAGE_BYTES)
        done = 0
        while done < len(data):
            piece = data[done : done + PAGE_BYTES - start]
            old = self._pages.get(page, _FRESH)
            self._pages[page] = old[:start] + piece + old[start + len(piece) :]
            page, start, done = page + 1, 0, done + len(piece)

    def image(self) -> Iterator[tuple[int, bytes]]:
        """(offset, 4096 bytes) of every page ever written, in order: what a stolen module shows."""
        for page in sorted(self._pages):
            yield page * PAGE_BYTES, self._pages[page]
