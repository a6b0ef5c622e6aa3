"""Any call on a running kernel, chosen by four small numbers, and what the kernel then consists of.

The same numbers on kernels in the same state make the same call, so that two kernels can be
compared call by call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from random import Random
from types import BuiltinFunctionType, CellType, FunctionType, GeneratorType, MethodType
from typing import Any

from impl import Deadlock, Kernel, KernelError, Status
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.engine import LineEngine
from impl.hardware.faults import Failure, Script
from impl.keyrings.process import Process

Numbers = tuple[int, int, int, int]
Call = Callable[[Kernel, Process, int, int, int], Any]

BASE = 0x10_0000
PAYLOADS = (
    b"type=user algorithm=aes-xts-128 key=" + b"5a" * 16 + b" tweak=" + b"c3" * 16,
    b"type=cpu algorithm=aes-xts-128",
    b"type=clear",
    b"type=no-encrypt",
    b"type=user algorithm=aes-xts-128 key=" + b"77" * 16 + b" colour=blue",
)
RINGS = (-2, -3, -4, -5)
KEYRING_CALLS = ("describe", "read", "revoke", "invalidate")


def serial(kernel: Kernel, number: int) -> int:
    """The serial number of some key that is known, or 1."""
    known = [key.serial for key in kernel.known_keys()]
    return known[number % len(known)] if known else 1


def payload(number: int) -> bytes:
    return PAYLOADS[number % len(PAYLOADS)]


def package(kernel: Kernel, number: int) -> int:
    return number % len(kernel.machine.packages)


def wanted(kernel: Kernel, number: int) -> list[int] | None:
    if kernel.design.keyid_scope != "per_package":
        return None
    return [p for p in range(len(kernel.machine.packages)) if number >> p & 1 or p == 0]


def add_key(kernel: Kernel, process: Process, a: int, b: int, c: int) -> Any:
    kind = ("mktme", "user", "logon", "keyring")[c % 4]
    text = {0: payload(b), 3: b""}.get(c % 4, b"secret")
    where = wanted(kernel, a) if kind == "mktme" else None
    name = f"own:{a % 2}" if kind == "logon" else f"{a % 2}"
    return kernel.run(kernel.keyctl.add_key(process, kind, name, text, RINGS[b % 4], where))


def on_key(kernel: Kernel, process: Process, a: int, b: int, c: int) -> Any:
    operation = getattr(kernel.keyctl, KEYRING_CALLS[b % 4])
    return kernel.run(operation(process, serial(kernel, a)))


def fork(kernel: Kernel, process: Process, _a: int, _b: int, _c: int) -> Any:
    return kernel.run(kernel.mm.fork(process)).pid


def plan(kernel: Kernel, _process: Process, a: int, b: int, _c: int) -> None:
    kernel.machine.faults = Script(
        [Failure(Status.DEVICE_BUSY, package=package(kernel, a), times=1 + b % 4)]
    )


def answer(kernel: Kernel, _process: Process, a: int, b: int, _c: int) -> None:
    asked: list[int] = []

    def owner(number: int) -> bytes | None:
        asked.append(number)
        return payload(a) if len(asked) <= b else None

    kernel.resupply = owner


CALLS: dict[str, Call] = {
    "instantiate": lambda k, _, a, b, c: k.instantiate(payload(a), wanted(k, b)),
    "update": lambda k, _, a, b, c: k.update(serial(k, a), payload(b)),
    "extend": lambda k, _, a, b, c: k.extend(serial(k, a), package(k, b), payload(c)),
    "destroy": lambda k, _, a, b, c: k.destroy(serial(k, a)),
    "cpu_startup": lambda k, _, a, b, c: k.cpu_startup(package(k, a), b % 2),
    "cpu_teardown": lambda k, _, a, b, c: k.cpu_teardown(package(k, a), b % 2),
    "package_add": lambda k, _, a, b, c: k.package_add(package(k, a)),
    "package_remove": lambda k, _, a, b, c: k.package_remove(package(k, a)),
    "retry_clear": lambda k, _, a, b, c: k.retry_clear(package(k, a), 1 + b % 2),
    "process": lambda k, _, a, b, c: k.process(uid=a, node=package(k, b)).pid,
    "faults": plan,
    "resupply": answer,
    "note": lambda k, _, a, b, c: k.machine.accesses.start(),
    "reset_table": lambda k, _, a, b, c: k.machine.packages[package(k, a)].table.reset(),
    "add_key": add_key,
    "keyring update": lambda k, p, a, b, c: k.run(k.keyctl.update(p, serial(k, a), payload(b))),
    "on_key": on_key,
    "timeout": lambda k, p, a, b, c: k.run(k.keyctl.set_timeout(p, serial(k, a), b % 3)),
    "sleep": lambda k, _, a, b, c: k.keyctl.clock.advance(a % 3),
    "collect": lambda k, _, a, b, c: k.run(k.keyctl.collect()),
    "link": lambda k, p, a, b, c: k.run(k.keyctl.link(p, serial(k, a), serial(k, b))),
    "clear": lambda k, p, a, b, c: k.run(k.keyctl.clear(p, RINGS[a % 4])),
    "join": lambda k, p, a, b, c: k.run(k.keyctl.join_session_keyring(p, ("s", None)[a % 2])),
    "mmap": lambda k, p, a, b, c: k.run(k.mm.mmap(p, PAGE_BYTES * (1 + b % 2), at(a))),
    "munmap": lambda k, p, a, b, c: k.run(k.mm.munmap(p, at(a), PAGE_BYTES)),
    "write": lambda k, p, a, b, c: k.run(k.mm.write(p, at(a) + b, bytes([c % 256]) * 70)),
    "read": lambda k, p, a, b, c: k.run(k.mm.read(p, at(a) + b, 70)),
    "mprotect": lambda k, p, a, b, c: k.run(k.mm.mprotect(p, at(a), PAGE_BYTES, "r")),
    "encrypt_mprotect": lambda k, p, a, b, c: k.run(
        k.mm.encrypt_mprotect(p, at(a), PAGE_BYTES, "rw", serial(k, b))
    ),
    "migrate": lambda k, p, a, b, c: k.run(k.mm.migrate(p, at(a), package(k, b))),
    "fork": fork,
    "exit": lambda k, p, a, b, c: k.run(k.mm.exit(p)) if p is not k.init else None,
}


def at(number: int) -> int:
    return BASE + number % 3 * PAGE_BYTES


def make(kernel: Kernel, numbers: Numbers) -> tuple[str, str]:
    """Make a call; gives its name and its answer."""
    verb, *others = numbers
    name = list(CALLS)[verb % len(CALLS)]
    processes = list(kernel.mm.processes.values())
    process = processes[verb // len(CALLS) % len(processes)]
    try:
        return name, repr(CALLS[name](kernel, process, *others))
    except (KernelError, Deadlock, ValueError) as refusal:
        return name, f"{type(refusal).__name__}: {refusal}"


ATOMS = (int, float, str, bytes, bool, type(None), Enum, type, range, BuiltinFunctionType)


def portrait(root: object) -> list[str]:
    """Everything that can be reached from an object, in words: a row for each part of it.

    Two kernels have the same portrait when they are alike in every attribute, list and random
    source, and in what refers to the same object.
    """
    numbers: dict[int, int] = {}
    parts: list[Any] = []

    def named(part: Any) -> str:
        if isinstance(part, ATOMS):
            return repr(part)
        if type(part) in (tuple, frozenset, set):
            names = map(named, part)
            return f"{type(part).__name__} {list(names) if type(part) is tuple else sorted(names)}"
        if id(part) not in numbers:
            numbers[id(part)] = len(parts)
            parts.append(part)
        return f"#{numbers[id(part)]}"

    named(root)
    rows = []
    for part in parts:  # it grows while it is read
        rows.append(f"{type(part).__name__}: {[named(p) for p in contents(part)]}")
    return rows


def contents(part: Any) -> list[Any]:
    """What one object refers to, names of attributes included."""
    match part:
        case dict():
            return [item for pair in part.items() for item in pair]
        case list():
            return part
        case MethodType():
            return [part.__func__.__qualname__, part.__self__]
        case FunctionType():
            return [part.__qualname__, *(part.__closure__ or ()), *(part.__defaults__ or ())]
        case CellType():
            return [part.cell_contents]
        case Random():
            return [part.getstate()]
        case LineEngine():
            return [part.encrypt(0, bytes(16))]
        case GeneratorType():
            return [part.__qualname__]
    if hasattr(part, "__dict__"):
        return [item for pair in vars(part).items() for item in pair]
    return [getattr(part, field.name) for field in dataclasses.fields(part)]
