"""What a state of the locks' system is: where each thread is, and who waits for whom.

The places are the requests of a design's paths, each with a name; `LockState` has the predicates
that actions and claims are written in.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import z3

from checker.systems.system import Enum, Interpretation, Term, Values
from designs import Design
from model.lockpaths import EXECUTE, RETRY, Path, Request, paths
from model.sorts import HOLD, LOCK, PROGRESS, THREAD

IDLE = "idle"
"""Where a thread is that runs no operation."""

THREADS_MAX = 4
"""As many threads as a scope can have: no chain of different threads is longer."""


@dataclasses.dataclass(frozen=True)
class Place:
    """One request of one operation's path. `onwards` and `failed` name the place that follows.

    `failed` is where a failing PCONFIG leads; empty at any other request.
    """

    operation: str
    number: int
    request: Request
    onwards: str
    failed: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A design's paths, all their places by name, and the place where each operation begins."""

    paths: Mapping[str, Path]
    places: Mapping[str, Place]
    begins: Mapping[str, str]
    sort: Enum
    operations: Enum

    def at(self, *requests: Request) -> list[str]:
        """The places where one of these requests is made."""
        return [name for name, place in self.places.items() if place.request in requests]

    def giving(self, lock: str, way: Callable[[Place], str]) -> list[str]:
        """The places from which a way leads to where the lock is given back."""
        arrivals = set(self.at(Request("give", lock)))
        return [name for name, place in self.places.items() if way(place) in arrivals]


def place_name(operation: str, number: int) -> str:
    """The name of an operation's place, numbered from 1 as people count."""
    return f"{operation}_{number + 1}"


@functools.lru_cache(maxsize=64)
def table_of(design: Design) -> Table:
    """The places of a design's paths."""
    return table_from(paths(design))


def table_from(known: Mapping[str, Path]) -> Table:
    """The places of these paths, by operation."""
    places = {
        place_name(operation, number): place
        for operation, path in known.items()
        for number, place in enumerate(_places(operation, path))
    }
    return Table(
        known,
        places,
        {operation: place_name(operation, 0) for operation in known},
        Enum("Place", (IDLE, *places)),
        Enum("Operation", tuple(known)),
    )


def _places(operation: str, path: Path) -> Iterator[Place]:
    """Success passes the retries by; a failure goes to the next, or past the last one."""
    names = [*(place_name(operation, number) for number in range(len(path))), IDLE]
    for number, request in enumerate(path):
        after = number + 1
        while after < len(path) and path[after] == RETRY:
            after += 1
        failed = names[number + 1] if request in (EXECUTE, RETRY) else ""
        yield Place(operation, number, request, names[after], failed)


class LockState:
    """One state of the locks' system. Every method gives a Z3 term."""

    def __init__(self, table: Table, interpretation: Interpretation, values: Values) -> None:
        self.table = table
        self.every = interpretation.every
        self.some = interpretation.some
        self._interpretation = interpretation
        self._values = values
        self._chains: dict[tuple[int, int], tuple[Term, Term]] = {}

    def __getattr__(self, family: str) -> Any:
        return getattr(self._values, family)

    def place(self, name: str) -> Term:
        """A value of the places' sort."""
        return self._interpretation.constant(self.table.sort, name)

    def operation(self, name: str) -> Term:
        """A value of the operations' sort."""
        return self._interpretation.constant(self.table.operations, name)

    def lock(self, name: str) -> Term:
        """A constant of LOCK."""
        return self._interpretation.constant(LOCK, name)

    def hold(self, name: str) -> Term:
        """A value of HOLD."""
        return self._interpretation.constant(HOLD, name)

    def progress(self, name: str) -> Term:
        """A value of PROGRESS."""
        return self._interpretation.constant(PROGRESS, name)

    def is_at(self, thread: Term, names: Collection[str]) -> Term:
        """Whether the thread is at one of these places."""
        if not names:
            return z3.BoolVal(False)
        return z3.Or([self.at[thread] == self.place(name) for name in names])

    def is_idle(self, thread: Term) -> Term:
        """Whether it runs no operation."""
        return self.at[thread] == self.place(IDLE)

    def is_taking(self, thread: Term, lock: str) -> Term:
        """Whether it is about to take the lock for writing."""
        return self.is_at(thread, self.table.at(Request("take", lock)))

    def is_reading(self, thread: Term, lock: str) -> Term:
        """Whether it is about to take the lock for reading."""
        return self.is_at(thread, self.table.at(Request("read", lock)))

    def bars_writer(self, other: Term, lock: str) -> Term:
        """Whether this thread keeps writers, itself too, from the lock: it holds it."""
        return self.holds[other, self.lock(lock)] != self.hold("no")

    def bars_reader(self, other: Term, thread: Term, lock: str) -> Term:
        """Whether it keeps a thread from reading: it holds it for writing, or has queued for it.

        A reader that holds the lock already bars itself.
        """
        held = self.holds[other, self.lock(lock)]
        queued = z3.And(self.queued[other], self.is_taking(other, lock))
        return z3.Or(
            held == self.hold("exclusive"),
            z3.And(other != thread, queued),
            z3.And(other == thread, held != self.hold("no")),
        )

    def bars(self, other: Term, thread: Term) -> Term:
        """Whether a thread cannot go on because of what another one (or itself) does."""
        found = []
        for lock in LOCK.constants:
            taking, reading = self.is_taking(thread, lock), self.is_reading(thread, lock)
            found.append(z3.And(taking, self.bars_writer(other, lock)))
            found.append(z3.And(reading, self.bars_reader(other, thread, lock)))
        return z3.Or(found)

    def is_blocked(self, thread: Term) -> Term:
        """Whether it is at a lock that it cannot have now."""
        return self.some(THREAD, lambda u: self.bars(u, thread))

    def can_queue(self, thread: Term) -> Term:
        """Whether it is a writer that begins to wait for a lock that has readers.

        For another lock queueing is no step: nobody could notice.
        """
        read = [lock for lock in LOCK.constants if self.table.at(Request("read", lock))]
        taking = z3.Or([z3.BoolVal(False), *(self.is_taking(thread, lock) for lock in read)])
        return z3.And(taking, z3.Not(self.queued[thread]), self.is_blocked(thread))

    def can_step(self, thread: Term) -> Term:
        """Whether its operation is in flight and can go on, or at least queue."""
        goes_on = z3.And(z3.Not(self.is_idle(thread)), z3.Not(self.is_blocked(thread)))
        return z3.Or(goes_on, self.can_queue(thread))

    def waits_for_ever(self, thread: Term) -> Term:
        """Whether it waits for one who never comes: in a circle, or for what an idle one holds.

        A thread waits for ever exactly if it is blocked by one that does, or that is idle: the
        greatest such set. It is found by going back along who waits for whom as many times as there
        can be threads; a chain as long as that has met one of them twice.
        """

        return self._chain(thread, THREADS_MAX)

    def _chain(self, waiting: Term, length: int) -> Term:
        """Whether so many threads, or fewer up to an idle one, wait for one another from here."""
        if not length:
            return z3.BoolVal(True)
        known = self._chains.get((waiting.get_id(), length))
        if known is None:
            found = self.some(
                THREAD,
                lambda u: z3.And(
                    self.bars(u, waiting), z3.Or(self.is_idle(u), self._chain(u, length - 1))
                ),
            )
            # The term is kept with its formula, for z3 reuses the ids of terms that nothing holds.
            known = self._chains[waiting.get_id(), length] = waiting, found
        return known[1]
