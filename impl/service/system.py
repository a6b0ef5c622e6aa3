"""Decides what every service of the kernel stands on: machine, memory, locks, lead CPUs.

Nothing here decides a policy of the key service; it gathers the parts and the questions that all
services ask, and the order in which the two locks around a programming are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from designs import Design
from impl.errors import InvalidArgument
from impl.hardware.machine import Machine, seeded
from impl.heap.memory import KernelMemory, OutOfBounds
from impl.heap.slab import Slab
from impl.keyrings.keys import Keys
from impl.locks import Lock, Mode
from impl.service.material import CLEAR, KeyMaterial
from impl.service.payload import Preparser
from impl.service.program import Programmer, failed
from impl.threads import Acquire, Operation, Release, T, holding

# Asks the owner of the key with this serial number for its payload again; None when it does not
# answer.
Resupply = Callable[[int], bytes | None]


def no_answer(serial: int) -> bytes | None:
    """The owner that never answers."""
    return None


class System:
    """The parts.

    ``map_lock`` guards map, bitmap and lead CPUs; ``hotplug_lock`` is the CPU-hotplug lock.
    """

    def __init__(self, design: Design, machine: Machine, seed: int) -> None:
        self.design = design
        self.machine = machine
        self.seed = seed
        self.events: list[OutOfBounds] = []
        self.memory = KernelMemory(machine)
        self.slab = Slab(self.memory)
        self.map_lock = Lock("map lock")
        self.hotplug_lock = Lock("CPU-hotplug lock")
        self.keys = Keys(design, self.memory, self.slab)
        self.preparser = Preparser(design, self.memory, self.slab, self.events)
        self.programmer = Programmer(
            design, machine, self.memory, self.slab, seeded(seed, "kernel entropy")
        )
        self.resupply: Resupply = no_answer
        # Whether pages of processes lie on a package; the memory manager knows.
        self.has_user_pages: Callable[[int], bool] = lambda package: False
        self._leads: dict[int, int] = {}
        self._uncleared: set[tuple[int, int]] = set()

    # Locks

    @property
    def hotplug_first(self) -> bool:
        """``lock_order``: whether a programming takes the CPU-hotplug lock before the map's."""
        return self.design.lock_order == "hotplug_first"

    def lock_map(self) -> Operation[None]:
        """Take the map lock in order to program."""
        if self.hotplug_first:
            yield Acquire(self.hotplug_lock, Mode.SHARED)
        yield Acquire(self.map_lock)

    def unlock_map(self) -> Operation[None]:
        """Undo `lock_map`."""
        yield Release(self.map_lock)
        if self.hotplug_first:
            yield Release(self.hotplug_lock)

    def locked(self, body: Callable[[], Operation[T]]) -> Operation[T]:
        """Run ``body``, which may program, between `lock_map` and `unlock_map`."""
        if not self.hotplug_first:
            return holding(self.map_lock, body)
        return holding(self.hotplug_lock, lambda: holding(self.map_lock, body), Mode.SHARED)

    def locked_for_hotplug(self, body: Callable[[], Operation[T]]) -> Operation[T]:
        """Run ``body`` as CPU startup and teardown do (RFC v2 patch 13)."""
        return holding(self.hotplug_lock, lambda: holding(self.map_lock, body))

    # Lead CPUs, and pairs out of service

    @property
    def leads(self) -> dict[int, int]:
        """Package -> its lead CPU, for the packages reachable for programming."""
        self.machine.accesses.read("lead CPUs")
        return dict(self._leads)

    def set_lead(self, package: int, cpu: int | None) -> None:
        """Another lead CPU, or none."""
        self.machine.accesses.write("lead CPUs")
        if cpu is None:
            del self._leads[package]
        else:
            self._leads[package] = cpu

    @property
    def uncleared(self) -> frozenset[tuple[int, int]]:
        """(package, KeyID) pairs whose entry must be cleared before the KeyID may serve again."""
        self.machine.accesses.read("pairs out of service")
        return frozenset(self._uncleared)

    def put_out_of_service(self, pairs: Iterable[tuple[int, int]]) -> None:
        """These pairs must be cleared first."""
        self.machine.accesses.write("pairs out of service")
        self._uncleared.update(pairs)

    def put_into_service(self, pair: tuple[int, int]) -> None:
        """This pair was cleared."""
        self.machine.accesses.write("pairs out of service")
        self._uncleared.discard(pair)

    # Packages

    def present_packages(self) -> list[int]:
        """Packages physically in the machine."""
        self.machine.accesses.read("packages")
        return [p for p, package in enumerate(self.machine.packages) if package.present]

    def reachable_packages(self) -> list[int]:
        """Packages with a lead CPU: the ones a programming reaches."""
        return sorted(self.leads)

    def refuse_unreachable(self, packages: Iterable[int], call: str) -> None:
        """``unreachable_package=refuse_keys``: EINVAL if one has memory but no online CPU."""
        if self.design.unreachable_package == "ignored":
            return
        self.machine.accesses.read("packages")
        for number in packages:
            package = self.machine.packages[number]
            if package.memory_present and not package.has_online_cpu():
                raise InvalidArgument(call, f"package {number} has memory but no online CPU")

    # Programming, with the map lock held

    def program(
        self, keyid: int, material: KeyMaterial, packages: Iterable[int]
    ) -> Operation[list[int]]:
        """Program a KeyID on the lead CPU of each package; gives the packages where it failed.

        As posted the CPU-hotplug lock is taken here, inside the map lock.
        """
        leads = self.leads
        cpus = [(package, leads[package]) for package in packages]
        lock = None if self.hotplug_first else self.hotplug_lock
        return failed((yield from self.programmer.program(keyid, material, cpus, lock)))

    def clear(self, keyid: int, packages: Iterable[int]) -> Operation[None]:
        """One CLEAR_KEY programming; packages where it did not succeed are left uncleared.

        Where no package can be reached there is nothing to program, and no structure is filled.
        """
        packages = list(packages)
        reached = [p for p in packages if p in self.leads]
        failing = set((yield from self.program(keyid, CLEAR, reached))) if reached else set()
        missed = [p for p in packages if p not in reached or p in failing]
        self.put_out_of_service((p, keyid) for p in missed)

    def quarantines(self) -> bool:
        """Whether a KeyID that could not be programmed goes out of service."""
        return self.design.on_program_failure == "quarantine"
