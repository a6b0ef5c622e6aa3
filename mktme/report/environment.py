"""In what surroundings a page's answers were found: versions, machine, seeds, engines and times."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Final

from mktme.judge import Cell
from mktme.report.grids import Grid
from mktme.results.objects import versions
from model import Scope

SEEDS: Final = (
    "Z3: 0, 1, 2, … for the first, second, third attempt at a condition;"
    " the simulated machine's entropy: 0. No choice is made at random."
)
"""All seeds are fixed: where time does not run out, the same command gives the same answers."""


def grid(facts: Sequence[tuple[str, str]], scope: Scope) -> Grid:
    """`facts` are what only the caller knows: the command, the date, the limits."""
    rows = [
        *facts,
        ("scope", str(scope)),
        ("seeds", SEEDS),
        ("versions", ", ".join(f"{name} {number}" for name, number in versions().items())),
        ("system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"),
    ]
    return Grid("How this page was made", ("what", "value"), tuple(rows))


def engines(cells: Iterable[Cell]) -> Grid:
    """Who found the answers, how many, and how long that took."""
    found: dict[str, list[float]] = {}
    for cell in cells:
        name = cell.verdict.engine if cell.verdict else "no engine: it does not apply"
        found.setdefault(name, []).append(cell.seconds)
    rows = [
        (name, f"{len(times)}", f"{sum(times):.1f} s", f"{max(times):.1f} s")
        for name, times in sorted(found.items(), key=lambda pair: -len(pair[1]))
    ]
    columns = ("engine", "answers", "time together", "longest")
    return Grid("Who found the answers", columns, tuple(rows))
