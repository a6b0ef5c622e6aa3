"""Decides where cells are judged: on this machine's processors, or on a cluster of machines."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

from checker.killable import apart, end_with_parent
from mktme.ownfiles import with_own

T = TypeVar("T")


class ExecutorError(ValueError):
    """An executor that is unknown, not installed or not reachable; the message says which."""


KNOWN = "processes, processes:NUMBER, dask://HOST:PORT"
CONNECT_SECONDS = 10
"""How long a cluster may take to answer before it counts as not reachable."""


@contextmanager
def executor(text: str = "processes", most: int | None = None) -> Iterator[Executor]:
    """The executor that a text names, shut down at the end.

    `processes` has one for each processor that this process may use, but no more than `most`.
    `dask://HOST:PORT` is the scheduler of a Dask cluster whose workers have this program installed.
    Raises ExecutorError.
    """
    scheme, _, rest = text.partition(":")
    if scheme == "processes":
        yield from _processes(_number(text, rest) if rest else processors(), most)
    elif scheme == "dask" and rest.startswith("//"):
        yield from _dask(text)
    else:
        raise ExecutorError(f"unknown executor {text!r}; known: {KNOWN}")


def side_by_side(
    pool: Executor, calls: Sequence[Callable[[], T]], done: Callable[[T], object]
) -> list[T]:
    """The results of calls in their order; `done` hears of each as it comes, in any order.

    What a user has added is known wherever a call is made. The first error is raised here, and what
    has not begun by then is not done.
    """
    futures: list[Future[T]] = [pool.submit(with_own(call)) for call in calls]
    try:
        for future in as_completed(futures):
            done(future.result())
    except BaseException:
        if isinstance(pool, _Workers):
            pool.end()
        else:
            for future in futures:
                future.cancel()
        raise
    return [future.result() for future in futures]


def processors() -> int:
    """How many processors this process may use; where that cannot be asked, how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _number(text: str, digits: str) -> int:
    if not digits.isdecimal() or int(digits) == 0:
        raise ExecutorError(f"executor {text!r} does not say how many processes; known: {KNOWN}")
    return int(digits)


def _processes(number: int, most: int | None) -> Iterator[Executor]:
    # A fresh interpreter for each worker: z3 and the progress display have threads, which a fork
    # would copy in whatever state they are.
    context = multiprocessing.get_context("spawn")
    workers = number if most is None else max(1, min(number, most))
    pool = _Workers(workers, mp_context=context, initializer=end_with_parent)
    try:
        yield pool
    except BaseException:
        pool.end()
        raise
    finally:
        pool.shutdown()


class _Workers(ProcessPoolExecutor):
    """Processes that Ctrl-C does not reach: a terminal sends it to all, and each would tell of it.

    Whoever waits for them hears it, and ends them.
    """

    def end(self) -> None:
        """End all processes; what they were to do has no answer.

        Nothing is cancelled: where a process ends, the executor fails every task itself, and would
        trip over one that was cancelled before.
        """
        for worker in multiprocessing.active_children():
            worker.terminate()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """As the executor does, which starts a process here where one is wanted."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _dask(text: str) -> Iterator[Executor]:
    address = urllib.parse.urlsplit(text)
    try:
        known = bool(address.hostname and address.port)
    except ValueError:
        known = False
    if not known:
        raise ExecutorError(f"executor {text!r} names no host and port; known: {KNOWN}")
    try:
        from distributed import Client
    except ImportError:
        raise ExecutorError(
            f"executor {text!r} needs Dask: python -m pip install -e '.[dask]'"
        ) from None
    try:
        client: Any = Client(f"tcp://{address.netloc}", timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ExecutorError(f"no Dask scheduler answers at {address.netloc}: {reason}") from None
    with client, client.get_executor() as pool:
        yield _Apart(pool)


class _Apart(Executor):
    """An executor whose tasks each have a process of their own, wherever they are run.

    A worker of a cluster may run several tasks in as many threads, which Z3 does not allow.
    """

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As the executor does."""
        return self._pool.submit(apart, functools.partial(fn, **kwargs), *args)
