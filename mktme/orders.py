"""How cells are to be judged: limits, engine, and what is kept; read from what a person typed."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final, Literal

from checker import ENGINES, Limits
from checker.engines import Engine
from designs import Design, nearest
from model import Scope

EngineName = Engine | Literal["auto"]
"""Which engine is asked; `auto` asks all of them, in the order of `checker.portfolio`."""

ENGINE_NAMES: Final[tuple[EngineName, ...]] = ("auto", *ENGINES)

LIMITS: Final = Limits(states_max=20_000_000, depth_max=20, seconds_max=300.0)
"""What one cell may take unless more is asked for."""

_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class OrderError(ValueError):
    """An order that makes no sense; the message says what is known."""


@dataclasses.dataclass(frozen=True)
class Orders:
    """The limits of a cell, the engine, and whether certificates are wanted beyond the answer."""

    limits: Limits = LIMITS
    engine: EngineName = "auto"
    certificates: bool = False

    def for_cell(self, design: Design, property_id: str, scope: Scope) -> Limits:
        """The limits of one cell, whose checkpoints have a folder of their own."""
        if self.limits.checkpoint is None:
            return self.limits
        sizes = "x".join(map(str, dataclasses.astuple(scope)))
        folder = self.limits.checkpoint / f"{design.name}_{property_id}_{sizes}"
        return dataclasses.replace(self.limits, checkpoint=folder)


def engine_from_text(text: str) -> EngineName:
    """The engine of that name. Raises OrderError."""
    for name in ENGINE_NAMES:
        if name == text:
            return name
    raise OrderError(f"unknown engine {text!r}{nearest(text, ENGINE_NAMES)}")


def bytes_from_text(text: str) -> int:
    """A number of bytes such as 512M or 2G (powers of 1024). Raises OrderError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    number = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if number < 1:
        raise OrderError(f"{text!r} is no amount of memory; known: a number with K, M, G or T")
    return number


def folder_from_text(text: str, what: str) -> Path:
    """A folder for files of ours, made if it does not exist. Raises OrderError."""
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OrderError(f"cannot keep {what} in {text!r}: {error.strerror}") from None
    return folder


def amount(number: int) -> str:
    """A number of bytes as people say it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            break
        number //= 1024
    return f"{number} {unit}"
