"""What a baseline holds cells to: verdict, extent, length and trace, each by design and property.

A baseline is a file that one run writes and later runs are compared with. The one that is shipped
has the named designs and all properties in the scope that is judged if no other is asked for; it
is also where a trace's identity that somebody quotes is looked up.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from designs import DesignError, design_from_text
from mktme.judge import Cell
from mktme.results.objects import word_of
from mktme.results.shape import Shape
from mktme.results.shapes import Extent, Word
from model import Scope
from properties import PropertyError, property_from_text

SHIPPED: Final = "shipped"
"""What names the baseline that comes with the program, where a file could be named."""

FILE: Final = "baseline.json"


class BaselineError(ValueError):
    """A baseline that cannot be used; the message says why."""


class Expected(Shape):
    """What one cell is expected to say. What does not go with a verdict is left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    design: str
    property: str
    verdict: Word
    extent: Extent | None = Field(default=None, description="If proved: for which sizes.")
    length: int | None = Field(default=None, description="If violated: steps.")
    trace: str | None = Field(
        default=None,
        description="If violated: the identity of the least of the shortest counterexamples; absent"
        " where time ran out before it was known.",
    )

    def __str__(self) -> str:
        if self.verdict == "PROVED":
            return f"proved {'for any size' if self.extent == 'any size' else 'in this scope'}"
        if self.verdict == "VIOLATED":
            steps = "1 step" if self.length == 1 else f"{self.length} steps"
            return f"violated in {steps} ({f'trace {self.trace}' if self.trace else 'any trace'})"
        return _WORDS[self.verdict]


_WORDS: Final[Mapping[Word, str]] = {
    "HOLDS_TO": "undecided beyond some depth",
    "VACUOUS": "vacuous",
    "UNKNOWN": "unknown",
    "NOT_APPLICABLE": "not applicable",
}


class Baseline(Shape):
    """Cells of one scope, each once."""

    format: Literal["mktme-baseline"] = "mktme-baseline"
    version: Literal[1] = 1
    scope: Scope
    cells: list[Expected]

    def written(self) -> str:
        """The file: one cell a line, so that a version control shows which one changed."""
        head = self.model_dump(mode="json", exclude={"cells"})
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
        cells = [
            f"    {json.dumps(cell.model_dump(mode='json', exclude_none=True))}"
            for cell in self.cells
        ]
        return "\n".join(["{", *lines, '  "cells": [', ",\n".join(cells), "  ]", "}"])


def expected(cell: Cell) -> Expected:
    """What a later run is held to if it judges this cell."""
    verdict = cell.verdict
    is_least = verdict is not None and verdict.is_least
    return Expected(
        design=cell.design.name,
        property=cell.property_id,
        verdict=word_of(cell),
        extent=verdict.extent if verdict and verdict.word == "PROVED" else None,
        length=len(cell.trace) if cell.trace is not None else None,
        trace=cell.trace_id if cell.trace_id and is_least else None,
    )


def of(cells: Iterable[Cell], scope: Scope) -> Baseline:
    """The baseline that these cells make; no two checkers may disagree about any of them."""
    return Baseline(scope=scope, cells=[expected(cell) for cell in cells])


def read(name: str) -> Baseline:
    """The baseline in a file, or the one that is shipped. Raises BaselineError."""
    try:
        content = _shipped() if name == SHIPPED else Path(name).read_bytes()
    except OSError as error:
        raise BaselineError(f"cannot read the baseline {name!r}: {error.strerror}") from None
    try:
        found = Baseline.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise BaselineError(f"{name!r} is no baseline: {what}") from None
    _require_sense(name, found)
    return found


def _require_sense(name: str, found: Baseline) -> None:
    """Every design and property is known, and no cell stands there twice."""
    seen = set()
    for cell in found.cells:
        try:
            about = design_from_text(cell.design), property_from_text(cell.property).id
        except (DesignError, PropertyError) as error:
            raise BaselineError(f"{name!r} has a cell that nobody can judge: {error}") from None
        if about in seen:
            raise BaselineError(f"{name!r} has {cell.design} / {cell.property} twice")
        seen.add(about)


def _shipped() -> bytes:
    return importlib.resources.files("mktme").joinpath(FILE).read_bytes()


@functools.cache
def known_traces() -> Mapping[str, tuple[str, str, Scope]]:
    """Trace identity to design, property and scope, of every violation that is shipped."""
    shipped = read(SHIPPED)
    return {
        cell.trace: (cell.design, cell.property, shipped.scope)
        for cell in shipped.cells
        if cell.trace is not None
    }
