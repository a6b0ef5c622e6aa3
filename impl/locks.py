"""Decides who may hold a lock: the map lock, the CPU-hotplug lock, and each mmap_sem.

The map lock is a mutex and is only ever taken exclusively. The other two are reader/writer locks
that behave as Linux's do: once a writer waits, no new reader gets in (percpu_rw_semaphore and
rw_semaphore). Locks are not recursive: a thread that takes one twice waits for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Mode(Enum):
    """How a lock is taken."""

    SHARED = "for reading"
    EXCLUSIVE = "for writing"


@dataclass(eq=False, frozen=True)
class Thread:
    """Who takes locks; ``name`` is what it does, as messages say it."""

    name: str


class Lock:
    """One lock. Its holders outlive their operations: what nobody releases stays held."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.holders: dict[Thread, Mode] = {}
        self.waiting_writers: list[Thread] = []
        self._abandoned: list[tuple[Thread, object]] = []

    @property
    def is_held(self) -> bool:
        """Whether any thread holds it in any mode."""
        return bool(self.holders)

    def is_free_for(self, thread: Thread, mode: Mode) -> bool:
        """Whether the thread would get it now; never if it has it already."""
        if thread in self.holders:
            return False
        if mode is Mode.EXCLUSIVE:
            return not self.holders
        others_wait = any(writer is not thread for writer in self.waiting_writers)
        return Mode.EXCLUSIVE not in self.holders.values() and not others_wait

    def acquire(self, thread: Thread, mode: Mode) -> None:
        """Take it. Raises ValueError if it is not free: a bug of the driver."""
        if not self.is_free_for(thread, mode):
            raise ValueError(f"cannot acquire the {self.name}: it is not free")
        if thread in self.waiting_writers:
            self.waiting_writers.remove(thread)
        self.holders[thread] = mode

    def wait(self, thread: Thread) -> None:
        """A writer begins to wait; from now on no new reader gets in."""
        self.waiting_writers.append(thread)

    def release(self, thread: Thread) -> None:
        """Give it back. Raises ValueError for a thread that does not hold it: a kernel bug."""
        if thread not in self.holders:
            raise ValueError(f"cannot release the {self.name}: {thread.name} does not hold it")
        del self.holders[thread]

    def abandon(self, thread: Thread, operation: object) -> None:
        """The thread waits for ever. Its operation is kept, so that it is never unwound."""
        self._abandoned.append((thread, operation))
