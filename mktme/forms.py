"""Decides which commands a script may use: their words, and what each word stands for.

A command's usage is both what a person reads and what a line is judged by: capitals stand for a
word of that kind, ``name=KIND`` for an option, which may stand anywhere, and brackets enclose what
may be left out. keyctl's commands are those of keyctl(1), as far as they are here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from designs import nearest
from mktme.kinds import KINDS, SECRET_KINDS, BadLine, Word

PLACEHOLDER: Final = re.compile(r"(\[)?(?:([a-z]+)=)?([A-Z]+|[a-z]+)\]?")
GROUPED: Final = ("keyctl", "cpu", "package", "fault")


@dataclass(frozen=True)
class Parameter:
    """A word of a command. ``kind`` is empty for a flag, which stands for itself."""

    name: str
    kind: str
    is_option: bool
    is_optional: bool


@dataclass(frozen=True)
class Form:
    """A command's grammar, and what it does in a few words."""

    name: str
    usage: str
    meaning: str
    parameters: tuple[Parameter, ...]

    @property
    def has_secret(self) -> bool:
        """Whether one of its words may hold key bytes, so that no message may quote any."""
        return any(parameter.kind in SECRET_KINDS for parameter in self.parameters)

    def options(self) -> dict[str, Parameter]:
        """The words that may stand anywhere, by name."""
        return {p.name: p for p in self.parameters if p.is_option or not p.kind}

    def placed(self) -> list[Parameter]:
        """The words that stand in order."""
        return [p for p in self.parameters if p.kind and not p.is_option]


