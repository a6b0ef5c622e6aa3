"""What users may own."""

from __future__ import annotations

import pytest

from impl.errors import QuotaExceeded
from impl.hardware.accesses import Accesses
from impl.heap.slab import Object
from impl.keyrings.keys import Key
from impl.keyrings.quota import Quota

USER = 1000


def quota() -> Quota:
    return Quota(Accesses(), maxkeys=2, maxbytes=20, root_maxkeys=3, root_maxbytes=30)


def owned(table: Quota, description: str = "abc") -> Key:
    table.charge(USER, description, "add")
    size = table.size_of(description)
    return Key(1, Object("key_jar", 0, 256), uid=USER, is_in_quota=True, quota_bytes=size)


def account(table: Quota, uid: int = USER) -> tuple[int, int]:
    found = table.account(uid)
    return found.keys, found.bytes


def test_the_limits_are_those_of_linux() -> None:
    table = Quota(Accesses())
    assert (200, 20_000) == (table.maxkeys, table.maxbytes)
    assert (1_000_000, 25_000_000) == (table.root_maxkeys, table.root_maxbytes)


def test_a_key_counts_its_description_with_the_final_nul() -> None:
    table = quota()
    owned(table, "é")
    assert (1, 3) == account(table)


def test_the_number_of_keys_is_limited() -> None:
    table = quota()
    owned(table)
    owned(table)
    with pytest.raises(QuotaExceeded, match=r"^cannot add: uid 1000 owns 2 keys with 8 bytes$"):
        owned(table)
    assert (2, 8) == account(table)


def test_the_number_of_bytes_is_limited() -> None:
    table = quota()
    owned(table, "a" * 19)
    with pytest.raises(QuotaExceeded):
        owned(table, "")
    assert (1, 20) == account(table)


def test_root_has_limits_of_its_own() -> None:
    table = quota()
    for _ in range(3):
        table.charge(0, "abcdefghi", "add")
    with pytest.raises(QuotaExceeded):
        table.charge(0, "", "add")
    assert (3, 30) == account(table, 0)


def test_the_kernel_may_charge_past_the_limits() -> None:
    table = quota()
    for _ in range(4):
        table.charge(USER, "abcdefghi", "add", overrun=True)
    assert (4, 40) == account(table)


def test_a_payload_counts_when_it_grows_and_when_it_shrinks() -> None:
    table = quota()
    key = owned(table)
    table.reserve(key, 16, "update")
    with pytest.raises(QuotaExceeded):
        table.reserve(key, 17, "update")
    assert ((1, 20), 16, 20) == (account(table), key.payload_bytes, key.quota_bytes)
    table.reserve(key, 6, "update")
    assert ((1, 10), 6, 10) == (account(table), key.payload_bytes, key.quota_bytes)


def test_a_payload_may_shrink_above_the_limit() -> None:
    table = quota()
    key = owned(table)
    table.reserve(key, 10, "update")
    table.maxbytes = 5
    table.reserve(key, 8, "update")
    assert (1, 12) == account(table)


def test_a_key_outside_of_the_quota_counts_nothing() -> None:
    table = quota()
    key = Key(1, Object("key_jar", 0, 256), uid=USER)
    table.reserve(key, 1000, "update")
    table.uncharge(key)
    assert ((0, 0), 1000) == (account(table), key.payload_bytes)


def test_a_key_is_given_back_once() -> None:
    table = quota()
    key = owned(table)
    table.reserve(key, 5, "update")
    table.uncharge(key)
    table.uncharge(key)
    assert (0, 0) == account(table)


def test_a_key_that_changes_hands_counts_for_its_new_owner() -> None:
    table = quota()
    key = owned(table)
    table.transfer(key, 7, "chown")
    assert (((0, 0), (1, 4)), 7) == ((account(table), account(table, 7)), key.uid)


def test_a_new_owner_without_room_is_refused_and_nothing_changes() -> None:
    table = quota()
    key = owned(table)
    table.charge(7, "a" * 17, "add")
    with pytest.raises(QuotaExceeded, match=r"^cannot chown: uid 7 owns 1 keys with 18 bytes$"):
        table.transfer(key, 7, "chown")
    assert (((1, 4), (1, 18)), USER) == ((account(table), account(table, 7)), key.uid)
    table.accesses.start()
    table.uncharge(key)
    assert {("quota", USER)} == table.accesses.writes


def test_a_key_outside_of_the_quota_changes_hands_freely() -> None:
    table = quota()
    table.maxkeys = 0
    key = Key(1, Object("key_jar", 0, 256), uid=USER)
    table.transfer(key, 7, "chown")
    assert ((0, 0), 7) == (account(table, 7), key.uid)
