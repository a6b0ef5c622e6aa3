"""Decides how the progress of a judgement is shown: on a terminal, and not at all in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from checker import Progress as Exploring
from mktme.judge import Cell
from mktme.orders import amount


class Bar:
    """One bar for all cells, which says what is being judged."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, detail="checking")

    def done(self, cell: Cell) -> None:
        """One cell more is judged."""
        self.step(f"{cell.design.name} / {cell.property_id}")

    def step(self, detail: str) -> None:
        """One more of whatever is counted is done."""
        self._progress.update(self._task, advance=1, detail=detail)

    def exploring(self, at: Exploring | str) -> None:
        """How far the one cell is, or what else is done for it."""
        self._progress.update(self._task, detail=at if isinstance(at, str) else in_words(at))


def in_words(at: Exploring) -> str:
    """States, rate, depth, frontier, memory, how much of all there could be, and what is left."""
    rate = at.states / max(at.seconds, 0.001)
    said = [
        f"depth {at.depth}",
        f"{at.states:,} states",
        f"{rate:,.0f} states/s",
        f"frontier {at.expanded:,} of {at.frontier:,}",
        amount(at.memory),
        f"{_per_cent(at)} of at most {_rounded(at.ceiling)}",
        str(at.estimate) if at.estimate is not None else "",
    ]
    return ", ".join(filter(None, said))


def _per_cent(at: Exploring) -> str:
    # In whole numbers: a ceiling may be far beyond what a floating-point number holds.
    millionths = 10**8 * at.states // max(1, at.ceiling)
    return f"{millionths / 10**6:.2g} %" if millionths else "under 0.000001 %"


def _rounded(number: int) -> str:
    """A great number by its magnitude."""
    return f"{number:,}" if number < 10**9 else f"10^{len(str(number)) - 1}"


@contextmanager
def progress(total: int) -> Iterator[Bar]:
    """A bar for so many cells."""
    err = Console(stderr=True)
    # Who asks for colours where there is no terminal has not asked for a bar that moves.
    moves = err.is_terminal and sys.stderr is not None and sys.stderr.isatty()
    detail = TextColumn("{task.fields[detail]}", table_column=Column(ratio=1, overflow="fold"))
    columns: tuple[ProgressColumn, ...] = (TimeElapsedColumn(), detail)
    if total > 1:
        columns = (BarColumn(20), MofNCompleteColumn(), *columns)
    with Progress(*columns, console=err, transient=True, expand=True, disable=not moves) as shown:
        yield Bar(shown, total)
