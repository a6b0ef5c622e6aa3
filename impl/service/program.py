"""Decides how one KeyID gets programmed on a set of packages: RFC v2 patch 11.

One programming structure serves all packages. It is zeroed when allocated; as posted it is freed
with the key in it, and the entropy for random keys stays on the kernel stack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from designs import Design
from impl.hardware.engine import KEY_BYTES
from impl.hardware.machine import Machine
from impl.hardware.package import RandomBytes
from impl.hardware.pconfig import (
    STRUCTURE_ALIGNMENT,
    STRUCTURE_BYTES,
    Command,
    Status,
    Structure,
    mix,
)
from impl.heap.memory import KernelMemory
from impl.heap.slab import Object, Slab
from impl.locks import Lock, Mode
from impl.service.material import KeyMaterial
from impl.threads import Acquire, Execute, Operation, Release

# With on_program_failure=quarantine; the posted code tries once.
ATTEMPTS_WITH_RETRY: Final = 3


class Programmer:
    """Fills programming structures and runs PCONFIG on lead CPUs."""

    def __init__(
        self,
        design: Design,
        machine: Machine,
        memory: KernelMemory,
        slab: Slab,
        random: RandomBytes,
    ) -> None:
        """``random``: the kernel's entropy, apart from each package's own random source."""
        self._scrubs = design.program_struct == "scrubbed_free"
        self._attempts = ATTEMPTS_WITH_RETRY if design.on_program_failure == "quarantine" else 1
        self._machine = machine
        self._memory = memory
        self._random = random
        self._slab = slab
        self._cache = slab.create_cache("mktme_key_program", STRUCTURE_BYTES, STRUCTURE_ALIGNMENT)
        self._stack = memory.area("kernel stack", KEY_BYTES)

    def program(
        self,
        keyid: int,
        material: KeyMaterial,
        cpus: Iterable[tuple[int, int]],
        hotplug_lock: Lock | None,
    ) -> Operation[dict[int, Status]]:
        """Run PCONFIG on each (package, cpu) given; returns the last status of each package.

        ``hotplug_lock``: taken for reading around the executions, unless the caller has seen to it
        (None). A failure on one package does not stop the others, and a package that succeeded
        keeps its new entry.
        """
        structure = self._cache.allocate("programming structure", zeroed=True)
        self._memory.write(structure.address, self._fill(keyid, material))
        if hotplug_lock is not None:
            yield Acquire(hotplug_lock, Mode.SHARED)
        statuses = {}
        for package, cpu in cpus:
            # One after the other here, in parallel in the kernel: none waits for another.
            first = Execute(package, cpu, keyid, material.command)
            statuses[package] = yield from self._execute(first, structure)
        if hotplug_lock is not None:
            yield Release(hotplug_lock)
        self._free(structure)
        return statuses

    def _fill(self, keyid: int, material: KeyMaterial) -> bytes:
        data_key, tweak_key = material.data_key, material.tweak_key
        if material.command is Command.SET_KEY_RANDOM:
            entropy = self._random(KEY_BYTES)
            self._memory.write(self._stack.address, entropy)
            # The same entropy goes into both fields, as posted.
            data_key, tweak_key = mix(data_key, entropy), mix(tweak_key, entropy)
        return Structure(keyid, material.control_word, data_key, tweak_key).encode()

    def _execute(self, first: Execute, structure: Object) -> Operation[Status]:
        for attempt in range(self._attempts):
            yield replace(first, attempt=attempt) if attempt else first
            outcome = self._machine.pconfig(first.package, first.cpu, structure.address)
            status = outcome.status
            if status is Status.PROG_SUCCESS:
                break
        return status

    def _free(self, structure: Object) -> None:
        if self._scrubs:
            self._memory.write(self._stack.address, bytes(self._stack.size))
            self._slab.kfree_sensitive(structure)
        else:
            self._slab.kfree(structure)


def failed(statuses: dict[int, Status]) -> list[int]:
    """The packages whose table was not programmed, in order."""
    return sorted(p for p, status in statuses.items() if status is not Status.PROG_SUCCESS)
