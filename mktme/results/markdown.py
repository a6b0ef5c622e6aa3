"""How a report becomes Markdown, as GitHub shows it: the matrix, what it means, and the notes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mktme import expecting, render
from mktme.judge import Cell
from mktme.results.report import Report
from properties import KNOWN_PROPERTIES


def text(report: Report) -> str:
    """The report as Markdown, without the costs: they are tables of their own."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from _matrix(report)
    yield ""
    for line in render.legend(report.cells).plain.splitlines():
        yield f"* {escaped(line)}"
    yield ""
    yield escaped(render.scope_note(report.scope, report.cells).plain)
    for design in report.designs():
        told = [cell for cell in report.cells if cell.design.name == design and render.note(cell)]
        if told:
            yield from ("", f"### {escaped(design)}", "")
            yield from (_note(cell) for cell in told)
    if report.comparison is not None:
        yield from ("", "### Compared with a baseline", "")
        yield from (f"* {escaped(line)}" for line in expecting.told(report.comparison))


def _matrix(report: Report) -> Iterator[str]:
    """Rows are properties, columns designs, as on a terminal."""
    known = {(cell.property_id, cell.design.name): cell for cell in report.cells}
    designs = report.designs()
    yield _row(["property", *map(escaped, designs)])
    yield _row(["---"] * (1 + len(designs)))
    for property_id in KNOWN_PROPERTIES:
        cells = [known.get((property_id, design)) for design in designs]
        if any(cells):
            yield _row([f"`{property_id}`", *(_sign(cell) for cell in cells)])


def _row(columns: list[str]) -> str:
    return f"| {' | '.join(columns)} |"


def _sign(cell: Cell | None) -> str:
    if cell is None:
        return ""
    counted = render.counted(cell)
    said = escaped(render.sign(cell).plain)
    return f"{said}<br>{counted}" if counted else said


def _note(cell: Cell) -> str:
    return f"* `{cell.property_id}` {escaped(render.said(cell))}"


def escaped(text: str) -> str:
    """A text that shows as it is, in a table too."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text)
