"""What owners know of their keys is written down as it happened, and compared with the kernel."""

from __future__ import annotations

import pytest

from conformance.keywatch import KEY, KeyWatch

USER_A, USER_B, CPU = ("user", "A"), ("user", "B"), ("cpu", "zeros")
ADDRESS, OTHER = 0x1000, 0x2000


def with_key(per_package: bool = False) -> KeyWatch:
    """Key object 0 is the key with serial 7; user key A at KeyID 1 (of packages 0 and 1)."""
    watch = KeyWatch(per_package)
    watch.came(0, ADDRESS, 7, [(0, 1), (1, 1)] if per_package else [1], USER_A)
    return watch


def test_a_key_that_came_has_its_slots_its_request_and_one_reference() -> None:
    watch = with_key()
    assert ({0: 7}, {0: ADDRESS}, {0: {1}}) == (watch.serials, watch.values, watch.given)
    assert ({1: USER_A}, {1: {KEY}}) == (watch.asked, watch.holders)
    assert USER_A == watch.asked_of(0)


def test_with_per_package_keyids_a_request_is_the_keys_and_not_a_slots() -> None:
    watch = with_key(per_package=True)
    assert ({0: USER_A}, {(0, 1): {KEY}, (1, 1): {KEY}}) == (watch.asked, watch.holders)
    assert USER_A == watch.asked_of(0)


def test_a_look_up_finds_the_lowest_slot_of_each_map() -> None:
    watch = with_key()
    assert [1] == watch.found(0, {2: ADDRESS, 1: ADDRESS})
    assert [2] == watch.found(0, {1: OTHER, 2: ADDRESS})
    assert [] == watch.found(1, {1: ADDRESS})
    pairs = {(0, 2): ADDRESS, (1, 2): ADDRESS, (1, 1): ADDRESS, (0, 1): OTHER}
    assert [(0, 2), (1, 1)] == watch.found(0, pairs)


def test_an_address_is_stale_while_no_key_is_there() -> None:
    watch = with_key()
    assert set() == watch.stale()
    watch.went(0)
    assert {ADDRESS} == watch.stale()
    assert ({}, {}) == (watch.serials, watch.given)


def test_an_update_asks_for_the_slot_that_is_found_and_for_what_the_key_was_given() -> None:
    watch = with_key()
    watch.changed(0, [2], CPU)
    assert {1: CPU, 2: CPU} == watch.asked
    owners = with_key(per_package=True)
    owners.changed(0, [(0, 1)], CPU)
    assert {0: CPU} == owners.asked


def test_an_owner_knows_what_it_handed_in_until_its_request_ends() -> None:
    watch = with_key()
    watch.learned(0, [1], USER_B)
    watch.learned(0, [1], CPU)
    assert {1: {"A", "B"}} == watch.known
    watch.settle({1: ADDRESS}, {}, ())
    assert {} == watch.known
    owners = with_key(per_package=True)
    owners.learned(0, [(0, 1)], USER_B)
    assert {0: {"A", "B"}} == owners.known


def test_a_key_that_grew_brings_along_its_own_reference_and_those_of_who_uses_it() -> None:
    watch = KeyWatch(per_package=True)
    watch.came(0, ADDRESS, 7, [(1, 2)], USER_A)
    watch.take(3, [(1, 2)])
    watch.grew(0, [(0, 1)], [3])
    assert {KEY, 3} == watch.holders[0, 1]
    assert {(1, 2), (0, 1)} == watch.given[0]
    watch.take(4, [(1, 2)])
    assert {KEY, 3} == watch.holders[0, 1]


@pytest.mark.parametrize(
    ("holders", "who", "left"),
    [
        ({KEY, 0, 1}, 1, {KEY, 0}),
        ({KEY, 0, 1}, KEY, {0, 1}),
        ({KEY, 0}, 1, {0}),
        ({0, 1}, KEY, {1}),
        ({1, 2}, 0, {2}),
        (set(), 0, set()),
    ],
)
def test_a_reference_that_is_not_counted_takes_anothers_the_keys_first(
    holders: set[str | int], who: str | int, left: set[str | int]
) -> None:
    watch = KeyWatch(per_package=False)
    watch.holders[1] = set(holders)
    watch.drop(who, [1])
    assert left == watch.holders[1]


def test_a_slot_that_leaves_the_map_ends_its_request_its_holders_and_its_gift() -> None:
    watch = with_key()
    watch.settle({1: ADDRESS}, {}, ())
    assert ({}, {}, {0: set()}) == (watch.asked, watch.holders, watch.given)
    assert {"A"} == watch.released


def test_only_a_user_key_that_no_slot_stands_for_any_more_is_released() -> None:
    watch = with_key()
    watch.came(1, OTHER, 8, [2], USER_A)
    watch.settle({1: ADDRESS, 2: OTHER}, {2: OTHER}, ())
    assert set() == watch.released
    watch.settle({2: OTHER}, {}, ())
    assert {"A"} == watch.released
    watch.supplied("A")
    assert set() == watch.released


def test_a_cpu_key_is_never_released() -> None:
    watch = KeyWatch(per_package=False)
    watch.came(0, ADDRESS, 7, [1], CPU)
    watch.settle({1: ADDRESS}, {}, ())
    assert set() == watch.released


def test_with_per_package_keyids_a_request_ends_with_the_last_slot() -> None:
    watch = with_key(per_package=True)
    both = {(0, 1): ADDRESS, (1, 1): ADDRESS}
    watch.settle(both, {(1, 1): ADDRESS}, ())
    assert ({0: USER_A}, set()) == (watch.asked, watch.released)
    watch.settle({(1, 1): ADDRESS}, {}, ())
    assert ({}, {"A"}) == (watch.asked, watch.released)


def test_a_freed_address_is_remembered_while_a_slot_or_a_vma_holds_it() -> None:
    watch = with_key()
    watch.went(0)
    watch.settle({1: ADDRESS}, {1: ADDRESS}, ())
    assert {0: ADDRESS} == watch.values
    watch.settle({1: ADDRESS}, {}, {ADDRESS})
    assert {0: ADDRESS} == watch.values
    watch.settle({}, {}, ())
    assert {} == watch.values
