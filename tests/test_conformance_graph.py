"""The graph that is walked is the explorer's, and its ways lead where they say."""

from __future__ import annotations

from collections import Counter

import pytest
from runs import grounded, machine_of

from checker import explore
from conformance.graph import Graph, graph_of
from designs import DESIGNS
from model import Scope

SCOPE = Scope(2, 1, 1, 1, 1, 1)
WALKED = ("cpu-keys-only",)


def graph(name: str) -> Graph:
    return graph_of(machine_of(DESIGNS[name], SCOPE))


@pytest.mark.parametrize("name", WALKED)
def test_the_graph_has_the_explorers_states_and_transitions(name: str) -> None:
    found, seen = graph(name), explore(grounded(DESIGNS[name], SCOPE).system, [])
    assert (seen.states, seen.transitions) == (len(set(found.states)), found.transitions)
    assert seen.levels == tuple(n for _, n in sorted(Counter(found.depth).items()))
    fired = Counter(edge.call.action for edges in found.edges for edge in edges)
    assert {a: n for a, n in seen.fired.items() if n} == fired


@pytest.mark.parametrize("name", WALKED)
def test_the_first_way_into_a_state_comes_from_the_level_before(name: str) -> None:
    found = graph(name)
    for number, way in enumerate(found.first_way):
        assert (number in found.starts) == (way is None)
        if way is not None:
            source, place = way
            assert number == found.edges[source][place].target
            assert found.depth[source] + 1 == found.depth[number]


@pytest.mark.parametrize("name", WALKED)
def test_the_other_way_into_a_state_is_another_transition_that_leads_there(name: str) -> None:
    found = graph(name)
    ways: dict[int, list[tuple[int, int]]] = {number: [] for number in range(len(found.states))}
    for source, edges in enumerate(found.edges):
        for place, edge in enumerate(edges):
            if (source, place) != found.first_way[edge.target]:
                ways[edge.target].append((source, place))
    for number, way in enumerate(found.other_way):
        elsewhere = [other for other in ways[number] if other[0] != number]
        assert way == (elsewhere[-1] if elsewhere else ways[number][0])
