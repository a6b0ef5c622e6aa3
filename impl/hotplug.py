"""Decides which CPUs come and go, and which CPU leads its package: RFC v2 patch 13.

The lead CPU is the one that programs its package's key table. Packages without an online CPU have
none.
"""

from __future__ import annotations

from impl.errors import AlreadyExists, Busy, InvalidArgument
from impl.package import Cpu, Package
from impl.service import KeyService
from impl.system import System


class Hotplug:
    """CPU startup and teardown, and packages that are added."""

    def __init__(self, system: System, service: KeyService) -> None:
        """At boot CPU 0 of every package that is present leads it."""
        self._system = system
        self._service = service
        for package in system.present_packages():
            system.leads[package] = 0

    def startup(self, number: int, cpu: int) -> None:
        """Bring a CPU online; an online one stays as it is.

        Raises InvalidArgument (no such CPU present), NotPermitted or NoKey (the first CPU of its
        package, as the key service answers).
        """
        call = f"start CPU {cpu} of package {number}"
        package, starting = self._present(number, cpu, call)
        if starting.online:
            return
        with self._system.map_lock.hold(call):
            # The callback runs on the starting CPU itself, which executes PCONFIG before it counts
            # as online.
            starting.online = True
            try:
                if number not in self._system.leads:
                    self._service.admit(number, cpu)
            except BaseException:
                starting.online = False
                raise
            self._system.leads.setdefault(number, cpu)
            package.memory_present = True

    def teardown(self, number: int, cpu: int) -> None:
        """Take a CPU offline; an offline one stays as it is.

        Raises InvalidArgument (no such CPU present), Busy (the machine's last online CPU; or with
        ``teardown=keep_last_lead`` its package's last one while KeyIDs are mapped).
        """
        call = f"stop CPU {cpu} of package {number}"
        package, stopping = self._present(number, cpu, call)
        if not stopping.online:
            return
        if self._system.machine.count_online() == 1:
            raise Busy(call, "it is the last online CPU of the machine")
        with self._system.map_lock.hold(call):
            others = [c for c, other in enumerate(package.cpus) if other.online and c != cpu]
            keeps = self._system.design.teardown == "keep_last_lead"
            if keeps and not others and self._service.holds_keys(number):
                raise Busy(call, "it is its package's last online CPU and KeyIDs are mapped")
            stopping.online = False
            if self._system.leads[number] == cpu:
                del self._system.leads[number]
                if others:
                    self._system.leads[number] = min(others)

    def add(self, number: int) -> None:
        """Put an absent package in. Raises InvalidArgument (no such socket), AlreadyExists."""
        call = f"add package {number}"
        packages = self._system.machine.packages
        if not 0 <= number < len(packages):
            raise InvalidArgument(call, "the machine has no such socket")
        if packages[number].present:
            raise AlreadyExists(call, "it is in the machine already")
        self._system.machine.add_package(number)

    def _present(self, number: int, cpu: int, call: str) -> tuple[Package, Cpu]:
        packages = self._system.machine.packages
        if not (0 <= number < len(packages) and packages[number].present):
            raise InvalidArgument(call, "the package is not in the machine")
        package = packages[number]
        if not 0 <= cpu < len(package.cpus):
            raise InvalidArgument(call, "the package has no such CPU")
        return package, package.cpus[cpu]
