"""Decides what the hardware does: packages, physical addresses with KeyID bits, PCONFIG, reset.

A physical address is 52 bits wide. The KeyID takes the top bits, as many as firmware activated;
below it each package owns a range of 4 GiB: package p starts at p * 2**32.
"""

from __future__ import annotations

from random import Random
from typing import Final

from impl.errors import BadAddress
from impl.hardware import msr, pconfig
from impl.hardware.accesses import Accesses
from impl.hardware.dram import Dram
from impl.hardware.package import Package, RandomBytes
from impl.hardware.pconfig import Command, Execution, Faults, Outcome, Status, Structure

ADDRESS_BITS: Final = 52
PACKAGE_BITS: Final = 32
KERNEL_PACKAGE: Final = 0

TME_SETTINGS: Final = ("on", "off", "bypass")

# More than any machine that was built with this processor feature has; every one is simulated.
PACKAGES_MAX: Final = 64
CPUS_MAX: Final = 1024


def seeded(seed: int, stream: str) -> RandomBytes:
    """A reproducible source of random bytes; streams of one seed are independent of each other."""
    source: Random | None = None

    def draw(size: int) -> bytes:
        # Seeding costs more than drawing, and most sources of a short run are never asked.
        nonlocal source
        if source is None:
            source = Random(f"{seed}/{stream}")
        return source.randbytes(size)

    return draw


