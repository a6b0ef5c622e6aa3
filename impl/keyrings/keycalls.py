"""Decides what keyctl(2) does to one key: describe, read, permissions, owner, and its end.

Every call looks the key up for what it needs, and changes it under its semaphore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from impl.errors import AccessDenied, InvalidArgument, KernelError, NoKey
from impl.keyrings.keys import Key, Keys
from impl.keyrings.keytypes import KeyType
from impl.keyrings.listing import describe
from impl.keyrings.lookup import Lookup, Reference
from impl.keyrings.permissions import EVERY_BIT, Need, is_in_group, permits
from impl.keyrings.process import Process
from impl.locks import Mode
from impl.threads import Operation, Pause, T, cleaning_up, holding

# keyctl_chown(3): this uid or gid stays.
UNCHANGED: Final = -1
TIMEOUT_MASK: Final = 0xFFFF_FFFF


@dataclass(frozen=True)
class KeyCalls:
    """The calls that concern a single key."""

    keys: Keys
    lookup: Lookup
    types: Mapping[str, KeyType]

    def describe(self, process: Process, serial: int) -> Operation[str]:
        """``type;uid;gid;mask;description``. Raises NoKey, KeyRevoked, KeyExpired, AccessDenied."""
        yield Pause(f"look key {serial} up")
        key, _ = self.lookup.look_up(process, serial, Need.VIEW, f"describe key {serial}")
        text = describe(key)
        self.keys.put(key)
        return text

    def read(self, process: Process, serial: int) -> Operation[bytes]:
        """The payload; of a keyring its serial numbers, as `keyring.unpack_serials` takes them.

        A process that possesses the key needs no READ permission. Raises NoKey for any number that
        names no key, then AccessDenied, NotSupported (the type cannot be read), KeyRevoked,
        KeyExpired.
        """
        call = f"read key {serial}"
        yield Pause(f"look key {serial} up")
        try:
            found = self.lookup.look_up(process, serial, None, call)
        except KernelError as error:
            raise NoKey(call, f"there is no key {serial}") from error
        read = self._read(process, found, call)
        return (yield from cleaning_up(read, lambda: self.keys.put(found.key)))

    def _read(self, process: Process, found: Reference, call: str) -> Operation[bytes]:
        key, is_possessed = found
        if not (is_possessed or permits(process, key, is_possessed, Need.READ)):
            raise AccessDenied(call, "the caller neither possesses the key nor may read it")
        kind = self.types[key.type]

        def body() -> Operation[bytes]:
            yield from ()
            self.keys.looking_at(key)
            # A type that cannot be read says so before the key's state is looked at.
            payload = kind.read(key)
            self.keys.validate(key, call)
            return payload

        return (yield from holding(key.semaphore, body, Mode.SHARED))

    def revoke(self, process: Process, serial: int) -> Operation[None]:
        """From now on the key answers EKEYREVOKED; WRITE or SETATTR permission will do.

        A user key's payload is cleared, and a keyring unlinks everything. Raises NoKey, KeyRevoked,
        KeyExpired, AccessDenied.
        """
        call = f"revoke key {serial}"
        yield Pause(f"look key {serial} up")
        try:
            key, _ = self.lookup.look_up(process, serial, Need.WRITE, call)
        except AccessDenied:
            key, _ = self.lookup.look_up(process, serial, Need.SETATTR, call)

        def effect() -> None:
            if not key.is_revoked:
                self.keys.revoke(key)
                self.types[key.type].revoke(key, call)

        yield from self._change(key, effect)

    def invalidate(self, process: Process, serial: int) -> Operation[None]:
        """The key is gone at once for every look-up; its links go when it is collected.

        Needs SEARCH permission. Raises NoKey, KeyRevoked, KeyExpired, AccessDenied.
        """
        yield Pause(f"look key {serial} up")
        key, _ = self.lookup.look_up(process, serial, Need.SEARCH, f"invalidate key {serial}")

        def effect() -> None:
            key.is_invalidated = True

        yield from self._change(key, effect)

    def set_timeout(self, process: Process, serial: int, seconds: int) -> Operation[None]:
        """The key expires so many seconds from now (unsigned, 32 bits), or never for 0.

        Needs SETATTR permission. Raises NoKey, KeyRevoked, KeyExpired, AccessDenied.
        """
        call = f"set timeout of key {serial}"
        yield Pause(f"look key {serial} up")
        key, _ = self.lookup.look_up(process, serial, Need.SETATTR, call, create=True)
        span = seconds & TIMEOUT_MASK

        def effect() -> None:
            key.expiry = self.keys.clock.now + span if span else None

        yield from self._change(key, effect)

    def setperm(self, process: Process, serial: int, perm: int) -> Operation[None]:
        """Another permission mask, for the owner or CAP_SYS_ADMIN; needs SETATTR permission.

        Raises InvalidArgument (bits that mean nothing), NoKey, KeyRevoked, KeyExpired,
        AccessDenied.
        """
        call = f"set permissions of key {serial}"
        if perm & ~EVERY_BIT:
            raise InvalidArgument(call, f"{perm & ~EVERY_BIT:#x} is no permission")
        yield Pause(f"look key {serial} up")
        key, _ = self.lookup.look_up(process, serial, Need.SETATTR, call, create=True)

        def effect() -> None:
            if key.uid != process.uid and "CAP_SYS_ADMIN" not in process.capabilities:
                raise AccessDenied(call, "the caller is not its owner and lacks CAP_SYS_ADMIN")
            key.perm = perm

        yield from self._change(key, effect)

    def chown(self, process: Process, serial: int, uid: int, gid: int) -> Operation[None]:
        """Another owner or group, where not -1; needs SETATTR permission.

        Without CAP_SYS_ADMIN the owner stays, and the group is one of the caller's. Raises NoKey,
        KeyRevoked, KeyExpired, AccessDenied, QuotaExceeded (the new owner's).
        """
        call = f"chown key {serial}"
        if uid == gid == UNCHANGED:
            return
        yield Pause(f"look key {serial} up")
        key, _ = self.lookup.look_up(process, serial, Need.SETATTR, call, create=True)

        def effect() -> None:
            self._refuse_chown(process, key, uid, gid, call)
            if uid not in (UNCHANGED, key.uid):
                self.keys.quota.transfer(key, uid, call)
            if gid != UNCHANGED:
                key.gid = gid

        yield from self._change(key, effect)

    def _refuse_chown(self, process: Process, key: Key, uid: int, gid: int, call: str) -> None:
        if "CAP_SYS_ADMIN" in process.capabilities:
            return
        if uid not in (UNCHANGED, key.uid):
            raise AccessDenied(call, "the caller lacks CAP_SYS_ADMIN to give it away")
        if gid not in (UNCHANGED, key.gid) and not is_in_group(process, gid):
            raise AccessDenied(call, f"the caller is not in group {gid}")

    def _change(self, key: Key, effect: Callable[[], T]) -> Operation[T]:
        """``effect`` under the key's semaphore; the reference of the look-up is given back."""

        def body() -> Operation[T]:
            yield from ()
            self.keys.changing(key)
            return effect()

        change = holding(key.semaphore, body)
        return (yield from cleaning_up(change, lambda: self.keys.put(key)))
