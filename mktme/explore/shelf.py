"""Which sessions are kept between two requests: few, none for long, and none that anybody needs.

A page sends its whole path each time, so a session that was dropped is only made again.
"""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from mktme.explore.paths import Path
from mktme.explore.session import Machine, Session, machine_of
from mktme.traces.recorded import RecordError

SESSIONS_MAX: Final = 8
"""Sessions that are kept at once, one for each machine."""

IDLE_SECONDS: Final = 1800.0
"""After so long without a request a session is dropped."""


@dataclasses.dataclass
class _Kept:
    session: Session
    used: float


class Shelf:
    """Sessions by machine, the one that was used last at the end. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Machine, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def session(self, path: Path) -> Session:
        """The session of a path's machine, wherever it is. Raises PathError."""
        now, machine = self._clock(), machine_of(path)
        for idle in [m for m, kept in self._kept.items() if now - kept.used > IDLE_SECONDS]:
            del self._kept[idle]
        kept = self._kept.pop(machine, None) or _Kept(Session(path), now)
        kept.used = now
        self._kept[machine] = kept
        while len(self._kept) > SESSIONS_MAX:
            self._kept.popitem(last=False)
        return kept.session

    def gone(self, path: Path, as_far: bool = False) -> tuple[Session, str]:
        """A session that has gone along a path, and what there is to say about it.

        Raises PathError, and RecordError where the machine does not have the path, unless it is to
        be gone `as_far` as it has it.
        """
        session = self.session(path)
        try:
            session.go(path)
        except RecordError as refusal:
            if not as_far:
                raise
            made = len(session.trace)
            return session, f"made {made} of {len(path.calls)} calls: {refusal}"
        except Exception:
            self._kept.pop(machine_of(path), None)  # its kernel may be anywhere
            raise
        return session, ""
