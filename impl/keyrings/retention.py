"""Decides which calls the kernel's key retention service offers, and what they share.

The calls are add_key(2), request_key(2) without its upcall, and keyctl(2), as Linux 6.18 answers
them for the types user, logon and keyring; the type mktme is RFC v2's. Every call takes the calling
process first and is an operation. Keyrings are named by serial number or KEY_SPEC number.

DIFFERS FROM SOURCE: serial numbers count up from 1; Linux's are random. There are no user
namespaces, no restricted keyrings (KEYCTL_RESTRICT_KEYRING) and no negative keys, which only an
upcall makes.
"""

from __future__ import annotations

from collections.abc import Iterable

from impl.errors import InvalidArgument, NotPermitted
from impl.heap.kbuffer import Buffers
from impl.keyrings.collector import Collector
from impl.keyrings.keycalls import KeyCalls
from impl.keyrings.keypayload import ADD_MAX, KeyPayload
from impl.keyrings.keyring import Keyrings
from impl.keyrings.keyringcalls import KeyringCalls, refuse_description, refuse_type_name
from impl.keyrings.keys import Key
from impl.keyrings.keytypes import KeyringType, KeyType, LogonType, UserType
from impl.keyrings.listing import line
from impl.keyrings.lookup import Lookup
from impl.keyrings.mktmetype import MktmeType
from impl.keyrings.permissions import Need, permits
from impl.keyrings.process import Process
from impl.keyrings.search import KEYRING
from impl.keyrings.special import SpecialKeyrings
from impl.locks import Lock
from impl.service.protocol import KeyService
from impl.service.system import System
from impl.threads import Operation


class KeyRetention:
    """``clock``: what expiry is judged by. ``quota``: what users own, and the limits.

    ``collector.delay``: for how many seconds revoked and expired keys stay linked; 0 unless set.
    """

    def __init__(self, system: System, service: KeyService) -> None:
        self._keys = keys = system.keys
        self._is_per_package = system.design.keyid_scope == "per_package"
        keyrings = Keyrings(keys)
        buffers = Buffers(system.memory, system.slab)
        kinds: tuple[KeyType, ...] = (
            UserType(buffers, keys.quota),
            LogonType(buffers, keys.quota),
            KeyringType(keyrings),
            MktmeType(system.preparser, service),
        )
        self._types = types = {kind.name: kind for kind in kinds}
        self._special = SpecialKeyrings(keys, keyrings)
        self._lookup = lookup = Lookup(keys, self._special)
        link_lock = Lock("keyring link lock")
        self._payload = KeyPayload(keys, keyrings, lookup, types, buffers, link_lock)
        self.clock = keys.clock
        self.quota = keys.quota
        self.collector = Collector(keys, keyrings, types, delay=0.0)
        self.collect = self.collector.collect
        self.update = self._payload.update
        self.extend = self._payload.extend

        self._offer_key_calls(KeyCalls(keys, lookup, types))
        self._offer_keyring_calls(
            KeyringCalls(keys, keyrings, self._special, lookup, frozenset(types), link_lock)
        )
        self.fork = self._special.inherit
        self.exit = self._special.forsake

    def _offer_key_calls(self, calls: KeyCalls) -> None:
        self.describe = calls.describe
        self.read = calls.read
        self.revoke = calls.revoke
        self.invalidate = calls.invalidate
        self.set_timeout = calls.set_timeout
        self.setperm = calls.setperm
        self.chown = calls.chown

    def _offer_keyring_calls(self, calls: KeyringCalls) -> None:
        self.link = calls.link
        self.unlink = calls.unlink
        self.clear = calls.clear
        self.search = calls.search
        self.request_key = calls.request_key
        self.get_keyring_id = calls.get_keyring_id
        self.join_session_keyring = calls.join_session_keyring

    def add_key(
        self,
        process: Process,
        type: str,
        description: str | None,
        payload: bytes,
        keyring: int,
        packages: Iterable[int] | None = None,
    ) -> Operation[int]:
        """A new key linked from a keyring, or an update of the one it has there; its serial number.

        A type that can update (all but keyring) updates a key of the same type and description that
        is neither revoked nor invalidated; else the new key takes its place. ``packages``: where an
        mktme key is wanted, given exactly with keyid_scope=per_package (else ValueError); an update
        programs the packages that the key has.

        Raises InvalidArgument, NotPermitted (reserved names), what looking the keyring up raises,
        NoDevice, NotAKeyring, what preparse, instantiate and update raise, QuotaExceeded,
        AccessDenied.
        """
        call = f"add {type} key"
        if (packages is not None) != (self._is_per_package and type == "mktme"):
            raise ValueError(
                f"cannot {call}: packages go with type mktme and keyid_scope=per_package"
            )
        if len(payload) > ADD_MAX:
            raise InvalidArgument(call, f"the payload is longer than {ADD_MAX} bytes")
        refuse_type_name(type, call)
        refuse_description(description, call)
        text = description or ""
        if text.startswith(".") and type.startswith(KEYRING):
            raise NotPermitted(call, "a keyring's name begins with a dot")
        index = type, text
        return (yield from self._payload.add(process, index, payload, keyring, packages))

    def look_up(self, process: Process, serial: int, need: Need, call: str) -> Key:
        """A key for an operation in flight, which gives it back with `put`; ``call``: for messages.

        The garbage collector does not take it before. Raises InvalidArgument (no serial number),
        NoKey, KeyRevoked, KeyExpired, AccessDenied.
        """
        return self._lookup.look_up(process, serial, need, call).key

    def put(self, key: Key) -> None:
        """Give a key back that was looked up."""
        self._keys.put(key)

    def listing(self, process: Process) -> list[str]:
        """The lines of /proc/keys: the keys that the process may view."""
        now = self.clock.now
        return [
            line(key, now, self._types[key.type].describe(key))
            for key in self._keys.known()
            if self._may_view(process, key)
        ]

    def _may_view(self, process: Process, key: Key) -> bool:
        if not self._keys.is_used(key):
            return False
        is_possessed = self._lookup.possesses(process, self._keys.looking_at(key))
        return permits(process, key, is_possessed, Need.VIEW)
