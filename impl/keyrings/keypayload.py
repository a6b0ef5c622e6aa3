"""Decides how payloads reach keys: what add_key(2), keyctl update and extend do, in which order.

The payload is copied into kernel memory and the copy cleared at the end, whatever happens. It is
preparsed before anybody looks for a key of the same description. The keyring's semaphore is held
while a key is made and linked, the key's while it is updated; the mktme type takes the map lock
inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from impl.errors import InvalidArgument, KernelError, NoDevice, NotAKeyring, NotSupported
from impl.heap.kbuffer import Buffers
from impl.keyrings.keyring import Keyrings
from impl.keyrings.keys import Index, Key, Keys
from impl.keyrings.keytypes import KeyType, Prepared
from impl.keyrings.lookup import Lookup, Reference
from impl.keyrings.mktmetype import MktmeType
from impl.keyrings.permissions import Need, default_mask, require
from impl.keyrings.process import Process
from impl.keyrings.search import KEYRING
from impl.locks import Lock
from impl.threads import Operation, Pause, cleaning_up, holding

ADD_MAX: Final = 2**20 - 1
UPDATE_MAX: Final = 4096


@dataclass(frozen=True)
class Adding:
    """One add_key call. ``wanted``: the packages it names, if any; ``call`` is for messages."""

    process: Process
    ring: Reference
    index: Index
    wanted: Iterable[int] | None
    call: str


@dataclass(frozen=True)
class Changing:
    """One call that brings a payload to a key. ``call`` is for messages."""

    process: Process
    serial: int
    payload: bytes = field(repr=False)
    call: str


# What such a call does with the key once the payload is preparsed.
Change = Callable[[Key, KeyType, Prepared], Operation[None]]


@dataclass(frozen=True)
class KeyPayload:
    """``link_lock``: taken inside a keyring's semaphore by whoever links a keyring."""

    keys: Keys
    keyrings: Keyrings
    lookup: Lookup
    types: Mapping[str, KeyType]
    buffers: Buffers
    link_lock: Lock

    # Adding

    def add(
        self,
        process: Process,
        index: Index,
        payload: bytes,
        keyring: int,
        wanted: Iterable[int] | None,
    ) -> Operation[int]:
        """add_key(2), once its strings were judged. ``index``: type and description."""
        call = f"add {index[0]} key"
        yield Pause("copy the payload")
        copy = self.buffers.store(payload, "payload copy")
        add = self._add_to(process, index, payload, keyring, wanted, call)
        return (yield from cleaning_up(add, lambda: self.buffers.scrub(copy)))

    def _add_to(
        self,
        process: Process,
        index: Index,
        payload: bytes,
        keyring: int,
        wanted: Iterable[int] | None,
        call: str,
    ) -> Operation[int]:
        ring = self.lookup.look_up(process, keyring, Need.WRITE, call, create=True)
        adding = Adding(process, ring, index, wanted, call)
        add = self._preparse_and_add(adding, payload)
        return (yield from cleaning_up(add, lambda: self.keys.put(ring.key)))

    def _preparse_and_add(self, adding: Adding, payload: bytes) -> Operation[int]:
        kind = self.types.get(adding.index[0])
        if kind is None:
            raise NoDevice(adding.call, "there is no such key type")
        if adding.ring.key.type != KEYRING:
            raise NotAKeyring(adding.call, f"key {adding.ring.key.serial} is not a keyring")
        prepared = kind.preparse(payload, adding.process, adding.call)
        add = self._add_prepared(adding, kind, prepared)
        return (yield from cleaning_up(add, lambda: kind.free_preparse(prepared)))

    def _add_prepared(self, adding: Adding, kind: KeyType, prepared: Prepared) -> Operation[int]:
        if not adding.index[1]:
            raise InvalidArgument(adding.call, "there is no description")

        def link() -> Operation[tuple[Key, bool]]:
            return self._find_or_create(adding, kind, prepared)

        def body() -> Operation[tuple[Key, bool]]:
            return holding(self.link_lock, link) if kind.name == KEYRING else link()

        key, is_new = yield from holding(adding.ring.key.semaphore, body)
        if not is_new:
            update = self._update_found(adding, key, kind, prepared)
            yield from cleaning_up(update, lambda: self.keys.put(key))
            return key.serial
        self.keys.put(key)
        return key.serial

    def _find_or_create(
        self, adding: Adding, kind: KeyType, prepared: Prepared
    ) -> Operation[tuple[Key, bool]]:
        """The key, with a usage reference, and whether it is a new one."""
        ring = adding.ring.key
        self.keyrings.reserve(ring, adding.index, adding.call)
        found = self._find_to_update(ring, adding.index, kind)
        if found is not None:
            self.keys.take(found)
            return found, False
        try:
            key = yield from self._create(adding, kind, prepared)
        except KernelError:
            self.keyrings.cancel(ring, adding.index, adding.call)
            raise
        self.keyrings.insert(ring, key)
        return key, True

    def _find_to_update(self, ring: Key, index: Index, kind: KeyType) -> Key | None:
        """A key that was revoked or invalidated is displaced; one that expired is updated."""
        found = ring.links.get(index)
        if found is None or not kind.can_update:
            return None
        self.keys.looking_at(found)
        return None if found.is_revoked or found.is_invalidated else found

    def _create(self, adding: Adding, kind: KeyType, prepared: Prepared) -> Operation[Key]:
        process, call = adding.process, adding.call
        kind.vet_description(adding.index[1], call)
        perm = default_mask(
            can_read=kind.can_read, can_write=kind.can_update or kind.name == KEYRING
        )
        owner = process.uid, process.gid
        key = self.keys.allocate(adding.index, owner, perm, call)
        try:
            yield from kind.instantiate(key, prepared, adding.wanted, call)
        except KernelError:
            self.keys.put(key)
            self.keys.release(key)
            raise
        self.keys.enrol(key)
        return key

    def _update_found(
        self, adding: Adding, key: Key, kind: KeyType, prepared: Prepared
    ) -> Operation[None]:
        self.keys.looking_at(key)
        require(adding.process, key, adding.ring.is_possessed, Need.WRITE, adding.call)
        yield from self._changing(key, lambda: kind.update(key, prepared, adding.call))

    def _changing(self, key: Key, change: Callable[[], Operation[None]]) -> Operation[None]:
        """Run ``change`` under the key's semaphore."""

        def body() -> Operation[None]:
            self.keys.changing(key)
            return change()

        yield from holding(key.semaphore, body)

    # Changing

    def update(self, process: Process, serial: int, payload: bytes) -> Operation[None]:
        """keyctl_update(3)."""
        call = f"update key {serial}"

        def update(key: Key, kind: KeyType, prepared: Prepared) -> Operation[None]:
            return kind.update(key, prepared, call)

        return self._change(Changing(process, serial, payload, call), update)

    def extend(
        self, process: Process, serial: int, package: int, payload: bytes
    ) -> Operation[None]:
        """A KeyID on one more package, for a key of type mktme."""
        call = f"extend key {serial}"

        def extend(key: Key, kind: KeyType, prepared: Prepared) -> Operation[None]:
            if not isinstance(kind, MktmeType):
                raise NotSupported(call, f"a key of type {kind.name} has no KeyID")
            return kind.extend(key, package, prepared)

        return self._change(Changing(process, serial, payload, call), extend)

    def _change(self, changing: Changing, change: Change) -> Operation[None]:
        if len(changing.payload) > UPDATE_MAX:
            raise InvalidArgument(changing.call, f"the payload is longer than {UPDATE_MAX} bytes")
        yield Pause("copy the payload")
        copy = self.buffers.store(changing.payload, "payload copy")
        apply = self._look_up_and_change(changing, change)
        yield from cleaning_up(apply, lambda: self.buffers.scrub(copy))

    def _look_up_and_change(self, changing: Changing, change: Change) -> Operation[None]:
        key, _ = self.lookup.look_up(changing.process, changing.serial, Need.WRITE, changing.call)
        apply = self._preparse_and_change(key, changing, change)
        yield from cleaning_up(apply, lambda: self.keys.put(key))

    def _preparse_and_change(self, key: Key, changing: Changing, change: Change) -> Operation[None]:
        kind = self.types[key.type]
        if not kind.can_update:
            raise NotSupported(changing.call, f"a key of type {kind.name} cannot be updated")
        prepared = kind.preparse(changing.payload, changing.process, changing.call)
        apply = self._changing(key, lambda: change(key, kind, prepared))
        yield from cleaning_up(apply, lambda: kind.free_preparse(prepared))
