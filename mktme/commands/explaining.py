"""The commands that tell why: a counterexample step by step, and what a proof rests on."""

from __future__ import annotations

from typing import Annotated

import typer

from checker import Limits
from conformance.lockstep import ground
from designs import design_from_text
from mktme import options, proofs, proving, render, statuses
from mktme.commands.asking import console, judged
from mktme.results import objects
from mktme.results.report import Report
from mktme.traces.telling import document_of
from mktme.traces.terminal import explanation
from model import Scope
from properties import not_applicable, property_from_text


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
    as_json: options.AsJson = False,
) -> int:
    """Show one counterexample step by step, and its replay.

    With --json it is the object that mktme schema trace describes, or, where there is no
    counterexample, that of check.

    Example: mktme explain rfc-v2 tables-agree
    """
    chosen, claim = design_from_text(design), property_from_text(property_id)
    scope = Scope(packages, cpus, keyids, vmas=vmas, threads=threads)
    orders = options.orders_of(
        states_max, depth_max, seconds_max, engine, memory, checkpoint, certificates
    )
    (cell,) = judged([(chosen, claim.id)], scope, orders)
    out = console()
    if cell.trace is None and as_json:
        print(objects.text(Report([cell], scope)))
    elif cell.trace is None:
        out.print(render.sign(cell).append(f" {chosen.name} / {claim.id}: no counterexample"))
        for note in render.notes([cell]):
            out.print(note)
    else:
        document = document_of(cell, scope, ground(chosen, scope, claim.system))
        if as_json:
            print(document.written())
        for part in () if as_json else explanation(document):
            out.print(part)
    return statuses.for_compare([cell])


def lemmas(
    design: options.DesignArgument,
    property_id: options.PropertyArgument,
    discover: Annotated[
        bool, typer.Option("--discover", help="Use no written lemma, but what IC3 learns.")
    ] = False,
    seconds_max: options.SecondsMax = options.SECONDS_MAX,
    as_json: options.AsJson = False,
) -> int:
    """Show what a proof for any size rests on, or the step at which it gets stuck.

    Example: mktme lemmas rfc-v2-fixed bitmap-exact --discover
    """
    chosen, claim = design_from_text(design), property_from_text(property_id)
    excluded = not_applicable(chosen, claim)
    if excluded is not None and as_json:
        print(proofs.not_applicable(chosen, claim.id, excluded).written())
        return statuses.HOLDS
    if excluded is not None:
        console().print(f"{claim.id} does not apply to {chosen.name} ({excluded})", markup=False)
        return statuses.HOLDS
    tried = proving.proof(chosen, claim.id, Limits(seconds_max=seconds_max), discover)
    if as_json:
        print(proofs.record(tried).written())
        return statuses.for_proof(tried.verdict)
    for part in proving.told(tried):
        console().print(part)
    return statuses.for_proof(tried.verdict)
