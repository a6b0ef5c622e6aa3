"""Decides which benchmarks run and how they are told: `python -m benchmarks [--json] [NAME…]`.

A figure stands beside its baseline, measured in the same run on the same machine, and beside what
was asked for where something was. Nothing passes or fails here: machines are noisy.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.rows import Row

NAMES = ("exploring", "any_size", "proving", "searching", "reducing", "comparing")
"""The modules of this package that have `rows()`, in the order in which they run."""

WIDTH_MIN = 120
"""Characters that a table gets even where nobody says how wide the output is."""

LIBRARIES = ("z3-solver", "cvc5", "python-sat", "numpy", "numba")


def machine() -> dict[str, str]:
    """What the figures were measured on, with the versions of what did the work."""
    return {
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "system": platform.platform(),
        "python": platform.python_version(),
    } | {name: _version(name) for name in LIBRARIES}


def _processor() -> str:
    """The processor's name where the system tells it."""
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def table(rows: list[Row]) -> Table:
    """The figures of one benchmark."""
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for title in ("what", "measured", "ratio", "to", "asked for", "met"):
        shown.add_column(title, justify="right" if title in ("measured", "ratio") else "left")
    for row in rows:
        goal = row.goal + (" times" if row.of_ratio and row.goal else "")
        shown.add_row(
            row.what + (f"\n[dim]{escape(row.note)}[/]" if row.note else ""),
            f"{row.figure:,.3g} {row.unit}",
            "" if row.ratio is None else f"{row.ratio:,.3g}",
            row.baseline,
            goal,
            {True: "yes", False: "NO", None: ""}[row.met],
        )
    return shown


def main(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help=f"Any of {', '.join(NAMES)}.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure the engines against named baselines, on this machine, in this run."""
    for name in names or ():
        if name not in NAMES:
            raise typer.BadParameter(f"unknown benchmark {name!r}; known: {', '.join(NAMES)}")
    out = Console(highlight=False)
    out = Console(highlight=False, width=max(out.width, WIDTH_MIN))
    told = {}
    for name in names or NAMES:
        rows: list[Row] = importlib.import_module(f"benchmarks.{name}").rows()
        told[name] = [dataclasses.asdict(row) | {"met": row.met} for row in rows]
        if not as_json:
            out.print(f"[bold]{name}[/]")
            out.print(table(rows))
    if as_json:
        print(json.dumps({"machine": machine(), "benchmarks": told}, indent=2))
    else:
        out.print(", ".join(f"{key} {value}" for key, value in machine().items()))


if __name__ == "__main__":
    typer.run(main)
