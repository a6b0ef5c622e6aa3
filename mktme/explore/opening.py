"""How a counterexample that somebody kept becomes a path: from the parts of it that make the run.

Whatever else is in a document of the format mktme-trace follows from these, and is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from designs import Design, DesignError, design_from_text
from mktme.explore.paths import DESIGN, Path, PathError, path_from_text, shortened
from mktme.results.shape import Shape
from mktme.traces.recorded import Record, RecordedCall
from model import Scope

Word = Annotated[str, Field(max_length=64, pattern=r"^\w+$")]
Name = Annotated[str, Field(max_length=64, pattern=r"^\w+(\[\w+\])?$")]
Label = Annotated[str, Field(max_length=64, pattern=r"^[\w-]+$")]


class OpenedCall(Shape, extra="ignore"):
    """A call of a document: its action, and its arguments by name."""

    action: Word
    arguments: Annotated[dict[Name, Label], Field(max_length=64)]


class Opening(Shape, extra="ignore"):
    """The parts of a document that make its run."""

    format: Literal["mktme-trace"]
    design: Annotated[str, Field(max_length=400)]
    knobs: Annotated[dict[str, str], Field(max_length=64)]
    system: Annotated[str, Field(max_length=16)]
    scope: Annotated[dict[str, int], Field(max_length=16)]
    absent: Annotated[tuple[int, ...], Field(max_length=16)]
    bypass: bool
    calls: Annotated[tuple[OpenedCall, ...], Field(max_length=1000)]


def opened(given: Opening) -> Path:
    """The path of a document. Raises DesignError, ScopeError and PathError."""
    try:
        scope = Scope(**given.scope)
    except TypeError:
        known = ", ".join(map(shortened, given.scope))
        raise PathError(f"a scope has no bound of these: {known}") from None
    design = design_of_settings(given.design, given.knobs)
    machine = Path(design, given.system, scope, given.absent, given.bypass)
    calls = (RecordedCall(call.action, tuple(call.arguments.items())) for call in given.calls)
    return path_from_text(str(machine.then(*calls)))


def path_of(record: Record) -> Path:
    """The path of a recorded run. Raises PathError for one of too many calls."""
    machine = Path(record.design, record.system, record.scope, record.absent, record.bypass)
    return machine.then(*record.calls)


def design_of_settings(name: str, knobs: Mapping[str, str]) -> Design:
    """The design with these settings, by that name if it is the name of one. Raises DesignError."""
    design = design_from_text(DESIGN).but(**knobs)
    try:
        named = design_from_text(name)
    except DesignError:
        return design
    return named if named == design else design
