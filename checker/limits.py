"""How far an answer may go, and how its time is shared among those that are asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checker.exploring.exploration import Progress
from checker.systems.deadlines import seconds_left

Watch = Callable[[Progress | str], None] | None
"""Who hears how far an exploration is, or in words what else is being done."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """How far an answer may go.

    Distinct states explored, the depth of a bounded search, seconds of wall-clock time, bytes of
    memory for an exploration, and a directory where an exploration leaves checkpoints.
    """

    states_max: int | None = None
    depth_max: int = 20
    seconds_max: float | None = None
    memory_max: int | None = None
    checkpoint: Path | None = None

    def until(self, deadline: float | None, part: float = 1.0, **fewer: Any) -> Limits:
        """These, with a part of the seconds that are left, and others in place of some."""
        return dataclasses.replace(self, seconds_max=seconds_left(deadline, part), **fewer)

    def at_most(self, seconds: float) -> Limits:
        """These, with no more than so many seconds."""
        return dataclasses.replace(self, seconds_max=min(seconds, self.seconds_max or seconds))
