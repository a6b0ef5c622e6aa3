"""When time is over: a deadline is a moment of `time.monotonic`; None is no limit."""

from __future__ import annotations

import time

SECONDS_LEAST = 0.001
"""What is left at the least, in seconds: a limit of none at all reads as no limit."""


def deadline_after(seconds: float | None) -> float | None:
    """The moment that is so many seconds from now."""
    return None if seconds is None else time.monotonic() + seconds


def is_over(deadline: float | None) -> bool:
    """Whether the moment has come."""
    return deadline is not None and time.monotonic() >= deadline


def seconds_left(deadline: float | None, part: float = 1.0) -> float | None:
    """Seconds until the moment, or a part of them; once it has come, still SECONDS_LEAST."""
    return None if deadline is None else max(SECONDS_LEAST, part * (deadline - time.monotonic()))
