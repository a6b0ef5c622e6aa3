"""Faults of locks and threads: a missing unlock, another order, a lock that is not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.mutants.fault import Mutant, Patch, around
from impl.locks import Lock, Mode, Thread
from impl.mm.spaces import Spaces
from impl.service import system
from impl.service.globalscope import GlobalKeyService
from impl.service.program import Programmer
from impl.service.system import System
from impl.threads import Acquire, Operation, Release, T, holding


def _gives_nothing_back(_self: System) -> Operation[None]:
    yield from ()


def _keeps_the_hotplug_lock(self: System) -> Operation[None]:
    yield Release(self.map_lock)


def _holding_leaks(
    lock: Lock, body: Callable[[], Operation[T]], mode: Mode = Mode.EXCLUSIVE
) -> Operation[T]:
    yield Acquire(lock, mode)
    result = yield from body()
    yield Release(lock)
    return result


def _map_before_hotplug(self: System, body: Callable[[], Operation[T]]) -> Operation[T]:
    return holding(self.map_lock, lambda: holding(self.hotplug_lock, body))


def _without_the_hotplug_lock(
    right: Any, self: Programmer, keyid: int, material: Any, cpus: Any, _lock: Any
) -> Any:
    return right(self, keyid, material, cpus, None)


def _passes_waiting_writers(self: Lock, thread: Thread, mode: Mode) -> bool:
    if thread in self.holders:
        return False
    return not self.holders or (mode is Mode.SHARED and Mode.EXCLUSIVE not in self.holders.values())


def _writer_beside_readers(right: Any, self: Lock, thread: Thread, mode: Mode) -> bool:
    free: bool = right(self, thread, mode)
    return free or (thread not in self.holders and Mode.EXCLUSIVE not in self.holders.values())


def _without_mmap_sem(
    self: Spaces, process: Any, call: str, body: Callable[[Any], Operation[T]]
) -> Operation[T]:
    return (yield from body(self.of(process, call)))


MUTANTS = (
    Mutant(
        "update-unlocks-nothing",
        "an update returns and still holds the map lock",
        "locks",
        Patch(System, "unlock_map", _gives_nothing_back),
    ),
    Mutant(
        "update-keeps-hotplug-lock",
        "an update gives the map lock back and not the CPU-hotplug lock",
        "locks",
        Patch(System, "unlock_map", _keeps_the_hotplug_lock),
    ),
    Mutant(
        "refusal-keeps-the-locks",
        "an operation that is refused inside a lock does not give it back",
        "locks",
        Patch(system, "holding", _holding_leaks),
    ),
    Mutant(
        "hotplug-takes-map-first",
        "CPU startup and teardown take the map lock before the CPU-hotplug lock",
        "locks",
        Patch(System, "locked_for_hotplug", _map_before_hotplug),
        first="locks walk",
    ),
    Mutant(
        "release-without-map-lock",
        "a KeyID is released without the map lock",
        "locks",
        Patch(GlobalKeyService, "release", GlobalKeyService._release),
        first="locks walk",
    ),
    Mutant(
        "program-without-hotplug-lock",
        "PCONFIG is executed on lead CPUs that may go meanwhile",
        "locks",
        around(Programmer, "program", _without_the_hotplug_lock),
        "rfc-v2",
        first="locks walk",
    ),
    Mutant(
        "mmap-sem-not-taken",
        "VMAs change without mmap_sem",
        "locks",
        Patch(Spaces, "writing", _without_mmap_sem),
        first="locks walk",
    ),
    Mutant(
        "readers-pass-waiting-writers",
        "a reader gets a lock that a writer already waits for",
        "locks",
        Patch(Lock, "is_free_for", _passes_waiting_writers),
        first="locks walk",
    ),
    Mutant(
        "writer-beside-readers",
        "a writer gets a lock that readers hold",
        "locks",
        around(Lock, "is_free_for", _writer_beside_readers),
        first="locks walk",
    ),
)
"""All of them."""
