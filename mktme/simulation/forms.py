"""Decides how a command's usage is read: its words, and what each word stands for.

A command's usage is both what a person reads and what a line is judged by: capitals stand for a
word of that kind, ``name=KIND`` for an option, which may stand anywhere, and brackets enclose what
may be left out. keyctl's commands are those of keyctl(1), as far as they are here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mktme.simulation.kinds import SECRET_KINDS

PLACEHOLDER: Final = re.compile(r"(\[)?(?:([a-z]+)=)?([A-Z]+|[a-z]+)\]?")
GROUPED: Final = ("keyctl", "cpu", "package", "fault")
"""The first words that need a second."""


@dataclass(frozen=True)
class Parameter:
    """A word of a command. ``kind`` is empty for a flag, which stands for itself."""

    name: str
    kind: str
    is_option: bool
    is_optional: bool


@dataclass(frozen=True)
class Form:
    """A command's grammar, what it does in a few words, and which kinds of ``answers`` it has."""

    name: str
    usage: str
    meaning: str
    parameters: tuple[Parameter, ...]
    answers: tuple[str, ...] = ()

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


def form(usage: str, meaning: str, *answers: str) -> Form:
    """Read a usage."""
    first, *words = usage.split()
    name = f"{first} {words.pop(0)}" if first in GROUPED else first
    return Form(name, usage, meaning, tuple(_parameter(word) for word in words), answers)


def _parameter(word: str) -> Parameter:
    match = PLACEHOLDER.fullmatch(word)
    if match is None:
        raise ValueError(f"cannot read the usage: {word!r} is no parameter")
    bracket, option, kind = match.groups()
    if kind.islower():
        return Parameter(kind, "", is_option=False, is_optional=True)
    return Parameter(option or kind.lower(), kind, option is not None, bracket is not None)
