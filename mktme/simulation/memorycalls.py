"""Decides what the commands on processes and their memory do, and how memory reads to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from impl import KernelError
from impl.keyrings.process import ROOT_CAPABILITIES, Process
from impl.threads import Operation
from mktme.simulation import redact
from mktme.simulation.contents import bytes_in_words
from mktme.simulation.expectations import Answer
from mktme.simulation.keynames import serial_of
from mktme.simulation.lines import Line
from mktme.simulation.session import Call, Caller, CannotRun, Doer, Session

# Processes


def _process(session: Session, line: Line) -> Answer:
    command, node = line.command, line.command["node"] or 0
    uid = 0 if command["uid"] is None else command["uid"]
    capabilities = command["caps"]
    if capabilities is None:
        capabilities = ROOT_CAPABILITIES if uid == 0 else frozenset()
    gid = uid if command["gid"] is None else command["gid"]
    groups = command["groups"] or frozenset()
    process = session.kernel.process(uid, gid, groups, capabilities, node)
    session.processes[command["name"]] = process
    return _pid(process)


def _pid(process: Process) -> Answer:
    return Answer(said=f"process {process.pid}", value=process.pid)


def _as(session: Session, line: Line) -> Answer:
    name = line.command["name"]
    if name not in session.processes:
        raise CannotRun(f"process {name} was never made")
    session.current = name
    return Answer()


def _fork(session: Session, line: Line, process: Process) -> Call:
    def fork() -> Operation[Process]:
        child = yield from session.kernel.mm.fork(process)
        session.kernel.keyctl.fork(process, child)
        return child

    def answer(child: Process) -> Answer:
        session.stored.fork(process.pid, child.pid)
        session.processes[line.command["name"]] = child
        return _pid(child)

    return Call(fork, answer)


def _exit(session: Session, line: Line, process: Process) -> Call:
    name = session.current

    def leave() -> Operation[None]:
        yield from session.kernel.mm.exit(process)
        session.kernel.keyctl.exit(process)

    def answer(_: object) -> Answer:
        session.gone[name] = f"has exited in line {line.number}"
        return Answer()

    return Call(leave, answer)


# Mappings


def _mmap(session: Session, line: Line, process: Process) -> Call:
    command, mm = line.command, session.kernel.mm
    at = None if command["at"] is None else session.number(command["at"])
    prot, anonymous = command["prot"] or "rw", not command["file"]

    def answer(address: int) -> Answer:
        session.stored.forget(process.pid, address, command["length"])
        return Answer(said=f"{address:#x}", value=address)

    return Call(lambda: mm.mmap(process, command["length"], at, prot, anonymous), answer)


def _munmap(session: Session, line: Line, process: Process) -> Call:
    address, length = session.number(line.command["address"]), line.command["length"]

    def unmap() -> Operation[None]:
        yield from session.kernel.mm.munmap(process, address, length)
        session.stored.forget(process.pid, address, length)

    return Call(unmap)


def _mprotect(session: Session, line: Line, process: Process) -> Call:
    command, mm = line.command, session.kernel.mm
    address = session.number(command["address"])
    return Call(lambda: mm.mprotect(process, address, command["length"], command["prot"]))


def _encrypt_mprotect(session: Session, line: Line, process: Process) -> Call:
    command, mm, stored = line.command, session.kernel.mm, session.stored
    address, length = session.number(command["address"]), command["length"]

    def forget() -> None:
        # With another key the pages go and their contents with them.
        stored.forget(process.pid, address, length, but=mm.page_table(process))

    def encrypt() -> Operation[None]:
        serial = yield from serial_of(session, process, command["key"])
        try:
            yield from mm.encrypt_mprotect(process, address, length, command["prot"], serial)
        except KernelError:
            # Some VMAs may have changed before the one that is in the way.
            forget()
            raise

    def answer(_: object) -> Answer:
        forget()
        return Answer()

    return Call(encrypt, answer)


def _migrate(session: Session, line: Line, process: Process) -> Call:
    address = session.number(line.command["address"])
    package = line.command["package"]
    return Call(lambda: session.kernel.mm.migrate(process, address, package))


# Loads and stores


def _write(session: Session, line: Line, process: Process) -> Call:
    text, address = line.command["text"], session.number(line.command["address"])
    session.needles.text(text, line.number, address)
    data = redact.encoded(text)

    def store() -> Operation[None]:
        # Pages before a refused one are written.
        session.stored.forget(process.pid, address, len(data))
        yield from session.kernel.mm.write(process, address, data)
        session.stored.store(process.pid, address, data)

    return Call(store)


def _read(session: Session, line: Line, process: Process) -> Call:
    address, length = session.number(line.command["address"]), line.command["length"]

    def answer(data: bytes) -> Answer:
        known, wrong = session.stored.compared(process.pid, address, data)
        return bytes_in_words(data, known, wrong, session.secrets)

    return Call(lambda: session.kernel.mm.read(process, address, length), answer)


CALLERS: Final[Mapping[str, Caller]] = {
    "fork": _fork,
    "exit": _exit,
    "mmap": _mmap,
    "munmap": _munmap,
    "mprotect": _mprotect,
    "encrypt_mprotect": _encrypt_mprotect,
    "write": _write,
    "read": _read,
    "migrate": _migrate,
}

DOERS: Final[Mapping[str, Doer]] = {"process": _process, "as": _as}
