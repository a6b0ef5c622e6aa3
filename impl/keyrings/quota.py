"""Decides how many keys a user may own, and how many bytes in them (keyrings(7), core.rst).

Every key counts one key, its description with the final NUL, and its payload; a keyring's payload
is 4 bytes a link. The limits are those of /proc/sys/kernel/keys, which root's sysctl may change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from impl.errors import QuotaExceeded
from impl.hardware.accesses import Accesses

if TYPE_CHECKING:
    from impl.keyrings.keys import Key

LINK_BYTES: Final = 4


@dataclass
class Account:
    """What one user owns."""

    keys: int = 0
    bytes: int = 0


@dataclass
class Quota:
    """The accounts by uid, and the limits."""

    accesses: Accesses
    maxkeys: int = 200
    maxbytes: int = 20_000
    root_maxkeys: int = 1_000_000
    root_maxbytes: int = 25_000_000
    _accounts: dict[int, Account] = field(default_factory=dict)

    def account(self, uid: int) -> Account:
        """A copy of what the user owns now."""
        self.accesses.read(("quota", uid))
        found = self._accounts.get(uid, Account())
        return Account(found.keys, found.bytes)

    def size_of(self, description: str) -> int:
        """What a key counts before it has a payload."""
        return len(description.encode()) + 1

    def charge(self, uid: int, description: str, call: str, *, overrun: bool = False) -> None:
        """One key more. ``overrun``: past the limits too. Raises QuotaExceeded."""
        self._add(uid, 1, self.size_of(description), call, overrun=overrun)

    def uncharge(self, key: Key) -> None:
        """Its owner owns the key no more."""
        if key.is_in_quota:
            account = self._changing(key.uid)
            account.keys -= 1
            account.bytes -= key.quota_bytes
            key.is_in_quota = False

    def reserve(self, key: Key, payload_bytes: int, call: str) -> None:
        """The payload's size becomes this. Raises QuotaExceeded only for one that grows."""
        delta = payload_bytes - key.payload_bytes
        if key.is_in_quota and delta:
            self._add(key.uid, 0, delta, call, overrun=delta < 0)
            key.quota_bytes += delta
        key.payload_bytes = payload_bytes

    def transfer(self, key: Key, uid: int, call: str) -> None:
        """The key changes hands. Raises QuotaExceeded."""
        if key.is_in_quota:
            self._add(uid, 1, key.quota_bytes, call)
            self.uncharge(key)
            key.is_in_quota = True
        key.uid = uid

    def _add(self, uid: int, keys: int, size: int, call: str, *, overrun: bool = False) -> None:
        now = self.account(uid)
        maxkeys, maxbytes = self._limits(uid)
        is_over = now.bytes + size > maxbytes or (keys > 0 and now.keys + keys > maxkeys)
        if is_over and not overrun:
            raise QuotaExceeded(call, f"uid {uid} owns {now.keys} keys with {now.bytes} bytes")
        account = self._changing(uid)
        account.keys += keys
        account.bytes += size

    def _limits(self, uid: int) -> tuple[int, int]:
        if uid == 0:
            return self.root_maxkeys, self.root_maxbytes
        return self.maxkeys, self.maxbytes

    def _changing(self, uid: int) -> Account:
        self.accesses.write(("quota", uid))
        return self._accounts.setdefault(uid, Account())