class Machine:
    """The simulated hardware, with its firmware.

    ``tme`` is the platform setting for KeyID 0: "on" (encrypted under an ephemeral key), "bypass"
    or "off" (stored as it is). The specification lets KeyIDs 1..N encrypt in all three.
    ``keyids`` is N. ``faults`` chooses transient PCONFIG failures; ``executions`` lists every
    executed PCONFIG. ``accesses`` is told which lines, key tables and random sources are touched.
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
        self.faults: Faults = pconfig.never
        self.executions: list[Execution] = []
        offered = msr.capability(keyids)
        self.packages = [
            Package(
                p,
                p << PACKAGE_BITS,
                cpus,
                msr.Registers(offered),
                seeded(seed, f"package {p}"),
                seeded(seed, f"TME key of package {p}"),
                self.accesses,
            )
            for p in range(packages)
        ]
        for number in set(range(packages)) - absent:
            self.packages[number].present = True
        self._boot()

    def _boot(self, *, activate: bool = True) -> None:
        """Firmware activates every package that is there; then all of its CPUs are online."""
        for package in self.packages:
            if package.present:
                if activate:
                    self._activate(package)
                package.memory_present = True
                for cpu in package.cpus:
                    cpu.online = True
        self._settle()

    def _activate(self, package: Package) -> None:
        """What firmware does on a package before the operating system sees a CPU of it."""
        package.write_msr(
            msr.IA32_TME_ACTIVATE,
            msr.activation(
                self.keyids.bit_length(), enable=self.tme != "off", bypass=self.tme == "bypass"
            ),
        )

    def _settle(self) -> None:
        """Where the KeyID begins: firmware gives all packages the same number of KeyID bits."""
        self.keyid_shift = ADDRESS_BITS - self.packages[KERNEL_PACKAGE].registers.keyid_bits

    def reset(self, *, activate: bool = True) -> None:
        """A reset of the whole machine: DRAM keeps what it stores, everything else starts anew.

        Key tables are empty, registers unlocked; firmware activates again, with new TME keys, and
        all CPUs of all packages that are in the machine come online. ``activate=False``: firmware
        leaves the registers as they are after a reset, open for one write.
        """
        for package in self.packages:
            package.reset()
        self._boot(activate=activate)

    def add_package(self, number: int) -> None:
        """Put an absent package into its socket: its table is empty, its CPUs are offline."""
        package = self.packages[number]
        if package.present:
            raise ValueError(f"cannot add package {number}: it is in the machine already")
        # The package and its memory modules are new, also where one was removed before.
        package.dram = Dram()
        package.present = True
        self._activate(package)

    def remove_package(self, number: int) -> None:
        """Take a package out of its socket, with its key table and its memory modules.

        Raises ValueError while a CPU of it is online, and for the package that holds the kernel.
        """
        package = self.packages[number]
        facts = {
            "it holds the kernel": number == KERNEL_PACKAGE,
            "it is not in the machine": not package.present,
            "a CPU of it is online": package.has_online_cpu(),
        }
        for fact, holds in facts.items():
            if holds:
                raise ValueError(f"cannot remove package {number}: {fact}")
        package.remove()

    def count_online(self) -> int:
        """How many CPUs are online in the whole machine."""
        return sum(cpu.online for package in self.packages for cpu in package.cpus)

    def address(self, package: int, offset: int, keyid: int = 0) -> int:
        """The physical address of a byte of a package's memory, seen through a KeyID."""
        return keyid << self.keyid_shift | package << PACKAGE_BITS | offset

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes through the KeyID in the address. Raises BadAddress."""
        package, keyid, plain = self._decode(address, size)
        return package.read(keyid, plain, size)

    def write(self, address: int, data: bytes) -> None:
        """Store bytes through the KeyID in the address. Raises BadAddress.

        Lines touched in part are read first, through the same KeyID.
        """
        package, keyid, plain = self._decode(address, len(data))
        package.write(keyid, plain, data)

    def _decode(self, address: int, size: int) -> tuple[Package, int, int]:
        """Package, KeyID, and the address without KeyID bits."""
        keyid = address >> self.keyid_shift
        plain = address & (1 << self.keyid_shift) - 1 if keyid else address
        number = plain >> PACKAGE_BITS
        if address < 0 or number >= len(self.packages):
            raise BadAddress(f"cannot access {address:#x}: no such KeyID or package")
        package = self.packages[number]
        if not package.memory_present:
            raise BadAddress(
                f"cannot access {address:#x}: the memory of package {number} is not usable"
            )
        if keyid > package.registers.keyids:
            raise BadAddress(f"cannot access {address:#x}: no such KeyID or package")
        if size < 0 or (plain + size - (size > 0)) >> PACKAGE_BITS != number:
            raise BadAddress(f"cannot access {size} bytes at {address:#x}: they leave the package")
        return package, keyid, plain

    def rdmsr(self, package: int, register: int) -> int:
        """RDMSR on a CPU of a package. Raises GeneralProtection; ValueError without such a CPU."""
        return self._running(package, "RDMSR").registers.read(register)

    def wrmsr(self, package: int, register: int, value: int) -> None:
        """WRMSR of 64 bits on a CPU of a package.

        Raises GeneralProtection (see `impl.hardware.msr`); ValueError without an online CPU and for
        a value of more than 64 bits.
        """
        self._running(package, "WRMSR").write_msr(register, value)
        self._settle()

    def _running(self, number: int, instruction: str) -> Package:
        """The package, which has a CPU to execute an instruction on."""
        exists = 0 <= number < len(self.packages)
        if not exists or not self.packages[number].has_online_cpu():
            raise ValueError(f"cannot execute {instruction}: package {number} has no online CPU")
        return self.packages[number]

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
        pconfig.check_operand(privilege, leaf, address, acting.registers)
        structure = Structure.decode(self.read(address, pconfig.STRUCTURE_BYTES))
        pconfig.check_reserved(structure)
        status = pconfig.judge(structure, acting.registers)
        if status is Status.PROG_SUCCESS:
            command = Command(structure.command)
            status = pconfig.check_fault(self.faults(package, structure.keyid, command), command)
            if status is Status.PROG_SUCCESS:
                self.accesses.write(acting.touched_table)
                if command is Command.SET_KEY_RANDOM:
                    self.accesses.write(acting.touched_random)
                pconfig.program(acting.table, structure, acting.random)
        self.executions.append(structure.executed(package, cpu, status))
        return Outcome(status)


def check_shape(packages: int, cpus: int, keyids: int, absent: frozenset[int], tme: str) -> None:
    """Raises ValueError for a machine that cannot be built."""
    keyid_bits = min(keyids.bit_length(), msr.KEYIDS_MAX.bit_length())
    packages_max = min(PACKAGES_MAX, 1 << (ADDRESS_BITS - keyid_bits - PACKAGE_BITS))
    facts = {
        f"packages must be 1..{packages_max}": 1 <= packages <= packages_max,
        "every package needs a CPU": cpus >= 1,
        f"a package has {CPUS_MAX} CPUs at most": cpus <= CPUS_MAX,
        f"KeyIDs must be 1..{msr.KEYIDS_MAX}": 1 <= keyids <= msr.KEYIDS_MAX,
        "only existing packages can be absent": all(0 <= p < packages for p in absent),
        "package 0 holds the kernel and cannot be absent": KERNEL_PACKAGE not in absent,
        f"tme must be one of {', '.join(TME_SETTINGS)}": tme in TME_SETTINGS,
    }
    for fact, holds in facts.items():
        if not holds:
            raise ValueError(f"cannot build the machine: {fact}")
