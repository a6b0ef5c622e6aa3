"""Decides what the kernel may ask of either KeyID scope, global or per package.

A VMA remembers its key by a *handle*: with global KeyIDs the KeyID itself, with per-package ones
what the key's map slots hold. Handle 0 stands for no key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from impl.keyrings.keys import Key
from impl.service.material import KeyMaterial
from impl.threads import Operation


class KeyService(Protocol):
    """The operations of RFC v2 patches 07, 10 and 13 that depend on ``keyid_scope``.

    Every operation raises the KernelError that it answers with.
    """

    def instantiate(
        self, key: Key, material: KeyMaterial, wanted: Iterable[int] | None
    ) -> Operation[None]:
        """KeyIDs for a key object that is not live yet. ``wanted``: packages, or None for all."""

    def update(self, key: Key, material: KeyMaterial) -> Operation[None]:
        """Another payload for a live key."""

    def destroy(self, key: Key) -> Operation[None]:
        """The garbage collector drops the key's own reference; the caller frees the object."""

    def extend(self, key: Key, package: int, material: KeyMaterial) -> Operation[None]:
        """A KeyID on one more package."""

    def admit(self, package: int, cpu: int) -> Operation[None]:
        """Whatever must happen before the first CPU of a package may become its lead CPU."""

    def holds_keys(self, package: int) -> bool:
        """Whether a KeyID that this package must hold is mapped."""

    def handle_of(self, key: Key) -> int | None:
        """What a VMA remembers of the key; None when the key has no KeyID."""

    def keyid_on(self, handle: int, package: int) -> int | None:
        """The KeyID of a page on that package; None where the key has none."""

    def take(self, handle: int) -> None:
        """One reference more, for a VMA."""

    def drop(self, handle: int) -> bool:
        """One reference less; whether it was the last."""

    def release(self, handle: int) -> Operation[None]:
        """Take the KeyIDs back after the last reference was dropped; takes the map lock."""
