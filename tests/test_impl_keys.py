"""Key objects: who refers to them, what finds them, and what lies in memory."""

from __future__ import annotations

import pytest

from designs import DESIGNS, Design
from impl.errors import KeyExpired, KeyRevoked, NoKey, QuotaExceeded
from impl.hardware.machine import Machine
from impl.hardware.pconfig import Command
from impl.heap.memory import KernelMemory
from impl.heap.slab import Slab
from impl.keyrings.keys import Key, Keys

POSTED, FIXED = DESIGNS["rfc-v2"], DESIGNS["rfc-v2-fixed"]


def keys(design: Design = POSTED) -> Keys:
    memory = KernelMemory(Machine())
    return Keys(design, memory, Slab(memory))


def enrolled(table: Keys, type: str = "mktme") -> Key:
    key = table.create(type, "k")
    table.enrol(key)
    return key


def test_serial_numbers_count_up_and_lie_in_the_key_object() -> None:
    table = keys()
    first, second = table.create(), table.create()
    assert (1, 2) == (first.serial, second.serial)
    assert 2 == table.serial_in(table.slot_value(second))
    assert first.object.address == table.slot_value(first)


def test_a_repaired_map_holds_serial_numbers() -> None:
    table = keys(FIXED)
    key = table.create()
    assert key.serial == table.slot_value(key) == table.serial_in(key.serial)


def test_a_key_is_found_only_when_it_was_enrolled() -> None:
    table = keys()
    key = table.create()
    assert (None, None, set()) == (table.find(1), table.get(1), table.live_serials())
    with pytest.raises(NoKey, match=r"^cannot try: no live key has this serial number$"):
        table.look_up(1, "try")
    table.enrol(key)
    assert (key, key, key, {1}) == (
        table.find(1),
        table.get(1),
        table.look_up(1, "try"),
        table.live_serials(),
    )


def test_live_keys_are_those_of_type_mktme() -> None:
    table = keys()
    enrolled(table, "user")
    enrolled(table, "keyring")
    key = enrolled(table)
    assert {key.serial} == table.live_serials()


def test_the_type_of_an_mktme_key_lies_in_its_object() -> None:
    table = keys()
    key = enrolled(table)
    table.set_type(key, Command.NO_ENCRYPT)
    assert Command.NO_ENCRYPT is table.type_of(key)


def test_a_released_key_is_gone_and_its_object_is_the_next_one() -> None:
    table = keys()
    key = enrolled(table)
    table.release(key)
    assert (None, None, set()) == (table.find(1), table.get(1), table.live_serials())
    assert 1 == table.serial_in(table.slot_value(key))
    assert key.object is table.create().object


def test_a_key_that_nothing_refers_to_is_not_found_and_still_live() -> None:
    table = keys()
    key = enrolled(table)
    table.take(key)
    table.put(key)
    assert key is table.find(key.serial)
    table.put(key)
    assert table.find(key.serial) is None
    assert not table.is_used(key)
    assert [key] == table.known()
    assert {key.serial} == table.live_serials()
    with pytest.raises(ValueError, match=f"cannot put key {key.serial}: nothing refers to it"):
        table.put(key)


def test_a_withdrawn_key_is_neither_known_nor_live() -> None:
    table = keys()
    key = enrolled(table)
    table.withdraw(key)
    assert ([], set()) == (table.known(), table.live_serials())


def test_a_lost_key_is_revoked_and_no_longer_live_and_keeps_its_object() -> None:
    table = keys()
    key = enrolled(table)
    assert not table.is_lost(key.serial)
    table.lose(key)
    assert table.is_lost(key.serial)
    assert key.object.live
    assert (key, None) == (table.find(key.serial), table.get(key.serial))
    with pytest.raises(KeyRevoked):
        table.validate(key, "try")
    table.release(key)
    assert table.is_lost(key.serial)


def test_revoking_twice_keeps_the_first_time() -> None:
    table = keys()
    key = enrolled(table)
    table.clock.advance(5)
    table.revoke(key)
    table.clock.advance(5)
    table.revoke(key)
    table.lose(key)
    assert 5.0 == key.revoked_at


def test_a_key_is_judged_invalid_before_revoked_before_expired() -> None:
    table = keys()
    key = enrolled(table)
    table.validate(key, "try")
    key.expiry = 10.0
    table.clock.now = 9.5
    table.validate(key, "try")
    table.clock.now = 10.0
    with pytest.raises(KeyExpired, match=r"^cannot try: the time of key 1 is over$"):
        table.validate(key, "try")
    table.revoke(key)
    with pytest.raises(KeyRevoked, match=r"^cannot try: key 1 was revoked$"):
        table.validate(key, "try")
    key.is_invalidated = True
    with pytest.raises(NoKey, match=r"^cannot try: key 1 was invalidated$"):
        table.validate(key, "try")


def test_the_clock_never_goes_back() -> None:
    clock = keys().clock
    clock.advance(3)
    clock.advance(0)
    assert 3.0 == clock.now
    with pytest.raises(ValueError, match=r"cannot set the clock to 2: it is 3\.0 already"):
        clock.now = 2
    with pytest.raises(ValueError, match="cannot set the clock"):
        clock.advance(-1)


def test_an_owner_pays_until_the_last_reference_is_gone() -> None:
    table = keys()
    table.quota.maxkeys = 1
    key = table.allocate(("user", "abc"), (1000, 1000), 0x3F, "add")
    assert (1, 4) == (table.quota.account(1000).keys, table.quota.account(1000).bytes)
    with pytest.raises(QuotaExceeded):
        table.allocate(("user", "d"), (1000, 1000), 0x3F, "add")
    table.put(key)
    assert (0, 0) == (table.quota.account(1000).keys, table.quota.account(1000).bytes)
    assert (("user", "abc"), 1000, 1000, 0x3F) == (key.index, key.uid, key.gid, key.perm)


def test_an_allocation_that_is_refused_takes_no_key_object() -> None:
    table = keys()
    table.quota.maxkeys = 0
    with pytest.raises(QuotaExceeded):
        table.allocate(("user", "d"), (1000, 1000), 0x3F, "add")
    assert 1 == table.create().serial


def test_looking_and_changing_are_reported() -> None:
    table = keys()
    key = enrolled(table)
    table.accesses.start()
    table.find(key.serial)
    assert {("key", 1), ("key usage", 1)} == table.accesses.reads
    table.live_serials()
    assert "known keys" in table.accesses.reads
    assert set() == table.accesses.writes
    table.lose(key)
    assert {("key", 1), "known keys"} == table.accesses.writes
    table.accesses.start()
    table.clock.advance(1)
    assert (set(), {"clock"}) == (table.accesses.reads, table.accesses.writes)
