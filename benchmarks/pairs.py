"""Times two ways of doing one thing side by side, so that a noisy machine disturbs both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

ROUNDS = 15


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The median seconds of each, measured in turns; a first round to warm up is not counted."""
    measured = [[seconds(work) for work in works] for _ in range(rounds + 1)][1:]
    return [statistics.median(times) for times in zip(*measured, strict=True)]
