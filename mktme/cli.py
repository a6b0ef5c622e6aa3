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
from rich.text import Text

from checker import CertificateError, Limits
from conformance.costs import Costs, Shape
from conformance.costs import costs as measure
from conformance.edges import SMALLEST
from conformance.lockstep import ground
from conformance.mutants.catalogue import MUTANTS, mutant_from_text
from designs import DESIGNS, KNOBS, Design, design_from_text, nearest
from mktme import (
    conforming,
    costs,
    ending,
    executors,
    kept,
    listings,
    mutation,
    options,
    payloads,
    proving,
    render,
    statuses,
    verify,
)
from mktme import explain as telling
from mktme.judge import Cell, judge
from mktme.matrix import Asked, judge_all
from mktme.orders import Orders
from mktme.progress import progress
from mktme.record import record
from mktme.simulation import simulate as simulation
from mktme.simulation import told
from model import Scope
from properties import PROPERTIES, not_applicable, property_from_text

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


@app.command()
def compare(
    designs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DESIGN[,knob=value…]]…", help="Designs; all named ones if none."),
    ] = None,
    properties: Annotated[
        list[str] | None, typer.Option("--property", help="Judge this property (repeatable).")
    ] = None,
    packages: options.Packages = 2,
    cpus: options.Cpus = 2,
    keyids: options.KeyIds = 2,
    vmas: options.Vmas = 2,
    threads: options.Threads = 2,
    states_max: options.StatesMax = options.STATES_MAX,
    depth_max: options.DepthMax = options.DEPTH_MAX,
    seconds_max: options.SecondsMax = options.SECONDS_MAX,
    engine: options.Engine = "auto",
    memory: options.Memory = None,
    checkpoint: options.Checkpoint = None,
    certificates: options.Certificates = None,
    executor: options.ExecutorName = "processes",
    as_json: options.AsJson = False,
) -> int:
    """Judge designs by properties, print the matrix, and what each design costs.

    Example: mktme compare rfc-v2 rfc-v2,savekeys=on --property tables-agree
    """
    chosen = [design_from_text(text) for text in designs or DESIGNS]
    claims = [property_from_text(text).id for text in properties or PROPERTIES]
    scope = Scope(packages, cpus, keyids, vmas=vmas, threads=threads)
    orders = options.orders_of(
        states_max, depth_max, seconds_max, engine, memory, checkpoint, certificates
    )
    asked = [(design, claim) for design in _once(chosen) for claim in dict.fromkeys(claims)]
    cells = _judged(asked, scope, orders, executor)
    shape = Shape(scope.packages, scope.cpus, scope.keyids)
    measured = [measure(design, shape) for design in _once(chosen)]
    _show(cells, scope, certificates, as_json, measured)
    return statuses.for_compare(cells)


@app.command()
def check(
    design: options.DesignArgument,
    properties: Annotated[
        list[str] | None, typer.Argument(metavar="[PROPERTY]…", help="Properties; all if none.")
    ] = None,
    packages: options.Packages = 2,
    cpus: options.Cpus = 2,
    keyids: options.KeyIds = 2,
    vmas: options.Vmas = 2,
    threads: options.Threads = 2,
    states_max: options.StatesMax = options.STATES_MAX,
    depth_max: options.DepthMax = options.DEPTH_MAX,
    seconds_max: options.SecondsMax = options.SECONDS_MAX,
    engine: options.Engine = "auto",
    memory: options.Memory = None,
    checkpoint: options.Checkpoint = None,
    certificates: options.Certificates = None,
    executor: options.ExecutorName = "processes",
    as_json: options.AsJson = False,
) -> int:
    """Judge one design by some properties, and gate.

    Example: mktme check rfc-v2,on_program_failure=quarantine tables-agree --packages 3
    """
    chosen = design_from_text(design)
    claims = [property_from_text(text).id for text in properties or PROPERTIES]
    scope = Scope(packages, cpus, keyids, vmas=vmas, threads=threads)
    orders = options.orders_of(
        states_max, depth_max, seconds_max, engine, memory, checkpoint, certificates
    )
    asked = [(chosen, claim) for claim in dict.fromkeys(claims)]
    cells = _judged(asked, scope, orders, executor)
    _show(cells, scope, certificates, as_json)
    return statuses.for_check(cells)


@app.command()
def explain(
    design: options.DesignArgument,
    property_id: options.PropertyArgument,
    packages: options.Packages = 2,
    cpus: options.Cpus = 2,
    keyids: options.KeyIds = 2,
    vmas: options.Vmas = 2,
    threads: options.Threads = 2,
    states_max: options.StatesMax = options.STATES_MAX,
    depth_max: options.DepthMax = options.DEPTH_MAX,
    seconds_max: options.SecondsMax = options.SECONDS_MAX,
    engine: options.Engine = "auto",
    memory: options.Memory = None,
    checkpoint: options.Checkpoint = None,
    certificates: options.Certificates = None,
) -> int:
    """Show one counterexample step by step, and its replay.

    Example: mktme explain rfc-v2 tables-agree
    """
    chosen, claim = design_from_text(design), property_from_text(property_id)
    scope = Scope(packages, cpus, keyids, vmas=vmas, threads=threads)
    orders = options.orders_of(
        states_max, depth_max, seconds_max, engine, memory, checkpoint, certificates
    )
    (cell,) = _judged([(chosen, claim.id)], scope, orders)
    out = _console()
    if cell.trace is None:
        out.print(render.sign(cell).append(f" {chosen.name} / {claim.id}: no counterexample"))
        for note in render.notes([cell]):
            out.print(note)
    else:
        for part in telling.explanation(cell, ground(chosen, scope, claim.system)):
            out.print(part)
    return statuses.for_compare([cell])


