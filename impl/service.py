"""Decides what the kernel may ask of either KeyID scope, global or per package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from impl.keys import Key
from impl.material import KeyMaterial


class KeyService(Protocol):
    """The operations of RFC v2 patches 10 and 13 that depend on ``keyid_scope``.

    Every method raises the KernelError that its operation answers with, and Deadlock when the map
    lock is lost.
    """

    def instantiate(self, material: KeyMaterial, wanted: Iterable[int] | None) -> int:
        """A new key; its serial number."""

    def update(self, key: Key, material: KeyMaterial) -> None:
        """Another payload for a live key."""

    def destroy(self, key: Key) -> None:
        """The garbage collector takes a key away."""

    def extend(self, key: Key, package: int, material: KeyMaterial) -> None:
        """A KeyID on one more package."""

    def admit(self, package: int, cpu: int) -> None:
        """Whatever must happen before the first CPU of a package may become its lead CPU."""

    def holds_keys(self, package: int) -> bool:
        """Whether a KeyID that this package must hold is mapped."""
