"""How threads, locks and what they wait for are said in words."""

from __future__ import annotations

from collections.abc import Iterable

from checker.systems.reading import Reading
from model.lockstate import LockState, Place
from model.sorts import LOCK, THREAD

OPERATIONS = {
    "instantiate": "instantiate",
    "update": "update",
    "update_einval": "update of a key without KeyID",
    "update_ebusy": "update of a key that VMAs use",
    "destroy_last": "destroy of a key that no VMA uses",
    "destroy_shared": "destroy of a key that VMAs use",
    "cpu_startup": "CPU startup",
    "cpu_teardown": "CPU teardown",
    "encrypt": "encrypt_mprotect",
    "encrypt_last": "encrypt_mprotect that drops a last reference",
    "munmap": "munmap",
    "munmap_last": "munmap that drops a last reference",
    "extend": "extend",
    "retry_clear": "CLEAR_KEY once more",
}
"""What an operation of `lockpaths` is called."""

LOCKS = {"map": "the map lock", "hotplug": "the CPU-hotplug lock", "mmap_sem": "mmap_sem"}
"""What a lock is called."""

_MODES = {"shared": " for reading", "exclusive": ""}


def place_of(reading: Reading, thread: int) -> Place | None:
    """Where a thread is; None if it is idle."""
    places = _state(reading).table.places
    return places.get(reading("at", thread))


def who(reading: Reading, thread: int) -> str:
    """A thread and its operation."""
    place = place_of(reading, thread)
    return f"thread {thread} ({OPERATIONS[place.operation]})" if place else f"thread {thread}"


def held(reading: Reading, thread: int) -> list[str]:
    """The locks that a thread holds."""
    return [
        LOCKS[name] + _MODES[mode]
        for position, name in enumerate(LOCK.constants)
        if (mode := reading("holds", thread, position)) != "no"
    ]


def awaited(reading: Reading, thread: int) -> str:
    """The lock that a thread waits for; empty if it can go on, or is idle."""
    place = place_of(reading, thread)
    if place is None or not reading.is_so(_state(reading).is_blocked(_element(reading, thread))):
        return ""
    return LOCKS[place.request.lock] + (" for reading" if place.request.does == "read" else "")


def everybody_waits(reading: Reading) -> str:
    """Who holds what and waits for what, of all threads."""
    return _together(reading, range(reading.size("at", 0)))


def why_for_ever(reading: Reading) -> str:
    """The same of those that wait for ever, and of idle ones; or that a step led nowhere."""
    threads = range(reading.size("at", 0))
    stuck = [
        thread
        for thread in threads
        if reading.is_so(_state(reading).waits_for_ever(_element(reading, thread)))
    ]
    if not stuck:
        return "an operation is no nearer to its end than before the step"
    return _together(reading, [t for t in threads if t in stuck or place_of(reading, t) is None])


def kept(reading: Reading, thread: int, lock: int) -> str:
    """That an operation has returned with a lock."""
    mode = _MODES[reading("holds", thread, lock)]
    name = LOCKS[LOCK.constants[lock]]
    return f"thread {thread} has returned from its operation and still holds {name}{mode}"


def _together(reading: Reading, threads: Iterable[int]) -> str:
    return "; ".join(said for thread in threads if (said := _said(reading, thread)))


def _said(reading: Reading, thread: int) -> str:
    locks, lock = " and ".join(held(reading, thread)), awaited(reading, thread)
    if place_of(reading, thread) is None:
        return f"thread {thread} has returned and still holds {locks}" if locks else ""
    does = [f"holds {locks}"] if locks else []
    does.append(f"waits for {lock}" if lock else "can go on")
    return f"{who(reading, thread)} {' and '.join(does)}"


def _element(reading: Reading, thread: int) -> object:
    return reading.grounding.finite.element(THREAD, thread)


def _state(reading: Reading) -> LockState:
    state: LockState = reading.grounding.old
    return state
