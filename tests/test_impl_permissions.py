"""Masks: whose byte applies, and what the defaults are."""

from __future__ import annotations

import pytest

from impl.errors import AccessDenied
from impl.heap.slab import Object
from impl.keyrings.keys import NO_GID, Key
from impl.keyrings.permissions import (
    ALL,
    EVERY_BIT,
    NAMED_SESSION_KEYRING,
    NOTHING,
    SESSION_KEYRING,
    THREAD_KEYRING,
    USER_KEYRING,
    USER_KEYRING_REGISTER,
    Need,
    default_mask,
    granted,
    is_in_group,
    mask,
    permits,
    require,
)
from impl.keyrings.process import Process

PERM = mask(Need.SEARCH, Need.VIEW, Need.READ, Need.WRITE)


def key(perm: int = PERM, uid: int = 1, gid: int = 2) -> Key:
    return Key(9, Object("key_jar", 0, 256), uid=uid, gid=gid, perm=perm)


def process(uid: int, gid: int, *groups: int) -> Process:
    return Process(1, uid, gid, frozenset(groups), frozenset())


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (process(1, 9), Need.VIEW),
        (process(1, 2), Need.VIEW),
        (process(8, 2), Need.READ),
        (process(8, 9, 2), Need.READ),
        (process(8, 9), Need.WRITE),
        (process(0, 0), Need.WRITE),
    ],
)
def test_one_byte_applies_and_the_possessor_has_its_own_as_well(
    who: Process, expected: Need
) -> None:
    assert expected == granted(who, key(), False)
    assert expected | Need.SEARCH == granted(who, key(), True)


def test_a_group_without_any_bit_counts_as_others() -> None:
    others = key(mask(other=Need.LINK))
    assert Need.LINK == granted(process(8, 2), others, False)
    assert NOTHING == granted(process(8, 2), key(mask(group=Need.VIEW, other=ALL)), False) & ~(
        Need.VIEW
    )


def test_a_key_without_a_group_has_no_members() -> None:
    assert not is_in_group(process(8, 2, 3), NO_GID)
    assert Need.WRITE == granted(process(8, 2), key(gid=NO_GID), False)


def test_capabilities_give_no_permission() -> None:
    root = Process(1)
    assert NOTHING == granted(root, key(mask(user=ALL)), False)


def test_every_needed_bit_must_be_there() -> None:
    who = process(1, 2)
    assert permits(who, key(), False, Need.VIEW)
    assert not permits(who, key(), False, Need.VIEW | Need.READ)
    require(who, key(), False, Need.VIEW, "try")
    with pytest.raises(AccessDenied, match=r"^cannot try: key 9 does not give READ permission$"):
        require(who, key(), False, Need.READ, "try")


def test_the_masks_are_those_of_linux() -> None:
    assert 0x3F3F_3F3F == EVERY_BIT
    assert 0 == ~EVERY_BIT & 0x3F3F_3F3F
    assert 0x4000_0000 == 0x4000_0000 & ~EVERY_BIT
    assert 0x3F01_0000 == THREAD_KEYRING
    assert 0x3F03_0000 == SESSION_KEYRING
    assert 0x3F13_0000 == NAMED_SESSION_KEYRING
    assert 0x1F3F_0000 == USER_KEYRING
    assert 0x0C00_0000 == USER_KEYRING_REGISTER
    assert 0x3F01_0000 == default_mask(can_read=True, can_write=True)
    assert 0x3D01_0000 == default_mask(can_read=False, can_write=True)
    assert 0x3901_0000 == default_mask(can_read=False, can_write=False)
