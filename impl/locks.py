"""Decides what holding the map lock means while operations run one after the other.

With one operation at a time a lock is either free or was left held by an operation that has
returned; then whoever needs it waits for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from impl.errors import Deadlock


class MapLock:
    """The mutex that guards the map (RFC v2 patch 04)."""

    def __init__(self) -> None:
        self.held = False

    def acquire(self, call: str) -> None:
        """Raises Deadlock if an operation that returned still holds it."""
        if self.held:
            raise Deadlock(f"cannot {call}: it would wait forever for the map lock")
        self.held = True

    def release(self) -> None:
        """Let the next operation in."""
        self.held = False

    @contextmanager
    def hold(self, call: str) -> Iterator[None]:
        """Acquire, and release on every path out."""
        self.acquire(call)
        try:
            yield
        finally:
            self.release()
