"""Decides what a keyring links, and what its links cost.

A keyring finds a key by type and description, so that a key which is linked displaces the one of
the same type and description. Callers that change a keyring hold its semaphore.
"""

from __future__ import annotations

import struct
from typing import Final

from impl.errors import KeyRevoked, NoEntry
from impl.keyrings.keys import Index, Key, Keys
from impl.keyrings.quota import LINK_BYTES
from impl.keyrings.search import KEYRING

SERIAL: Final = struct.Struct("<i")


class Keyrings:
    """Links between keyrings and keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def create(
        self,
        description: str,
        owner: tuple[int, int],
        perm: int,
        call: str,
        *,
        overrun: bool = False,
    ) -> Key:
        """A keyring that the kernel makes; the caller has the only reference to it.

        ``owner``: (uid, gid). Raises QuotaExceeded.
        """
        index = KEYRING, description
        key = self._keys.allocate(index, owner, perm, call, overrun=overrun)
        self._keys.enrol(key)
        return key

    def reserve(self, ring: Key, index: Index, call: str) -> None:
        """Pay for a link that may be made. Raises KeyRevoked, QuotaExceeded."""
        self._keys.changing(ring)
        if ring.is_revoked:
            raise KeyRevoked(call, f"keyring {ring.serial} was revoked")
        if index not in ring.links:
            self._keys.quota.reserve(ring, ring.payload_bytes + LINK_BYTES, call)

    def cancel(self, ring: Key, index: Index, call: str) -> None:
        """The link that was paid for is not made."""
        if index not in self._keys.changing(ring).links:
            self._keys.quota.reserve(ring, ring.payload_bytes - LINK_BYTES, call)

    def insert(self, ring: Key, key: Key) -> None:
        """Make the link that was paid for, in place of what the keyring had there.

        DIFFERS FROM SOURCE: what is displaced or unlinked loses the keyring's reference at once;
        Linux drops it after an RCU grace period.
        """
        displaced = self._keys.changing(ring).links.get(key.index)
        ring.links[key.index] = key
        self._keys.take(key)
        if displaced is not None:
            self._keys.put(displaced)

    def remove(self, ring: Key, key: Key, call: str) -> None:
        """Unlink what has the key's type and description, which may be another key, as in Linux.

        Raises NoEntry if the keyring links no such key.
        """
        unlinked = self._keys.changing(ring).links.pop(key.index, None)
        if unlinked is None:
            raise NoEntry(call, f"keyring {ring.serial} links no such key as {key.serial}")
        self._keys.quota.reserve(ring, ring.payload_bytes - LINK_BYTES, call)
        self._keys.put(unlinked)

    def clear(self, ring: Key, call: str) -> None:
        """Unlink everything."""
        unlinked = list(self._keys.changing(ring).links.values())
        ring.links.clear()
        self._keys.quota.reserve(ring, 0, call)
        for key in unlinked:
            self._keys.put(key)

    def serials(self, ring: Key) -> bytes:
        """The serial numbers of what it links, 4 bytes each, as keyctl_read(3) gives them."""
        return b"".join(
            SERIAL.pack(key.serial) for key in self._keys.looking_at(ring).links.values()
        )


def unpack_serials(data: bytes) -> list[int]:
    """The serial numbers in what reading a keyring gave."""
    return [serial for (serial,) in SERIAL.iter_unpack(data)]
