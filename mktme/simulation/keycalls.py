"""Decides what keyctl's commands ask of the key retention service, and how its answers read.

The words are those of keyctl(1). A payload is never shown: reading a key gives its length and a
fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from impl import KernelError
from impl.keyrings.keyring import unpack_serials
from impl.keyrings.process import Process
from impl.threads import Operation
from mktme.simulation import redact
from mktme.simulation.expectations import Answer
from mktme.simulation.keylisting import is_keyring
from mktme.simulation.keynames import serial_of, with_serial
from mktme.simulation.lines import Line
from mktme.simulation.session import Call, Caller, Session

UNCHANGED: Final = -1


# Payloads


def _add(session: Session, line: Line, process: Process) -> Call:
    command, kernel = line.command, session.kernel
    session.needles.payload(command["payload"], line.number)
    payload = redact.encoded(command["payload"])

    def add(keyring: int) -> Operation[int]:
        return kernel.keyctl.add_key(
            process,
            command["type"],
            command["desc"],
            payload,
            keyring,
            None if command["packages"] is None else sorted(command["packages"]),
        )

    def answer(serial: int) -> Answer:
        session.payloads[serial] = payload
        return _number(serial)

    return Call(with_serial(session, line, process, "keyring", add), answer)


def _changing_payload(
    session: Session, line: Line, process: Process, call: Callable[[int, bytes], Operation[None]]
) -> Call:
    session.needles.payload(line.command["payload"], line.number)
    payload = redact.encoded(line.command["payload"])

    def change(serial: int) -> Operation[int]:
        yield from call(serial, payload)
        return serial

    def answer(serial: int) -> Answer:
        session.payloads[serial] = payload
        return Answer()

    return Call(with_serial(session, line, process, "key", change), answer)


def _update(session: Session, line: Line, process: Process) -> Call:
    keyctl = session.kernel.keyctl
    return _changing_payload(
        session, line, process, lambda serial, payload: keyctl.update(process, serial, payload)
    )


def _extend(session: Session, line: Line, process: Process) -> Call:
    keyctl, package = session.kernel.keyctl, line.command["package"]
    return _changing_payload(
        session,
        line,
        process,
        lambda serial, payload: keyctl.extend(process, serial, package, payload),
    )


def _read(session: Session, line: Line, process: Process) -> Call:
    keyctl = session.kernel.keyctl

    def read(serial: int) -> Operation[tuple[bytes, bool]]:
        payload = yield from keyctl.read(process, serial)
        try:
            text = yield from keyctl.describe(process, serial)
        except KernelError:
            # It may be read and not viewed: then nothing says that it is a keyring.
            return payload, False
        return payload, is_keyring(text)

    def answer(found: tuple[bytes, bool]) -> Answer:
        payload, is_keyring = found
        if is_keyring:
            serials = unpack_serials(payload)
            return Answer(
                said=" ".join(map(str, serials)) or "empty",
                counts={"keys": len(serials)},
                record={"keys": list(serials)},
            )
        return Answer(said=f"{len(payload)} bytes, {redact.of_bytes(payload)}")

    return Call(with_serial(session, line, process, "key", read), answer)


# Keys and keyrings


def _number(value: int) -> Answer:
    return Answer(said=str(value), value=value)


def _newring(session: Session, line: Line, process: Process) -> Call:
    name, keyctl = line.command["ring"], session.kernel.keyctl
    begin = with_serial(
        session,
        line,
        process,
        "keyring",
        lambda keyring: keyctl.add_key(process, "keyring", name, b"", keyring),
    )
    return Call(begin, _number)


def _search(session: Session, line: Line, process: Process) -> Call:
    command, keyctl = line.command, session.kernel.keyctl

    def search(keyring: int) -> Operation[int]:
        destination = 0
        if command["destination"] is not None:
            destination = yield from serial_of(session, process, command["destination"])
        return (
            yield from keyctl.search(
                process, keyring, command["type"], command["desc"], destination
            )
        )

    return Call(with_serial(session, line, process, "keyring", search), _number)


def _on_one(name: str, call: Callable[[Session, Line, Process, int], Operation[None]]) -> Caller:
    """A command on the key that stands in one parameter, and that answers nothing."""

    def caller(session: Session, line: Line, process: Process) -> Call:
        return Call(
            with_serial(
                session, line, process, name, lambda serial: call(session, line, process, serial)
            )
        )

    return caller


def _on_two(method: str) -> Caller:
    """Link and unlink."""

    def call(session: Session, line: Line, process: Process, serial: int) -> Operation[None]:
        keyring = yield from serial_of(session, process, line.command["keyring"])
        yield from getattr(session.kernel.keyctl, method)(process, serial, keyring)

    return _on_one("key", call)


def _session(session: Session, line: Line, process: Process) -> Call:
    keyctl, name = session.kernel.keyctl, line.command["ring"]
    return Call(lambda: keyctl.join_session_keyring(process, name), _number)


CALLERS: Final[Mapping[str, Caller]] = {
    "keyctl add": _add,
    "keyctl update": _update,
    "keyctl extend": _extend,
    "keyctl newring": _newring,
    "keyctl revoke": _on_one("key", lambda s, _, p, key: s.kernel.keyctl.revoke(p, key)),
    "keyctl invalidate": _on_one("key", lambda s, _, p, key: s.kernel.keyctl.invalidate(p, key)),
    "keyctl clear": _on_one("keyring", lambda s, _, p, ring: s.kernel.keyctl.clear(p, ring)),
    "keyctl link": _on_two("link"),
    "keyctl unlink": _on_two("unlink"),
    "keyctl search": _search,
    "keyctl read": _read,
    "keyctl timeout": _on_one(
        "key", lambda s, ln, p, key: s.kernel.keyctl.set_timeout(p, key, ln.command["timeout"])
    ),
    "keyctl setperm": _on_one(
        "key", lambda s, ln, p, key: s.kernel.keyctl.setperm(p, key, ln.command["mask"])
    ),
    "keyctl chown": _on_one(
        "key", lambda s, ln, p, key: s.kernel.keyctl.chown(p, key, ln.command["uid"], UNCHANGED)
    ),
    "keyctl chgrp": _on_one(
        "key", lambda s, ln, p, key: s.kernel.keyctl.chown(p, key, UNCHANGED, ln.command["gid"])
    ),
    "keyctl session": _session,
}