@dataclass(frozen=True)
class Command:
    """A line's command: ``values`` by parameter name; what was left out is None (a flag: False)."""

    form: Form
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name, such as "keyctl add"."""
        return self.form.name

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def form(usage: str, meaning: str) -> Form:
    """Read a usage."""
    first, *words = usage.split()
    name = f"{first} {words.pop(0)}" if first in GROUPED else first
    return Form(name, usage, meaning, tuple(_parameter(word) for word in words))


def _parameter(word: str) -> Parameter:
    match = PLACEHOLDER.fullmatch(word)
    if match is None:
        raise ValueError(f"cannot read the usage: {word!r} is no parameter")
    bracket, option, kind = match.groups()
    if kind.islower():
        return Parameter(kind, "", is_option=False, is_optional=True)
    return Parameter(option or kind.lower(), kind, option is not None, bracket is not None)


def command(words: Sequence[Word]) -> tuple[Command, dict[str, Word]]:
    """Read the words of a command; gives the word of each parameter too. Raises BadLine."""
    found = _form_of(words)
    taken = dict(_assigned(found, words[found.name.count(" ") + 1 :]))
    missing = [p for p in found.parameters if not p.is_optional and p.name not in taken]
    if missing:
        raise BadLine(f"{found.name} lacks {_named(missing[0])}; usage: {found.usage}")
    values: dict[str, Any] = {}
    for parameter in found.parameters:
        word = taken.get(parameter.name)
        if not parameter.kind:
            values[parameter.name] = word is not None
        else:
            values[parameter.name] = None if word is None else _value(found, parameter, word)
    return Command(found, values), taken


def _form_of(words: Sequence[Word]) -> Form:
    first = words[0].text
    if first not in GROUPED:
        if first in FORMS:
            return FORMS[first]
        known = dict.fromkeys(name.split()[0] for name in FORMS)
        # What was typed as a command may be a payload whose command was forgotten.
        shown = first if re.fullmatch(r"[\w-]{1,20}", first) else "of other signs"
        raise BadLine(f"unknown command {shown!r}{nearest(first, known)}")
    known = {name.split()[1]: None for name in FORMS if name.startswith(f"{first} ")}
    if len(words) == 1:
        raise BadLine(f"{first} what? known: {', '.join(known)}")
    second = words[1].text
    if second not in known:
        shown = second if re.fullmatch(r"[\w-]{1,20}", second) else "of other signs"
        raise BadLine(f"unknown {first} command {shown!r}{nearest(second, known)}")
    return FORMS[f"{first} {second}"]


def _assigned(found: Form, words: Sequence[Word]) -> Iterator[tuple[str, Word]]:
    """Which word is which parameter. Raises BadLine."""
    options, placed, seen = found.options(), found.placed(), set()
    for word in words:
        name, equals, value = word.text.partition("=")
        is_option = (
            not word.is_quoted and name in options and bool(equals) == options[name].is_option
        )
        if is_option:
            if name in seen:
                raise BadLine(f"{found.name} has {_named(options[name])} twice")
            seen.add(name)
            yield name, Word(value, word.raw, word.is_quoted) if equals else word
        elif placed:
            yield placed.pop(0).name, word
        else:
            quoted = "" if found.has_secret else f" {word.text!r}"
            raise BadLine(f"{found.name} does not take the word{quoted}; usage: {found.usage}")


def _value(found: Form, parameter: Parameter, word: Word) -> Any:
    try:
        return KINDS[parameter.kind](word.text)
    except ValueError as fact:
        quoted = "" if found.has_secret else f" {word.text!r}"
        raise BadLine(f"{_named(parameter)}{quoted} of {found.name} {fact}") from None


def _named(parameter: Parameter) -> str:
    return f"{parameter.name}=" if parameter.is_option else parameter.name.upper()


FORMS: Final = {
    one.name: one
    for one in (
        form("design DESIGN", "the design; only before the first other command"),
        form(
            "machine [packages=COUNT] [cpus=COUNT] [keyids=COUNT] [absent=PACKAGES] [tme=TME]"
            " [seed=NUMBER] [frames=COUNT]",
            "the machine; only before the first other command",
        ),
        form(
            "process NAME [uid=NUMBER] [gid=NUMBER] [groups=NUMBERS] [node=PACKAGE] [caps=CAPS]",
            "a new process; root runs from the beginning",
        ),
        form("as NAME", "the process that makes the calls from here on"),
        form("fork NAME", "a child of the process"),
        form("exit", "the process exits"),
        form("sleep SECONDS", "the clock goes on"),
        form("gc", "one pass of the key garbage collector"),
        form(
            "keyctl add TYPE DESC PAYLOAD KEYRING [packages=PACKAGES]",
            "add_key(2); packages= with keyid_scope=per_package; gives the serial number",
        ),
        form("keyctl update KEY PAYLOAD", "another payload"),
        form("keyctl extend KEY package=PACKAGE PAYLOAD", "a KeyID on one more package"),
        form("keyctl newring RING KEYRING", "a new keyring; gives the serial number"),
        form("keyctl revoke KEY", "the key answers EKEYREVOKED from now on"),
        form("keyctl invalidate KEY", "the key is gone"),
        form("keyctl clear KEYRING", "unlink everything"),
        form("keyctl link KEY KEYRING", "one more link"),
        form("keyctl unlink KEY KEYRING", "one link less"),
        form(
            "keyctl search KEYRING TYPE DESC [DESTINATION]",
            "find a key, and link it to a keyring; gives the serial number",
        ),
        form("keyctl read KEY", "length and fingerprint of a payload; what a keyring links"),
        form("keyctl describe KEY", "type, owner, permissions, description"),
        form("keyctl list KEYRING", "what a keyring links"),
        form("keyctl show [KEYRING]", "the keyring with what it links, as a tree; @s if none"),
        form("keyctl timeout KEY TIMEOUT", "the key expires in so many seconds; 0: never"),
        form("keyctl setperm KEY MASK", "the permission mask"),
        form("keyctl chown KEY UID", "another owner"),
        form("keyctl chgrp KEY GID", "another group"),
        form("keyctl session [RING]", "join a session keyring; gives its serial number"),
        form("mmap LENGTH [prot=PROT] [at=ADDRESS] [file]", "private memory; gives its address"),
        form("munmap ADDRESS LENGTH", "take it away"),
        form("mprotect ADDRESS LENGTH PROT", "another protection: none, or letters of rwx"),
        form("encrypt_mprotect ADDRESS LENGTH PROT KEY", "the same, and encrypt with a key"),
        form("write ADDRESS TEXT", "store a text"),
        form("read ADDRESS LENGTH", "load bytes"),
        form("migrate ADDRESS package=PACKAGE", "move a page to another package's memory"),
        form("cpu online CPU", "a logical CPU number (package * cpus + cpu), or package.cpu"),
        form("cpu offline CPU", "the other way"),
        form("package add [PACKAGE]", "put a package in; the first absent one if none is named"),
        form("package remove PACKAGE", "take a package out, with its memory"),
        form("worker", "clear again what waits to be cleared"),
        form("owner OWNER", "whether owners supply a key again (startup_gate=resupply)"),
        form(
            "fault pconfig FAILURE [package=PACKAGE] [keyid=KEYID] [times=TIMES]",
            "the next PCONFIG that fits fails; times=always: all of them",
        ),
        form("fault seeded probability=PROBABILITY [seed=NUMBER]", "PCONFIG fails at random"),
        form("fault none", "no more failures"),
        form("rdmsr MSR package=PACKAGE", "read a register"),
        form("wrmsr MSR VALUE package=PACKAGE", "write it"),
        form(
            "cold-boot [decay=PROBABILITY] [seed=NUMBER]",
            "search the memory modules for every key and text of the script so far",
        ),
        form("disclosure", "search what the kernel can read for them"),
        form("show WHAT", "look inside"),
        form(
            "race [faults=COUNT] [runs=COUNT]",
            "try every interleaving of the lines up to `end`, from a fresh boot each time",
        ),
        form("end", "the end of a race"),
    )
}
"""Name to form."""

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
