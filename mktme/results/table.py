"""How a report looks on a terminal: the matrix, what it means, what it cost, and the notes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from mktme import costs, expecting, render
from mktme.results.report import Report


def show(report: Report, out: Console) -> None:
    """Print the report, in as many blocks of the matrix as the width takes."""
    for part in _parts(report, out.width):
        out.print(part)


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    cells = report.cells
    yield from render.matrices(cells, width)
    yield render.legend(cells)
    yield render.scope_note(report.scope, cells)
    if report.measured:
        yield ""
        yield from costs.tables(report.measured)
    for line in render.notes(cells):
        yield ""
        yield line
    if report.certificates:
        yield ""
        yield render.certificates_note(report.folder, len(report.certificates))
    if report.comparison is not None:
        yield ""
        for told in expecting.told(report.comparison):
            yield Text(told)
