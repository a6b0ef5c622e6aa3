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

REPAIRED = (582, 6722, 9, (2, 10, 22, 32, 38, 64, 104, 158, 108, 44))
"""With one package the repaired designs are alike: what they differ in is hotplug."""

POSTED = (3086, 24118, 11, (2, 14, 42, 96, 176, 254, 332, 482, 620, 592, 376, 100))
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
    *(19022, 179418, 15),
    (2, 14, 50, 158, 384, 724, 1174, 1918, 2918, 3498, 3048, 2072, 1540, 1072, 400, 50),
)
REPAIRED_VMAS = (
    *(3314, 43848, 13),
    (2, 10, 30, 62, 110, 206, 360, 586, 616, 514, 352, 252, 170, 44),
)
TWO_VMAS = {
    "rfc-v2": POSTED_VMAS,
    "rfc-v2-savekeys": POSTED_VMAS,
    "cpu-keys-only": (818, 10612, 12, (2, 8, 16, 30, 48, 84, 126, 170, 130, 78, 70, 44, 12)),
    **dict.fromkeys(REPAIRED_NAMES, REPAIRED_VMAS),
}

KEPT_LEAD = (4, 38, 128, 228, 186, 368, 962, 1674, 1750, 706, 44)
TWO_PACKAGES = {
    "rfc-v2": (
        *(383878, 4154274, 18),
        (
            *(4, 46, 260, 976, 2616, 5874, 11846, 21670, 35822, 52002),
            *(64078, 64984, 53888, 36804, 20100, 8796, 3240, 840, 32),
        ),
    ),
    "rfc-v2-savekeys": (
        *(256318, 2753282, 15),
        (
            *(4, 46, 260, 962, 2548, 5624, 11124, 20004),
            *(32308, 44564, 50258, 44472, 28836, 12396, 2688, 224),
        ),
    ),
    "rfc-v2-fixed": (
        *(12440, 169250, 11),
        (4, 38, 156, 316, 358, 710, 1584, 2742, 3288, 2086, 914, 244),
    ),
    "rfc-v2-savekeys-fixed": (
        *(12524, 171326, 11),
        (4, 38, 156, 316, 358, 714, 1606, 2780, 3308, 2086, 914, 244),
    ),
    "no-hotplug": (6088, 66272, 10, KEPT_LEAD),
    "cpu-keys-only": (2844, 37852, 10, (4, 30, 86, 122, 124, 290, 564, 682, 670, 208, 64)),
    "per-package": (
        *(167028, 4461720, 15),
        (
            *(4, 58, 286, 962, 2296, 4520, 8704, 16800),
            *(27994, 35472, 31980, 19992, 10576, 5192, 1856, 336),
        ),
    ),
    "wrapped-vault": (6088, 66714, 10, KEPT_LEAD),
    "resupply": (6088, 66728, 10, KEPT_LEAD),
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
    ("name", "scope", "counts"), [row for row in COUNTS if row[2][1] < 45_000], ids=str
)
def test_a_plain_search_counts_the_same(
    name: str, scope: Scope, counts: tuple[int, int, int, tuple[int, ...]]
) -> None:
    assert counts == walk(name, scope)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "scope", "counts"), [row for row in COUNTS if row[2][1] >= 45_000], ids=str
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
