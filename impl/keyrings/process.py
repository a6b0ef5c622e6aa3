"""Decides who makes a call: a process, its credentials, where it runs, and its address space."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from impl.mm.manager import AddressSpace

ROOT_CAPABILITIES: Final = frozenset({"CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"})


@dataclass(eq=False)
class Process:
    """A process with one thread.

    ``capabilities``: names such as "CAP_SYS_ADMIN". ``node``: the package it runs on, from which
    its pages come first. ``keyrings``: serial numbers of its thread ("t"), process ("p") and
    session ("s") keyring, for those it has. ``mm``: its address space, None once it has exited.
    """

    pid: int
    uid: int = 0
    gid: int = 0
    groups: frozenset[int] = frozenset()
    capabilities: frozenset[str] = ROOT_CAPABILITIES
    node: int = 0
    keyrings: dict[str, int] = field(default_factory=dict)
    mm: AddressSpace | None = None
