"""Decides what the commands on the machine do: CPUs, packages, registers, failures, attackers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from impl import KernelError
from impl.attack.attacker import Finding
from impl.hardware.faults import Failure
from impl.hardware.msr import (
    BYPASS,
    ENABLE,
    IA32_TME_ACTIVATE,
    KEYID_BITS_MASK,
    KEYID_BITS_SHIFT,
    LOCK,
)
from impl.keyrings.process import Process
from impl.service.system import no_answer
from impl.threads import Operation
from mktme import tables
from mktme.expectations import Answer
from mktme.kinds import CpuNumber
from mktme.script import Line
from mktme.session import Call, Caller, CannotRun, Doer, Session


class NoSuchDevice(KernelError):
    """ENXIO: what /dev/cpu/N/msr answers for a CPU that is not online."""

    name = "ENXIO"
    errno = 6


# CPUs and packages


def _cpu(session: Session, named: CpuNumber) -> tuple[int, int]:
    """Package and CPU within it."""
    if named.package is None:
        return divmod(named.number, session.cpus)
    return named.package, named.number


def _online(session: Session, line: Line, process: Process) -> Call:
    package, cpu = _cpu(session, line.command["cpu"])
    return Call(lambda: session.kernel.calls.cpu_startup(package, cpu))


def _offline(session: Session, line: Line, process: Process) -> Call:
    package, cpu = _cpu(session, line.command["cpu"])
    return Call(lambda: session.kernel.calls.cpu_teardown(package, cpu))


def _package_add(session: Session, line: Line, process: Process) -> Call:
    package = line.command["package"]
    if package is None:
        packages = session.kernel.machine.packages
        absent = [number for number, one in enumerate(packages) if not one.present]
        if not absent:
            raise CannotRun("every package is in the machine")
        package = absent[0]
    return Call(lambda: session.kernel.calls.package_add(package))


def _package_remove(session: Session, line: Line, process: Process) -> Call:
    return Call(lambda: session.kernel.calls.package_remove(line.command["package"]))


# Kernel threads


def _gc(session: Session, line: Line, process: Process) -> Call:
    def answer(serials: list[int]) -> Answer:
        if not serials:
            return Answer(said="nothing to collect", counts={"keys": 0})
        gone = ", ".join(map(str, serials))
        many = "keys" if len(serials) > 1 else "key"
        return Answer(said=f"collected {many} {gone}", counts={"keys": len(serials)})

    return Call(lambda: session.kernel.keyctl.collect(), answer)


def _worker(session: Session, line: Line, process: Process) -> Call:
    kernel = session.kernel

    def work() -> Operation[list[tuple[int, int, str]]]:
        done = []
        for package, keyid in sorted(kernel.uncleared()):
            try:
                yield from kernel.calls.retry_clear(package, keyid)
                done.append((package, keyid, ""))
            except KernelError as refusal:
                done.append((package, keyid, f"{refusal.name}: {refusal}"))
        return done

    def answer(done: list[tuple[int, int, str]]) -> Answer:
        cleared = sum(not refusal for _, _, refusal in done)
        said = f"cleared {cleared} of {len(done)}" if done else "nothing waits to be cleared"
        details = tuple(
            f"KeyID {keyid} of package {package}: {refusal or 'cleared'}"
            for package, keyid, refusal in done
        )
        return Answer(said=said, counts={"pairs": cleared}, details=details)

    return Call(work, answer)


# The environment


def _owner(session: Session, line: Line) -> Answer:
    answers = line.command["owner"] == "answers"
    session.kernel.resupply = session.resupply if answers else no_answer
    return Answer()


def _fault_pconfig(session: Session, line: Line) -> Answer:
    command = line.command
    # Once if it does not say how often; the kind's 0 stands for always.
    times = 1 if command["times"] is None else command["times"] or None
    session.plan(Failure(command["failure"], command["package"], command["keyid"], times))
    return Answer()


def _fault_seeded(session: Session, line: Line) -> Answer:
    session.fail_at_random(line.command["seed"] or 0, line.command["probability"])
    return Answer()


def _fault_none(session: Session, line: Line) -> Answer:
    session.fail_no_more()
    return Answer()


def _sleep(session: Session, line: Line) -> Answer:
    session.kernel.keyctl.clock.advance(line.command["seconds"])
    return Answer()


# Registers


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


# Attackers


def _cold_boot(session: Session, line: Line) -> Answer:
    decay, seed = line.command["decay"] or 0.0, line.command["seed"] or 0
    return _found(session.kernel.cold_boot(session.needles.named(), decay, seed))


def _disclosure(session: Session, line: Line) -> Answer:
    return _found(session.kernel.disclosure(session.needles.named()))


def _found(findings: Iterable[Finding]) -> Answer:
    lines = tuple(map(finding_in_words, findings))
    said = f"{len(lines)} finding{'' if len(lines) == 1 else 's'}"
    return Answer(said=said, counts={"findings": len(lines)}, details=lines)


def finding_in_words(finding: Finding) -> str:
    """What was found where, never the bytes."""
    where = finding.where
    area = "" if where.area == where.holds else f" ({where.area})"
    wrong = finding.bits_in_error
    errors = f", {wrong} bit{'' if wrong == 1 else 's'} in error" if wrong else ""
    return (
        f"{finding.needle}: {where.state} {where.holds}{area} + {where.offset},"
        f" package {finding.package}, address {finding.address:#x}{errors}"
    )


def _show(session: Session, line: Line) -> Answer:
    return tables.shown(session, line.command["what"])


CALLERS: Final[Mapping[str, Caller]] = {
    "cpu online": _online,
    "cpu offline": _offline,
    "package add": _package_add,
    "package remove": _package_remove,
    "gc": _gc,
    "worker": _worker,
}

DOERS: Final[Mapping[str, Doer]] = {
    "owner": _owner,
    "fault pconfig": _fault_pconfig,
    "fault seeded": _fault_seeded,
    "fault none": _fault_none,
    "sleep": _sleep,
    "rdmsr": _rdmsr,
    "wrmsr": _wrmsr,
    "cold-boot": _cold_boot,
    "disclosure": _disclosure,
    "show": _show,
}
