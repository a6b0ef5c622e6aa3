"""Tasks in processes of their own: their answers, their errors, and their ends."""

from __future__ import annotations

import math
import os
import time

import pytest

from checker.killable import Killable, OutOfTime, TaskDied


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


def test_what_a_task_prints_does_not_get_between_the_answers():
    with Killable() as processes:
        assert processes.submit(print, "hello").result() is None
