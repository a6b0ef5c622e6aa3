"""Decides who waits for whom when nothing can go on, and which locks were lost.

A thread waits for the holders of its lock; a reader also for the writers that were there before it.
A cause is either a circle of threads, or a thread that waits for somebody who will never come: an
operation that has ended, or one from before the scenario. Threads that merely wait behind a cause
are no part of it, so that a cause looks the same whatever else was going on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from impl.interleaving.scenario import Run
from impl.interleaving.schedule import GOES_ON
from impl.locks import Lock, Mode, Thread
from impl.threads import Acquire


@dataclass(frozen=True, order=True)
class Held:
    """A lock, who holds it, how, and whether that operation has ended (or was never in flight)."""

    lock: str
    thread: str
    mode: str
    ended: bool = False

    def __str__(self) -> str:
        return self.text(self.mode == Mode.SHARED.value)

    def text(self, with_mode: bool) -> str:
        """In words; the mode of a lock that nobody reads under says nothing."""
        how = "has ended and still holds" if self.ended else "holds"
        return f"{self.thread} {how} the {self.lock}" + (f" {self.mode}" if with_mode else "")


@dataclass(frozen=True, order=True)
class Awaited:
    """Who waits for which lock, and how."""

    thread: str
    lock: str
    mode: str

    def text(self, with_mode: bool) -> str:
        """In words, as above."""
        return f"{self.thread} waits for the {self.lock}" + (f" {self.mode}" if with_mode else "")


@dataclass(frozen=True, order=True)
class Cause:
    """Why threads wait for ever. ``held``: the holders of the locks that they wait for."""

    waiting: tuple[Awaited, ...]
    held: tuple[Held, ...]

    @property
    def threads(self) -> set[str]:
        """Who waits, and whom they wait for."""
        return {fact.thread for fact in self.waiting} | {fact.thread for fact in self.held}

    def lines(self) -> list[str]:
        """One fact each: first who holds what, then who waits."""
        facts: list[Held | Awaited] = [*self.held, *self.waiting]
        read = {fact.lock for fact in facts if fact.mode == Mode.SHARED.value}
        return [fact.text(fact.lock in read) for fact in facts]


def causes(run: Run[Any]) -> list[Cause]:
    """The causes among the threads that cannot go on; none if all others have ended or can."""
    blocked = {
        thread: request
        for number, (thread, request) in enumerate(zip(run.threads, run.pending, strict=True))
        if isinstance(request, Acquire) and GOES_ON not in run.ways(number)
    }
    waits_for = {thread: _in_the_way(thread, request) for thread, request in blocked.items()}
    reached = {thread: _reach(thread, waits_for) for thread in blocked}
    gone = _gone(waits_for, run)
    found = set()
    for thread in blocked:
        circle = [other for other in reached[thread] if thread in reached.get(other, ())]
        if circle:
            found.add(_cause(circle, blocked, run))
        elif any(other in gone for other in waits_for[thread]):
            found.add(_cause([thread], blocked, run))
    return sorted(found)


def _gone(waits_for: dict[Thread, list[Thread]], run: Run[Any]) -> set[Thread]:
    """The threads waited for that will never come: they have ended, or were never in flight."""
    going_on = {t for t, request in zip(run.threads, run.pending, strict=True) if request}
    return {thread for others in waits_for.values() for thread in others} - going_on


def _in_the_way(thread: Thread, request: Acquire) -> list[Thread]:
    lock = request.lock
    if request.mode is Mode.EXCLUSIVE:
        return list(lock.holders)
    holders = [
        holder
        for holder, mode in lock.holders.items()
        if mode is Mode.EXCLUSIVE or holder is thread
    ]
    return holders + [writer for writer in lock.waiting_writers if writer is not thread]


def _reach(thread: Thread, waits_for: dict[Thread, list[Thread]]) -> set[Thread]:
    reached: set[Thread] = set()
    following = list(waits_for[thread])
    while following:
        other = following.pop()
        if other not in reached:
            reached.add(other)
            following += waits_for.get(other, ())
    return reached


def _cause(threads: Iterable[Thread], blocked: dict[Thread, Acquire], run: Run[Any]) -> Cause:
    waiting = [(thread, blocked[thread]) for thread in threads]
    locks = {request.lock for _, request in waiting}
    return Cause(
        tuple(sorted(Awaited(t.name, r.lock.name, r.mode.value) for t, r in waiting)),
        tuple(sorted(held for lock in locks for held in _held(lock, run))),
    )


def _held(lock: Lock, run: Run[Any]) -> list[Held]:
    going_on = [t for t, request in zip(run.threads, run.pending, strict=True) if request]
    return [
        Held(lock.name, thread.name, mode.value, thread not in going_on)
        for thread, mode in lock.holders.items()
    ]


def left_held(run: Run[Any]) -> list[Held]:
    """The locks that operations of the scenario hold although they have ended."""
    ours = {thread.name for thread in run.threads}
    return sorted(
        held
        for lock in run.locks.values()
        for held in _held(lock, run)
        if held.ended and held.thread in ours
    )
