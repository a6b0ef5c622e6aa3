"""Decides which CPUs come and go, and which CPU leads its package: RFC v2 patch 13.

The lead CPU is the one that programs its package's key table. Packages without an online CPU have
none.
"""

from __future__ import annotations

from impl.errors import AlreadyExists, Busy, InvalidArgument, KernelError
from impl.hardware.machine import KERNEL_PACKAGE
from impl.hardware.package import Cpu, Package
from impl.service.protocol import KeyService
from impl.service.system import System
from impl.threads import Operation, Pause


class Hotplug:
    """CPU startup and teardown, and packages that are added and removed."""

    def __init__(self, system: System, service: KeyService) -> None:
        """At boot CPU 0 of every package that is present leads it."""
        self._system = system
        self._service = service
        for package in system.present_packages():
            system.set_lead(package, 0)

    def startup(self, number: int, cpu: int) -> Operation[None]:
        """Bring a CPU online; an online one stays as it is.

        Raises InvalidArgument (no such CPU present), NotPermitted or NoKey (the first CPU of its
        package, as the key service answers).
        """
        self._present(number, cpu, f"start CPU {cpu} of package {number}")
        return self._system.locked_for_hotplug(lambda: self._start(number, cpu))

    def _start(self, number: int, cpu: int) -> Operation[None]:
        call = f"start CPU {cpu} of package {number}"
        package, starting = self._present(number, cpu, call)
        if starting.online:
            return
        # The callback runs on the starting CPU itself, which executes PCONFIG before it counts as
        # online.
        self._set_online(starting, True)
        if number not in self._system.leads:
            try:
                yield from self._service.admit(number, cpu)
            except KernelError:
                self._set_online(starting, False)
                raise
            self._system.set_lead(number, cpu)
        self._system.machine.accesses.write("packages")
        package.memory_present = True

    def teardown(self, number: int, cpu: int) -> Operation[None]:
        """Take a CPU offline; an offline one stays as it is.

        Raises InvalidArgument (no such CPU present), Busy (the machine's last online CPU; or with
        ``teardown=keep_last_lead`` its package's last one while KeyIDs are mapped).
        """
        self._present(number, cpu, f"stop CPU {cpu} of package {number}")
        return self._system.locked_for_hotplug(lambda: self._stop(number, cpu))

    def _stop(self, number: int, cpu: int) -> Operation[None]:
        call = f"stop CPU {cpu} of package {number}"
        package, stopping = self._present(number, cpu, call)
        if not stopping.online:
            return
        if self._system.machine.count_online() == 1:
            raise Busy(call, "it is the last online CPU of the machine")
        others = [c for c, other in enumerate(package.cpus) if other.online and c != cpu]
        keeps = self._system.design.teardown == "keep_last_lead"
        if keeps and not others and self._service.holds_keys(number):
            raise Busy(call, "it is its package's last online CPU and KeyIDs are mapped")
        self._set_online(stopping, False)
        if self._system.leads[number] == cpu:
            self._system.set_lead(number, min(others) if others else None)
        # Nothing is programmed on the way down, so there is nothing to wait for.
        yield from ()

    def _set_online(self, cpu: Cpu, online: bool) -> None:
        self._system.machine.accesses.write("packages")
        cpu.online = online

    def add(self, number: int) -> Operation[None]:
        """Put an absent package in. Raises InvalidArgument (no such socket), AlreadyExists."""
        call = f"add package {number}"
        yield Pause("put the package in")
        self._system.machine.accesses.read("packages")
        packages = self._system.machine.packages
        if not 0 <= number < len(packages):
            raise InvalidArgument(call, "the machine has no such socket")
        if packages[number].present:
            raise AlreadyExists(call, "it is in the machine already")
        self._system.machine.accesses.write("packages")
        self._system.machine.add_package(number)

    def remove(self, number: int) -> Operation[None]:
        """Take a package out, with its key table and memory: physical hot-remove.

        Raises InvalidArgument (not in the machine), Busy (it holds the kernel, a CPU of it is
        online, pages of processes lie in its memory, or KeyIDs of its own map are in use).
        """
        return self._system.locked_for_hotplug(lambda: self._remove(number))

    def _remove(self, number: int) -> Operation[None]:
        call = f"remove package {number}"
        package, _ = self._present(number, 0, call)
        has_own_map = self._system.design.keyid_scope == "per_package"
        in_the_way = {
            "it holds the kernel": number == KERNEL_PACKAGE,
            "a CPU of it is online": package.has_online_cpu(),
            "pages of processes lie in its memory": self._system.has_user_pages(number),
            "KeyIDs of its map are in use": has_own_map and self._service.holds_keys(number),
        }
        for fact, holds in in_the_way.items():
            if holds:
                raise Busy(call, fact)
        self._system.machine.accesses.write("packages")
        self._system.machine.remove_package(number)
        # With the key table goes what was left to clear in it.
        for pair in self._system.uncleared:
            if pair[0] == number:
                self._system.put_into_service(pair)
        yield from ()

    def _present(self, number: int, cpu: int, call: str) -> tuple[Package, Cpu]:
        self._system.machine.accesses.read("packages")
        packages = self._system.machine.packages
        if not (0 <= number < len(packages) and packages[number].present):
            raise InvalidArgument(call, "the package is not in the machine")
        package = packages[number]
        if not 0 <= cpu < len(package.cpus):
            raise InvalidArgument(call, "the package has no such CPU")
        return package, package.cpus[cpu]
