"""Decides what PCONFIG leaf 0 (MKTME_KEY_PROGRAM) does to a key table, and when it refuses.

Source: Intel Architecture Instruction Set Extensions Programming Reference (319433, May 2019) and
Memory Encryption Technologies Specification (336907), operation of PCONFIG. #GP(0) is raised, in
this order, by: privilege, leaf, encryption that is not activated, alignment, reserved bytes,
reserved bits of keyid_ctrl, and key fields that are longer than AES-XTS-128 keys. Everything after
that answers with a status and leaves the entry alone: command, KeyID, algorithm; then the table's
lock (DEVICE_BUSY); then, for random keys, the entropy source.

DIFFERS FROM SOURCE: privilege raises #UD there; hardware.md says #GP(0).
DIFFERS FROM SOURCE: hardware.md says nothing of the rest of a key field, which #GP(0) refuses here.
DIFFERS FROM SOURCE: there "activated" needs the enable bit of IA32_TME_ACTIVATE. Here a locked
register with KeyID bits is enough, because machines with keys in use and TME off are judged.
DIFFERS FROM SOURCE: there all four commands need an enabled algorithm; hardware.md asks it of the
two that set a key, and RFC v2 names none for the other two.
DIFFERS FROM SOURCE: later editions of the SDM say that a wrong command, KeyID or algorithm raises
#GP(0) and never was a status; the RFC is older, and hardware.md follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from impl.errors import GeneralProtection
from impl.hardware.engine import KEY_BYTES
from impl.hardware.keytable import RESET, Entry, KeyTable, Mode, fingerprint
from impl.hardware.msr import AES_XTS_128 as AES_XTS_128
from impl.hardware.msr import Registers

LEAF_KEY_PROGRAM: Final = 0
STRUCTURE_BYTES: Final = 192
STRUCTURE_ALIGNMENT: Final = 256
FIELD_BYTES: Final = 64

COMMAND_MASK: Final = 0xFF
ALGORITHM_SHIFT: Final = 8
ALGORITHM_MASK: Final = 0xFFFF
CONTROL_RESERVED: Final = 0xFF00_0000


class Command(IntEnum):
    """Bits 7:0 of keyid_ctrl."""

    SET_KEY_DIRECT = 0
    SET_KEY_RANDOM = 1
    CLEAR_KEY = 2
    NO_ENCRYPT = 3


class Status(IntEnum):
    """What PCONFIG leaves in EAX."""

    PROG_SUCCESS = 0
    INVALID_PROG_CMD = 1
    ENTROPY_ERROR = 2
    INVALID_KEYID = 3
    INVALID_ENC_ALG = 4
    DEVICE_BUSY = 5


COMMANDS: Final = frozenset(Command)
SETS_KEY: Final = frozenset({Command.SET_KEY_DIRECT, Command.SET_KEY_RANDOM})

# The environment's choice of a transient failure, asked once per execution that passed every other
# check.
Faults = Callable[[int, int, Command], Status]


def never(package: int, keyid: int, command: Command) -> Status:
    """The machine in which no PCONFIG ever fails."""
    return Status.PROG_SUCCESS


@dataclass(frozen=True)
class Outcome:
    """EAX and ZF after PCONFIG."""

    status: Status

    @property
    def zero_flag(self) -> bool:
        """ZF is set exactly when the entry was not changed."""
        return self.status is not Status.PROG_SUCCESS


@dataclass(frozen=True)
class Execution:
    """One executed PCONFIG, without key bytes. ``command``: the raw byte, valid or not.

    ``algorithm``: the operand's algorithm bits. ``key``: the fingerprint of what its key fields
    held, "" where they were zero.
    """

    cpu: int
    package: int
    keyid: int
    command: int
    status: Status
    algorithm: int = 0
    key: str = ""


def control(command: int, algorithm: int = 0) -> int:
    """keyid_ctrl: command in bits 7:0, algorithm bits in 23:8."""
    return command | algorithm << ALGORITHM_SHIFT


@dataclass(frozen=True)
class Structure:
    """The operand in memory: 192 bytes, little endian.

    The two key fields are 64 bytes each; shorter ones are padded with zeros.
    """

    keyid: int
    keyid_ctrl: int
    field_1: bytes = field(default=b"", repr=False)
    field_2: bytes = field(default=b"", repr=False)
    reserved: bytes = bytes(58)

    def encode(self) -> bytes:
        """As it lies in memory."""
        return (
            self.keyid.to_bytes(2, "little")
            + self.keyid_ctrl.to_bytes(4, "little")
            + self.reserved
            + self.field_1.ljust(FIELD_BYTES, b"\0")
            + self.field_2.ljust(FIELD_BYTES, b"\0")
        )

    @classmethod
    def decode(cls, raw: bytes) -> Structure:
        """From 192 bytes of memory; nothing is checked but the length (ValueError)."""
        if len(raw) != STRUCTURE_BYTES:
            raise ValueError("cannot decode a programming structure: it is not 192 bytes long")
        return cls(
            keyid=int.from_bytes(raw[0:2], "little"),
            keyid_ctrl=int.from_bytes(raw[2:6], "little"),
            field_1=raw[64:128],
            field_2=raw[128:192],
            reserved=raw[6:64],
        )

    @property
    def command(self) -> int:
        """Bits 7:0 of keyid_ctrl, whether or not they name a command."""
        return self.keyid_ctrl & COMMAND_MASK

    @property
    def algorithm(self) -> int:
        """Bits 23:8 of keyid_ctrl: one bit per algorithm."""
        return self.keyid_ctrl >> ALGORITHM_SHIFT & ALGORITHM_MASK

    @property
    def key(self) -> str:
        """The fingerprint of what the key fields hold; "" where they are zero."""
        if not any(self.field_1 + self.field_2):
            return ""
        return fingerprint(self.field_1[:KEY_BYTES], self.field_2[:KEY_BYTES])

    def executed(self, package: int, cpu: int, status: Status) -> Execution:
        """The record of an execution with this operand on a CPU."""
        command, algorithm = self.command, self.algorithm
        return Execution(cpu, package, self.keyid, command, status, algorithm, self.key)


def check_operand(privilege: int, leaf: int, address: int, registers: Registers) -> None:
    """The checks before memory is read, in order. Raises GeneralProtection."""
    if privilege != 0:
        raise GeneralProtection("cannot execute PCONFIG: the privilege level is not 0")
    if leaf != LEAF_KEY_PROGRAM:
        raise GeneralProtection(f"cannot execute PCONFIG: leaf {leaf} is not supported")
    # A register that is not locked has no KeyID bits.
    if registers.keyid_bits == 0:
        raise GeneralProtection("cannot execute PCONFIG: no KeyIDs are activated and locked")
    if address % STRUCTURE_ALIGNMENT:
        raise GeneralProtection("cannot execute PCONFIG: the structure is not 256-byte aligned")


def check_reserved(structure: Structure) -> None:
    """Reserved bytes and bits must be zero. Raises GeneralProtection.

    The upper 48 bytes of a key field are reserved with AES-XTS-128, whatever the command.
    """
    if any(structure.reserved) or structure.keyid_ctrl & CONTROL_RESERVED:
        raise GeneralProtection("cannot execute PCONFIG: a reserved bit of the structure is set")
    if any(structure.field_1[KEY_BYTES:]) or any(structure.field_2[KEY_BYTES:]):
        raise GeneralProtection("cannot execute PCONFIG: a key field is longer than 16 bytes")


def judge(structure: Structure, registers: Registers) -> Status:
    """The status the structure earns by itself; PROG_SUCCESS if nothing in it is wrong."""
    if structure.command not in COMMANDS:
        return Status.INVALID_PROG_CMD
    if not 1 <= structure.keyid <= registers.keyids:
        return Status.INVALID_KEYID
    if structure.command in SETS_KEY:
        is_enabled = structure.algorithm & registers.algorithms != 0
        if structure.algorithm.bit_count() != 1 or not is_enabled:
            return Status.INVALID_ENC_ALG
    return Status.PROG_SUCCESS


def possible(command: Command) -> tuple[Status, ...]:
    """What the environment may choose for an execution in which nothing else is wrong."""
    if command is Command.SET_KEY_RANDOM:
        return Status.PROG_SUCCESS, Status.DEVICE_BUSY, Status.ENTROPY_ERROR
    return Status.PROG_SUCCESS, Status.DEVICE_BUSY


def check_fault(status: Status, command: Command) -> Status:
    """An injected fault must be one the hardware can have. Raises ValueError."""
    if status not in possible(command):
        raise ValueError(f"cannot inject {status!r}: {command.name} has no such transient failure")
    return status


def program(table: KeyTable, structure: Structure, random: Callable[[int], bytes]) -> None:
    """Change the entry. ``random``: the package's own source, drawn from every time."""
    data_key, tweak_key = structure.field_1[:KEY_BYTES], structure.field_2[:KEY_BYTES]
    match Command(structure.command):
        case Command.SET_KEY_DIRECT:
            entry = Entry(Mode.ENCRYPT, structure.algorithm, data_key, tweak_key)
        case Command.SET_KEY_RANDOM:
            data_key, tweak_key = (
                mix(random(KEY_BYTES), data_key),
                mix(random(KEY_BYTES), tweak_key),
            )
            entry = Entry(Mode.ENCRYPT, structure.algorithm, data_key, tweak_key)
        case Command.CLEAR_KEY:
            entry = RESET
        case Command.NO_ENCRYPT:
            entry = Entry(Mode.NO_ENCRYPT)
    table[structure.keyid] = entry


def mix(one: bytes, other: bytes) -> bytes:
    """XOR of two strings of equal length."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
