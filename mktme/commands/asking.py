"""What the commands share: where they print, and how cells are judged behind a progress display."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console

from designs import Design
from mktme import executors
from mktme.judge import Cell, judge
from mktme.matrix import Asked, judge_all
from mktme.orders import Orders
from mktme.progress import progress
from mktme.simulation.printable import escaped
from mktme.traces import store
from model import Scope
from properties import KNOWN_PROPERTIES


def once(designs: Sequence[Design]) -> list[Design]:
    """Each design once, in the order in which they were named."""
    return list({design.name: design for design in designs}.values())


def console() -> Console:
    """Standard output; nothing is coloured but what is meant to be."""
    return Console(highlight=False)


def on_stderr(lines: Iterable[str]) -> None:
    """Say lines beside an answer that programs read. They may quote what somebody typed."""
    for line in lines:
        print(f"mktme: {escaped(line)}", file=sys.stderr)


def judged(
    asked: Sequence[Asked], scope: Scope, orders: Orders, executor: str = "processes"
) -> list[Cell]:
    """Judge with a progress display on a terminal, and none in a pipe.

    A single cell is judged here, where it can show how far it is and be interrupted. What is
    violated is kept for `mktme replay`.
    """
    cells = _judged(asked, scope, orders, executor)
    store.keep(cell.record for cell in cells if cell.record is not None)
    return cells


def _judged(asked: Sequence[Asked], scope: Scope, orders: Orders, executor: str) -> list[Cell]:
    with progress(len(asked)) as bar:
        if len(asked) == 1 and executor == "processes":
            ((design, claim),) = asked
            return [judge(design, KNOWN_PROPERTIES[claim], scope, orders, bar.exploring)]
        with executors.executor(executor, most=len(asked)) as pool:
            return judge_all(asked, scope, orders, pool, bar.done)
