"""The commands: what may be asked, and how a bad question is answered.

A command returns its exit status (see `statuses`); `main` turns every refusal into one line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from conformance.lockstep import ground
from designs import DESIGNS, KNOBS, Design, design_from_text, nearest
from mktme import ending, listings, payloads, render, statuses
from mktme import explain as telling
from mktme.judge import Cell, Limits, judge
from mktme.matrix import Asked, judge_all
from mktme.progress import progress
from mktme.record import record
from mktme.simulation import simulate as simulation
from mktme.simulation import told
from model import LIMITS, Scope
from properties import PROPERTIES, property_from_text

COMPARED = ("rfc-v2", "rfc-v2-savekeys", "rfc-v2-fixed", "per-package")
"""The designs that `compare` takes when none is named."""

app = typer.Typer(
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Settle design arguments about a kernel memory-encryption key service: for each design and"
        " property, a proof, or a shortest counterexample that replays on running code."
    ),
    epilog="Exit statuses: "
    + "; ".join(f"{status} {meaning}" for status, meaning in statuses.MEANINGS.items())
    + ".",
)


def _range(bound: str) -> str:
    least, greatest = LIMITS[bound]
    return f"{least} to {greatest}"


DesignArgument = Annotated[
    str, typer.Argument(metavar="DESIGN[,knob=value…]", help="A named design, with knobs changed.")
]
Packages = Annotated[int, typer.Option(help=f"Packages, {_range('packages')}.")]
Cpus = Annotated[int, typer.Option(help=f"CPUs in each package, {_range('cpus')}.")]
KeyIds = Annotated[int, typer.Option("--keyids", help=f"Usable KeyIDs, {_range('keyids')}.")]
StatesMax = Annotated[int, typer.Option(help="Explore at most this many distinct states.", min=1)]
DepthMax = Annotated[int, typer.Option(help="Search at most this deep beyond them.", min=0)]
SecondsMax = Annotated[float, typer.Option(help="Seconds for each cell.", min=0.1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def compare(
    designs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DESIGN[,knob=value…]]…", help="Designs; four in debate if none."),
    ] = None,
    properties: Annotated[
        list[str] | None, typer.Option("--property", help="Judge this property (repeatable).")
    ] = None,
    packages: Packages = 2,
    cpus: Cpus = 2,
    keyids: KeyIds = 2,
    states_max: StatesMax = Limits.states_max,
    depth_max: DepthMax = Limits.depth_max,
    seconds_max: SecondsMax = Limits.seconds_max,
    as_json: AsJson = False,
) -> int:
    """Judge designs by properties and print the matrix.

    Example: mktme compare rfc-v2 rfc-v2,savekeys=on --property tables-agree
    """
    chosen = [design_from_text(text) for text in designs or COMPARED]
    claims = [property_from_text(text).id for text in properties or PROPERTIES]
    scope = Scope(packages, cpus, keyids)
    limits = Limits(states_max, depth_max, seconds_max)
    asked = [(design, claim) for design in _once(chosen) for claim in dict.fromkeys(claims)]
    cells = _judged(asked, scope, limits)
    _show(cells, scope, as_json)
    return statuses.for_compare(cells)


@app.command()
def check(
    design: DesignArgument,
    properties: Annotated[
        list[str] | None, typer.Argument(metavar="[PROPERTY]…", help="Properties; all if none.")
    ] = None,
    packages: Packages = 2,
    cpus: Cpus = 2,
    keyids: KeyIds = 2,
    states_max: StatesMax = Limits.states_max,
    depth_max: DepthMax = Limits.depth_max,
    seconds_max: SecondsMax = Limits.seconds_max,
    as_json: AsJson = False,
) -> int:
    """Judge one design by some properties, and gate.

    Example: mktme check rfc-v2,on_program_failure=quarantine tables-agree --packages 3
    """
    chosen = design_from_text(design)
    claims = [property_from_text(text).id for text in properties or PROPERTIES]
    scope = Scope(packages, cpus, keyids)
    limits = Limits(states_max, depth_max, seconds_max)
    cells = _judged([(chosen, claim) for claim in dict.fromkeys(claims)], scope, limits)
    _show(cells, scope, as_json)
    return statuses.for_check(cells)


@app.command()
def explain(
    design: DesignArgument,
    property_id: Annotated[str, typer.Argument(metavar="PROPERTY", help="The property's id.")],
    packages: Packages = 2,
    cpus: Cpus = 2,
    keyids: KeyIds = 2,
    states_max: StatesMax = Limits.states_max,
    depth_max: DepthMax = Limits.depth_max,
    seconds_max: SecondsMax = Limits.seconds_max,
) -> int:
    """Show one counterexample step by step, and its replay.

    Example: mktme explain rfc-v2 tables-agree
    """
    chosen, claim = design_from_text(design), property_from_text(property_id)
    scope = Scope(packages, cpus, keyids)
    limits = Limits(states_max, depth_max, seconds_max)
    (cell,) = _judged([(chosen, claim.id)], scope, limits)
    out = _console()
    if cell.trace is None:
        out.print(render.sign(cell).append(f" {chosen.name} / {claim.id}: no counterexample"))
        for note in render.notes([cell]):
            out.print(note)
    else:
        for part in telling.explanation(cell, ground(chosen, scope)):
            out.print(part)
    out.print()
    out.print(render.not_modelled_note())
    return statuses.for_compare([cell])


@app.command()
def payload(
    design: DesignArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The payload; standard input if absent.")
    ] = None,
) -> int:
    """Say what a design's parser makes of a payload text.

    A payload holds a key: on standard input it stays out of the shell's history.

    Example: mktme payload rfc-v2,parser=strict < payload.txt
    """
    chosen = design_from_text(design)
    if text is None and sys.stdin is None:
        raise typer.BadParameter("there is no text, and standard input is closed")
    given = sys.stdin.buffer.read().rstrip(b"\r\n") if text is None else os.fsencode(text)
    _console().print(payloads.judged(chosen, given))
    return statuses.HOLDS


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(metavar="designs|properties|knobs|commands")],
) -> int:
    """Show what there is: designs, properties, knobs, or the commands of a script.

    Example: mktme list knobs
    """
    tables = {
        "designs": lambda: [listings.designs(DESIGNS)],
        "properties": lambda: [listings.properties(PROPERTIES)],
        "knobs": lambda: [listings.knobs(KNOBS)],
        "commands": listings.commands,
    }
    if what not in tables:
        raise typer.BadParameter(f"unknown list {what!r}{nearest(what, tables)}")
    for table in tables[what]():
        _console().print(table)
    return statuses.HOLDS


@app.command()
def simulate(
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT|-", help="A script, or - for standard input.")
    ],
    design: Annotated[
        str | None,
        typer.Option(metavar="DESIGN[,knob=value…]", help="The design; rfc-v2 if none is given."),
    ] = None,
    shows: Annotated[
        list[str] | None,
        typer.Option(
            "--show", metavar="tables", help="Key tables after each line that changes them."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each line.")] = False,
) -> int:
    """Run a script on a simulated machine and print the answer of each line.

    The whole script is read before its first line runs. `mktme list commands` shows the language.
    Key bytes in payloads appear as fingerprints; texts and descriptions are shown as they are.

    Example: mktme simulate examples/rfc-demo-program.sim --show tables
    """
    for what in shows or ():
        if what != "tables":
            raise typer.BadParameter(f"unknown thing to show {what!r}; known: tables")
    read = simulation.read(script)
    chosen = simulation.chosen(read, design)
    ran = simulation.Simulation(read, chosen, shows_tables=bool(shows))
    for one in ran.run():
        for line in told.json_lines(one) if as_json else told.lines_of(one):
            print(line, flush=True)
    return statuses.INCONCLUSIVE if ran.is_open else statuses.HOLDS


def main() -> None:
    """Run a command and exit with its status; every refusal becomes one line on stderr."""
    known = [info.name or info.callback.__name__ for info in app.registered_commands]  # type: ignore[union-attr]

    def run() -> int | None:
        status: int | None = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
        return status

    sys.exit(ending.status_of(run, known))


def _once(designs: Sequence[Design]) -> list[Design]:
    return list({design.name: design for design in designs}.values())


def _console() -> Console:
    return Console(highlight=False)


def _show(cells: Sequence[Cell], scope: Scope, as_json: bool) -> None:
    if as_json:
        print(json.dumps(record(cells, scope), indent=2, ensure_ascii=False))
        return
    out = _console()
    for block in render.matrices(cells, out.width):
        out.print(block)
    out.print(render.legend(cells))
    out.print(render.scope_note(scope, cells))
    for line in render.notes(cells):
        out.print()
        out.print(line)
    out.print()
    out.print(render.not_modelled_note())


def _judged(asked: Sequence[Asked], scope: Scope, limits: Limits) -> list[Cell]:
    """Judge with a progress display on a terminal, and none in a pipe."""
    with progress(len(asked)) as bar:
        if len(asked) == 1:
            ((design, claim),) = asked
            return [judge(design, PROPERTIES[claim], scope, limits, bar.exploring)]
        return judge_all(asked, scope, limits, bar.done)
