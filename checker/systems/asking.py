"""How Z3 is asked, so that Ctrl-C is heeded: every check and query of this program goes this way.

By itself Z3 handles SIGINT during a check: it makes "unknown" of it, for a reason that may as well
be that of a time limit, and the program goes on. With its handling switched off Python would heed
the signal only after the check. So the main thread waits, which a signal interrupts, while another
thread is in Z3, and has Z3 stop before it lets the exception through.

Z3 takes one thread at a time, also to free a term. So there is no collection of cyclic garbage
meanwhile, which any thread can set off, and which may have terms in it. Where other threads are at
work (one that shows how far a search is, those of a cluster's worker), that goes for every use of
Z3: `without_collections` is for whoever begins it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import z3

from checker.systems.system import Term

STOP_SECONDS = 0.1
"""How long Z3 takes to stop, mostly."""

NO_LIMIT = 2**32 - 1
"""What Z3 takes for no time limit; said each time, as a solver keeps the one that it had."""


def ask(solver: z3.Solver, *assumptions: Term, seconds: float | None = None) -> z3.CheckSatResult:
    """`solver.check(*assumptions)`, for so many seconds at most. Raises KeyboardInterrupt."""
    solver.set(ctrl_c=False, **_limit(seconds))
    return _heeding(lambda: solver.check(*assumptions), solver.interrupt)


def query(horn: z3.Fixedpoint, goal: Term, *, seconds: float | None = None) -> z3.CheckSatResult:
    """`horn.query(goal)`, for so many seconds at most: then it is unknown.

    Raises KeyboardInterrupt.
    """
    horn.set(ctrl_c=False, **_limit(seconds))
    try:
        return _heeding(lambda: horn.query(goal), horn.ctx.interrupt)
    except z3.Z3Exception as error:
        # What Z3's Horn engines do at a time limit is to throw this.
        if error.value == b"canceled":
            return z3.unknown
        raise


def _limit(seconds: float | None) -> dict[str, int]:
    return {"timeout": NO_LIMIT if seconds is None else max(1, int(1000 * seconds))}


def _heeding(call: Callable[[], Any], stop: Callable[[], None]) -> Any:
    """The call's result. An exception that a signal's handler raises meanwhile stops the call."""
    with without_collections():
        if threading.current_thread() is not threading.main_thread():
            return call()  # only the main thread gets signals
        return _in_another_thread(call, stop)


def _in_another_thread(call: Callable[[], Any], stop: Callable[[], None]) -> Any:
    outcome: list[tuple[Any, BaseException | None]] = []
    ended = threading.Event()

    def run() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:
            outcome.append((None, error))
        ended.set()

    thread = _Thread.of_this_process()
    thread.calls.put(run)
    try:
        ended.wait()
    except BaseException:
        _Thread.kept = None  # until Z3 has stopped: asked by two threads it gives wrong answers
        stop()
        while not ended.wait(STOP_SECONDS):  # which a second signal ends
            stop()  # Z3 may not have been at work yet
        _Thread.kept = thread
        raise
    ((result, error),) = outcome
    if error is not None:
        raise error
    return result


class _Thread:
    """A thread that makes calls, one after another: to start one for each would take longer than
    most of them do."""

    kept: _Thread | None = None

    def __init__(self) -> None:
        self.process = os.getpid()
        self.calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._make, daemon=True).start()

    @classmethod
    def of_this_process(cls) -> _Thread:
        """The one that there is; a process that was forked has none of its parent's threads."""
        if cls.kept is None or cls.kept.process != os.getpid():
            cls.kept = cls()
        return cls.kept

    def _make(self) -> None:
        while True:
            self.calls.get()()


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Meanwhile no garbage is collected but what nothing refers to."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
