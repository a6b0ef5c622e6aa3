"""Faults of the simulated hardware: PCONFIG, key tables, the line engine, packages."""

from __future__ import annotations

import dataclasses
from typing import Any

from conformance.mutants.fault import Mutant, Patch, around
from impl.hardware import engine, pconfig
from impl.hardware.engine import LINE_BYTES, LineEngine, XtsAes128
from impl.hardware.keytable import Entry, KeyTable, Mode
from impl.hardware.machine import Machine
from impl.hardware.package import Package
from impl.hardware.pconfig import STRUCTURE_BYTES, Command, Status, Structure


def _swaps_the_fields(right: Any, table: KeyTable, structure: Structure, random: Any) -> None:
    one, other = structure.field_1, structure.field_2
    right(table, dataclasses.replace(structure, field_1=other, field_2=one), random)


def _keyid_in_the_tweak(right: Any, self: KeyTable, keyid: int) -> LineEngine:
    found: LineEngine = right(self, keyid)

    def compute(address: int, size: int) -> int:
        return LineEngine._compute(found, address | keyid << 45, size)

    vars(found)["_compute"] = compute
    return found


def _but_not(command: Command) -> Any:
    def program(right: Any, table: KeyTable, structure: Structure, random: Any) -> None:
        if structure.command != command:
            right(table, structure, random)

    return program


def _draws_the_same(right: Any, table: KeyTable, structure: Structure, _random: Any) -> None:
    right(table, structure, lambda size: bytes(range(size)))


def _no_encrypt_is_tme(right: Any, table: KeyTable, structure: Structure, random: Any) -> None:
    right(table, structure, random)
    if structure.command == Command.NO_ENCRYPT:
        table[structure.keyid] = Entry(Mode.TME)


def _changes_the_entry_all_the_same(
    right: Any, self: Machine, package: int, cpu: int, address: int, **more: Any
) -> Any:
    outcome = right(self, package, cpu, address, **more)
    if outcome.status is Status.DEVICE_BUSY:
        acting = self.packages[package]
        structure = Structure.decode(self.read(address, STRUCTURE_BYTES))
        pconfig.program(acting.table, structure, acting.random)
    return outcome


def _programs_package_0(
    right: Any, self: Machine, package: int, cpu: int, address: int, **more: Any
) -> Any:
    acting = self.packages[package]
    own, acting.table = acting.table, self.packages[0].table
    try:
        return right(self, package, cpu, address, **more)
    finally:
        acting.table = own


def _last_keyid_refused(right: Any, structure: Structure, registers: Any) -> Status:
    return (
        Status.INVALID_KEYID if structure.keyid == registers.keyids else right(structure, registers)
    )


def _any_algorithm(right: Any, structure: Structure, registers: Any) -> Status:
    status: Status = right(structure, registers)
    return Status.PROG_SUCCESS if status is Status.INVALID_ENC_ALG else status


def _engine_is_kept(self: KeyTable, keyid: int, entry: Entry) -> None:
    self._entries[keyid] = entry


def _overwrites_whole_lines(
    right: Any, self: Package, keyid: int, address: int, data: bytes
) -> None:
    short = -len(data) % LINE_BYTES
    right(self, keyid, address, data if address % LINE_BYTES else data + bytes(short))


def _stays_in_its_socket(self: Package) -> None:
    self.present = self.memory_present = False


MUTANTS = (
    Mutant(
        "key-and-tweak-swapped-in-table",
        "PCONFIG stores the data key as the tweak key and the tweak key as the data key",
        "hardware",
        around(pconfig, "program", _swaps_the_fields),
    ),
    Mutant(
        "key-and-tweak-swapped-in-engine",
        "the engine encrypts data with the tweak key and tweaks with the data key",
        "hardware",
        around(XtsAes128, "__init__", lambda right, self, data, tweak: right(self, tweak, data)),
        first="known answers",
    ),
    Mutant(
        "tweak-has-keyid-bits",
        "the data unit's number is the physical address with the KeyID in it",
        "hardware",
        around(KeyTable, "engine", _keyid_in_the_tweak),
        first="known answers",
    ),
    Mutant(
        "tweak-is-line-number",
        "the data unit's number is the line's number and not its byte address",
        "hardware",
        around(
            LineEngine,
            "_compute",
            lambda right, self, address, size: right(self, address // LINE_BYTES, size),
        ),
        first="known answers",
    ),
    Mutant(
        "wrong-polynomial",
        "tweaks are multiplied modulo another polynomial than that of IEEE 1619",
        "hardware",
        Patch(engine, "REDUCTION", 0x86),
        first="known answers",
    ),
    Mutant(
        "clear-keeps-the-key",
        "CLEAR_KEY reports success and leaves the entry",
        "hardware",
        around(pconfig, "program", _but_not(Command.CLEAR_KEY)),
    ),
    Mutant(
        "random-repeats",
        "SET_KEY_RANDOM draws the same bytes every time",
        "hardware",
        around(pconfig, "program", _draws_the_same),
        first="known answers",
    ),
    Mutant(
        "no-encrypt-is-tme",
        "NO_ENCRYPT makes an entry of mode TME",
        "hardware",
        around(pconfig, "program", _no_encrypt_is_tme),
    ),
    Mutant(
        "busy-programs-all-the-same",
        "PCONFIG answers DEVICE_BUSY and has changed the entry",
        "hardware",
        around(Machine, "pconfig", _changes_the_entry_all_the_same),
    ),
    Mutant(
        "wrong-package",
        "PCONFIG programs the key table of package 0, wherever it is executed",
        "hardware",
        around(Machine, "pconfig", _programs_package_0),
    ),
    Mutant(
        "last-keyid-invalid",
        "PCONFIG refuses KeyID N: the bound is off by one",
        "hardware",
        around(pconfig, "judge", _last_keyid_refused),
    ),
    Mutant(
        "algorithm-not-checked",
        "PCONFIG accepts a key without an enabled algorithm",
        "hardware",
        around(pconfig, "judge", _any_algorithm),
        first="known answers",
    ),
    Mutant(
        "stale-engine",
        "an entry that is programmed anew goes on encrypting with its old key",
        "hardware",
        Patch(KeyTable, "__setitem__", _engine_is_kept),
        first="known answers",
    ),
    Mutant(
        "partial-write-clears-the-line",
        "a write to a part of a line puts zeros into the rest of it",
        "hardware",
        around(Package, "write", _overwrites_whole_lines),
    ),
    Mutant(
        "removed-package-keeps-table",
        "a package that is taken out and put in again still has its key table",
        "hardware",
        Patch(Package, "remove", _stays_in_its_socket),
        survives="no check takes a package out: the model leaves removal out, and says so",
    ),
)
"""In the order: engine, PCONFIG, key table, package."""
