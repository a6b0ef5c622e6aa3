"""Decides which commands there are: the grammar of each, what it does, and what it can answer."""

from __future__ import annotations

from typing import Final

from mktme.simulation.expectations import (
    ERRNO,
    GARBAGE,
    GENERAL_PROTECTION,
    HANGS,
    NUMBER,
    OK,
    TEXT,
    ZEROS,
)
from mktme.simulation.forms import Command, Form, form

CALL: Final = (OK, ERRNO, HANGS)
"""What every operation of a process or of the kernel can answer."""

NUMBERED: Final = (*CALL, NUMBER, TEXT)
TOLD: Final = (*CALL, TEXT)
THREADED: Final = (OK, HANGS, TEXT)

FORMS: Final[dict[str, Form]] = {
    one.name: one
    for one in (
        form("design DESIGN", "the design; only before the first other command"),
        form(
            "machine [packages=COUNT] [cpus=COUNT] [keyids=COUNT] [absent=PACKAGES] [tme=TME]"
            " [seed=NUMBER] [frames=COUNT]",
            "the machine; only before the first other command. packages=2 (64 at most), cpus=2 in"
            " each (1024 at most), keyids=3, absent= none, tme=on, seed=0; frames= of 4 KiB that"
            " each package has for processes (786432, the most)",
        ),
        form(
            "process NAME [uid=UID] [gid=GID] [groups=GIDS] [node=PACKAGE] [caps=CAPS]",
            "a new process. uid=0, gid= as uid, no groups, node=0 (the package it runs on); caps="
            " CAP_SYS_ADMIN,CAP_SYS_RESOURCE for uid 0, none for others. The process root runs"
            " from the beginning",
            OK,
            NUMBER,
            TEXT,
        ),
        form("as NAME", "the process that makes the calls from here on", OK),
        form("fork NAME", "a child of the process", *NUMBERED),
        form("exit", "the process exits", *CALL),
        form("sleep SECONDS", "the clock goes on", OK),
        form("gc", "one pass of the key garbage collector", *THREADED, "keys"),
        form(
            "keyctl add TYPE DESC PAYLOAD KEYRING [packages=PACKAGES]",
            "add_key(2); packages= exactly for type mktme with keyid_scope=per_package; gives the"
            " serial number",
            *NUMBERED,
        ),
        form("keyctl update KEY PAYLOAD", "another payload", *CALL),
        form("keyctl extend KEY package=PACKAGE PAYLOAD", "a KeyID on one more package", *CALL),
        form("keyctl newring RING KEYRING", "a new keyring; gives the serial number", *NUMBERED),
        form("keyctl revoke KEY", "the key answers EKEYREVOKED from now on", *CALL),
        form("keyctl invalidate KEY", "the key is gone", *CALL),
        form("keyctl clear KEYRING", "unlink everything", *CALL),
        form("keyctl link KEY KEYRING", "one more link", *CALL),
        form("keyctl unlink KEY KEYRING", "one link less", *CALL),
        form(
            "keyctl search KEYRING TYPE DESC [DESTINATION]",
            "find a key, and link it to a keyring; gives the serial number",
            *NUMBERED,
        ),
        form(
            "keyctl read KEY",
            "length and fingerprint of a payload; what a keyring links",
            *TOLD,
            "keys",
        ),
        form("keyctl describe KEY", "type, owner, permissions, description", *TOLD),
        form("keyctl list KEYRING", "what a keyring links", *TOLD, "keys"),
        form(
            "keyctl show [KEYRING]", "the keyring with what it links, as a tree; @s if none", *TOLD
        ),
        form("keyctl timeout KEY TIMEOUT", "the key expires in so many seconds; 0: never", *CALL),
        form("keyctl setperm KEY MASK", "the permission mask", *CALL),
        form("keyctl chown KEY UID", "another owner", *CALL),
        form("keyctl chgrp KEY GID", "another group", *CALL),
        form("keyctl session [RING]", "join a session keyring; gives its serial number", *NUMBERED),
        form(
            "mmap LENGTH [prot=PROT] [at=ADDRESS] [file]",
            "private memory, prot=rw, anonymous unless `file`; gives its address",
            *NUMBERED,
        ),
        form("munmap ADDRESS LENGTH", "take it away", *CALL),
        form("mprotect ADDRESS LENGTH PROT", "another protection", *CALL),
        form("encrypt_mprotect ADDRESS LENGTH PROT KEY", "the same, and encrypt with a key", *CALL),
        form("write ADDRESS TEXT", "store a text", *CALL),
        form("read ADDRESS LENGTH", "load bytes, 1 MiB at most", *TOLD, GARBAGE, ZEROS),
        form("migrate ADDRESS package=PACKAGE", "move a page to another package's memory", *CALL),
        form("cpu online CPU", "bring a CPU online", *CALL),
        form("cpu offline CPU", "take it offline", *CALL),
        form(
            "package add [PACKAGE]",
            "put a package in; the first absent one if none is named",
            *CALL,
        ),
        form("package remove PACKAGE", "take a package out, with its memory", *CALL),
        form("worker", "clear again what waits to be cleared", *THREADED, "pairs"),
        form("owner OWNER", "whether owners supply a key again (startup_gate=resupply)", OK),
        form(
            "fault pconfig FAILURE [package=PACKAGE] [keyid=KEYID] [times=TIMES]",
            "the next PCONFIG that fits fails, times=1",
            OK,
        ),
        form(
            "fault seeded probability=PROBABILITY [seed=NUMBER]",
            "every PCONFIG fails with this probability; seed=0",
            OK,
        ),
        form("fault none", "no more failures; forgets those that are planned", OK),
        form(
            "rdmsr MSR package=PACKAGE",
            "read a register",
            OK,
            ERRNO,
            GENERAL_PROTECTION,
            NUMBER,
            TEXT,
        ),
        form("wrmsr MSR VALUE package=PACKAGE", "write it", OK, ERRNO, GENERAL_PROTECTION),
        form(
            "reset [unlocked]",
            "reset the machine: key tables and registers begin anew, TME keys are drawn again, the"
            " memory modules keep what they store, and the kernel is gone: only cold-boot, rdmsr,"
            " wrmsr, `show tables` and `show cpus` may follow. `unlocked`: firmware activates"
            " nothing, and the registers can be written once",
            OK,
        ),
        form(
            "cold-boot [decay=PROBABILITY] [seed=NUMBER]",
            "search the memory modules for every key and text of the script so far; decay=0: of"
            " each bit, seed=0",
            "findings",
        ),
        form("disclosure", "search what the kernel can read for them", "findings"),
        form("show WHAT", "look inside", OK, TEXT, "keys", "locks", "events", "pages"),
        form(
            "race [faults=COUNT] [runs=COUNT]",
            "try every interleaving of the lines up to `end`, from a fresh boot each time, and at"
            " most so many failing PCONFIGs (faults= none); runs=20000 at most. Failures that"
            " `fault` planned must be over: they do not reach into a race",
        ),
        form(
            "end",
            "the end of a race, and what it finds",
            "findings",
            "deadlocks",
            "locks",
            "outcomes",
        ),
    )
}
"""Name to form."""

