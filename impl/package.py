"""Decides what one physical package is: CPUs, a key table, and memory behind the line engine.

Taking CPUs offline touches neither the table nor the memory: other packages keep using both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from impl.dram import Dram
from impl.engine import KEY_BYTES, LineEngine
from impl.keytable import KeyTable, Mode

RandomBytes = Callable[[int], bytes]


@dataclass
class Cpu:
    """A logical processor."""

    online: bool = False


class Package:
    """One package.

    ``present``: physically in the machine. ``memory_present``: its memory is usable, from the
    moment its first CPU has come online, and for good. ``base``: its first physical address.
    """

    def __init__(self, base: int, cpus: int, keyids: int, tme: bool, random: RandomBytes) -> None:
        """``tme``: KeyID 0 traffic is encrypted, under a key drawn here that nothing ever reads."""
        self.base = base
        self.cpus = [Cpu() for _ in range(cpus)]
        self.table = KeyTable(keyids)
        self.dram = Dram()
        self.present = False
        self.memory_present = False
        self.random = random
        self._tme = LineEngine(random(KEY_BYTES), random(KEY_BYTES)) if tme else None

    def has_online_cpu(self) -> bool:
        """Whether software can execute PCONFIG on this package."""
        return any(cpu.online for cpu in self.cpus)

    def read_lines(self, keyid: int, address: int, size: int) -> bytes:
        """Whole lines at a physical address without KeyID bits, through ``keyid``."""
        stored = self.dram.read(address - self.base, size)
        engine = self._engine(keyid)
        return stored if engine is None else engine.decrypt_lines(address, stored)

    def write_lines(self, keyid: int, address: int, lines: bytes) -> None:
        """The same, towards DRAM."""
        engine = self._engine(keyid)
        stored = lines if engine is None else engine.encrypt_lines(address, lines)
        self.dram.write(address - self.base, stored)

    def _engine(self, keyid: int) -> LineEngine | None:
        """The cipher a line passes, None when it is stored as it is."""
        if keyid == 0:
            return self._tme
        mode = self.table[keyid].mode
        if mode is Mode.ENCRYPT:
            return self.table.engine(keyid)
        return self._tme if mode is Mode.TME else None
