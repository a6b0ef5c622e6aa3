"""The full state space of every named design in the smallest scopes, counted three ways."""

from __future__ import annotations

import itertools

import pytest
from plain_search import steps_from
from runs import grounded, machine_of, starts_of

from checker import Call, explore, require_well_formed
from checker.answers.trace import is_true_in
from designs import DESIGNS
from model import Scope

# design: (states, transitions, depth, states of each level)
ONE_PACKAGE = {
    "rfc-v2": (140, 2088, 5, (1, 9, 32, 51, 37, 10)),
    "rfc-v2-savekeys": (140, 2088, 5, (1, 9, 32, 51, 37, 10)),
    "rfc-v2-fixed": (11, 152, 2, (1, 6, 4)),
    "rfc-v2-savekeys-fixed": (11, 152, 2, (1, 6, 4)),
    "no-hotplug": (11, 152, 2, (1, 6, 4)),
    "cpu-keys-only": (7, 88, 2, (1, 4, 2)),
    "per-package": (11, 152, 2, (1, 6, 4)),
    "wrapped-vault": (11, 152, 2, (1, 6, 4)),
    "resupply": (11, 152, 2, (1, 6, 4)),
}

TWO_PACKAGES = {
    "rfc-v2": (
        11884,
        234644,
        12,
        (2, 29, 213, 904, 2168, 3075, 2650, 1376, 455, 258, 358, 300, 96),
    ),
    "rfc-v2-savekeys": (10268, 201364, 8, (2, 29, 213, 890, 2129, 3025, 2554, 1190, 236)),
    "rfc-v2-fixed": (191, 2747, 3, (2, 23, 73, 93)),
    "rfc-v2-savekeys-fixed": (191, 2769, 3, (2, 23, 73, 93)),
    "no-hotplug": (141, 1704, 3, (2, 23, 55, 61)),
    "cpu-keys-only": (87, 1165, 3, (2, 15, 37, 33)),
    "per-package": (910, 28861, 8, (2, 35, 146, 312, 245, 50, 40, 40, 40)),
    "wrapped-vault": (141, 1709, 3, (2, 23, 55, 61)),
    "resupply": (141, 1711, 3, (2, 23, 55, 61)),
}

COUNTS = [
    *((name, Scope(1, 1, 1), counts) for name, counts in ONE_PACKAGE.items()),
    *((name, Scope(2, 1, 1), counts) for name, counts in TWO_PACKAGES.items()),
]

HOTPLUG = {"package_add", "cpu_startup", "cpu_teardown"}


def walk(name: str, scope: Scope) -> tuple[int, int, int, tuple[int, ...]]:
    """A plain breadth-first search, a state and a call at a time."""
    machine = machine_of(DESIGNS[name], scope)
    level = list(starts_of(DESIGNS[name], scope))
    seen, sizes, transitions = set(level), [], 0
    while level:
        sizes.append(len(level))
        following = []
        for state in level:
            for call in machine.enabled(state):
                transitions += 1
                outcome = machine.step(state, call)
                assert outcome is not None
                if outcome[1] not in seen:
                    seen.add(outcome[1])
                    following.append(outcome[1])
        level = following
    return len(seen), transitions, len(sizes) - 1, tuple(sizes)


@pytest.mark.parametrize(("name", "scope", "counts"), COUNTS, ids=str)
def test_the_explorer_counts_the_full_space(
    name: str, scope: Scope, counts: tuple[int, int, int, tuple[int, ...]]
) -> None:
    found = explore(grounded(DESIGNS[name], scope).system, [])
    assert found.closed
    assert counts == (found.states, found.transitions, found.depth, found.levels)


@pytest.mark.parametrize(
    ("name", "scope", "counts"), [row for row in COUNTS if row[2][1] < 12_000], ids=str
)
def test_a_plain_search_counts_the_same(
    name: str, scope: Scope, counts: tuple[int, int, int, tuple[int, ...]]
) -> None:
    assert counts == walk(name, scope)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "scope", "counts"), [row for row in COUNTS if row[2][1] >= 12_000], ids=str
)
def test_a_plain_search_counts_the_same_of_the_large_spaces(
    name: str, scope: Scope, counts: tuple[int, int, int, tuple[int, ...]]
) -> None:
    assert counts == walk(name, scope)


@pytest.mark.parametrize("name", ["rfc-v2-fixed", "cpu-keys-only", "resupply"])
def test_a_search_by_substitution_in_the_terms_counts_the_same(name: str) -> None:
    """Shares neither compiled code nor the machine with the other two searches."""
    system = grounded(DESIGNS[name], Scope(1, 1, 1)).system
    level = list(starts_of(DESIGNS[name], Scope(1, 1, 1)))
    assert [True] == [is_true_in(system, state, system.initially) for state in level]
    seen, transitions = set(level), 0
    while level:
        steps = [step for state in level for step in steps_from(system, state)]
        transitions += len(steps)
        level = list(dict.fromkeys(s.state for s in steps if s.state not in seen))
        seen |= set(level)
    assert ONE_PACKAGE[name][:2] == (len(seen), transitions)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_action_happens_in_two_packages(name: str) -> None:
    fired = explore(grounded(DESIGNS[name], Scope(2, 1, 1)).system, []).fired
    assert [] == [action for action, count in fired.items() if not count]


@pytest.mark.parametrize("name", DESIGNS)
def test_only_hotplug_and_extension_need_a_second_package(name: str) -> None:
    fired = explore(grounded(DESIGNS[name], Scope(1, 1, 1)).system, []).fired
    expected = HOTPLUG | ({"extend"} if name == "per-package" else set())
    assert expected == {action for action, count in fired.items() if not count}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_system_is_well_formed(name: str) -> None:
    system = grounded(DESIGNS[name], Scope()).system
    require_well_formed(system)
    assert 2 == len(starts_of(DESIGNS[name], Scope()))


@pytest.mark.parametrize("name", ["rfc-v2", "per-package", "resupply"])
def test_a_call_is_the_same_call_whatever_order_its_choices_are_tried_in(name: str) -> None:
    """`enabled` lists exactly the calls for which `step` gives a successor."""
    machine = machine_of(DESIGNS[name], Scope(2, 1, 1, 1))
    state = starts_of(DESIGNS[name], Scope(2, 1, 1, 1))[-1]
    possible = [
        Call(action.name, values)
        for action in machine.system.actions
        for values in itertools.product(*(range(p.size) for p in action.parameters))
        if machine.step(state, Call(action.name, values)) is not None
    ]
    assert possible == machine.enabled(state)
