"""Decides what one word of a script can stand for: sizes, addresses, keys, CPUs, and so on.

Each kind is a function from the word's text to its value; ValueError says what is wrong with it, as
the end of a sentence that begins with the word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from designs import nearest
from impl.hardware.machine import TME_SETTINGS
from impl.hardware.msr import NAMES as MSR_NAMES
from impl.hardware.pconfig import Status
from mktme.simulation.values import CpuNumber, KeyName, KeyringName, Variable

UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SIZE: Final = re.compile(r"(0x[0-9a-fA-F]+|[0-9]+)([KMG]?)")
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
PLACE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_-]*?)(?:([+-])(0x[0-9a-fA-F]+|[0-9]+)([KMG]?))?")

KEYRINGS: Final = {
    "@t": "thread",
    "@p": "process",
    "@s": "session",
    "@u": "user",
    "@us": "user session",
}
FAILURES: Final = {"busy": Status.DEVICE_BUSY, "entropy": Status.ENTROPY_ERROR}
OWNERS: Final = ("answers", "silent")
SHOWS: Final = (
    "tables",
    "cpus",
    "map",
    "vault",
    "counts",
    "keys",
    "vmas",
    "pages",
    "processes",
    "locks",
    "events",
)
ID_MAX: Final = (1 << 32) - 2
PROTECTIONS: Final = {"PROT_NONE": "", "PROT_READ": "r", "PROT_WRITE": "w", "PROT_EXEC": "x"}


def text(word: str) -> str:
    """Any text."""
    return word


def name(word: str) -> str:
    """The name of a process or keyring."""
    if not NAME.fullmatch(word):
        raise ValueError("is no name: a letter, then letters, digits, _ and -")
    return word


def number(word: str) -> int:
    """A number that is not negative, in decimal or with 0x."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,32}|[0-9]{1,32}", word):
        raise ValueError("is no number")
    return int(word, 16) if word.startswith("0x") else int(word)


def numbers(word: str) -> frozenset[int]:
    """Numbers with commas between them."""
    try:
        return frozenset(number(part) for part in word.split(","))
    except ValueError:
        raise ValueError("is no list of numbers such as 0,1") from None


def identity(word: str) -> int:
    """A uid or gid; the greatest 32-bit number stands for "unchanged" in the calls."""
    found = number(word)
    if found > ID_MAX:
        raise ValueError(f"is no uid or gid: 0 to {ID_MAX}")
    return found


def identities(word: str) -> frozenset[int]:
    """The same with commas between them."""
    return frozenset(identity(str(one)) for one in numbers(word))


def count(word: str) -> int:
    """A number that is not 0."""
    found = number(word)
    if not found:
        raise ValueError("must not be 0")
    return found


def size(word: str) -> int:
    """A number of bytes: 4096, 4K, 0x1000."""
    match = SIZE.fullmatch(word)
    if match is None:
        raise ValueError("is no length such as 4096, 4K or 0x1000")
    return number(match[1]) * UNITS[match[2]]


def address(word: str) -> int | Variable:
    """An address, or a variable and a distance."""
    if word.startswith("$"):
        match = PLACE.fullmatch(word)
        if match is None:
            raise ValueError("is no variable and distance such as $a or $a+4K")
        sign = -1 if match[2] == "-" else 1
        return Variable(match[1], sign * size(match[3] + match[4]) if match[2] else 0)
    try:
        return size(word)
    except ValueError:
        raise ValueError("is no address: a number, or a variable such as $a+4K") from None


def key(word: str) -> int | Variable | KeyName | KeyringName:
    """A key or keyring: serial number, variable, %type:description, %:keyring, or such as @u."""
    if word.startswith("@"):
        if word not in KEYRINGS:
            raise ValueError(f"is no keyring{nearest(word, KEYRINGS)}")
        return KeyringName(word)
    if word.startswith("%"):
        type_, colon, description = word[1:].partition(":")
        if not (colon and description):
            raise ValueError("is no name of a key: %type:description, or %:name of a keyring")
        return KeyName(type_ or "keyring", description)
    if word.startswith("$"):
        if not NAME.fullmatch(word[1:]):
            raise ValueError("is no variable such as $k")
        return Variable(word[1:])
    try:
        return number(word)
    except ValueError:
        raise ValueError(
            "is no key: a serial number, $variable, %type:description, or " + ", ".join(KEYRINGS)
        ) from None


