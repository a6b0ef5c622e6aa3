"""Decides what an attacker looks for: every key, payload and text that a script gave so far.

A text that crosses a page boundary is looked for page by page, for its page frames need not lie
side by side. What is too short to be looked for is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from impl.mm.useraccess import pieces
from mktme.simulation import redact

NEEDLE_BYTES_MIN: Final = 8
"""Shorter runs of bytes occur by chance."""


class Needles:
    """Byte strings, each under a name that says where it was given.

    ``left_out``: the names of what is too short.
    """

    def __init__(self) -> None:
        self._names: dict[bytes, list[str]] = {}
        self.left_out: list[str] = []

    def payload(self, text: str, number: int) -> None:
        """The keys in the payload of a line, as bytes and as they were typed; else all of it."""
        if not redact.is_mktme(text):
            self._add(redact.encoded(text), f"payload of line {number}")
            return
        for token, value in redact.tokens(text).items():
            if token in ("key", "tweak"):
                self._add(redact.key_bytes(value), f"{token}= of line {number}")
                self._add(redact.encoded(value), f"{token}= of line {number} as typed")

    def text(self, text: str, number: int, address: int) -> None:
        """A text that a line stores at a virtual address."""
        data, done = redact.encoded(text), 0
        runs = [count for _, _, count in pieces(address, len(data))]
        for place, count in enumerate(runs, 1):
            name = "text" if len(runs) == 1 else f"part {place} of the text"
            self._add(data[done : done + count], f"{name} of line {number}")
            done += count

    def _add(self, needle: bytes, name: str) -> None:
        if len(needle) >= NEEDLE_BYTES_MIN:
            names = self._names.setdefault(needle, [])
            if name not in names:
                names.append(name)
        elif needle and name not in self.left_out:
            self.left_out.append(name)

    def named(self) -> dict[str, bytes]:
        """Name to bytes; what was given more than once has the names of all places."""
        return {" and ".join(_joined(names)): needle for needle, names in self._names.items()}


def _joined(names: list[str]) -> Iterator[str]:
    """``key= of line 3`` and ``tweak= of line 3`` are ``key= and tweak= of line 3``."""
    by_place: dict[str, list[str]] = {}
    for name in names:
        what, _, place = name.rpartition(" of ")
        by_place.setdefault(place, []).append(what)
    for place, found in by_place.items():
        yield f"{' and '.join(found)} of {place}"
