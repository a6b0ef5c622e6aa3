"""Decides what keyctl(2) and request_key(2) do to keyrings: link, unlink, clear, search, join."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from impl.errors import InvalidArgument, KernelError, NoKey, NotAKeyring, NotPermitted
from impl.keyrings.keyring import Keyrings
from impl.keyrings.keys import Key, Keys
from impl.keyrings.lookup import Lookup, Reference
from impl.keyrings.permissions import Need, require
from impl.keyrings.process import Process
from impl.keyrings.search import KEYRING, Search, refuse_cycle
from impl.keyrings.special import SpecialKeyrings
from impl.locks import Lock
from impl.threads import Operation, Pause, cleaning_up, holding

TYPE_MAX: Final = 31
DESCRIPTION_MAX: Final = 4095


def refuse_type_name(name: str, call: str) -> None:
    """Raises InvalidArgument for a length that is not 1..31, NotPermitted for a leading dot."""
    if not 1 <= len(name.encode()) <= TYPE_MAX:
        raise InvalidArgument(call, f"the type's name is not 1..{TYPE_MAX} bytes long")
    if name.startswith("."):
        raise NotPermitted(call, "the type's name begins with a dot")


def refuse_description(description: str | None, call: str) -> None:
    """Raises InvalidArgument above 4095 bytes."""
    if len((description or "").encode()) > DESCRIPTION_MAX:
        raise InvalidArgument(call, f"the description is longer than {DESCRIPTION_MAX} bytes")


@dataclass(frozen=True)
class KeyringCalls:
    """``type_names``: the types that can be searched for. ``link_lock`` as in `keypayload`."""

    keys: Keys
    keyrings: Keyrings
    special: SpecialKeyrings
    lookup: Lookup
    type_names: Collection[str]
    link_lock: Lock

    # Links

    def link(self, process: Process, serial: int, keyring: int) -> Operation[None]:
        """Link a key, in place of one of the same type and description.

        Needs WRITE permission on the keyring and LINK permission on the key, in this order. Raises
        what a look-up raises, NotAKeyring, QuotaExceeded, WouldDeadlock, TooManyLevels.
        """
        call = f"link key {serial}"
        yield Pause(f"look keyring {keyring} up")
        ring, _ = self.lookup.look_up(process, keyring, Need.WRITE, call, create=True)
        link = self._look_up_and_link(process, serial, ring, call)
        yield from self._putting(ring, link)

    def _look_up_and_link(
        self, process: Process, serial: int, ring: Key, call: str
    ) -> Operation[None]:
        key, _ = self.lookup.look_up(process, serial, Need.LINK, call, create=True)
        yield from self._putting(key, self._link(ring, key, call))

    def _link(self, ring: Key, key: Key, call: str) -> Operation[None]:
        refuse_other_than_keyring(ring, call)

        def link() -> Operation[None]:
            yield from ()
            self.keyrings.reserve(ring, key.index, call)
            try:
                if key.type == KEYRING:
                    refuse_cycle(self.keys, ring, key, call)
            except KernelError:
                self.keyrings.cancel(ring, key.index, call)
                raise
            self.keyrings.insert(ring, key)

        def body() -> Operation[None]:
            return holding(self.link_lock, link) if key.type == KEYRING else link()

        yield from holding(ring.semaphore, body)

    def unlink(self, process: Process, serial: int, keyring: int) -> Operation[None]:
        """Unlink a key in whatever state it is; needs WRITE permission on the keyring only.

        Raises what a look-up raises, NotAKeyring, NoEntry.
        """
        call = f"unlink key {serial}"
        yield Pause(f"look keyring {keyring} up")
        ring, _ = self.lookup.look_up(process, keyring, Need.WRITE, call)
        yield from self._putting(ring, self._look_up_and_unlink(process, serial, ring, call))

    def _look_up_and_unlink(
        self, process: Process, serial: int, ring: Key, call: str
    ) -> Operation[None]:
        key, _ = self.lookup.look_up(process, serial, None, call)
        remove = self._change(ring, lambda: self.keyrings.remove(ring, key, call), call)
        yield from self._putting(key, remove)

    def clear(self, process: Process, keyring: int) -> Operation[None]:
        """Unlink everything; needs WRITE permission. Raises what a look-up raises, NotAKeyring."""
        call = f"clear keyring {keyring}"
        yield Pause(f"look keyring {keyring} up")
        ring, _ = self.lookup.look_up(process, keyring, Need.WRITE, call, create=True)
        yield from self._putting(
            ring, self._change(ring, lambda: self.keyrings.clear(ring, call), call)
        )

    def _change(self, ring: Key, effect: Callable[[], None], call: str) -> Operation[None]:
        refuse_other_than_keyring(ring, call)

        def body() -> Operation[None]:
            yield from ()
            effect()

        yield from holding(ring.semaphore, body)

    def _putting(self, key: Key, operation: Operation[None]) -> Operation[None]:
        """Give the reference of a look-up back at the end."""
        yield from cleaning_up(operation, lambda: self.keys.put(key))

    # Searches

    def search(
        self, process: Process, keyring: int, type: str, description: str, destination: int = 0
    ) -> Operation[int]:
        """The serial number of the first such key in a keyring and the keyrings in it.

        With a ``destination`` the key is linked there as well. Needs SEARCH permission all the way.
        Raises what a look-up raises, NoKey (no such type or key), NotAKeyring, KeyRevoked,
        KeyExpired, AccessDenied, and what linking raises.
        """
        call = f"search keyring {keyring}"
        refuse_type_name(type, call)
        refuse_description(description, call)
        yield Pause(f"look keyring {keyring} up")
        ring = self.lookup.look_up(process, keyring, Need.SEARCH, call)

        def find() -> Reference:
            search = Search(self.keys, process, (type, description), ring.is_possessed, call)
            found = search.find(ring.key)
            if found is None:
                raise search.error or NoKey(call, "there is no such key")
            return Reference(found, ring.is_possessed)

        found = self._find_and_link(process, type, destination, find, call)
        return (yield from cleaning_up(found, lambda: self.keys.put(ring.key)))

    def request_key(
        self, process: Process, type: str, description: str, destination: int = 0
    ) -> Operation[int]:
        """The serial number of the first such key in the process's keyrings; there is no upcall.

        Raises InvalidArgument, NotPermitted, NoKey, KeyRevoked, AccessDenied, and with a
        ``destination`` what linking raises.
        """
        call = f"request {type} key"
        refuse_type_name(type, call)
        refuse_description(description, call)
        yield Pause("search the process's keyrings")

        def find() -> Reference:
            found = self.lookup.search_process(process, (type, description), call)
            return Reference(found, True)

        return (yield from self._find_and_link(process, type, destination, find, call))

    def _find_and_link(
        self,
        process: Process,
        type: str,
        destination: int,
        find: Callable[[], Reference],
        call: str,
    ) -> Operation[int]:
        """The destination is looked up first, then the type, then the key."""
        ring = None
        if destination:
            ring, _ = self.lookup.look_up(process, destination, Need.WRITE, call, create=True)
        found = self._link_found(process, type, ring, find, call)
        return (yield from cleaning_up(found, lambda: self.keys.put(ring) if ring else None))

    def _link_found(
        self,
        process: Process,
        type: str,
        ring: Key | None,
        find: Callable[[], Reference],
        call: str,
    ) -> Operation[int]:
        if type not in self.type_names:
            raise NoKey(call, "there is no such key type")
        key, is_possessed = find()
        if ring is not None:
            require(process, key, is_possessed, Need.LINK, call)
            self.keys.take(key)
            yield from self._putting(key, self._link(ring, key, call))
        return key.serial

    # Keyrings of the process

    def get_keyring_id(
        self, process: Process, keyring: int, create: bool = False
    ) -> Operation[int]:
        """The serial number behind a KEY_SPEC number; needs SEARCH permission.

        Raises what a look-up raises, and QuotaExceeded.
        """
        call = f"get the serial number of keyring {keyring}"
        yield Pause(f"look keyring {keyring} up")
        key, _ = self.lookup.look_up(process, keyring, Need.SEARCH, call, create=create)
        self.keys.put(key)
        return key.serial

    def join_session_keyring(self, process: Process, name: str | None = None) -> Operation[int]:
        """A new session keyring, or the one of this name that may be searched, made if need be.

        Gives its serial number, or 0 if it is the process's session keyring already. Raises
        InvalidArgument (length), NotPermitted (a leading dot), QuotaExceeded.
        """
        call = "join session keyring"
        if name is not None:
            refuse_description(name, call)
            if name.startswith("."):
                raise NotPermitted(call, "its name begins with a dot")
            if not name:
                raise InvalidArgument(call, "its name is empty")
        yield Pause("replace the session keyring")
        if name is None:
            return self.special.new_session(process, call).serial
        return self.special.join(process, name, call)


def refuse_other_than_keyring(key: Key, call: str) -> None:
    """Raises NotAKeyring."""
    if key.type != KEYRING:
        raise NotAKeyring(call, f"key {key.serial} is not a keyring")
