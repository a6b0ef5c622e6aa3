"""Decides which key a script means: a serial number, a variable, a name, or a keyring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from impl import KernelError
from impl.keyrings.process import Process
from impl.keyrings.special import Special
from impl.threads import Operation
from mktme.simulation.lines import Line
from mktme.simulation.session import Session
from mktme.simulation.values import KeyName, KeyringName

SPECIAL: Final = {
    "@t": Special.THREAD,
    "@p": Special.PROCESS,
    "@s": Special.SESSION,
    "@u": Special.USER,
    "@us": Special.USER_SESSION,
}


def serial_of(session: Session, process: Process, key: Any) -> Operation[int]:
    """The serial number (or KEY_SPEC number) of a key as a script names it.

    A name is looked for in the process's keyrings, and then, as keyctl(1) does it, among all keys
    that the process may view. A dead key of that name answers for it only if no live one has it.
    """
    if isinstance(key, KeyringName):
        return int(SPECIAL[key.name])
    if not isinstance(key, KeyName):
        return session.number(key)
    keyctl = session.kernel.keyctl
    try:
        return (yield from keyctl.request_key(process, key.type, key.description))
    except KernelError as refusal:
        error = refusal
    for line in keyctl.listing(process):
        serial = int(line.split()[0], 16)
        try:
            text = yield from keyctl.describe(process, serial)
        except KernelError as refusal:
            # What cannot be described has no name to compare; its own key object still has one.
            dead = session.kernel.key(serial)
            if dead is not None and (dead.type, dead.description) == (key.type, key.description):
                error = refusal
            continue
        if _is_named(key, text):
            return serial
    raise error


def _is_named(key: KeyName, described: str) -> bool:
    type_, _, _, _, description = described.split(";", 4)
    return (type_, description) == (key.type, key.description)


def with_serial(
    session: Session, line: Line, process: Process, name: str, call: Callable[[int], Operation[Any]]
) -> Callable[[], Operation[Any]]:
    """An operation that first finds the key which a line names in a parameter."""

    def operation() -> Operation[Any]:
        serial = yield from serial_of(session, process, line.command[name])
        return (yield from call(serial))

    return operation
