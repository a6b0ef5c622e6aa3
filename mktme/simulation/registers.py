"""Decides what the commands on registers do, and what is left of the machine after a reset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from impl import KernelError
from impl.hardware.msr import (
    BYPASS,
    ENABLE,
    IA32_TME_ACTIVATE,
    KEYID_BITS_MASK,
    KEYID_BITS_SHIFT,
    LOCK,
)
from mktme.simulation.expectations import Answer
from mktme.simulation.lines import Line
from mktme.simulation.session import Doer, Session


class NoSuchDevice(KernelError):
    """ENXIO: what /dev/cpu/N/msr answers for a CPU that is not online."""

    name = "ENXIO"
    errno = 6


def _register(value: int, register: int) -> Answer:
    words = []
    if register == IA32_TME_ACTIVATE:
        words = [
            "locked" if value & LOCK else "not locked",
            "TME " + ("off" if not value & ENABLE else "bypassed" if value & BYPASS else "on"),
            f"{value >> KEYID_BITS_SHIFT & KEYID_BITS_MASK} KeyID bits",
        ]
    return Answer(said=f"{value:#x}", value=value, details=(", ".join(words),) if words else ())


def _rdmsr(session: Session, line: Line) -> Answer:
    package, register = line.command["package"], line.command["msr"]
    try:
        return _register(session.kernel.machine.rdmsr(package, register), register)
    except ValueError:
        raise NoSuchDevice(f"read MSR {register:#x}", _without_cpu(package)) from None


def _wrmsr(session: Session, line: Line) -> Answer:
    package, register = line.command["package"], line.command["msr"]
    try:
        session.kernel.machine.wrmsr(package, register, line.command["value"])
    except ValueError:
        raise NoSuchDevice(f"write MSR {register:#x}", _without_cpu(package)) from None
    return Answer()


def _without_cpu(package: int) -> str:
    return f"package {package} has no online CPU"


def _reset(session: Session, line: Line) -> Answer:
    """The machine starts anew below a kernel that nobody runs any more."""
    session.kernel.machine.reset(activate=not line.command["unlocked"])
    session.is_reset = True
    return Answer()


DOERS: Final[Mapping[str, Doer]] = {"rdmsr": _rdmsr, "wrmsr": _wrmsr, "reset": _reset}
