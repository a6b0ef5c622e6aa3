"""Threads against locks: a second system of each design, small and without packages or tables.

Each thread runs one operation after another, of its environment's choice. What an operation asks of
locks and PCONFIG, and in which order, is data: `lockpaths` has it for a design. From it come four
actions: an idle thread begins an operation; a thread makes its next step; a writer that cannot have
its lock queues, and from then on no new reader gets in; a PCONFIG fails.

A step takes the lock that its thread is at, if it is at one, and goes on to the next request of the
path. A lock is given back on arriving at "give", so that "give" is where a thread may be suspended
right after it. Locks are not recursive: a thread that holds what it is at waits for itself. What an
operation still holds when it returns stays held: its thread is idle and holds it.

One process is enough, and all threads are of it. No operation takes two mmap_sems, and one that
waits for an mmap_sem while it holds something (encrypt_mprotect, with the map lock, of which there
is one) can be in a circle with one process's operations only.

Failures are finite: one programming may fail in a run, with all its retries. A failure moves no
lock; it only makes a path longer, and a second one would make another path longer as the first did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import (
    BOOL,
    Action,
    Family,
    Interpretation,
    Parameter,
    Step,
    Symmetry,
    System,
    Term,
)
from designs import Design
from model.lockpaths import EXECUTE, RETRY
from model.lockstate import IDLE, LockState, Place, Table, table_of
from model.sorts import HOLD, LOCK, PROGRESS, THREAD


def locks(design: Design, interpretation: Interpretation) -> System:
    """The system of threads and locks of a design."""
    return system_of(f"{design.name}, locks", table_of(design), interpretation)


def system_of(name: str, table: Table, interpretation: Interpretation) -> System:
    """The same for any paths, whatever design they are of."""
    return System(
        name=name,
        interpretation=interpretation,
        families=(
            Family("at", (THREAD,), table.sort, meaning="the request that the thread is at"),
            Family("holds", (THREAD, LOCK), HOLD, meaning="how the thread holds the lock"),
            Family("queued", (THREAD,), BOOL, meaning="it waits for its lock as a writer"),
            Family("may_fail", (), BOOL, meaning="a programming may still fail"),
        ),
        answers=PROGRESS,
        initially=_booted,
        actions=(
            Action("begin", (_THREAD, Parameter("operation", table.operations)), begin),
            Action("step", (_THREAD,), step),
            Action("queue", (_THREAD,), queue),
            *((Action("fail", (_THREAD,), fail),) if table.at(EXECUTE) else ()),
        ),
        view=lambda values: LockState(table, interpretation, values),
        reductions=(Symmetry(THREAD),),
    )


_THREAD = Parameter("thread", THREAD)


def _booted(state: LockState) -> Term:
    """Nobody does anything or holds anything."""
    return z3.And(
        state.every(THREAD, lambda t: state.is_idle(t)),
        state.every(THREAD, LOCK, lambda t, x: state.holds[t, x] == state.hold("no")),
        state.every(THREAD, lambda t: z3.Not(state.queued[t])),
        state.may_fail,
    )


def begin(old: LockState, choice: Any) -> Step:
    """An idle thread begins an operation."""
    guard = old.is_idle(choice.thread)
    first = old.place(IDLE)
    for operation, name in old.table.begins.items():
        first = z3.If(choice.operation == old.operation(operation), old.place(name), first)
    new = Effect(old)
    new.set("at", lambda t: t == choice.thread, to=first)
    return Step(guard, old.progress("goes_on"), new.cases())


def step(old: LockState, choice: Any) -> Step:
    """A thread takes the lock that it is at, if it is at one, and goes on."""
    thread = choice.thread
    guard = z3.And(z3.Not(old.is_idle(thread)), z3.Not(old.is_blocked(thread)))
    new = Effect(old)
    for lock in LOCK.constants:
        taking, reading = old.is_taking(thread, lock), old.is_reading(thread, lock)
        new.set("holds", _here(old, thread, lock, taking), to=old.hold("exclusive"))
        new.set("holds", _here(old, thread, lock, reading), to=old.hold("shared"))
    new.set("queued", lambda t: t == thread, to=False)
    return _arrive(new, old, thread, guard, lambda place: place.onwards)


def queue(old: LockState, choice: Any) -> Step:
    """A writer that cannot have its lock begins to wait; from now on no new reader gets in."""
    new = Effect(old)
    new.set("queued", lambda t: t == choice.thread, to=True)
    return Step(old.can_queue(choice.thread), old.progress("waits"), new.cases())


def fail(old: LockState, choice: Any) -> Step:
    """A PCONFIG fails: the first time by the environment's choice, its retries as they please."""
    thread = choice.thread
    first, again = (old.is_at(thread, old.table.at(at)) for at in (EXECUTE, RETRY))
    new = Effect(old)
    new.set("may_fail", first, to=False)
    guard = z3.Or(z3.And(first, old.may_fail), again)
    return _arrive(new, old, thread, guard, lambda place: place.failed)


def _arrive(
    new: Effect, old: LockState, thread: Term, guard: Term, way: Callable[[Place], str]
) -> Step:
    """The thread goes one way from where it is; arriving at "give", it gives that lock back."""
    next_place = old.at[thread]
    leaving = []
    for name, place in old.table.places.items():
        if way(place):
            next_place = z3.If(old.is_at(thread, [name]), old.place(way(place)), next_place)
        if way(place) == IDLE:
            leaving.append(name)
    new.set("at", lambda t: t == thread, to=next_place)
    for lock in LOCK.constants:
        given = old.is_at(thread, old.table.giving(lock, way))
        new.set("holds", _here(old, thread, lock, given), to=old.hold("no"))
    returns = old.is_at(thread, leaving)
    return Step(
        guard, z3.If(returns, old.progress("returns"), old.progress("goes_on")), new.cases()
    )


def _here(old: LockState, thread: Term, lock: str, condition: Term) -> Callable[..., Term]:
    """Where a thread's hold on a lock changes, if the condition is so."""
    return lambda t, x: z3.And(t == thread, x == old.lock(lock), condition)
