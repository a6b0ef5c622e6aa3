"""Decides which keyrings a process has: thread, process, session, user and user-session keyring.

They come into being when they are first needed (keyrings(7), thread-keyring(7) to
user-session-keyring(7)). A process refers to its first three; those of a user are linked from a
keyring of the kernel's own, and stay.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from impl.errors import KernelError, NoKey
from impl.keyrings.keyring import Keyrings
from impl.keyrings.keys import NO_GID, Key, Keys
from impl.keyrings.permissions import (
    NAMED_SESSION_KEYRING,
    SESSION_KEYRING,
    THREAD_KEYRING,
    USER_KEYRING,
    USER_KEYRING_REGISTER,
    Need,
    permits,
)
from impl.keyrings.process import Process
from impl.keyrings.search import KEYRING, Search


class Special(IntEnum):
    """The numbers that stand for keyrings of the caller (KEY_SPEC_* of keyctl(2))."""

    THREAD = -1
    PROCESS = -2
    SESSION = -3
    USER = -4
    USER_SESSION = -5


# Slot of Process.keyrings to the name of a keyring that is made there.
NAMES: Final = {"t": "_tid", "p": "_pid", "s": "_ses"}
SLOTS: Final = {Special.THREAD: "t", Special.PROCESS: "p"}


# What the explorer of interleavings calls the keyring that holds the users' keyrings.
REGISTER: Final = "user register"


class SpecialKeyrings:
    """The keyrings that belong to processes and users."""

    def __init__(self, keys: Keys, keyrings: Keyrings) -> None:
        self._keys = keys
        self._keyrings = keyrings
        self._accesses = keys.accesses
        self._register: Key | None = None

    # Of a process

    def of_process(self, process: Process, slot: str) -> Key | None:
        """Its thread ("t"), process ("p") or session ("s") keyring, if it has one."""
        self._accesses.read(("keyrings of process", process.pid))
        serial = process.keyrings.get(slot)
        return None if serial is None else self._keys.find(serial)

    def own(self, process: Process, slot: str, call: str) -> Key:
        """Its thread or process keyring, made if need be, beyond the quota if need be."""
        found = self.of_process(process, slot)
        if found is None:
            found = self._make(process, NAMES[slot], THREAD_KEYRING, call, overrun=True)
            self._install(process, slot, found)
        return found

    def session(self, process: Process, call: str, *, create: bool) -> Key:
        """Its session keyring. Raises NoKey if there is none and none can be made.

        A process without one gets that of its user, or with ``create`` one of its own; ``create``
        also replaces the user's.
        """
        found = self.of_process(process, "s")
        if found is not None and not (create and self._is_of_user(found)):
            return found
        if found is None:
            _, of_user = self.of_user(process, call)
            if not create:
                self._keys.take(of_user)
                self._install(process, "s", of_user)
                return of_user
        try:
            return self.new_session(process, call)
        except KernelError as error:
            raise NoKey(call, "no session keyring can be made") from error

    def _is_of_user(self, session: Key) -> bool:
        self._accesses.read(REGISTER)
        register = self._register
        return register is not None and session in self._keys.looking_at(register).links.values()

    def new_session(self, process: Process, call: str) -> Key:
        """A new anonymous session keyring. Raises QuotaExceeded if it replaces another."""
        is_first = self.of_process(process, "s") is None
        session = self._make(process, NAMES["s"], SESSION_KEYRING, call, overrun=is_first)
        self._install(process, "s", session)
        return session

    def join(self, process: Process, name: str, call: str) -> int:
        """Its session keyring becomes the one of this name, made if need be.

        Gives the serial number, or 0 if that is its session keyring already. Raises QuotaExceeded.
        """
        found = self._named(process, name)
        if found is None:
            found = self._make(process, name, NAMED_SESSION_KEYRING, call)
        elif found is self.of_process(process, "s"):
            return 0
        else:
            self._keys.take(found)
        self._install(process, "s", found)
        return found.serial

    def _named(self, process: Process, name: str) -> Key | None:
        """The first keyring of this name that the process may search without possessing it."""
        for key in self._keys.known():
            is_named = key.index == (KEYRING, name) and self._keys.is_used(key)
            is_whole = is_named and not self._keys.looking_at(key).is_revoked
            if is_whole and permits(process, key, False, Need.SEARCH):
                return key
        return None

    def _make(
        self, process: Process, name: str, perm: int, call: str, *, overrun: bool = False
    ) -> Key:
        owner = process.uid, process.gid
        return self._keyrings.create(name, owner, perm, call, overrun=overrun)

    def _install(self, process: Process, slot: str, ring: Key) -> None:
        """The caller's reference to the keyring becomes the process's."""
        old = self.of_process(process, slot)
        self._accesses.write(("keyrings of process", process.pid))
        process.keyrings[slot] = ring.serial
        if old is not None:
            self._keys.put(old)

    def inherit(self, parent: Process, child: Process) -> None:
        """A new process shares its parent's session keyring, and has no other."""
        session = self.of_process(parent, "s")
        child.keyrings = {}
        if session is not None:
            self._keys.take(session)
            self._install(child, "s", session)

    def forsake(self, process: Process) -> None:
        """A process that exits refers to no keyring any more."""
        rings = [self.of_process(process, slot) for slot in list(process.keyrings)]
        self._accesses.write(("keyrings of process", process.pid))
        process.keyrings = {}
        for ring in rings:
            # Always: the process refers to it. The type cannot say so.
            if ring is not None:
                self._keys.put(ring)

    # Of a user

    def of_user(self, process: Process, call: str) -> tuple[Key, Key]:
        """The user keyring and the user-session keyring, which links it when it is made.

        Raises NoKey when either was revoked or cannot be made, whatever the reason, as Linux does.
        """
        uid = process.uid
        try:
            user = self._find_of_user(process, f"_uid.{uid}", call)
            if user is None:
                user = self._make_of_user(process, f"_uid.{uid}", call)
            session = self._find_of_user(process, f"_uid_ses.{uid}", call)
            if session is None:
                session = self._make_of_user(process, f"_uid_ses.{uid}", call)
                self._link(session, user, call)
        except KernelError as error:
            raise NoKey(call, "the user's keyrings are out of reach") from error
        return user, session

    def user_session(self, process: Process) -> Key | None:
        """The user-session keyring, if there is one that can be used."""
        self._accesses.read(REGISTER)
        if self._register is None:
            return None
        try:
            return self._find_of_user(process, f"_uid_ses.{process.uid}", "find session keyring")
        except KernelError:
            return None

    def _make_of_user(self, process: Process, name: str, call: str) -> Key:
        made = self._keyrings.create(name, (process.uid, NO_GID), USER_KEYRING, call)
        self._link(self._registered(), made, call)
        self._keys.put(made)
        return made

    def _find_of_user(self, process: Process, name: str, call: str) -> Key | None:
        search = Search(self._keys, process, (KEYRING, name), is_possessed=True, call=call)
        found = search.find(self._registered())
        if found is None and search.error is not None:
            raise search.error
        return found

    def _link(self, ring: Key, key: Key, call: str) -> None:
        self._keyrings.reserve(ring, key.index, call)
        self._keyrings.insert(ring, key)

    def _registered(self) -> Key:
        """The kernel's keyring that holds the users' keyrings."""
        self._accesses.read(REGISTER)
        if self._register is None:
            self._accesses.write(REGISTER)
            self._register = self._keyrings.create(
                ".user_reg", (0, NO_GID), USER_KEYRING_REGISTER, "boot"
            )
        return self._register
