"""Decides which keys exist: serial numbers and key objects of the generic key service.

A key object is a slab object of the cache "key_jar" and holds no key bytes: serial number (4 bytes
at 0) and the PCONFIG command of the type it has now (1 byte at 4). Freed key objects keep their
bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from designs import Design
from impl.errors import NoKey
from impl.memory import KernelMemory
from impl.pconfig import Command
from impl.slab import Object, Slab

# struct key on x86-64 is a little over 200 bytes; its cache rounds up to whole lines.
KEY_OBJECT_BYTES: Final = 256
SERIAL_BYTES: Final = 4


@dataclass(frozen=True)
class Key:
    """A key: its serial number and its object in kernel memory."""

    serial: int
    object: Object


class Keys:
    """All keys that are instantiated and not yet collected."""

    def __init__(self, design: Design, memory: KernelMemory, slab: Slab) -> None:
        self._by_serial = design.key_lookup == "by_serial"
        self._memory = memory
        self._slab = slab
        self._cache = slab.create_cache("key_jar", KEY_OBJECT_BYTES)
        self._live: dict[int, Key] = {}
        self._without_keyid: set[int] = set()
        self._serial_last = 0

    def create(self) -> Key:
        """A key object that is not instantiated yet."""
        self._serial_last += 1
        key = Key(self._serial_last, self._cache.allocate("key object", zeroed=True))
        self._memory.write_int(key.object.address, key.serial, SERIAL_BYTES)
        return key

    def enrol(self, key: Key) -> None:
        """The key is instantiated: it is live."""
        self._live[key.serial] = key

    def set_type(self, key: Key, command: Command) -> None:
        """Record the type the key has now."""
        self._memory.write_int(key.object.address + SERIAL_BYTES, command, 1)

    def type_of(self, key: Key) -> Command:
        """The type the key has now."""
        return Command(self._memory.read_int(key.object.address + SERIAL_BYTES, 1))

    def release(self, key: Key) -> None:
        """Free the key object; it is not cleared."""
        self._live.pop(key.serial, None)
        self._slab.kfree(key.object)

    def lose(self, key: Key) -> None:
        """A live key lost its KeyIDs to a failed update: it is live no longer.

        Its serial number is remembered, so that destroying it stays harmless.

        The specification is silent on what becomes of the key object; it is freed here.
        """
        self._without_keyid.add(key.serial)
        self.release(key)

    def is_lost(self, serial: int) -> bool:
        """Whether the serial names a key that lost its KeyIDs."""
        return serial in self._without_keyid

    def look_up(self, serial: int, call: str) -> Key:
        """The live key with this serial number. Raises NoKey."""
        if serial not in self._live:
            raise NoKey(call, "no live key has this serial number")
        return self._live[serial]

    def get(self, serial: int) -> Key | None:
        """The live key with this serial number, if there is one."""
        return self._live.get(serial)

    def live_serials(self) -> set[int]:
        """The serial numbers of all live keys."""
        return set(self._live)

    def slot_value(self, key: Key) -> int:
        """What the map holds for this key: its object's address as posted, or its serial number."""
        return key.serial if self._by_serial else key.object.address

    def serial_in(self, slot_value: int) -> int:
        """The serial number behind a map slot; read from memory when the slot holds an address."""
        if self._by_serial:
            return slot_value
        return self._memory.read_int(slot_value, SERIAL_BYTES)
