"""Decides what the garbage collector of keys takes away, once somebody lets it run.

It runs late: nothing is collected before `collect` is called. Keys that are dead (invalidated, or
revoked or expired for longer than the delay) lose their links, and keys that nothing refers to are
destroyed by their type. Destroying a keyring may leave more of those; a run goes on to the last.

The delay stands for /proc/sys/kernel/keys/gc_delay: time to see EKEYREVOKED or EKEYEXPIRED before
the key is gone. DIFFERS FROM SOURCE: it is 0 by default, Linux's is 300 seconds. Whoever calls
`collect` says when it runs, and can wait as long as it likes before.
"""

from __future__ import annotations

from collections.abc import Mapping

from impl.keyrings.keyring import Keyrings
from impl.keyrings.keys import Key, Keys
from impl.keyrings.keytypes import KeyType
from impl.keyrings.search import KEYRING
from impl.threads import Operation, Pause, holding


class Collector:
    """``delay``: seconds. The usage references that it needs are its own."""

    def __init__(
        self, keys: Keys, keyrings: Keyrings, types: Mapping[str, KeyType], delay: float
    ) -> None:
        self._keys = keys
        self._keyrings = keyrings
        self._types = types
        self.delay = delay

    def collect(self) -> Operation[list[int]]:
        """One run. Gives the serial numbers of the keys that were destroyed, in order."""
        yield Pause("look for dead keys")
        for ring in self._keys.known():
            if self._dead_links(ring):
                yield from self._unlink_dead(ring)
        destroyed = []
        while (key := self._take_unused()) is not None:
            yield from self._types[key.type].destroy(key)
            self._keys.release(key)
            destroyed.append(key.serial)
        return destroyed

    def is_dead(self, key: Key) -> bool:
        """Whether its links go."""
        self._keys.looking_at(key)
        ends = [end for end in (key.expiry, key.revoked_at) if end is not None]
        is_over = any(self._keys.clock.now >= end + self.delay for end in ends)
        return key.is_invalidated or is_over

    def _dead_links(self, ring: Key) -> list[Key]:
        if ring.type != KEYRING or not self._keys.is_used(ring):
            return []
        return [key for key in self._keys.looking_at(ring).links.values() if self.is_dead(key)]

    def _unlink_dead(self, ring: Key) -> Operation[None]:
        def body() -> Operation[None]:
            yield from ()
            for key in self._dead_links(ring):
                self._keyrings.remove(ring, key, f"collect key {key.serial}")

        self._keys.take(ring)
        yield from holding(ring.semaphore, body)
        self._keys.put(ring)

    def _take_unused(self) -> Key | None:
        """The first key that nothing refers to; nobody else finds it from now on."""
        for key in self._keys.known():
            if not self._keys.is_used(key):
                self._keys.withdraw(key)
                return key
        return None
