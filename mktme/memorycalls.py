"""Decides what the commands on processes and their memory do, and how memory reads to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from impl.keyrings.process import ROOT_CAPABILITIES, Process
from impl.threads import Operation
from mktme import redact
from mktme.expectations import GARBAGE, Answer
from mktme.keynames import serial_of
from mktme.script import Line
from mktme.session import Call, Caller, CannotRun, Doer, Session

# Nobody types more than this, and a longer read is a slip.
READ_BYTES_MAX: Final = 1 << 20


# Processes


def _process(session: Session, line: Line) -> Answer:
    command, node = line.command, line.command["node"] or 0
    if node >= len(session.kernel.machine.packages):
        raise CannotRun(f"there is no package {node} to run on")
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


def _address(value: int) -> Answer:
    return Answer(said=f"{value:#x}", value=value)


def _mmap(session: Session, line: Line, process: Process) -> Call:
    command, mm = line.command, session.kernel.mm
    at = None if command["at"] is None else session.number(command["at"])
    prot, anonymous = command["prot"] or "rw", not command["file"]
    return Call(lambda: mm.mmap(process, command["length"], at, prot, anonymous), _address)


def _on_range(method: str, *more: str) -> Caller:
    """A command on a range of addresses; ``more``: what the call takes besides."""

    def caller(session: Session, line: Line, process: Process) -> Call:
        command = line.command
        address = session.number(command["address"])
        call = getattr(session.kernel.mm, method)
        rest = [command[name] for name in more]
        return Call(lambda: call(process, address, command["length"], *rest))

    return caller


def _encrypt_mprotect(session: Session, line: Line, process: Process) -> Call:
    command, mm = line.command, session.kernel.mm
    address = session.number(command["address"])

    def encrypt() -> Operation[None]:
        serial = yield from serial_of(session, process, command["key"])
        yield from mm.encrypt_mprotect(process, address, command["length"], command["prot"], serial)

    return Call(encrypt)


def _migrate(session: Session, line: Line, process: Process) -> Call:
    address = session.number(line.command["address"])
    package = line.command["package"]
    return Call(lambda: session.kernel.mm.migrate(process, address, package))


# Loads and stores


def _write(session: Session, line: Line, process: Process) -> Call:
    text, address = line.command["text"], session.number(line.command["address"])
    session.needles.text(text, line.number)
    data = text.encode(errors="surrogateescape")
    return Call(lambda: session.kernel.mm.write(process, address, data))


def _read(session: Session, line: Line, process: Process) -> Call:
    address, length = session.number(line.command["address"]), line.command["length"]
    if length > READ_BYTES_MAX:
        raise CannotRun(f"read takes at most {READ_BYTES_MAX} bytes at a time")
    return Call(lambda: session.kernel.mm.read(process, address, length), bytes_in_words)


def bytes_in_words(data: bytes) -> Answer:
    """Text as text, zeros as zeros, and everything else as garbage with a fingerprint."""
    shown = data.rstrip(b"\0")
    if not shown:
        return Answer(said=f"zeros ({len(data)} bytes)" if data else '""', text="")
    try:
        text = shown.decode()
    except UnicodeDecodeError:
        text = "\x7f"
    if not text.replace("\0", "").isprintable():
        return Answer(said=f"{GARBAGE} ({len(data)} bytes, {redact.of_bytes(data)})")
    said = text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "\\0")
    return Answer(said=f'"{said}"', text=text)


CALLERS: Final[Mapping[str, Caller]] = {
    "fork": _fork,
    "exit": _exit,
    "mmap": _mmap,
    "munmap": _on_range("munmap"),
    "mprotect": _on_range("mprotect", "prot"),
    "encrypt_mprotect": _encrypt_mprotect,
    "write": _write,
    "read": _read,
    "migrate": _migrate,
}

DOERS: Final[Mapping[str, Doer]] = {"process": _process, "as": _as}
