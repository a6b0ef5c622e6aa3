"""Decides what a schedule is, when two of its steps may be swapped, and which order reads best.

A schedule lists whose step comes next and what the environment chose for it. Swapping two
neighbouring steps of different threads that do not conflict leads to the same state, so all orders
that differ by such swaps are one run (Mazurkiewicz 1977); a reader wants the one with the fewest
context switches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from impl.hardware.pconfig import Status

GOES_ON: Final = "goes on"
WAITS: Final = "waits"

# What a step's alternatives are called: a PCONFIG's status, "waits" for a writer that queues up for
# a lock, "goes on" for everything else.
Way = Status | str

# How many steps each thread has done, and which thread made the last one (-1: none yet).
_Position = tuple[tuple[int, ...], int]

# How many (progress of every thread, last thread) pairs `straightened` looks at before it settles
# for the order it was given; two threads of 100 steps each stay below.
POSITIONS_MAX: Final = 50_000


class Choice(NamedTuple):
    """One step of the thread with this number, counted in the order of the scenario."""

    thread: int
    way: Way


class Footprint(NamedTuple):
    """The shared state that a step read and wrote, locks and the fault budget included."""

    reads: set[Hashable]
    writes: set[Hashable]

    def conflicts(self, other: Footprint) -> bool:
        """Whether one of the two wrote what the other touched."""
        return not (
            self.writes.isdisjoint(other.writes)
            and self.writes.isdisjoint(other.reads)
            and self.reads.isdisjoint(other.writes)
        )


@dataclass(frozen=True)
class Step:
    """One step as people read it. ``does``: what the thread does until it can be suspended."""

    thread: str
    way: Way
    does: str

    def __str__(self) -> str:
        return f"{self.thread}: {self.does}"


Schedule = tuple[Step, ...]


def switches(choices: Sequence[Choice]) -> int:
    """How often a thread goes on that is not the one before."""
    return sum(one.thread != other.thread for one, other in pairwise(choices))


def needed(
    choices: Sequence[Choice], footprints: Sequence[Footprint], threads: Collection[int]
) -> list[int]:
    """The places of these threads' steps, and of all steps that those depend on, in order."""
    kept: list[int] = []
    wanted = set(threads)
    for place in reversed(range(len(choices))):
        thread, footprint = choices[place].thread, footprints[place]
        if thread in wanted or any(footprint.conflicts(footprints[later]) for later in kept):
            # A thread's earlier steps come before its later ones.
            wanted.add(thread)
            kept.append(place)
    return kept[::-1]


def straightened(choices: Sequence[Choice], footprints: Sequence[Footprint]) -> list[Choice]:
    """The same run in an order with the fewest context switches.

    A shortest path (0-1 breadth first) through the numbers of steps that each thread has done. A
    step may come when every conflicting step that was before it is done. A run that is too long
    for that keeps its order.
    """
    threads = max((choice.thread for choice in choices), default=-1) + 1
    rows: list[list[int]] = [[] for _ in range(threads)]
    for place, choice in enumerate(choices):
        rows[choice.thread].append(place)
    positions = threads
    for row in rows:
        positions *= len(row) + 1
    if positions > POSITIONS_MAX:
        return list(choices)
    order = _fewest_switches(rows, _needs(choices, footprints, threads))
    found = [choices[place] for place in order]
    return found if switches(found) < switches(choices) else list(choices)


def _needs(
    choices: Sequence[Choice], footprints: Sequence[Footprint], threads: int
) -> list[list[int]]:
    """For each step, how many steps of each thread must come before it."""
    done = [0] * threads
    number_of: list[int] = []
    needs: list[list[int]] = []
    for place, choice in enumerate(choices):
        need = [0] * threads
        for before in range(place):
            if footprints[before].conflicts(footprints[place]):
                need[choices[before].thread] = number_of[before]
        need[choice.thread] = 0
        done[choice.thread] += 1
        number_of.append(done[choice.thread])
        needs.append(need)
    return needs


def _fewest_switches(rows: list[list[int]], needs: list[list[int]]) -> list[int]:
    """The places of the steps in the best order. ``rows``: the places of each thread's steps."""
    goal = tuple(len(row) for row in rows)
    start: _Position = ((0,) * len(rows), -1)
    came_from: dict[_Position, tuple[_Position, int]] = {}
    costs = {start: 0}
    queue = deque([start])
    while queue:
        at = queue.popleft()
        done, last = at
        if done == goal:
            return _way_back(at, start, came_from)
        for thread, row in enumerate(rows):
            if done[thread] == len(row):
                continue
            place = row[done[thread]]
            if any(had < need for had, need in zip(done, needs[place], strict=True)):
                continue
            switch = thread != last
            to = ((*done[:thread], done[thread] + 1, *done[thread + 1 :]), thread)
            cost = costs[at] + switch
            if cost < costs.get(to, cost + 1):
                costs[to], came_from[to] = cost, (at, place)
                (queue.append if switch else queue.appendleft)(to)
    raise AssertionError("the given order is always possible")


def _way_back(
    at: _Position, start: _Position, came_from: dict[_Position, tuple[_Position, int]]
) -> list[int]:
    places = []
    while at != start:
        at, place = came_from[at]
        places.append(place)
    return places[::-1]
