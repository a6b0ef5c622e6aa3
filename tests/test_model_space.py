"""The full state space of every named design in the smallest scopes, counted two ways.

A third way, by substitution in the terms, is `test_checker_agreement`'s.
"""

from __future__ import annotations

import itertools

import pytest
from runs import grounded, machine_of, starts_of

from checker import Call, explore, require_well_formed
from designs import DESIGNS
from model import Scope

REPAIRED = (456, 5102, 9, (2, 10, 16, 26, 26, 52, 90, 126, 82, 26))
"""With one package the repaired designs are alike: what they differ in is hotplug."""

POSTED = (2582, 20262, 11, (2, 14, 36, 78, 134, 200, 288, 416, 520, 484, 310, 100))
REPAIRED_NAMES = [
    *("rfc-v2-fixed", "rfc-v2-savekeys-fixed", "no-hotplug"),
    *("per-package", "wrapped-vault", "resupply"),
]

# design: (states, transitions, depth, states of each level)
ONE_OF_EACH = {
    "rfc-v2": POSTED,
    "rfc-v2-savekeys": POSTED,
    "cpu-keys-only": (150, 1658, 8, (2, 8, 10, 12, 12, 24, 34, 36, 12)),
    **dict.fromkeys(REPAIRED_NAMES, REPAIRED),
}

POSTED_VMAS = (
    *(15686, 147846, 15),
    (2, 14, 44, 128, 294, 562, 966, 1598, 2394, 2842, 2514, 1774, 1270, 876, 358, 50),
)
REPAIRED_VMAS = (
    *(2480, 32184, 13),
    (2, 10, 24, 50, 80, 158, 296, 464, 454, 358, 264, 186, 108, 26),
)
TWO_VMAS = {
    "rfc-v2": POSTED_VMAS,
    "rfc-v2-savekeys": POSTED_VMAS,
    "cpu-keys-only": (818, 10612, 12, (2, 8, 16, 30, 48, 84, 126, 170, 130, 78, 70, 44, 12)),
    **dict.fromkeys(REPAIRED_NAMES, REPAIRED_VMAS),
}

TWO_PACKAGES = {
    "rfc-v2": (
        *(338254, 3680842, 18),
        (
            *(4, 46, 248, 878, 2282, 4992, 10088, 18866, 31650, 46072),
            *(56666, 57734, 48172, 32664, 17876, 7248, 2280, 456, 32),
        ),
    ),
    "rfc-v2-savekeys": (
        *(221014, 2386746, 15),
        (
            *(4, 46, 248, 864, 2214, 4742, 9366, 17224),
            *(28160, 38742, 43254, 38070, 24724, 10636, 2496, 224),
        ),
    ),
    "rfc-v2-fixed": (
        *(10346, 134924, 11),
        (4, 38, 144, 278, 286, 586, 1392, 2418, 2798, 1614, 640, 148),
    ),
    "rfc-v2-savekeys-fixed": (
        *(10430, 137000, 11),
        (4, 38, 144, 278, 286, 590, 1414, 2456, 2818, 1614, 640, 148),
    ),
    "no-hotplug": (5602, 58114, 10, (4, 38, 116, 210, 150, 320, 908, 1564, 1640, 626, 26)),
    "cpu-keys-only": (2844, 37852, 10, (4, 30, 86, 122, 124, 290, 564, 682, 670, 208, 64)),
    "per-package": (
        *(85188, 2203688, 14),
        (
            *(4, 58, 262, 788, 1576, 2810, 5664, 11180),
            *(17416, 18768, 13722, 7316, 3552, 1608, 464),
        ),
    ),
    "wrapped-vault": (5602, 58430, 10, (4, 38, 116, 210, 150, 320, 908, 1564, 1640, 626, 26)),
    "resupply": (5602, 58444, 10, (4, 38, 116, 210, 150, 320, 908, 1564, 1640, 626, 26)),
}

COUNTS = [
    *((name, Scope(1, 1, 1, 1, 1, 1), counts) for name, counts in ONE_OF_EACH.items()),
    *((name, Scope(1, 1, 1, 1, 2, 1), counts) for name, counts in TWO_VMAS.items()),
    *((name, Scope(2, 1, 1, 1, 1, 1), counts) for name, counts in TWO_PACKAGES.items()),
]


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
    ("name", "scope", "counts"), [row for row in COUNTS if row[2][1] < 40_000], ids=str
)
def test_a_plain_search_counts_the_same(
    name: str, scope: Scope, counts: tuple[int, int, int, tuple[int, ...]]
) -> None:
    assert counts == walk(name, scope)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "scope", "counts"), [row for row in COUNTS if row[2][1] >= 40_000], ids=str
)
def test_a_plain_search_counts_the_same_of_the_large_spaces(
    name: str, scope: Scope, counts: tuple[int, int, int, tuple[int, ...]]
) -> None:
    assert counts == walk(name, scope)


@pytest.mark.parametrize("name", DESIGNS)
def test_the_system_is_well_formed(name: str) -> None:
    system = grounded(DESIGNS[name], Scope()).system
    require_well_formed(system)
    assert 4 == len(starts_of(DESIGNS[name], Scope()))


@pytest.mark.parametrize("name", ["rfc-v2", "per-package", "resupply"])
def test_a_call_is_the_same_call_whatever_order_its_choices_are_tried_in(name: str) -> None:
    """`enabled` lists exactly the calls for which `step` gives a successor."""
    machine = machine_of(DESIGNS[name], Scope(2, 1, 1, 1, 1, 1))
    state = starts_of(DESIGNS[name], Scope(2, 1, 1, 1, 1, 1))[-1]
    possible = [
        Call(action.name, values)
        for action in machine.system.actions
        for values in itertools.product(*(range(p.size) for p in action.parameters))
        if machine.step(state, Call(action.name, values)) is not None
    ]
    assert possible == machine.enabled(state)
