"""Decides which key object a script's next key gets, where a design names keys by their address.

The model says whether a new key gets the address of one that is gone, which its KeyID still names.
The kernel hands out the object that was freed last. Keyrings come from the same cache: one that a
script makes takes an object away which the key must not get.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mktme.traces.scripts.inexpressible import Inexpressible

FRESH: Final = 0
"""An object that was never handed out."""


class KeyObjects:
    """Where the keys of a run lie, as far as it matters: object numbers, from 1."""

    def __init__(self) -> None:
        self._of: dict[int, int] = {}
        self._free: list[int] = []
        self._last = FRESH

    def fillers(self, key: int, stale: Collection[int]) -> int:
        """How many keyrings must be made before the model's key, which then gets its object.

        `stale` are the model's keys that are gone and whose addresses are still in use. What is
        made stays. Raises Inexpressible.
        """
        kept = {self._of[gone] for gone in stale if gone in self._of}
        wanted = self._of[key] if key in stale else None
        made = 0
        while self._free and self._next() != wanted and (wanted or self._next() in kept):
            self._free.pop()
            made += 1
        if wanted is not None and self._next() != wanted:
            raise Inexpressible(f"the address of key object {key} is not the next to be handed out")
        return made

    def _next(self) -> int:
        return self._free[-1] if self._free else FRESH

    def take(self, key: int) -> None:
        """The key gets the object that is next."""
        if self._free:
            self._of[key] = self._free.pop()
        else:
            self._last += 1
            self._of[key] = self._last

    def give(self, key: int) -> None:
        """The key's object is free."""
        self._free.append(self._of[key])
