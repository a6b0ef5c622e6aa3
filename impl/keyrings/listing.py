"""Decides what /proc/keys shows of a key (proc_keys(5))."""

from __future__ import annotations

from typing import Final

from impl.keyrings.keys import NO_GID, Key

# The gid that stands for one which cannot be shown.
OVERFLOW_GID: Final = 65_534
UNITS: Final = (("s", 60), ("m", 60), ("h", 24), ("d", 7))


def describe(key: Key) -> str:
    """keyctl_describe(3): type;uid;gid;mask;description."""
    return f"{key.type};{key.uid};{shown_gid(key)};{key.perm:08x};{key.description}"


def line(key: Key, now: float, text: str) -> str:
    """One line: serial, flags, references, timeout, mask, uid, gid, type, and the type's text."""
    flags = "".join(
        letter if is_set else "-"
        for letter, is_set in (
            ("I", True),
            ("R", key.is_revoked),
            ("D", False),
            ("Q", key.is_in_quota),
            ("U", False),
            ("N", False),
            ("i", key.is_invalidated),
        )
    )
    timeout = left(key.expiry, now)
    return (
        f"{key.serial:08x} {flags} {key.usage:5} {timeout:>4} {key.perm:08x} {key.uid:5} "
        f"{shown_gid(key):5} {key.type:<9.9} {text}"
    )


def shown_gid(key: Key) -> int:
    """The group, or what stands for none."""
    return OVERFLOW_GID if key.gid == NO_GID else key.gid


def left(expiry: float | None, now: float) -> str:
    """The time that a key has left: "perm", "expd", or the largest whole unit, weeks at most."""
    if expiry is None:
        return "perm"
    if now >= expiry:
        return "expd"
    count = int(expiry - now)
    for unit, size in UNITS:
        if count < size:
            return f"{count}{unit}"
        count //= size
    return f"{count}w"
