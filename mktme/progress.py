"""Decides how the progress of a judgement is shown: on a terminal, and not at all in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from checker import Progress as Exploring
from mktme.judge import Cell


class Bar:
    """One bar for all cells, which says what is being judged."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("checking", total=total, detail="")

    def done(self, cell: Cell) -> None:
        """One cell more is judged."""
        detail = f"{cell.design.name} / {cell.property_id}"
        self._progress.update(self._task, advance=1, detail=detail)

    def exploring(self, at: Exploring) -> None:
        """How far the one cell is."""
        rate = at.states / max(at.seconds, 0.001)
        detail = f"depth {at.depth}, {at.states:,} states, {rate:,.0f} states/s"
        self._progress.update(self._task, detail=detail)


@contextmanager
def progress(total: int) -> Iterator[Bar]:
    """A bar for so many cells."""
    err = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        yield Bar(shown, total)
