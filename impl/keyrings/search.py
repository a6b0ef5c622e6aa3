"""Decides which key a search of a keyring finds, and with what error it fails (core.rst).

A keyring is searched before the keyrings in it, and those one after the other, each with all that
it contains, down to six levels below the first. Keyrings without search permission are passed over
silently; a key that matches and may not be used leaves its error behind, and the search goes on.

DIFFERS FROM SOURCE: an invalidated key is not noticed, as it is gone at once; in Linux a search
that comes before the worker which unlinks it answers EKEYREVOKED. And keyrings in a keyring are
searched in the order of their links; Linux's order comes from a hash of type and description, and
no document promises one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from impl.errors import AccessDenied, KernelError, NotAKeyring, TooManyLevels, WouldDeadlock
from impl.keyrings.keys import Index, Key, Keys
from impl.keyrings.permissions import Need, require
from impl.keyrings.process import Process

KEYRING: Final = "keyring"
DEPTH_MAX: Final = 6


@dataclass
class Search:
    """One search by one process, for a type and description, or for the key ``target`` itself.

    ``is_possessed``: whether the process possesses the keyring that it starts from.
    ``checks_state``: whether revoked and expired keys are passed over; ``skips_expired``: whether
    the expired ones leave no error. ``error``: what the last key that matched could not be used
    for; after a search in vain without one, there was no such key.
    """

    keys: Keys
    process: Process
    index: Index
    is_possessed: bool
    call: str
    target: Key | None = None
    checks_state: bool = True
    skips_expired: bool = False
    error: KernelError | None = None

    def find(self, root: Key) -> Key | None:
        """The first key found in ``root``, which may be ``root`` itself, or None.

        Raises NotAKeyring, and AccessDenied if ``root`` may not be searched.
        """
        if root.type != KEYRING:
            raise NotAKeyring(self.call, f"key {root.serial} is not a keyring")
        self._require(root)
        if self._matches(root):
            return root if self._accepts(root) else None
        return self._descend(root, 0)

    def _descend(self, ring: Key, depth: int) -> Key | None:
        below = links(self.keys, ring)
        key = below.get(self.index)
        if key is not None and self._matches(key) and self._accepts(key):
            return key
        if depth == DEPTH_MAX:
            return None
        for nested in below.values():
            if nested.type == KEYRING and self._may_search(nested):
                found = self._descend(nested, depth + 1)
                if found is not None:
                    return found
        return None

    def _matches(self, key: Key) -> bool:
        return key.index == self.index and self.target in (None, key)

    def _accepts(self, key: Key) -> bool:
        if self.checks_state and self._is_gone(key):
            return False
        try:
            if self.checks_state:
                self.keys.validate(key, self.call)
            self._require(key)
        except KernelError as error:
            self.error = error
            return False
        return True

    def _is_gone(self, key: Key) -> bool:
        """Whether the search does not even notice that the key may not be used."""
        self.keys.looking_at(key)
        is_stale = self.skips_expired and not key.is_revoked and self.keys.has_expired(key)
        return key.is_invalidated or is_stale

    def _may_search(self, key: Key) -> bool:
        try:
            self._require(key)
        except AccessDenied:
            return False
        return True

    def _require(self, key: Key) -> None:
        self.keys.looking_at(key)
        require(self.process, key, self.is_possessed, Need.SEARCH, self.call)


def links(keys: Keys, ring: Key) -> dict[Index, Key]:
    """What a keyring links, as a search sees it: nothing once it was revoked or invalidated."""
    keys.looking_at(ring)
    return {} if ring.is_revoked or ring.is_invalidated else ring.links


def refuse_cycle(keys: Keys, ring: Key, key: Key, call: str) -> None:
    """Whether a keyring may be linked into another. Raises WouldDeadlock, TooManyLevels."""
    if key is ring:
        raise WouldDeadlock(call, "a keyring cannot contain itself")
    _refuse_cycle_below(keys, ring, key, call, 0)


def _refuse_cycle_below(keys: Keys, ring: Key, top: Key, call: str, depth: int) -> None:
    nested = [key for key in links(keys, top).values() if key.type == KEYRING]
    if ring in nested:
        raise WouldDeadlock(call, f"keyring {ring.serial} is in it")
    if nested and depth == DEPTH_MAX:
        raise TooManyLevels(call, f"keyrings are nested more than {DEPTH_MAX} levels deep")
    for key in nested:
        _refuse_cycle_below(keys, ring, key, call, depth + 1)
