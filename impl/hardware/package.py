"""Decides what one physical package is: CPUs, registers, a key table, memory behind the engine.

Taking CPUs offline touches neither the registers, the table nor the memory: other packages keep
using them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from impl.hardware.accesses import Accesses
from impl.hardware.dram import Dram
from impl.hardware.engine import KEY_BYTES, LINE_BYTES, LineEngine
from impl.hardware.keytable import KeyTable, Mode
from impl.hardware.msr import Registers

RandomBytes = Callable[[int], bytes]


@dataclass
class Cpu:
    """A logical processor."""

    online: bool = False


class Package:
    """One package.

    ``present``: physically in the machine. ``memory_present``: its memory is usable, from the
    moment its first CPU has come online until the package leaves. ``base``: its first physical
    address. ``random``: the source of SET_KEY_RANDOM. ``accesses``: where it reports what it
    touched: a line of memory as its physical address, the key table as `touched_table`.
    """

    def __init__(
        self,
        number: int,
        base: int,
        cpus: int,
        registers: Registers,
        random: RandomBytes,
        tme_random: RandomBytes,
        accesses: Accesses,
    ) -> None:
        """``tme_random``: the source of the TME key, a stream of its own."""
        self.base = base
        self.cpus = [Cpu() for _ in range(cpus)]
        self.registers = registers
        self.table = KeyTable(registers.offered_keyids)
        self.dram = Dram()
        self.present = False
        self.memory_present = False
        self.random = random
        self.accesses = accesses
        self.touched_table = ("key table", number)
        self.touched_random = ("random source", number)
        self._tme_random = tme_random
        self._tme: LineEngine | None = None

    def has_online_cpu(self) -> bool:
        """Whether software can execute PCONFIG on this package."""
        return any(cpu.online for cpu in self.cpus)

    def reset(self) -> None:
        """Registers and table as after power-on; the TME key is gone. DRAM keeps what it stores."""
        self.registers.reset()
        self.table.reset()
        self._tme = None

    def write_msr(self, msr: int, value: int) -> None:
        """WRMSR; activation draws a new TME key. Raises GeneralProtection."""
        self.registers.write(msr, value)
        self._tme = None

    def remove(self) -> None:
        """Out of the socket: its key table is gone; its memory modules keep what they store."""
        self.reset()
        self.present = self.memory_present = False

    def read(self, keyid: int, address: int, size: int) -> bytes:
        """``size`` bytes at a physical address without KeyID bits, through ``keyid``."""
        start = address & -LINE_BYTES
        end = address + size
        self.accesses.read_lines(range(start, max(end, start + 1), LINE_BYTES))
        engine = self._engine(keyid)
        if engine is None:
            return self.dram.read(address - self.base, size)
        span = end - start + LINE_BYTES - 1 & -LINE_BYTES
        lines = engine.decrypt_lines(start, self.dram.read(start - self.base, span))
        return lines if span == size else lines[address - start : end - start]

    def write(self, keyid: int, address: int, data: bytes) -> None:
        """Store bytes there; lines touched in part are read first, through the same KeyID."""
        start = address & -LINE_BYTES
        end = address + len(data)
        self.accesses.write_lines(range(start, max(end, start + 1), LINE_BYTES))
        engine = self._engine(keyid)
        if engine is None:
            self.dram.write(address - self.base, data)
            return
        span = end - start + LINE_BYTES - 1 & -LINE_BYTES
        if span != len(data):
            lines = engine.decrypt_lines(start, self.dram.read(start - self.base, span))
            data = lines[: address - start] + data + lines[end - start :]
        self.dram.write(start - self.base, engine.encrypt_lines(start, data))

    def _engine(self, keyid: int) -> LineEngine | None:
        """The cipher a line passes, None when it is stored as it is."""
        if keyid:
            self.accesses.read(self.touched_table)
            mode = self.table[keyid].mode
            if mode is Mode.ENCRYPT:
                return self.table.engine(keyid)
            if mode is Mode.NO_ENCRYPT:
                return None
        if self._tme is None and self.registers.encrypts_keyid_0:
            self._tme = LineEngine(self._tme_random(KEY_BYTES), self._tme_random(KEY_BYTES))
        return self._tme
