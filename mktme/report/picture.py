"""The matrix as a picture: an SVG file that says everything in signs and words, for a README.

It has no script and needs no font of its own. Where whoever shows it asks for dark colours, it has
them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from mktme.judge import Cell
from mktme.report.answers import KINDS, Answer, answer_of
from mktme.report.page import templates
from model import Scope

LINE: Final = 24
"""Height of a row, in the picture's units, which are pixels where it is shown at its own size."""

LETTER: Final = 7.6
"""Width of a bold letter, on the average of a name, in the widest of the usual fonts."""

COLUMN: Final = 104
"""Width of a design's column."""


@dataclasses.dataclass(frozen=True)
class Heading:
    """A design's name in lines that fit above its column."""

    left: float
    lines: tuple[str, ...]


def picture(cells: Sequence[Cell], scope: Scope) -> str:
    """The file's text. Raises ValueError where there is no cell to show."""
    if not cells:
        raise ValueError("a picture needs cells")
    answers = [answer_of(cell, scope, None) for cell in cells]
    designs = list(dict.fromkeys(cell.design.name for cell in cells))
    properties = list(dict.fromkeys(cell.property_id for cell in cells))
    left = max(map(len, properties)) * LETTER + 24
    headings = [Heading(left + n * COLUMN, broken(name)) for n, name in enumerate(designs)]
    top = 16 + 15 * max(len(heading.lines) for heading in headings) + 8
    counted = {answer.kind for answer in answers}
    shown = [kind for kind in KINDS if kind in counted]
    known = {(a.cell.property_id, a.cell.design.name): a for a in answers}
    rows: list[tuple[str, list[Answer | None]]] = [
        (id_, [known.get((id_, design)) for design in designs]) for id_ in properties
    ]
    return (
        templates()
        .get_template("matrix.svg")
        .render(
            rows=rows,
            headings=headings,
            left=left,
            top=top,
            line=LINE,
            column=COLUMN,
            width=max(left + COLUMN * len(designs) + 12, 560),
            height=top + LINE * len(rows) + 20 + 20 * len(shown),
            kinds=KINDS,
            shown=shown,
            scope=scope,
        )
    )


def broken(name: str) -> tuple[str, ...]:
    """A design's name, broken at its hyphens and commas where it is too long for a column."""
    lines = [""]
    for part in name.replace(",", ",\n").replace("-", "-\n").split("\n"):
        if lines[-1] and (len(lines[-1] + part) * LETTER > COLUMN - 12 or lines[-1].endswith(",")):
            lines.append("")
        lines[-1] += part
    return tuple(lines)
