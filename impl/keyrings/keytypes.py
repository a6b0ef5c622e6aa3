"""Decides what a key type must offer, and what the types user, logon and keyring do with a key.

A payload is first *preparsed* into kernel objects, before anybody looks for the key; instantiate or
update then takes them over, and whatever they leave is freed (struct key_type, core.rst).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from impl.errors import InvalidArgument, NotSupported
from impl.heap.kbuffer import Buffer, Buffers
from impl.keyrings.keyring import Keyrings
from impl.keyrings.keys import Key
from impl.keyrings.process import Process
from impl.keyrings.quota import Quota
from impl.threads import Operation

# struct user_key_payload: an RCU head and the length, before the data.
PAYLOAD_HEADER_BYTES: Final = 24
PAYLOAD_MAX: Final = 32_767


@dataclass(eq=False)
class Prepared:
    """The kernel objects that preparse made of a payload of ``size`` bytes."""

    objects: Buffer = ()
    size: int = 0


class KeyType(Protocol):
    """``can_update``, ``can_read``: whether the type has these methods.

    ``call`` is the verb and its object, for messages. An operation raises the KernelError that the
    call answers with.
    """

    name: ClassVar[str]
    can_update: ClassVar[bool]
    can_read: ClassVar[bool]

    def vet_description(self, description: str, call: str) -> None:
        """Raises InvalidArgument for a description that a key of this type cannot have."""

    def preparse(self, payload: bytes, process: Process, call: str) -> Prepared:
        """Make kernel objects of a payload."""

    def free_preparse(self, prepared: Prepared) -> None:
        """Free what neither instantiate nor update took over."""

    def instantiate(
        self, key: Key, prepared: Prepared, wanted: Iterable[int] | None, call: str
    ) -> Operation[None]:
        """Give a new key its payload. ``wanted``: the packages it was asked for on, if any were."""

    def update(self, key: Key, prepared: Prepared, call: str) -> Operation[None]:
        """Give a key another payload."""

    def revoke(self, key: Key, call: str) -> None:
        """What a revoked key gives up at once."""

    def destroy(self, key: Key) -> Operation[None]:
        """What a key gives up when the garbage collector takes it."""

    def describe(self, key: Key) -> str:
        """What /proc/keys says of it, after its numbers."""

    def read(self, key: Key) -> bytes:
        """Its payload, as keyctl_read(3) gives it."""


class UserType:
    """``user``: a payload that is opaque to the kernel."""

    name: ClassVar[str] = "user"
    can_update: ClassVar[bool] = True
    can_read: ClassVar[bool] = True

    def __init__(self, buffers: Buffers, quota: Quota) -> None:
        self._buffers = buffers
        self._quota = quota

    def vet_description(self, description: str, call: str) -> None:
        """Any description will do."""

    def preparse(self, payload: bytes, process: Process, call: str) -> Prepared:
        """Raises InvalidArgument for a length that is not 1..32767."""
        if not 1 <= len(payload) <= PAYLOAD_MAX:
            raise InvalidArgument(call, f"the payload's length is not 1..{PAYLOAD_MAX}")
        return Prepared(
            self._buffers.store(payload, "user key payload", PAYLOAD_HEADER_BYTES), len(payload)
        )

    def free_preparse(self, prepared: Prepared) -> None:
        """Clear and free the copy, if it was not taken over."""
        self._buffers.scrub(prepared.objects)
        prepared.objects = ()

    def instantiate(
        self, key: Key, prepared: Prepared, wanted: Iterable[int] | None, call: str
    ) -> Operation[None]:
        """Raises QuotaExceeded."""
        yield from ()
        self._take_over(key, prepared, call)

    def update(self, key: Key, prepared: Prepared, call: str) -> Operation[None]:
        """The old payload is cleared; a timeout is forgotten. Raises QuotaExceeded."""
        yield from ()
        self._take_over(key, prepared, call)
        key.expiry = None

    def _take_over(self, key: Key, prepared: Prepared, call: str) -> None:
        self._quota.reserve(key, prepared.size, call)
        old, key.payload, prepared.objects = key.payload, prepared.objects, ()
        self._buffers.scrub(old)

    def revoke(self, key: Key, call: str) -> None:
        """The payload goes at once."""
        self._quota.reserve(key, 0, call)
        self._scrub(key)

    def destroy(self, key: Key) -> Operation[None]:
        """The payload is cleared and freed."""
        yield from ()
        self._scrub(key)

    def _scrub(self, key: Key) -> None:
        self._buffers.scrub(key.payload)
        key.payload = ()

    def describe(self, key: Key) -> str:
        """Description and length."""
        return f"{key.description}: {key.payload_bytes}"

    def read(self, key: Key) -> bytes:
        """The payload."""
        return self._buffers.load(key.payload, key.payload_bytes, PAYLOAD_HEADER_BYTES)


class LogonType(UserType):
    """``logon``: the same for the kernel alone, in a namespace that the description names."""

    name: ClassVar[str] = "logon"
    can_read: ClassVar[bool] = False

    def vet_description(self, description: str, call: str) -> None:
        """Raises InvalidArgument unless it reads ``namespace:name``."""
        namespace, colon, _ = description.partition(":")
        if not (namespace and colon):
            raise InvalidArgument(call, "the description has no namespace before a colon")

    def read(self, key: Key) -> bytes:
        """Raises NotSupported."""
        raise NotSupported(f"read key {key.serial}", "a logon key cannot be read")


class KeyringType:
    """``keyring``: links to other keys, made by the calls that link and unlink."""

    name: ClassVar[str] = "keyring"
    can_update: ClassVar[bool] = False
    can_read: ClassVar[bool] = True

    def __init__(self, keyrings: Keyrings) -> None:
        self._keyrings = keyrings

    def vet_description(self, description: str, call: str) -> None:
        """Names that begin with a dot were refused before."""

    def preparse(self, payload: bytes, process: Process, call: str) -> Prepared:
        """Raises InvalidArgument for any payload."""
        if payload:
            raise InvalidArgument(call, "a keyring takes no payload")
        return Prepared()

    def free_preparse(self, prepared: Prepared) -> None:
        """There is nothing to free."""

    def instantiate(
        self, key: Key, prepared: Prepared, wanted: Iterable[int] | None, call: str
    ) -> Operation[None]:
        """An empty keyring."""
        yield from ()

    def update(self, key: Key, prepared: Prepared, call: str) -> Operation[None]:
        """Raises NotSupported."""
        yield from ()
        raise NotSupported(call, "a keyring cannot be updated")

    def revoke(self, key: Key, call: str) -> None:
        """The links go at once."""
        self._keyrings.clear(key, call)

    def destroy(self, key: Key) -> Operation[None]:
        """The links go, and what nothing else refers to may be collected next."""
        yield from ()
        self._keyrings.clear(key, f"destroy keyring {key.serial}")

    def describe(self, key: Key) -> str:
        """Name and number of links."""
        return f"{key.description}: {len(key.links) or 'empty'}"

    def read(self, key: Key) -> bytes:
        """The serial numbers of what it links."""
        return self._keyrings.serials(key)
