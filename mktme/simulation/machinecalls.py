"""Decides what the commands on the machine do: CPUs, packages, kernel threads, failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from impl import KernelError
from impl.errors import AlreadyExists
from impl.hardware.faults import Failure
from impl.keyrings.process import Process
from impl.service.system import no_answer
from impl.threads import Operation
from mktme.simulation import tables
from mktme.simulation.expectations import Answer
from mktme.simulation.lines import Line
from mktme.simulation.session import Call, Caller, Doer, Session
from mktme.simulation.values import CpuNumber

# CPUs and packages


def _cpu(session: Session, named: CpuNumber) -> tuple[int, int]:
    """Package and CPU within it."""
    if named.package is None:
        return divmod(named.number, session.cpus)
    return named.package, named.number


def _named(named: CpuNumber) -> str:
    """As the script named it."""
    return f"CPU {named.number}" if named.package is None else f"CPU {named.package}.{named.number}"


def _hotplug(method: str) -> Caller:
    """A CPU comes or goes."""

    def caller(session: Session, line: Line, process: Process) -> Call:
        number = line.command["cpu"]
        package, cpu = _cpu(session, number)

        def call() -> Operation[None]:
            try:
                yield from getattr(session.kernel.calls, method)(package, cpu)
            except KernelError as refusal:
                told = f"CPU {cpu} of package {package}"
                refusal.args = (str(refusal).replace(told, _named(number), 1),)
                raise

        return Call(call)

    return caller


def _package_add(session: Session, line: Line, process: Process) -> Call:
    def add() -> Operation[None]:
        package, machine = line.command["package"], session.kernel.machine
        if package is None:
            machine.accesses.read("packages")
            absent = [number for number, one in enumerate(machine.packages) if not one.present]
            if not absent:
                raise AlreadyExists("add a package", "every package is in the machine")
            package = absent[0]
        yield from session.kernel.calls.package_add(package)

    return Call(add)


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


# Looking inside


def _show(session: Session, line: Line) -> Answer:
    return tables.shown(session, line.command["what"])


CALLERS: Final[Mapping[str, Caller]] = {
    "cpu online": _hotplug("cpu_startup"),
    "cpu offline": _hotplug("cpu_teardown"),
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
    "show": _show,
}
