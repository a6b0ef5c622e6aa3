"""Decides what an attacker looks for: every key, payload and text that a script gave so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mktme import redact

NEEDLE_BYTES_MIN: Final = 8
"""Shorter runs of bytes occur by chance."""


class Needles:
    """Byte strings, each under a name that says where it was given."""

    def __init__(self) -> None:
        self._names: dict[bytes, list[str]] = {}

    def payload(self, text: str, number: int) -> None:
        """The keys in the payload of a line, as bytes and as they were typed; else all of it."""
        if not redact.is_mktme(text):
            self._add(text.encode(errors="surrogateescape"), f"payload of line {number}")
            return
        for token, value in redact.tokens(text).items():
            if token in ("key", "tweak"):
                self._add(redact.key_bytes(value), f"{token}= of line {number}")
                typed = value.encode(errors="surrogateescape")
                self._add(typed, f"{token}= of line {number} as typed")

    def text(self, text: str, number: int) -> None:
        """A text that a line stores."""
        self._add(text.encode(errors="surrogateescape"), f"text of line {number}")

    def _add(self, needle: bytes, name: str) -> None:
        if len(needle) >= NEEDLE_BYTES_MIN:
            names = self._names.setdefault(needle, [])
            if name not in names:
                names.append(name)

    def named(self) -> dict[str, bytes]:
        """Name to bytes; what was given more than once has the names of all places."""
        return {" and ".join(_joined(names)): needle for needle, names in self._names.items()}


def _joined(names: list[str]) -> Iterator[str]:
    """``key= of line 3`` and ``tweak= of line 3`` are ``key= and tweak= of line 3``."""
    by_place: dict[str, list[str]] = {}
    for name in names:
        what, _, place = name.partition(" of ")
        by_place.setdefault(place, []).append(what)
    for place, found in by_place.items():
        yield f"{' and '.join(found)} of {place}"