def protection(word: str) -> str:
    """``none``, letters of rwx, or PROT_READ|PROT_WRITE."""
    if word.startswith("PROT_"):
        letters = [PROTECTIONS.get(part) for part in word.split("|")]
        if None not in letters:
            return "".join(sorted(set(filter(None, letters)), key="rwx".index)) or "none"
    elif word == "none" or (word and set(word) <= set("rwx") and len(set(word)) == len(word)):
        return word
    raise ValueError("is no protection: none, letters of rwx, or PROT_READ|PROT_WRITE")


def capabilities(word: str) -> frozenset[str]:
    """``none``, or capability names with commas between them."""
    if word == "none":
        return frozenset()
    found = frozenset(word.upper().split(","))
    if not all(re.fullmatch(r"CAP_[A-Z]+(_[A-Z]+)*", one) for one in found):
        raise ValueError("is no list of capabilities: none, or names such as CAP_SYS_ADMIN")
    return found


def cpu(word: str) -> CpuNumber:
    """``3``, or ``1.0``: package and CPU."""
    match = re.fullmatch(r"(?:([0-9]+)\.)?([0-9]+)", word)
    if match is None:
        raise ValueError("is no CPU: a number such as 3, or package and CPU such as 1.0")
    return CpuNumber(int(match[1]) if match[1] else None, int(match[2]))


def seconds(word: str) -> float:
    """A time that is not negative."""
    try:
        found = float(word)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ValueError("is no time in seconds")
    return found


def word64(word: str) -> int:
    """What a register holds."""
    found = number(word)
    if found >> 64:
        raise ValueError("does not fit into 64 bits")
    return found


def probability(word: str) -> float:
    """0 to 1."""
    try:
        found = float(word)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise ValueError("is no probability: 0 to 1")
    return found


def times(word: str) -> int:
    """How often; 0: always."""
    return 0 if word == "always" else count(word)


def msr(word: str) -> int:
    """A register by its number or name."""
    by_name = {register: at for at, register in MSR_NAMES.items()}
    if word in by_name:
        return by_name[word]
    try:
        return number(word)
    except ValueError:
        raise ValueError(f"is no register: a number, or {', '.join(by_name)}") from None


def one_of(known: Mapping[str, Any]) -> Callable[[str], Any]:
    """One of some words."""

    def choose(word: str) -> Any:
        if word not in known:
            raise ValueError(f"is unknown{nearest(word, known)}")
        return known[word]

    return choose


def same(known: tuple[str, ...]) -> dict[str, str]:
    """Words that stand for themselves."""
    return {word: word for word in known}


KINDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "ADDRESS": address,
    "CAPS": capabilities,
    "COUNT": count,
    "CPU": cpu,
    "DESC": text,
    "DESIGN": text,
    "DESTINATION": key,
    "FAILURE": one_of(FAILURES),
    "GID": identity,
    "GIDS": identities,
    "KEY": key,
    "KEYID": count,
    "KEYRING": key,
    "LENGTH": size,
    "MASK": number,
    "MSR": msr,
    "NAME": name,
    "NUMBER": number,
    "OWNER": one_of(same(OWNERS)),
    "PACKAGE": number,
    "PACKAGES": numbers,
    "PAYLOAD": text,
    "PROBABILITY": probability,
    "PROT": protection,
    "RING": text,
    "SECONDS": seconds,
    "TEXT": text,
    "TIMEOUT": number,
    "TIMES": times,
    "TME": one_of(same(TME_SETTINGS)),
    "TYPE": text,
    "UID": identity,
    "VALUE": word64,
    "WHAT": one_of(same(SHOWS)),
}
"""What each capital word of a usage accepts."""

SECRET_KINDS: Final = frozenset({"PAYLOAD"})
