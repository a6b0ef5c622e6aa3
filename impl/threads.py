"""Decides where a kernel operation can be suspended, and how operations run one after the other.

An operation is a generator. It yields a request wherever another thread may get in between: before
it acquires a lock, after it has released one, before it executes PCONFIG, and before it looks at
shared state without a lock. Between two requests it runs undisturbed. Whoever drives it answers the
requests: `run` here lets every operation finish before the next begins; `interleave` tries every
order. An operation that is abandoned at a request (its thread waits for ever) does nothing more:
kernel code cleans up after a KernelError, never in a ``finally`` around a request.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from impl.errors import Deadlock, KernelError
from impl.hardware.pconfig import Command
from impl.locks import Lock, Mode, Thread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Acquire:
    """The thread is about to take a lock, and goes on only with it."""

    lock: Lock
    mode: Mode = Mode.EXCLUSIVE


@dataclass(frozen=True, slots=True)
class Release:
    """The thread gives a lock back at once, and may be suspended right after it."""

    lock: Lock


@dataclass(frozen=True, slots=True)
class Execute:
    """The thread is about to execute PCONFIG, where the environment may choose a failure.

    ``attempt``: 0, or how often the same programming was retried on that package.
    """

    package: int
    cpu: int
    keyid: int
    command: Command
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """The thread is about to do something to shared state without a lock; ``before`` says what."""

    before: str


Request = Acquire | Release | Execute | Pause
Operation = Generator[Request, None, T]


def run(operation: Operation[T], name: str | None = None) -> T:
    """Run an operation to its end on a thread of its own, and give its result.

    ``name`` is the thread's name in messages. Raises what the operation raises, and Deadlock when
    it needs a lock that an operation before it left held, or that it holds itself.
    """
    thread = Thread(name or operation.__name__)  # type: ignore[attr-defined]
    try:
        while True:
            request = next(operation)
            if isinstance(request, Acquire):
                if not request.lock.is_free_for(thread, request.mode):
                    # The thread stays in the lock's queue for good, and its operation with it.
                    if request.mode is Mode.EXCLUSIVE:
                        request.lock.wait(thread)
                    request.lock.abandon(thread, operation)
                    raise Deadlock(
                        f"cannot {thread.name}: it would wait forever for the {request.lock.name}"
                    )
                request.lock.acquire(thread, request.mode)
            elif isinstance(request, Release):
                request.lock.release(thread)
    except StopIteration as stop:
        result: T = stop.value
        return result


def cleaning_up(operation: Operation[T], clean_up: Callable[[], None]) -> Operation[T]:
    """Run an operation, then ``clean_up``, whether it succeeds or is refused."""
    try:
        result = yield from operation
    except KernelError:
        clean_up()
        raise
    clean_up()
    return result


def holding(
    lock: Lock, body: Callable[[], Operation[T]], mode: Mode = Mode.EXCLUSIVE
) -> Operation[T]:
    """Run ``body`` with the lock held, and release it whether it succeeds or is refused."""
    yield Acquire(lock, mode)
    try:
        result = yield from body()
    except KernelError:
        yield Release(lock)
        raise
    yield Release(lock)
    return result
