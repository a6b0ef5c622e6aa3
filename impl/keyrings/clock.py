"""Decides what time it is: seconds since boot, which pass only when someone says so."""

from __future__ import annotations

from impl.hardware.accesses import Accesses


class Clock:
    """The kernel's clock in seconds since boot; it moves only when it is told to."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses
        self._now = 0.0

    @property
    def now(self) -> float:
        """Seconds since boot."""
        self._accesses.read("clock")
        return self._now

    @now.setter
    def now(self, seconds: float) -> None:
        """Raises ValueError for a time in the past."""
        if seconds < self._now:
            raise ValueError(f"cannot set the clock to {seconds}: it is {self._now} already")
        self._accesses.write("clock")
        self._now = seconds

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.now = self._now + seconds
