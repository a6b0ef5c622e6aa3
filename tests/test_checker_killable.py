"""Tasks in processes of their own: their answers, their errors, and their ends."""

from __future__ import annotations

import math
import os
import time

import pytest

from checker.killable import Killable, OutOfTime, TaskDied, apart


def test_a_task_gives_its_result():
    with Killable() as processes:
        assert 3.0 == processes.submit(math.sqrt, 9.0).result()


def test_tasks_run_side_by_side_in_processes_of_their_own():
    with Killable() as processes:
        ids = {processes.submit(os.getpid).result() for _ in range(2)}
    assert 2 == len(ids - {os.getpid()})


def test_an_exception_is_raised_where_the_result_is_asked_for():
    with Killable() as processes, pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        processes.submit(math.sqrt, -1.0).result()


def test_a_task_that_takes_too_long_is_killed():
    begun = time.monotonic()
    with Killable(seconds_max=0.5) as processes, pytest.raises(OutOfTime, match=r"after 0\.5 s"):
        processes.submit(time.sleep, 60).result()
    assert time.monotonic() - begun < 30


def test_a_task_can_be_killed_by_whoever_no_longer_needs_it():
    with Killable() as processes:
        future = processes.submit(time.sleep, 60)
        processes.kill(future)
        with pytest.raises(TaskDied, match="signal 9"):
            future.result()


def test_what_still_runs_is_killed_at_the_end():
    with Killable() as processes:
        future = processes.submit(time.sleep, 60)
    with pytest.raises(TaskDied):
        future.result(timeout=0)


def test_a_process_that_ends_without_an_answer_says_how():
    with Killable() as processes, pytest.raises(TaskDied, match="status 3"):
        processes.submit(os._exit, 3).result()


class _Stubborn(Exception):
    """Takes two arguments, and so does not come back from being pickled."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def stubborn():
    """A task that raises it."""
    raise _Stubborn("this", "that")


def test_an_exception_that_cannot_be_sent_is_told_in_words():
    with Killable() as processes, pytest.raises(TaskDied, match="_Stubborn: this and that"):
        processes.submit(stubborn).result(timeout=60)


def test_a_task_ends_when_its_parent_is_gone(tmp_path):
    """The grandchild writes down who it is; its parent is killed; it does not live on for long."""
    note = tmp_path / "id"
    with Killable() as processes:
        future = processes.submit(parent_of_a_sleeper, str(note))
        while not note.exists() or not note.read_text():
            time.sleep(0.05)
        processes.kill(future)
    for _ in range(200):
        if not is_alive(int(note.read_text())):
            return
        time.sleep(0.05)
    pytest.fail("the sleeper outlived its parent by ten seconds")


def is_alive(number):
    """Whether a process runs; one that is only waited for does not."""
    try:
        with open(f"/proc/{number}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent_of_a_sleeper(note):
    """A task that starts a task of its own."""
    apart(sleeper, note)


def sleeper(note):
    """Writes its process's number down and sleeps."""
    with open(note, "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    time.sleep(60)


def test_what_a_task_prints_does_not_get_between_the_answers():
    with Killable() as processes:
        assert processes.submit(print, "hello").result() is None
