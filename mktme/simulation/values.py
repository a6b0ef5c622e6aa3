"""Decides what the words of a script become: variables, names of keys and keyrings, CPU numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

QUOTED_MAX: Final = 60


class BadLine(Exception):
    """A line is refused; the message is the fact, and quotes no key bytes."""


@dataclass(frozen=True)
class Word:
    """A word of a line: its ``text`` without quotes, and as it was written (``raw``)."""

    text: str
    raw: str
    is_quoted: bool

    @property
    def quoted(self) -> str:
        """How a message quotes it: the beginning, if it is long."""
        return repr(self.text if len(self.text) <= QUOTED_MAX else f"{self.text[:QUOTED_MAX]}…")


@dataclass(frozen=True)
class Variable:
    """What a variable holds, and so many bytes more."""

    name: str
    offset: int = 0


@dataclass(frozen=True)
class KeyName:
    """A key that is named by type and description, as in ``%mktme:backup``."""

    type: str
    description: str


@dataclass(frozen=True)
class KeyringName:
    """One of the keyrings that every process has: "@t" and so on."""

    name: str


@dataclass(frozen=True)
class CpuNumber:
    """A logical CPU: its number within ``package``, or in the machine if that is None."""

    package: int | None
    number: int
