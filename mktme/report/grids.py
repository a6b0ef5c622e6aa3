"""How a table that was made for a terminal becomes one of a page: title, columns, rows of text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table


@dataclasses.dataclass(frozen=True)
class Grid:
    """A table: the first text of a row says what the row is about.

    A row with one text heads those below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def grids(parts: Iterable[RenderableType]) -> Iterator[Grid]:
    """The tables among the parts of an answer."""
    for part in parts:
        if isinstance(part, Table):
            yield grid(part)


def grid(table: Table) -> Grid:
    """One table, without what only a terminal's width asks for."""
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    rows = [row if any(row[1:]) else row[:1] for row in zip(*columns, strict=True)]
    heads = tuple(_plain(column.header) for column in table.columns)
    return Grid(_plain(table.title or ""), heads, tuple(rows))


def _plain(part: RenderableType) -> str:
    """The words; a line break of a name or a heading was for want of width."""
    return str(part).replace(",\n", ",").replace("-\n", "-").replace("\n", " ").strip()
