"""Decides how keys and keyrings are listed: in the columns and trees of keyctl(1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from impl import KernelError
from impl.errors import NotAKeyring
from impl.keyrings.keyring import unpack_serials
from impl.keyrings.permissions import Need
from impl.keyrings.process import Process
from impl.keyrings.search import DEPTH_MAX
from impl.threads import Operation
from mktme.simulation.expectations import Answer
from mktme.simulation.keynames import serial_of, with_serial
from mktme.simulation.lines import Line
from mktme.simulation.session import Call, Caller, Session
from mktme.simulation.values import KeyringName

LETTERS: Final = {
    "a": Need.SETATTR,
    "l": Need.LINK,
    "s": Need.SEARCH,
    "w": Need.WRITE,
    "r": Need.READ,
    "v": Need.VIEW,
}


def is_keyring(text: str) -> bool:
    """Whether a description is that of a keyring."""
    return text.startswith("keyring;")


def permissions(mask: int) -> str:
    """A mask as keyctl(1) shows it: possessor, user, group, other, each in the order alswrv."""
    return "".join(
        letter if mask >> shift & need else "-"
        for shift in (24, 16, 8, 0)
        for letter, need in LETTERS.items()
    )


def described(serial: int, text: str) -> str:
    """One key in a line, as keyctl(1) describes it."""
    type_, uid, gid, mask, description = text.split(";", 4)
    return f"{serial}: {permissions(int(mask, 16))} {uid:>5} {gid:>5} {type_}: {description}"


def _describe(session: Session, line: Line, process: Process) -> Call:
    keyctl = session.kernel.keyctl

    def describe(serial: int) -> Operation[str]:
        return described(serial, (yield from keyctl.describe(process, serial)))

    return Call(
        with_serial(session, line, process, "key", describe), lambda text: Answer(said=text)
    )


def _list(session: Session, line: Line, process: Process) -> Call:
    def listing(keyring: int) -> Operation[list[str]]:
        # The payload of a key that is no keyring must not be taken for serial numbers.
        text = yield from session.kernel.keyctl.describe(process, keyring)
        if not is_keyring(text):
            raise NotAKeyring("list keyring", f"{text.split(';')[-1]} is not a keyring")
        return (yield from _tree(session, process, keyring, depth_max=0))

    return Call(with_serial(session, line, process, "keyring", listing), _listed)


def _show(session: Session, line: Line, process: Process) -> Call:
    keyring = line.command["keyring"] or KeyringName("@s")

    def show() -> Operation[list[str]]:
        keyctl, named = session.kernel.keyctl, (yield from serial_of(session, process, keyring))
        serial = yield from keyctl.get_keyring_id(process, named)
        text = yield from keyctl.describe(process, serial)
        below = []
        if is_keyring(text):
            below = yield from _tree(session, process, serial, depth_max=DEPTH_MAX)
        return [described(serial, text), *below]

    return Call(show, lambda lines: Answer(said=lines[0], details=tuple(lines[1:])))


def _listed(lines: list[str]) -> Answer:
    number = f"{len(lines)} key{'' if len(lines) == 1 else 's'}"
    return Answer(
        said=number, counts={"keys": len(lines)}, details=tuple(lines), record={"keys": lines}
    )


def _tree(session: Session, process: Process, keyring: int, depth_max: int) -> Operation[list[str]]:
    """What a keyring links, a key a line, and what is linked below indented."""
    keyctl, found = session.kernel.keyctl, []
    for serial in unpack_serials((yield from keyctl.read(process, keyring))):
        try:
            text = yield from keyctl.describe(process, serial)
        except KernelError as refusal:
            found.append(f"{serial}: {refusal.name}")
            continue
        found.append(described(serial, text))
        if depth_max and is_keyring(text):
            below = yield from _tree(session, process, serial, depth_max - 1)
            found += [f"  {line}" for line in below]
    return found


CALLERS: Final[Mapping[str, Caller]] = {
    "keyctl describe": _describe,
    "keyctl list": _list,
    "keyctl show": _show,
}
