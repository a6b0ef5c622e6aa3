"""Decides who may do what to a key: the permission mask of keyrings(7) and keyctl_setperm(3).

A mask has a byte each for possessor, user, group and other, from the top down, and in each byte the
same six bits. The user, group or other byte applies by the caller's credentials; the possessor's
byte is added when the caller possesses the key, which `lookup` finds out.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from impl.errors import AccessDenied
from impl.keyrings.keys import Key
from impl.keyrings.process import Process


class Need(IntFlag):
    """What a call needs, as the bits of one byte of the mask."""

    VIEW = 0x01
    READ = 0x02
    WRITE = 0x04
    SEARCH = 0x08
    LINK = 0x10
    SETATTR = 0x20


ALL: Final = Need.VIEW | Need.READ | Need.WRITE | Need.SEARCH | Need.LINK | Need.SETATTR
NOTHING: Final = Need(0)


def mask(
    possessor: Need = NOTHING, user: Need = NOTHING, group: Need = NOTHING, other: Need = NOTHING
) -> int:
    """The mask of four bytes."""
    return int(possessor) << 24 | int(user) << 16 | int(group) << 8 | int(other)


EVERY_BIT: Final = mask(ALL, ALL, ALL, ALL)
THREAD_KEYRING: Final = mask(ALL, Need.VIEW)
SESSION_KEYRING: Final = mask(ALL, Need.VIEW | Need.READ)
NAMED_SESSION_KEYRING: Final = mask(ALL, Need.VIEW | Need.READ | Need.LINK)
USER_KEYRING: Final = mask(ALL & ~Need.SETATTR, ALL)
USER_KEYRING_REGISTER: Final = mask(Need.SEARCH | Need.WRITE)


def default_mask(*, can_read: bool, can_write: bool) -> int:
    """The mask of a key that add_key(2) makes, by what its type can do."""
    possessor = Need.VIEW | Need.SEARCH | Need.LINK | Need.SETATTR
    possessor |= Need.READ if can_read else NOTHING
    possessor |= Need.WRITE if can_write else NOTHING
    return mask(possessor, Need.VIEW)


def granted(process: Process, key: Key, is_possessed: bool) -> Need:
    """Everything the process may do to the key."""
    if key.uid == process.uid:
        bits = key.perm >> 16
    elif is_in_group(process, key.gid) and key.perm & mask(group=ALL):
        # Without any bit for the group, its members count as others.
        bits = key.perm >> 8
    else:
        bits = key.perm
    if is_possessed:
        bits |= key.perm >> 24
    return Need(bits & ALL)


def is_in_group(process: Process, gid: int) -> bool:
    """Whether the process subscribes to the group."""
    return gid == process.gid or gid in process.groups


def permits(process: Process, key: Key, is_possessed: bool, need: Need) -> bool:
    """Whether the process may do this to the key."""
    return need in granted(process, key, is_possessed)


def require(process: Process, key: Key, is_possessed: bool, need: Need, call: str) -> None:
    """Raises AccessDenied unless the process may."""
    if not permits(process, key, is_possessed, need):
        raise AccessDenied(call, f"key {key.serial} does not give {need.name} permission")
