"""Decides which key a serial number means to a process, and whether it may use it for its purpose.

A process *possesses* a key that a search of its own keyrings finds, with search permission all the
way; the possessor's byte of the permission mask is for it alone.
"""

from __future__ import annotations

from typing import NamedTuple

from impl.errors import InvalidArgument, KernelError, NoKey
from impl.keyrings.keys import Index, Key, Keys
from impl.keyrings.permissions import Need, require
from impl.keyrings.process import Process
from impl.keyrings.search import Search
from impl.keyrings.special import SLOTS, Special, SpecialKeyrings


class Reference(NamedTuple):
    """A key that was looked up, and whether the process that looked possesses it."""

    key: Key
    is_possessed: bool


# Numbers of keyctl(2) that stand for something only an upcall of request_key(2) has.
OF_UPCALLS = (-7, -8)


class Lookup:
    """Serial numbers and the KEY_SPEC numbers in, keys out."""

    def __init__(self, keys: Keys, special: SpecialKeyrings) -> None:
        self._keys = keys
        self._special = special

    def look_up(
        self, process: Process, serial: int, need: Need | None, call: str, *, create: bool = False
    ) -> Reference:
        """The key, with a usage reference that the caller gives back.

        ``create``: make a keyring of the process that it does not have yet. Without a ``need`` the
        key may be in any state, and nothing is asked of its permissions. Raises InvalidArgument (no
        serial number), NoKey, KeyRevoked, KeyExpired, AccessDenied, QuotaExceeded; for a need the
        key's state is judged before its permissions.
        """
        found = self._resolve(process, serial, call, create=create)
        if need is not None:
            self._keys.validate(found.key, call)
            require(process, found.key, found.is_possessed, need, call)
        self._keys.take(found.key)
        return found

    def _resolve(self, process: Process, serial: int, call: str, *, create: bool) -> Reference:
        if serial in OF_UPCALLS:
            raise NoKey(call, "the process serves no upcall")
        if serial in set(Special):
            return Reference(self._keyring(process, Special(serial), call, create=create), True)
        if serial < 1:
            raise InvalidArgument(call, f"{serial} is no serial number")
        key = self._keys.find(serial)
        if key is None:
            raise NoKey(call, f"there is no key {serial}")
        return Reference(key, self.possesses(process, key))

    def _keyring(self, process: Process, special: Special, call: str, *, create: bool) -> Key:
        if special is Special.SESSION:
            return self._special.session(process, call, create=create)
        if special is Special.USER:
            return self._special.of_user(process, call)[0]
        if special is Special.USER_SESSION:
            return self._special.of_user(process, call)[1]
        slot = SLOTS[special]
        if create:
            return self._special.own(process, slot, call)
        found = self._special.of_process(process, slot)
        if found is None:
            raise NoKey(call, f"the process has no {special.name.lower()} keyring")
        return found

    def possesses(self, process: Process, key: Key) -> bool:
        """Whether a search of the process's keyrings finds this very key, in whatever state."""
        call = f"look key {key.serial} up"
        return any(
            self._search(process, root, key.index, call, target=key)[0] is key
            for root in self._roots(process)
        )

    def search_process(self, process: Process, index: Index, call: str) -> Key:
        """What request_key(2) finds in the process's keyrings; a key that expired is not noticed.

        Raises NoKey, KeyRevoked, AccessDenied. One keyring that simply has no such key outweighs
        the errors of the others.
        """
        errors: list[KernelError] = []
        roots = self._roots(process)
        for root in roots:
            found, error = self._search(process, root, index, call)
            if found is not None:
                return found
            if error is not None:
                errors.append(error)
        if errors and len(errors) == len(roots):
            raise errors[-1]
        raise NoKey(call, "none of the process's keyrings has such a key")

    def _search(
        self, process: Process, root: Key, index: Index, call: str, target: Key | None = None
    ) -> tuple[Key | None, KernelError | None]:
        search = Search(
            self._keys,
            process,
            index,
            is_possessed=True,
            call=call,
            target=target,
            checks_state=target is None,
            skips_expired=True,
        )
        try:
            return search.find(root), search.error
        except KernelError as error:
            return None, error

    def _roots(self, process: Process) -> list[Key]:
        """Where a process's searches begin, in order."""
        rings = [self._special.of_process(process, slot) for slot in ("t", "p", "s")]
        if rings[-1] is None:
            rings[-1] = self._special.user_session(process)
        return [ring for ring in rings if ring is not None]
