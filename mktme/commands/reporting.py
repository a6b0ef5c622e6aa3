"""The command that writes all results into one page, and the matrix into a picture."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from checker import Limits
from conformance.costs import Shape
from conformance.costs import costs as measure
from designs import KNOWN_DESIGNS, Design, design_from_text
from mktme import differences, executors, kept, options, statuses
from mktme.commands.asking import judged, once
from mktme.commands.grouped import Group, with_groups
from mktme.commands.groups import Judging, JudgingOptions, ScopeOptions
from mktme.differences import Difference
from mktme.judge import Cell
from mktme.progress import progress
from mktme.report.reported import Reported
from mktme.results.output import file_from_text, write
from model import Scope
from properties import KNOWN_PROPERTIES, property_from_text

_Output = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="Where the page goes.")
]
_Picture = Annotated[
    str | None,
    typer.Option("--picture", metavar="FILE", help="Draw the matrix into this file, as SVG."),
]


def _files(output: _Output = "report.html", picture: _Picture = None) -> tuple[Path, Path | None]:
    return file_from_text(output), None if picture is None else file_from_text(picture)


@with_groups
def report(
    designs: options.DesignsArgument = None,
    properties: options.PropertyOption = None,
    pairs: Annotated[
        bool, typer.Option(help="Look for what one design allows and another does not.")
    ] = True,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Show it in a browser.")] = False,
    *,
    files: Annotated[tuple[Path, Path | None], Group(_files)],
    scope: ScopeOptions,
    judging: JudgingOptions,
    as_json: options.AsJson = False,
) -> int:
    """Judge designs by properties, and write one page that opens from disk.

    It has the matrix, each proof and each counterexample step by step, costs, and what each pair of
    designs differs in.

    Example: mktme report rfc-v2 no-hotplug --property tables-agree -o report.html
    """
    chosen = once([design_from_text(text) for text in designs or KNOWN_DESIGNS])
    claims = dict.fromkeys(property_from_text(text).id for text in properties or KNOWN_PROPERTIES)
    started = time.monotonic()
    asked = [(design, claim) for design in chosen for claim in claims]
    cells = judged(asked, scope, judging.orders, judging.executor)
    if judging.certificates is not None:
        kept.keep(cells, judging.certificates)
    sizes = dataclasses.replace(scope, values=differences.SCOPE.values)
    found = _pairs(chosen, sizes, judging) if pairs and len(chosen) > 1 else []
    facts = _facts(cells, judging, time.monotonic() - started)
    results = _Asked(cells, scope, found, facts, _pairs_scope(sizes, judging))
    _say(_write(files, results), as_json)
    if opens:
        webbrowser.open(files[0].resolve().as_uri())
    return _status(cells, found)


def _without_folder(argument: str) -> str:
    """An argument as strangers may see it: a path from the root tells them of a machine."""
    return Path(argument).name if argument.startswith("/") else argument


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What the page is to show, before its costs are measured."""

    cells: Sequence[Cell]
    scope: Scope
    found: Sequence[Difference]
    facts: Sequence[tuple[str, str]]
    pairs_scope: str


def _pairs(designs: Sequence[Design], scope: Scope, judging: Judging) -> list[Difference]:
    """The differences of all pairs."""
    directions = len(designs) * (len(designs) - 1)
    with (
        progress(directions) as bar,
        executors.executor(judging.executor, most=directions) as pool,
    ):
        return differences.of_pairs(designs, scope, _pair_limits(judging), pool, bar.step)


def _pair_limits(judging: Judging) -> Limits:
    """The limits of a direction: those of a cell where these are less."""
    known, asked = differences.LIMITS, judging.orders.limits
    return dataclasses.replace(
        known,
        states_max=min(known.states_max or 0, asked.states_max or known.states_max or 0),
        depth_max=min(known.depth_max, asked.depth_max),
        seconds_max=min(known.seconds_max or 0.0, asked.seconds_max or known.seconds_max or 0.0),
    )


def _pairs_scope(scope: Scope, judging: Judging) -> str:
    """Where the pairs were searched, and how far."""
    limits, sizes = _pair_limits(judging), differences.scope_said(scope)
    return (
        f"Searched in this scope: {sizes}; each direction to {limits.states_max:,} states,"
        f" {limits.depth_max} calls, {limits.seconds_max:.0f} s at most. One user key is enough, as"
        " no answer depends on which it is."
    )


def _facts(cells: Sequence[Cell], judging: Judging, seconds: float) -> list[tuple[str, str]]:
    """How the page was made, as far as only its maker knows."""
    limits = judging.orders.limits
    bounds = f"{limits.states_max:,} states, depth {limits.depth_max}, {limits.seconds_max:.0f} s"
    checking = sum(cell.seconds for cell in cells)
    now = datetime.datetime.now(datetime.UTC)
    return [
        ("command", shlex.join(["mktme", *map(_without_folder, sys.argv[1:])])),
        ("made", f"{now:%Y-%m-%d %H:%M} UTC"),
        ("time", f"{seconds:.0f} s; the cells took {checking:.0f} s, some of them side by side"),
        ("limits of a cell", bounds),
        ("engine", f"{judging.orders.engine}, on {judging.executor}"),
    ]


def _write(files: tuple[Path, Path | None], asked: _Asked) -> Reported:
    # The page's libraries take a second to load, which no other command needs.
    from mktme.report.page import Results, page
    from mktme.report.picture import picture

    page_file, picture_file = files
    cells, scope = asked.cells, asked.scope
    designs = once([cell.design for cell in cells])
    shape = Shape(scope.packages, scope.cpus, scope.keyids)
    measured = [measure(design, shape) for design in designs]
    text = page(Results(cells, scope, measured, asked.found, asked.facts, asked.pairs_scope))
    write(page_file, text)
    if picture_file is not None:
        write(picture_file, picture(cells, scope))
    return Reported(
        page=str(page_file),
        picture=None if picture_file is None else str(picture_file),
        answers=len(cells),
        counterexamples=sum(cell.trace is not None for cell in cells),
        bytes=len(text.encode()),
    )


def _say(done: Reported, as_json: bool) -> None:
    if as_json:
        print(done.written())
        return
    size = f"{done.bytes / 1e6:.1f} MB"
    print(f"{done.page}: answers {done.answers}, counterexamples {done.counterexamples}, {size}")
    if done.picture is not None:
        print(f"{done.picture}: the matrix as a picture")


def _status(cells: Sequence[Cell], found: Sequence[Difference]) -> int:
    """As `compare`, and as `differ` where all cells are decided."""
    if statuses.for_differ(found) == statuses.DISAGREE:
        return statuses.DISAGREE
    return statuses.for_compare(cells) or statuses.for_differ(found)
