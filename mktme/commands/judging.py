"""The commands that judge designs by properties: `compare` reports, `check` gates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from conformance.costs import Costs, Shape
from conformance.costs import costs as measure
from designs import DESIGNS, design_from_text
from mktme import costs, kept, options, render, statuses
from mktme.commands.asking import console, judged, once
from mktme.judge import Cell
from mktme.record import record
from model import Scope
from properties import PROPERTIES, property_from_text


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
    asked = [(design, claim) for design in once(chosen) for claim in dict.fromkeys(claims)]
    cells = judged(asked, scope, orders, executor)
    shape = Shape(scope.packages, scope.cpus, scope.keyids)
    measured = [measure(design, shape) for design in once(chosen)]
    _show(cells, scope, certificates, as_json, measured)
    return statuses.for_compare(cells)


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
    cells = judged(asked, scope, orders, executor)
    _show(cells, scope, certificates, as_json)
    return statuses.for_check(cells)


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
    out = console()
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