@app.command()
def lemmas(
    design: options.DesignArgument,
    property_id: options.PropertyArgument,
    discover: Annotated[
        bool, typer.Option("--discover", help="Use no written lemma, but what IC3 learns.")
    ] = False,
    seconds_max: options.SecondsMax = options.SECONDS_MAX,
) -> int:
    """Show what a proof for any size rests on, or the step at which it gets stuck.

    Example: mktme lemmas rfc-v2-fixed bitmap-exact --discover
    """
    chosen, claim = design_from_text(design), property_from_text(property_id)
    excluded = not_applicable(chosen, claim)
    if excluded is not None:
        _console().print(f"{claim.id} does not apply to {chosen.name} ({excluded})", markup=False)
        return statuses.HOLDS
    verdict, told_ = proving.proof(chosen, claim.id, Limits(seconds_max=seconds_max), discover)
    for part in told_:
        _console().print(part)
    return statuses.for_proof(verdict)


@app.command()
def conform(
    designs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DESIGN[,knob=value…]]…", help="Designs; all named ones if none."),
    ] = None,
    packages: options.Packages = SMALLEST.packages,
    cpus: options.Cpus = SMALLEST.cpus,
    keyids: options.KeyIds = SMALLEST.keyids,
    values: options.Values = SMALLEST.values,
    vmas: options.Vmas = SMALLEST.vmas,
    histories: options.Histories = 1,
    executor: options.ExecutorName = "processes",
) -> int:
    """Make every transition of the key service's model on the implementation, and compare.

    The scope is the smallest one in which every action happens, if no other is given. There are
    some 12,000 transitions of no-hotplug and 2,000,000 of rfc-v2; a thousand take a second.

    Example: mktme conform rfc-v2-fixed per-package --histories 2
    """
    chosen = _once([design_from_text(text) for text in designs or DESIGNS])
    scope = Scope(packages, cpus, keyids, values, vmas, SMALLEST.threads)
    with (
        progress(len(chosen)) as bar,
        executors.executor(executor, most=len(chosen)) as pool,
    ):
        found = conforming.all_walked(chosen, scope, histories, pool, bar.step)
    for part in conforming.told(found, scope):
        _console().print(part)
    return conforming.status(found)


@app.command()
def mutants(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Mutants; all if none.")
    ] = None,
    executor: options.ExecutorName = "processes",
    as_json: options.AsJson = False,
) -> int:
    """Plant single faults in implementation, hardware and model, and say what notices each.

    Example: mktme mutants vault-stale tweak-has-keyid-bits model-update-leaves-bit
    """
    chosen = list(dict.fromkeys(mutant_from_text(text).id for text in ids or MUTANTS))
    with (
        progress(len(chosen)) as bar,
        executors.executor(executor, most=len(chosen)) as pool,
    ):
        found = mutation.all_tried(chosen, pool, bar.step)
    if as_json:
        print(json.dumps(mutation.record(found), indent=2, ensure_ascii=False))
        return mutation.status(found)
    for part in mutation.told(found):
        _console().print(part)
    return mutation.status(found)


@app.command("verify-certificate")
def verify_certificate(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Certificates.")],
) -> int:
    """Check certificates again, alone: against the file and the installed model.

    Example: mktme verify-certificate certificates/rfc-v2-fixed_tables-agree.smt2
    """
    status = statuses.HOLDS
    for file in files:
        try:
            _console().print(Text(f"confirmed: {verify.verify(file)}"))
        except CertificateError as refusal:
            print(f"mktme: {' '.join(str(refusal).split())}", file=sys.stderr)
            status = statuses.DISAGREE
    return status


@app.command()
def payload(
    design: options.DesignArgument,
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


def _show(
    cells: Sequence[Cell],
    scope: Scope,
    certificates: str | None,
    as_json: bool,
    measured: Sequence[Costs] = (),
) -> None:
    written = kept.keep(cells, certificates) if certificates is not None else {}
    if as_json:
        print(json.dumps(record(cells, scope, written, measured), indent=2, ensure_ascii=False))
        return
    out = _console()
    for block in render.matrices(cells, out.width):
        out.print(block)
    out.print(render.legend(cells))
    out.print(render.scope_note(scope, cells))
    if measured:
        out.print()
    for part in costs.tables(measured):
        out.print(part)
    for line in render.notes(cells):
        out.print()
        out.print(line)
    if written:
        out.print()
        out.print(render.certificates_note(certificates or "", len(written)))


def _judged(
    asked: Sequence[Asked], scope: Scope, orders: Orders, executor: str = "processes"
) -> list[Cell]:
    """Judge with a progress display on a terminal, and none in a pipe.

    A single cell is judged here, where it can show how far it is and be interrupted.
    """
    with progress(len(asked)) as bar:
        if len(asked) == 1 and executor == "processes":
            ((design, claim),) = asked
            return [judge(design, PROPERTIES[claim], scope, orders, bar.exploring)]
        with executors.executor(executor, most=len(asked)) as pool:
            return judge_all(asked, scope, orders, pool, bar.done)
