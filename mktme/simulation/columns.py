"""Decides how rows are shown as a table of plain lines.

Columns are padded by hand, not by the terminal library: what is shown must not depend on the width
of a terminal, since scripts are compared by what they print.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mktme.simulation.expectations import Answer

GAP: Final = "  "


def columns(rows: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Rows as lines, every column as wide as its longest word."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return tuple(
        GAP.join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def table(rows: Iterable[Sequence[str]], what: str, **counts: int) -> Answer:
    """A table with titles, or a word that there is nothing to show; a record of each row."""
    rows = list(rows)
    if len(rows) < 2:
        return Answer(said=f"no {what}", counts=counts, record={what.replace(" ", "_"): []})
    titles, *below = rows
    names = [title.replace(" ", "_") for title in titles]
    record = {what.replace(" ", "_"): [dict(zip(names, row, strict=True)) for row in below]}
    return Answer(said=what, counts=counts, details=columns(rows), record=record)
