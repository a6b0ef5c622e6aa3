"""Decides what the memory modules of one package remember: bytes as stored, after encryption.

Sparse: only pages that were ever written take room; the others read as zero bytes, as fresh modules
do here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PAGE_BYTES: Final = 4096


class Dram:
    """Raw storage by offset in the package's own range, 0 <= offset."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset`` as stored."""
        page, start = divmod(offset, PAGE_BYTES)
        if start + size <= PAGE_BYTES:
            return self._read_page(page, start, size)
        pieces = []
        while size:
            piece = min(size, PAGE_BYTES - start)
            pieces.append(self._read_page(page, start, piece))
            page, start, size = page + 1, 0, size - piece
        return b"".join(pieces)

    def _read_page(self, page: int, start: int, size: int) -> bytes:
        content = self._pages.get(page)
        return bytes(size) if content is None else bytes(content[start : start + size])

    def write(self, offset: int, data: bytes) -> None:
        """Store ``data`` at ``offset``."""
        page, start = divmod(offset, PAGE_BYTES)
        done = 0
        while done < len(data):
            piece = data[done : done + PAGE_BYTES - start]
            content = self._pages.get(page)
            if content is None:
                content = self._pages[page] = bytearray(PAGE_BYTES)
            content[start : start + len(piece)] = piece
            page, start, done = page + 1, 0, done + len(piece)

    def image(self) -> Iterator[tuple[int, bytes]]:
        """(offset, 4096 bytes) of every page ever written, in order: what a stolen module shows."""
        for page in sorted(self._pages):
            yield page * PAGE_BYTES, bytes(self._pages[page])
