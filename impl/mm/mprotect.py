"""Decides what mprotect and encrypt_mprotect check, in which order, and with which locks.

The system call of RFC v2 patch 08 in its posted order: the key, then the map lock, then mprotect as
patch 07 has made it. ``last_put`` is the only knob.
"""

from __future__ import annotations

from typing import Protocol

from impl.errors import InvalidArgument, KernelError, OutOfMemory
from impl.hardware.dram import PAGE_BYTES
from impl.keyrings.keys import Key
from impl.keyrings.permissions import Need
from impl.keyrings.process import Process
from impl.mm.addressspace import AddressSpace
from impl.mm.lastput import LastPuts
from impl.mm.mappings import Mappings, Protection
from impl.mm.paging import Paging
from impl.mm.spaces import Spaces, settling
from impl.mm.vma import LONG, page_end, protection
from impl.service.protocol import KeyService
from impl.service.system import System
from impl.threads import Operation, Pause, holding


class Retention(Protocol):
    """What memory management needs of the key retention service."""

    def look_up(self, process: Process, serial: int, need: Need, call: str) -> Key:
        """The key, kept until it is put. Raises NoKey, KeyRevoked, KeyExpired, AccessDenied."""

    def put(self, key: Key) -> None:
        """The caller needs the key no longer."""

    def fork(self, parent: Process, child: Process) -> None:
        """A child gets the keyrings that it inherits."""

    def exit(self, process: Process) -> None:
        """A process refers to no keyring any more."""


class Mprotect:
    """The two calls."""

    def __init__(
        self,
        system: System,
        service: KeyService,
        retention: Retention,
        spaces: Spaces,
        paging: Paging,
    ) -> None:
        self._system = system
        self._service = service
        self._retention = retention
        self._spaces = spaces
        self._paging = paging

    def mprotect(self, process: Process, address: int, length: int, prot: str) -> Operation[None]:
        """Another protection for a range; stops at the first gap, and what is before it changes.

        Raises NoProcess, InvalidArgument (misaligned, no protection), OutOfMemory (a gap).
        """
        call = f"protect {length} bytes at {address:#x} in process {process.pid}"
        puts = self._puts()
        yield from settling(puts, self._protect(process, address, length, prot, None, puts, call))

    def encrypt_mprotect(
        self, process: Process, address: int, length: int, prot: str, serial: int
    ) -> Operation[None]:
        """The same, and encrypt the range with a key; the contents of what changes keys are lost.

        Stops at the first VMA that it must refuse; those before it keep the new KeyID. Raises what
        mprotect does, InvalidArgument (length not in whole pages, the key has no KeyID, a file),
        NoKey, KeyRevoked, KeyExpired, AccessDenied (no VIEW permission for the key).
        """
        call = f"encrypt {length} bytes at {address:#x} in process {process.pid}"
        if length % PAGE_BYTES:
            raise InvalidArgument(call, "the length is not in whole pages")
        self._spaces.of(process, call)
        yield Pause(f"look key {serial} up")
        key = self._retention.look_up(process, serial, Need.VIEW, call)
        puts = self._puts()

        def body() -> Operation[None]:
            handle = self._service.handle_of(key)
            if handle is None:
                raise InvalidArgument(call, f"key {serial} has no KeyID")
            yield from self._protect(process, address, length, prot, handle, puts, call)

        yield from settling(puts, self._with_key(key, holding(self._system.map_lock, body)))

    def _with_key(self, key: Key, operation: Operation[None]) -> Operation[None]:
        """Put the key when the operation is over."""
        try:
            yield from operation
        except KernelError:
            self._retention.put(key)
            raise
        self._retention.put(key)

    def _protect(
        self,
        process: Process,
        address: int,
        length: int,
        prot: str,
        handle: int | None,
        puts: LastPuts,
        call: str,
    ) -> Operation[None]:
        """What both calls share, in Linux's order: a length of 0 is right even with a bad prot."""
        self._spaces.of(process, call)
        if address % PAGE_BYTES:
            raise InvalidArgument(call, "it is not the address of a page")
        if not length:
            return
        start, size = address % LONG, page_end(length % LONG)
        if start + size >= LONG:
            raise OutOfMemory(call, "it would reach beyond the address space")
        wanted = Protection(protection(prot, call), handle, call)

        def body(space: AddressSpace) -> Operation[None]:
            return Mappings(space, self._paging, puts).protect(start, start + size, wanted)

        yield from self._spaces.writing(process, call, body)

    def _puts(self) -> LastPuts:
        return LastPuts(self._service, self._system.design.last_put)
