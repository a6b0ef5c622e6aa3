"""Decides what every service of the kernel stands on: machine, memory, map lock, lead CPUs.

Nothing here decides a policy of the key service; it gathers the parts and the questions that all
services ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from designs import Design
from impl.errors import InvalidArgument
from impl.keys import Keys
from impl.locks import MapLock
from impl.machine import Machine, seeded
from impl.material import CLEAR, KeyMaterial
from impl.memory import KernelMemory, OutOfBounds
from impl.payload import Preparser
from impl.program import Programmer, failed
from impl.slab import Slab

# Asks the owner of the key with this serial number for its payload again; None when it does not
# answer.
Resupply = Callable[[int], bytes | None]


def no_answer(serial: int) -> bytes | None:
    """The owner that never answers."""
    return None


class System:
    """The parts.

    ``leads``: package -> its lead CPU, for the packages reachable for programming. ``uncleared``:
    the (package, KeyID) pairs whose table entry must be cleared before the KeyID may serve again.
    """

    def __init__(self, design: Design, machine: Machine, seed: int) -> None:
        self.design = design
        self.machine = machine
        self.seed = seed
        self.events: list[OutOfBounds] = []
        self.memory = KernelMemory(machine)
        self.slab = Slab(self.memory)
        self.map_lock = MapLock()
        self.keys = Keys(design, self.memory, self.slab)
        self.preparser = Preparser(design, self.memory, self.slab, self.events)
        self.programmer = Programmer(
            design, machine, self.memory, self.slab, seeded(seed, "kernel entropy")
        )
        self.resupply: Resupply = no_answer
        self.leads: dict[int, int] = {}
        self.uncleared: set[tuple[int, int]] = set()

    def present_packages(self) -> list[int]:
        """Packages physically in the machine."""
        return [p for p, package in enumerate(self.machine.packages) if package.present]

    def reachable_packages(self) -> list[int]:
        """Packages with a lead CPU: the ones a programming reaches."""
        return sorted(self.leads)

    def refuse_unreachable(self, packages: Iterable[int], call: str) -> None:
        """``unreachable_package=refuse_keys``: EINVAL if one has memory but no online CPU."""
        if self.design.unreachable_package == "ignored":
            return
        for number in packages:
            package = self.machine.packages[number]
            if package.memory_present and not package.has_online_cpu():
                raise InvalidArgument(call, f"package {number} has memory but no online CPU")

    def program(self, keyid: int, material: KeyMaterial, packages: Iterable[int]) -> list[int]:
        """Program a KeyID on the lead CPU of each package. Returns the packages where it failed."""
        cpus = [(package, self.leads[package]) for package in packages]
        return failed(self.programmer.program(keyid, material, cpus))

    def clear(self, keyid: int, packages: Iterable[int]) -> None:
        """One CLEAR_KEY programming; packages where it did not succeed are left uncleared.

        Where no package can be reached there is nothing to program, and no structure is filled.
        """
        packages = list(packages)
        reached = [p for p in packages if p in self.leads]
        failing = set(self.program(keyid, CLEAR, reached)) if reached else set()
        for package in packages:
            if package not in reached or package in failing:
                self.uncleared.add((package, keyid))

    def quarantines(self) -> bool:
        """Whether a KeyID that could not be programmed goes out of service."""
        return self.design.on_program_failure == "quarantine"
