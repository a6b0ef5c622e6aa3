"""Decides what the hardware does: packages, physical addresses with KeyID bits, PCONFIG.

A physical address is 52 bits wide. The KeyID takes the top bits, as many as the largest KeyID
needs; below it each package owns a range of 4 GiB: package p starts at p * 2**32.
"""

from __future__ import annotations

from random import Random
from typing import Final

from impl import pconfig
from impl.accesses import Accesses
from impl.engine import LINE_BYTES
from impl.errors import BadAddress
from impl.package import Package, RandomBytes
from impl.pconfig import Execution, Faults, Outcome, Status, Structure

ADDRESS_BITS: Final = 52
PACKAGE_BITS: Final = 32
KEYID_BITS_MAX: Final = 15

TME_SETTINGS: Final = ("on", "off", "bypass")


def seeded(seed: int, stream: str) -> RandomBytes:
    """A reproducible source of random bytes; streams of one seed are independent of each other."""
    return Random(f"{seed}/{stream}").randbytes


class Machine:
    """The simulated hardware.

    ``tme`` is the platform setting for KeyID 0: "on" (encrypted under an ephemeral key), "bypass"
    or "off" (stored as it is). The specification lets KeyIDs 1..N encrypt in all three, so "off"
    and "bypass" differ in name only here. ``faults`` chooses transient PCONFIG failures;
    ``executions`` lists every executed PCONFIG.
    """

    def __init__(
        self,
        packages: int = 2,
        cpus: int = 2,
        keyids: int = 2,
        absent: frozenset[int] = frozenset(),
        seed: int = 0,
        tme: str = "on",
    ) -> None:
        """All CPUs of all packages but the ``absent`` ones are online. Raises ValueError."""
        check_shape(packages, cpus, keyids, absent, tme)
        self.accesses = Accesses()
        self.keyids = keyids
        self.tme = tme
        self.algorithms_enabled = pconfig.AES_XTS_128
        self.faults: Faults = pconfig.never
        self.executions: list[Execution] = []
        self.keyid_shift = ADDRESS_BITS - keyids.bit_length()
        self.packages = [
            Package(p << PACKAGE_BITS, cpus, keyids, tme == "on", seeded(seed, f"package {p}"))
            for p in range(packages)
        ]
        for number in sorted(set(range(packages)) - absent):
            package = self.packages[number]
            package.present = package.memory_present = True
            for cpu in package.cpus:
                cpu.online = True

    def add_package(self, number: int) -> None:
        """Put an absent package into its socket: its table is empty, its CPUs are offline."""
        package = self.packages[number]
        if package.present:
            raise ValueError(f"cannot add package {number}: it is in the machine already")
        package.table.reset()
        package.present = True

    def count_online(self) -> int:
        """How many CPUs are online in the whole machine."""
        return sum(cpu.online for package in self.packages for cpu in package.cpus)

    def address(self, package: int, offset: int, keyid: int = 0) -> int:
        """The physical address of a byte of a package's memory, seen through a KeyID."""
        return keyid << self.keyid_shift | package << PACKAGE_BITS | offset

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes through the KeyID in the address. Raises BadAddress."""
        package, keyid, plain = self._decode(address, size)
        start = plain & -LINE_BYTES
        end = (plain + size + LINE_BYTES - 1) & -LINE_BYTES
        lines = package.read_lines(keyid, start, end - start)
        return lines[plain - start : plain - start + size]

    def write(self, address: int, data: bytes) -> None:
        """Store bytes through the KeyID in the address. Raises BadAddress.

        Lines touched in part are read first, through the same KeyID.
        """
        package, keyid, plain = self._decode(address, len(data))
        start = plain & -LINE_BYTES
        end = (plain + len(data) + LINE_BYTES - 1) & -LINE_BYTES
        if end - start != len(data):
            lines = package.read_lines(keyid, start, end - start)
            data = lines[: plain - start] + data + lines[plain - start + len(data) :]
        package.write_lines(keyid, start, data)

    def _decode(self, address: int, size: int) -> tuple[Package, int, int]:
        """Package, KeyID, and the address without KeyID bits."""
        keyid = address >> self.keyid_shift
        plain = address & ((1 << self.keyid_shift) - 1)
        number = plain >> PACKAGE_BITS
        if address < 0 or keyid > self.keyids or number >= len(self.packages):
            raise BadAddress(f"cannot access {address:#x}: no such KeyID or package")
        if size < 0 or (plain + max(size, 1) - 1) >> PACKAGE_BITS != number:
            raise BadAddress(f"cannot access {size} bytes at {address:#x}: they leave the package")
        package = self.packages[number]
        if not package.memory_present:
            raise BadAddress(
                f"cannot access {address:#x}: the memory of package {number} is not usable"
            )
        return package, keyid, plain

    def pconfig(
        self, package: int, cpu: int, address: int, *, privilege: int = 0, leaf: int = 0
    ) -> Outcome:
        """Execute PCONFIG on a CPU, with the structure at ``address``, for that CPU's package.

        Raises GeneralProtection as Intel SDM volume 2 says, and ValueError for a CPU that is not
        online.
        """
        acting = self.packages[package]
        if not acting.cpus[cpu].online:
            raise ValueError(
                f"cannot execute PCONFIG: CPU {cpu} of package {package} is not online"
            )
        pconfig.check_operand(privilege, leaf, address)
        structure = Structure.decode(self.read(address, pconfig.STRUCTURE_BYTES))
        pconfig.check_reserved(structure)
        status = pconfig.judge(structure, self.keyids, self.algorithms_enabled)
        if status is Status.PROG_SUCCESS:
            command = pconfig.Command(structure.command)
            status = pconfig.check_fault(self.faults(package, structure.keyid, command), command)
        if status is Status.PROG_SUCCESS:
            pconfig.program(acting.table, structure, acting.random)
        self.executions.append(Execution(cpu, package, structure.keyid, structure.command, status))
        return Outcome(status)


def check_shape(packages: int, cpus: int, keyids: int, absent: frozenset[int], tme: str) -> None:
    """Raises ValueError for a machine that cannot be built."""
    keyid_bits = keyids.bit_length()
    packages_max = 1 << (ADDRESS_BITS - min(keyid_bits, KEYID_BITS_MAX) - PACKAGE_BITS)
    facts = {
        f"packages must be 1..{packages_max}": 1 <= packages <= packages_max,
        "every package needs a CPU": cpus >= 1,
        f"KeyIDs must be 1..{(1 << KEYID_BITS_MAX) - 1}": 1 <= keyids < 1 << KEYID_BITS_MAX,
        "only existing packages can be absent": absent <= set(range(packages)),
        "package 0 holds the kernel and cannot be absent": 0 not in absent,
        f"tme must be one of {', '.join(TME_SETTINGS)}": tme in TME_SETTINGS,
    }
    for fact, holds in facts.items():
        if not holds:
            raise ValueError(f"cannot build the machine: {fact}")
