"""What is left of a search is said honestly: a range, that it grows, or nothing."""

from __future__ import annotations

import pytest
import textbook
from small_systems import counter

from checker.exploring.estimate import Estimate, estimate
from checker.exploring.explore import explore


def test_a_frontier_that_grows_has_no_end_in_sight():
    found = estimate([1, 10, 30], 0, 0, 10**6, 100.0)
    assert ("growing", None) == (str(found), found.seconds)


def test_a_level_that_has_found_more_than_it_has_grows():
    assert "growing" == str(estimate([1, 10, 30, 20], 15, 40, 10**6, 100.0))


def test_a_frontier_that_shrinks_gives_a_range():
    found = estimate([400, 200, 100], 40, 10, 10**6, 10.0)
    assert (7.0, 26.0) == found.seconds
    assert "7 s to 26 s left" == str(found)


def test_there_cannot_be_more_states_than_the_ceiling():
    assert (7.0, 8.0) == estimate([400, 200, 100], 40, 10, 720, 10.0).seconds


@pytest.mark.parametrize(
    ("levels", "rate"), [([5], 1.0), ([3, 2], 0.0), ([1000, 999], 1.0), ([], 1.0)]
)
def test_nothing_is_said_where_nothing_is_known(levels, rate):
    assert estimate(levels, 0, 0, 10**6, rate) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((0.1, 0.2), "1 s left"),
        ((2.0, 119.0), "2 s to 2 min left"),
        ((200.0, 40000.0), "3 min to 11 h left"),
    ],
)
def test_a_range_is_short_text(seconds, text):
    assert text == str(Estimate(seconds))


def test_what_was_left_lies_in_the_range_mostly():
    ground, claims = textbook.two_phase_commit(6)
    said = []
    whole = explore(ground.system, claims, jit=False, progress=said.append, progress_seconds=0)
    right = total = 0
    for at in said:
        if at.estimate is not None and at.estimate.seconds is not None:
            speed = at.estimate.seconds[0] and 1 / at.estimate.seconds[0]
            done = sum(whole.levels[: at.depth]) + at.expanded
            low, high = (s * speed for s in at.estimate.seconds)
            lowest = at.frontier - at.expanded + (at.states - sum(whole.levels[: at.depth + 1]))
            left = whole.states - done
            total += 1
            right += lowest * low <= left <= lowest * high
    assert total > 5
    assert right / total > 0.7
    assert all(at.states <= at.ceiling for at in said)
    assert all(0 < at.memory <= whole.memory for at in said)


def test_progress_is_told_now_and_then():
    said = []
    explore(counter(8)[0], [], progress=said.append)
    assert 1 <= len(said) < 10
    explore(counter(8)[0], [], progress=said.append, progress_seconds=0)
    assert 256 < len(said)
