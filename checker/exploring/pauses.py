"""What a search does between two chunks: heed Ctrl-C, leave a checkpoint, say how far it is."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from checker.exploring.checkpoint import Checkpoint, Snapshot
from checker.exploring.exploration import Progress
from checker.exploring.judged import Judged

LEVELS_SECONDS = 1.0
"""A checkpoint at the end of each level, but of small levels not more often than this."""


class Interrupts:
    """While entered, `pending` says that SIGINT has arrived; a second one interrupts at once.

    Only the main thread of a process gets signals; elsewhere this does nothing. Where someone else
    handles SIGINT, it is left to them.
    """

    def __init__(self, wanted: bool) -> None:
        self.pending = False
        self._wanted = wanted
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        is_main = threading.current_thread() is threading.main_thread()
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._wanted and is_main and usual:
            self._before = signal.signal(signal.SIGINT, self._arrived)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._restore()

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        self.pending = True
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None


class Saving:
    """A checkpoint's directory, and when to write there again. Raises CheckpointError."""

    def __init__(self, directory: Path, digest: str, dtype: Any, seconds: float) -> None:
        self._checkpoint = Checkpoint(directory, digest, dtype)
        self._seconds = seconds
        self._last = time.monotonic()

    def is_due(self, expanded: int) -> bool:
        """Whether it is time, when so much of a level is expanded."""
        wait = self._seconds if expanded else min(self._seconds, LEVELS_SECONDS)
        return time.monotonic() - self._last >= wait

    def save(self, snapshot: Snapshot) -> None:
        """Write it down."""
        self._checkpoint.save(snapshot)
        self._last = time.monotonic()

    def load(self, fired: Mapping[str, int], claims: Sequence[Judged]) -> Snapshot | None:
        """What there is to go on from, which fits the search's actions and claims."""
        snapshot = self._checkpoint.load()
        if snapshot is not None and (
            snapshot.fired.keys() != fired.keys()
            or snapshot.fired_before.keys() != fired.keys()
            or len(snapshot.claims) != len(claims)
        ):
            raise self._checkpoint.refused("it is not of this search's actions and claims")
        return snapshot

    def close(self) -> None:
        """Let another search have the directory."""
        self._checkpoint.close()


@dataclasses.dataclass
class Watch:
    """Someone who wants to know how far the search is, at most every so many seconds."""

    callback: Callable[[Progress], None]
    seconds: float
    last: float = float("-inf")

    def tell(self, progress: Callable[[], Progress]) -> None:
        """Call back if it is time."""
        now = time.monotonic()
        if now - self.last >= self.seconds:
            self.last = now
            self.callback(progress())
