"""How work is run so that it can always be ended: a process for each task, killed at its deadline.

A solver inside a library call answers no signal, and a time limit that is looked at between calls
is none. Here a task is a picklable function and its arguments, sent to a fresh interpreter; when
time is up, or when somebody else has answered, the interpreter is killed. It is a child by itself,
not by `multiprocessing`, whose daemonic workers may have no children.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

_CHILD = "from checker.killable import main; main()"


class TaskDied(RuntimeError):
    """A task's process ended without an answer; the message has its last words."""


class OutOfTime(TaskDied):
    """A task's process was killed at its deadline."""


class Killable(Executor):
    """An executor that starts a process for every task at once, and can kill each of them.

    ``seconds_max`` bounds every task. A future's `cancel` is of no use once its task runs: call
    `kill`, after which its result is TaskDied. Leaving the `with` block kills what still runs.
    """

    def __init__(self, seconds_max: float | None = None) -> None:
        self._seconds_max = seconds_max
        self._running: dict[Future[Any], subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Start `fn(*args, **kwargs)` in a process of its own. All must be picklable."""
        task = pickle.dumps((fn, args, kwargs))
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        with self._lock:
            self._running[future] = process
        thread = threading.Thread(target=self._wait, args=(future, process, task), daemon=True)
        self._threads.append(thread)
        thread.start()
        return future

    def kill(self, future: Future[Any]) -> None:
        """End the task of a future, if it still runs."""
        with self._lock:
            process = self._running.get(future)
        if process is not None:
            process.kill()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Kill everything with `cancel_futures`, else let it end."""
        if cancel_futures:
            for future in list(self._running):
                self.kill(future)
        if wait:
            for thread in self._threads:
                thread.join()

    def __exit__(self, *_: object) -> None:
        self.shutdown(cancel_futures=True)

    def _wait(self, future: Future[Any], process: subprocess.Popen[bytes], task: bytes) -> None:
        try:
            said, complaint = process.communicate(task, timeout=self._seconds_max)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if process.stdin is not None:  # which only a task that was read whole has closed
                with suppress(OSError):
                    process.stdin.close()
            answer: Any = OutOfTime(f"killed after {self._seconds_max:g} seconds")
        else:
            answer = _answer(said, complaint, process.returncode)
        with self._lock:
            del self._running[future]
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer[0])


def apart(fn: Callable[..., Any], /, *args: Any) -> Any:
    """`fn(*args)` in a process of its own: for a caller that is one of several threads."""
    with Killable() as processes:
        return processes.submit(fn, *args).result()


def _answer(said: bytes, complaint: bytes, status: int) -> Any:
    """A result in a tuple of one, or the exception that the task raised or died of."""
    if status == 0:
        # The bytes are those of our own child, which nobody else can write to.
        return pickle.loads(said)
    lines = complaint.decode(errors="replace").strip().splitlines()
    how = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return TaskDied(lines[-1] if lines else how)


def end_with_parent() -> None:
    """End this process once its parent is gone: nobody waits for an answer any more."""

    def watch(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()


def main() -> None:
    """What the child does: read a task, run it, write its result or its exception."""
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever the task prints must not get between the answers
    end_with_parent()
    fn, args, kwargs = pickle.loads(sys.stdin.buffer.read())
    try:
        answer: Any = (fn(*args, **kwargs),)
    except Exception as error:
        answer = _travelling(error)
    answers.write(pickle.dumps(answer))
    answers.flush()


def _travelling(error: Exception) -> Exception:
    """The exception, or its words where it cannot be sent: not all come back from being pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return TaskDied(f"{type(error).__name__}: {error}")
    return error