SHOWN_COUNTS: Final = {
    "map": "keys",
    "keys": "keys",
    "locks": "locks",
    "events": "events",
    "pages": "pages",
}
"""What `show` counts, by what is shown."""

SET_UP: Final = frozenset({"design", "machine"})

GIVING: Final = frozenset(
    {"keyctl add", "keyctl newring", "keyctl search", "keyctl session", "mmap", "rdmsr"}
)
"""The commands whose answer a variable can hold."""

WITHIN_A_RACE: Final = frozenset(
    name
    for name in FORMS
    if name.split()[0] in ("keyctl", "cpu", "package", "mmap", "munmap", "mprotect", "fork", "exit")
) | {"encrypt_mprotect", "write", "read", "migrate", "gc", "worker", "as"}

OF_THE_KERNEL: Final = frozenset(
    {"cpu online", "cpu offline", "package add", "package remove", "gc", "worker"}
)
"""Operations of no process: each is a thread of its own, and if it hangs, nobody is stuck."""

OF_A_PROCESS: Final = WITHIN_A_RACE - OF_THE_KERNEL - {"as"}

AFTER_A_RESET: Final = frozenset({"cold-boot", "rdmsr", "wrmsr", "reset", "show"})
SHOWN_AFTER_A_RESET: Final = frozenset({"tables", "cpus"})
"""What `show` still shows then: what lies in the hardware."""


def answers_of(command: Command) -> tuple[str, ...]:
    """The kinds of answers that a command can give, as `Expected.kind` names them."""
    if command.name != "show":
        return command.form.answers
    counted = SHOWN_COUNTS.get(command["what"])
    return (OK, TEXT) if counted is None else (OK, TEXT, counted)
