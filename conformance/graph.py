"""Which states and transitions the model has in a scope, with a way from a start to each state.

Breadth first, a state and a call at a time, with the machine that the lockstep uses too. States are
numbered in the order in which they are found, so that a lower number is never farther from a start.

Ghosts need not tell states apart: no guard reads them, and nothing that is no ghost follows from
them. So what can be done in a state, and what it does to all else, is the same whatever they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from checker.exploring.machine import Machine
from checker.systems.system import Call, State


@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    """One transition: the call, with its choice of faults, its answer, and where it leads."""

    call: Call
    answer: str
    target: int


@dataclasses.dataclass(frozen=True)
class Graph:
    """Every reachable state by number, and its transitions in the order of calls.

    Of states that differ in ghosts only there is the one that was found first.

    `starts` are the numbers of the initial states, `depth` has each state's distance from one.
    `first_way` names for each state the transition by which it was first found, as (source, place
    among the source's transitions); None for a start. `other_way` names the last other one that
    leads there from elsewhere, else the first that stays there; None where there is neither.
    """

    states: tuple[State, ...]
    starts: tuple[int, ...]
    depth: tuple[int, ...]
    edges: tuple[tuple[Edge, ...], ...]
    first_way: tuple[tuple[int, int] | None, ...]
    other_way: tuple[tuple[int, int] | None, ...]

    @property
    def transitions(self) -> int:
        """How many transitions there are in all."""
        return sum(map(len, self.edges))


def graph_of(machine: Machine, ghosts: Collection[int] = (), levels: int | None = None) -> Graph:
    """The whole graph; `ghosts` are places of variables that tell no states apart.

    With `levels` only the transitions of states that fewer calls lead to.
    Raises TooLarge when there are very many initial states.
    """

    def seen(state: State) -> State:
        return tuple(v for place, v in enumerate(state) if place not in ghosts)

    states: list[State] = []
    numbers: dict[State, int] = {}
    for state in machine.initial_states():
        if numbers.setdefault(seen(state), len(states)) == len(states):
            states.append(state)
    starts = tuple(range(len(states)))
    depth = [0] * len(states)
    first_way: list[tuple[int, int] | None] = [None] * len(states)
    other_way = list(first_way)
    edges: list[tuple[Edge, ...]] = []
    for source, state in enumerate(states):  # it grows while it is read
        if levels is not None and depth[source] >= levels:
            edges.append(())
            continue
        leaving = []
        for place, call in enumerate(machine.enabled(state)):
            outcome = machine.step(state, call)
            if outcome is None:
                raise AssertionError(f"{call.action} is enabled and cannot be made")
            answer, after = outcome
            target = numbers.setdefault(seen(after), len(states))
            if target == len(states):
                states.append(after)
                depth.append(depth[source] + 1)
                first_way.append((source, place))
                other_way.append(None)
            elif target != source or other_way[target] is None:
                other_way[target] = source, place
            leaving.append(Edge(call, answer, target))
        edges.append(tuple(leaving))
    ways = tuple(first_way), tuple(other_way)
    return Graph(tuple(states), starts, tuple(depth), tuple(edges), *ways)
