"""Decides when a KeyID goes whose last reference a VMA dropped: the knob ``last_put``."""

from __future__ import annotations

from impl.mm.vma import UNENCRYPTED
from impl.service.protocol import KeyService
from impl.threads import Operation


class LastPuts:
    """The references of VMAs that one operation takes and drops."""

    def __init__(self, service: KeyService, last_put: str) -> None:
        self._service = service
        self._releases_at_once = last_put == "locks_again"
        self._unused: list[int] = []

    def take(self, handle: int) -> None:
        """A VMA more with this handle."""
        if handle != UNENCRYPTED:
            self._service.take(handle)

    def put(self, handle: int) -> Operation[None]:
        """A VMA less with this handle.

        As posted the last one takes the map lock right here, whatever locks are held: it waits for
        itself inside encrypt_mprotect, and takes the two locks in the other order elsewhere.
        """
        if handle == UNENCRYPTED or not self._service.drop(handle):
            return
        if self._releases_at_once:
            yield from self._service.release(handle)
        else:
            self._unused.append(handle)

    def settle(self) -> Operation[None]:
        """``last_put=deferred``: release them now that the operation holds no lock any more."""
        while self._unused:
            yield from self._service.release(self._unused.pop(0))
