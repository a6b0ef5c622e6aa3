"""Decides which keys exist: serial numbers, key objects, and who still refers to a key.

A key object is a slab object of the cache "key_jar" and holds no key bytes: serial number (4 bytes
at 0) and, for an mktme key, the PCONFIG command of the type it has now (1 byte at 4). Freed key
objects keep their bytes. What struct key holds besides is kept on the `Key` itself.

A key is *live* from its instantiation until it is destroyed or loses its KeyIDs; a revoked, expired
or unlinked key that was not collected yet is still live, as it still has its KeyID. A key that
nothing refers to any more (usage 0) is found by no look-up, and waits for the garbage collector.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from designs import Design
from impl.errors import KeyExpired, KeyRevoked, NoKey
from impl.hardware.pconfig import Command
from impl.heap.memory import KernelMemory
from impl.heap.slab import Object, Slab
from impl.keyrings.clock import Clock
from impl.keyrings.quota import Quota
from impl.locks import Lock

# struct key on x86-64 is a little over 200 bytes; its cache rounds up to whole lines.
KEY_OBJECT_BYTES: Final = 256
SERIAL_BYTES: Final = 4

# The gid of a key without a group; Linux shows it as the overflow gid.
NO_GID: Final = -1

# What a keyring finds a key by: type name and description.
Index = tuple[str, str]


@dataclass(eq=False)
class Key:
    """A key: its serial number, its object in kernel memory, and the fields of struct key.

    ``perm``: a mask as keyctl_setperm(3) takes it. ``quota_bytes``: what it counts towards its
    owner's quota, ``payload_bytes`` the part of that for the payload; ``is_in_quota`` whether it
    counts at all. ``expiry`` and ``revoked_at``: seconds of the clock. ``payload``: the kernel
    objects with the payload of a user or logon key. ``links``: what a keyring links, in order.
    ``usage``: links, processes and operations in flight that refer to it.
    """

    serial: int
    object: Object
    type: str = "mktme"
    description: str = ""
    uid: int = 0
    gid: int = 0
    perm: int = 0
    is_in_quota: bool = False
    quota_bytes: int = 0
    payload_bytes: int = 0
    usage: int = 1
    expiry: float | None = None
    revoked_at: float | None = None
    is_invalidated: bool = False
    payload: tuple[Object, ...] = ()
    links: dict[Index, Key] = field(default_factory=dict, repr=False)
    semaphore: Lock = field(default_factory=lambda: Lock("key semaphore"), repr=False)

    @property
    def index(self) -> Index:
        """What a keyring finds it by."""
        return self.type, self.description

    @property
    def is_revoked(self) -> bool:
        """Whether it was revoked, or lost its KeyIDs."""
        return self.revoked_at is not None


class Keys:
    """All keys that are instantiated and not yet taken by the garbage collector."""

    def __init__(self, design: Design, memory: KernelMemory, slab: Slab) -> None:
        self._by_serial = design.key_lookup == "by_serial"
        self._memory = memory
        self._slab = slab
        self._cache = slab.create_cache("key_jar", KEY_OBJECT_BYTES)
        self.accesses = memory.accesses
        self._known: dict[int, Key] = {}
        self._live: dict[int, Key] = {}
        self._without_keyid: set[int] = set()
        self._serial_last = 0
        self.clock = Clock(memory.accesses)
        self.quota = Quota(memory.accesses)

    # Life of a key

    def create(self, type: str = "mktme", description: str = "") -> Key:
        """A key object that is not instantiated yet; the caller has the only reference to it."""
        self.accesses.write("last serial number")
        self._serial_last += 1
        key = Key(
            self._serial_last, self._cache.allocate("key object", zeroed=True), type, description
        )
        key.semaphore = Lock(f"semaphore of key {key.serial}")
        self._memory.write_int(key.object.address, key.serial, SERIAL_BYTES)
        return key

    def allocate(
        self,
        index: Index,
        owner: tuple[int, int],
        perm: int,
        call: str,
        *,
        overrun: bool = False,
    ) -> Key:
        """The same, for an owner (uid, gid), who pays for it. Raises QuotaExceeded.

        ``overrun``: past the limits too.
        """
        uid, gid = owner
        self.quota.charge(uid, index[1], call, overrun=overrun)
        key = self.create(*index)
        key.uid, key.gid, key.perm = uid, gid, perm
        key.is_in_quota, key.quota_bytes = True, self.quota.size_of(index[1])
        return key

    def enrol(self, key: Key) -> None:
        """The key is instantiated: it is live, and can be looked up."""
        self.changing(key)
        self.accesses.write("known keys")
        self._known[key.serial] = key
        self._live[key.serial] = key

    def withdraw(self, key: Key) -> None:
        """The garbage collector takes a key: from now on only it knows the key."""
        self.changing(key)
        self.accesses.write("known keys")
        self._known.pop(key.serial, None)
        self._live.pop(key.serial, None)

    def release(self, key: Key) -> None:
        """Free the key object; it is not cleared."""
        self.withdraw(key)
        self._slab.kfree(key.object)

    def lose(self, key: Key) -> None:
        """A live key lost its KeyIDs to a failed update: it is revoked, and live no longer.

        Its object stays until the key is collected. Its serial number is remembered, so that
        destroying it stays harmless. The specification is silent on what becomes of such a key.
        """
        self.accesses.write("known keys")
        self.revoke(key)
        self._without_keyid.add(key.serial)
        self._live.pop(key.serial, None)

    def revoke(self, key: Key) -> None:
        """From now on it answers EKEYREVOKED."""
        if self.changing(key).revoked_at is None:
            key.revoked_at = self.clock.now

    def is_lost(self, serial: int) -> bool:
        """Whether the serial names a key that lost its KeyIDs."""
        self.accesses.read(("key", serial))
        return serial in self._without_keyid

    # References

    def take(self, key: Key) -> None:
        """One reference more."""
        self.accesses.write(("key usage", key.serial))
        key.usage += 1

    def put(self, key: Key) -> None:
        """One reference less; after the last one the owner no longer pays for the key.

        Raises ValueError if there is none: a bug of the simulated kernel.
        """
        if key.usage == 0:
            raise ValueError(f"cannot put key {key.serial}: nothing refers to it")
        self.accesses.write(("key usage", key.serial))
        key.usage -= 1
        if key.usage == 0:
            self.quota.uncharge(key)

    def is_used(self, key: Key) -> bool:
        """Whether anything refers to it."""
        self.accesses.read(("key usage", key.serial))
        return key.usage > 0

    def is_in_flight(self, key: Key) -> bool:
        """Whether anything refers to a key that no keyring links, beside whoever made it."""
        self.accesses.read(("key usage", key.serial))
        return key.usage > 1

    # Looking

    def changing(self, key: Key) -> Key:
        """The key, about to be changed."""
        self.accesses.write(("key", key.serial))
        return key

    def looking_at(self, key: Key) -> Key:
        """The key, about to be looked at."""
        self.accesses.read(("key", key.serial))
        return key

    def find(self, serial: int) -> Key | None:
        """The key with this serial number that something refers to, live or not."""
        self.accesses.read(("key", serial))
        key = self._known.get(serial)
        return key if key is not None and self.is_used(key) else None

    def validate(self, key: Key, call: str) -> None:
        """Whether the key still serves. Raises NoKey (invalidated), KeyRevoked, KeyExpired."""
        self.looking_at(key)
        if key.is_invalidated:
            raise NoKey(call, f"key {key.serial} was invalidated")
        if key.is_revoked:
            raise KeyRevoked(call, f"key {key.serial} was revoked")
        if self.has_expired(key):
            raise KeyExpired(call, f"the time of key {key.serial} is over")

    def has_expired(self, key: Key) -> bool:
        """Whether its time is over."""
        return key.expiry is not None and self.clock.now >= key.expiry

    def known(self) -> list[Key]:
        """Every key that was not taken by the garbage collector, in order of creation."""
        self.accesses.read("known keys")
        return list(self._known.values())

    def look_up(self, serial: int, call: str) -> Key:
        """The live key with this serial number. Raises NoKey."""
        key = self.get(serial)
        if key is None:
            raise NoKey(call, "no live key has this serial number")
        return key

    def get(self, serial: int) -> Key | None:
        """The live key with this serial number, if there is one."""
        self.accesses.read(("key", serial))
        return self._live.get(serial)

    def live_serials(self) -> set[int]:
        """The serial numbers of all live mktme keys."""
        self.accesses.read("known keys")
        return {serial for serial, key in self._live.items() if key.type == "mktme"}

    # What the key services keep of a key

    def set_type(self, key: Key, command: Command) -> None:
        """Record the type an mktme key has now."""
        self._memory.write_int(key.object.address + SERIAL_BYTES, command, 1)

    def type_of(self, key: Key) -> Command:
        """The type an mktme key has now."""
        return Command(self._memory.read_int(key.object.address + SERIAL_BYTES, 1))

    def slot_value(self, key: Key) -> int:
        """What the map holds for this key: its object's address as posted, or its serial number."""
        return key.serial if self._by_serial else key.object.address

    def serial_in(self, slot_value: int) -> int:
        """The serial number behind a map slot; read from memory when the slot holds an address."""
        if self._by_serial:
            return slot_value
        return self._memory.read_int(slot_value, SERIAL_BYTES)
