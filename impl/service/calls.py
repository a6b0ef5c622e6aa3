"""Decides what each bare call on the key service does, as an operation that can be suspended.

Bare: a key is named by its serial number, belongs to no keyring, and anyone may do anything to it.
The generic key service (`retention`) makes the same calls for processes, keyrings and permissions.
"""

from __future__ import annotations

from collections.abc import Iterable

from impl.errors import Busy, InvalidArgument, KernelError, NoKey
from impl.keyrings.keys import Key
from impl.service.hotplug import Hotplug
from impl.service.material import CLEAR, KeyMaterial
from impl.service.protocol import KeyService
from impl.service.system import System
from impl.threads import Operation, Pause, cleaning_up


class Calls:
    """The calls of RFC v2, patches 10 to 13."""

    def __init__(self, system: System, service: KeyService) -> None:
        self._system = system
        self._service = service
        self._hotplug = Hotplug(system, service)
        self.cpu_startup = self._hotplug.startup
        self.cpu_teardown = self._hotplug.teardown
        self.package_add = self._hotplug.add
        self.package_remove = self._hotplug.remove

    def instantiate(self, payload: bytes, packages: Iterable[int] | None = None) -> Operation[int]:
        """A new key from a payload text; gives its serial number.

        Raises AccessDenied, InvalidArgument, NoKey.
        """

        def body(material: KeyMaterial) -> Operation[int]:
            key = self._system.keys.create()
            try:
                yield from self._service.instantiate(key, material, packages)
            except KernelError:
                self._system.keys.release(key)
                raise
            self._system.keys.enrol(key)
            return key.serial

        return self._system.preparser.preparsed(payload, "instantiate key", body)

    def update(self, serial: int, payload: bytes) -> Operation[None]:
        """Another payload for a live key. Raises AccessDenied, InvalidArgument, Busy, NoKey."""
        call = f"update key {serial}"
        key = self._system.keys.look_up(serial, call)

        def body(material: KeyMaterial) -> Operation[None]:
            return self._service.update(key, material)

        return self._using(key, self._system.preparser.preparsed(payload, call, body))

    def extend(self, serial: int, package: int, payload: bytes) -> Operation[None]:
        """A KeyID on one more package.

        Raises AccessDenied, InvalidArgument, NoKey, NotSupported.
        """
        call = f"extend key {serial}"
        key = self._system.keys.look_up(serial, call)

        def body(material: KeyMaterial) -> Operation[None]:
            return self._service.extend(key, package, material)

        return self._using(key, self._system.preparser.preparsed(payload, call, body))

    def _using(self, key: Key, operation: Operation[None]) -> Operation[None]:
        """Run an operation that refers to the key, so that it is not collected meanwhile."""
        self._system.keys.take(key)
        yield from cleaning_up(operation, lambda: self._system.keys.put(key))

    def destroy(self, serial: int) -> Operation[None]:
        """The garbage collector takes a key away. Raises NoKey, Busy (an operation refers to it).

        Of a key that lost its KeyIDs to a failed update only the object is left to free; and, where
        a slot still holds its address, a reference.
        """
        yield Pause("take the key away")
        if self._system.keys.is_lost(serial):
            lost = self._system.keys.find(serial)
            if lost is not None:
                yield from self._service.destroy(lost)
                self._system.keys.release(lost)
            return
        call = f"destroy key {serial}"
        key = self._system.keys.look_up(serial, call)
        if self._system.keys.is_in_flight(key):
            raise Busy(call, "an operation in flight refers to it")
        self._system.keys.withdraw(key)
        yield from self._service.destroy(key)
        self._system.keys.release(key)

    def retry_clear(self, package: int, keyid: int) -> Operation[None]:
        """A kernel worker tries again to clear an uncleared pair.

        Raises InvalidArgument (nothing to clear there), NoKey (no lead CPU, or CLEAR_KEY failed).
        """
        return self._system.locked(lambda: self._retry_clear(package, keyid))

    def _retry_clear(self, package: int, keyid: int) -> Operation[None]:
        call = f"clear KeyID {keyid} of package {package}"
        if (package, keyid) not in self._system.uncleared:
            raise InvalidArgument(call, "it is not waiting to be cleared")
        if package not in self._system.leads:
            raise NoKey(call, "the package has no online CPU")
        if (yield from self._system.program(keyid, CLEAR, [package])):
            raise NoKey(call, "PCONFIG failed")
        self._system.put_into_service((package, keyid))
