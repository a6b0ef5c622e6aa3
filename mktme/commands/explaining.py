"""The commands that tell why: a counterexample step by step, and what a proof rests on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from checker import Limits
from conformance.lockstep import ground
from designs import design_from_text
from mktme import kept, options, proofs, proving, render, statuses
from mktme.commands.asking import console, judged
from mktme.commands.grouped import with_groups
from mktme.commands.groups import JudgingOptions, ScopeOptions
from mktme.judge import Cell
from mktme.report.answers import kind_of, sizes_said
from mktme.results import objects
from mktme.results.report import Report
from mktme.traces import forms
from mktme.traces.recorded import RecordError
from mktme.traces.telling import document_of
from mktme.traces.terminal import explanation
from model import Scope
from properties import not_applicable, property_from_text


@with_groups
def explain(
    design: options.DesignArgument,
    property_id: options.PropertyArgument,
    *,
    scope: ScopeOptions,
    judging: JudgingOptions,
    as_json: options.AsJson = False,
    form: options.TraceForm = forms.AS_TEXT,
    output: options.TraceFile = None,
) -> int:
    """Show one counterexample step by step, and its replay; or write it in another form.

    Where there is none, it says which command shows the proof. With --json it is the object that
    mktme schema trace describes, or, where there is no counterexample, that of check. With
    another form and no counterexample, status 2.

    Example: mktme explain rfc-v2 tables-agree --as test -o tests/test_tables.py
    """
    # Here --json and --as json are the same object, so that asking for both is asking once.
    written, path = forms.form_from_option(form, output, as_json and form != forms.JSON)
    chosen, claim = design_from_text(design), property_from_text(property_id)
    (cell,) = judged([(chosen, claim.id)], scope, judging.orders, judging.executor)
    if judging.certificates is not None:
        kept.keep([cell], judging.certificates)
    if as_json and cell.trace is None:
        forms.put(objects.text(Report([cell], scope)) + "\n", path)
    else:
        _show(cell, scope, forms.JSON if as_json else written, path)
    return statuses.for_compare([cell])


def _show(cell: Cell, scope: Scope, form: str | None, path: Path | None) -> None:
    """Raises RecordError where a run is to be written and there is none."""
    if cell.trace is None or cell.record is None:
        found = "no counterexample" if cell.word == "PROVED" else "no counterexample was found"
        which = f"{cell.design.name} / {cell.property_id}: {found}"
        if form is not None:
            raise RecordError(f"there is nothing to write: {which}, {render.sign(cell).plain}")
        console().print(render.sign(cell).append(f" {which}"))
        for note in render.notes([cell]):
            console().print(note)
        if cell.word == "PROVED":
            console().print(_where_the_proof_is(cell, scope), markup=False, soft_wrap=True)
        return
    grounding = ground(cell.design, scope, cell.record.system)
    if form is None:
        for part in explanation(document_of(cell, scope, grounding)):
            console().print(part)
    elif form == forms.JSON:
        forms.put(forms.json_of(document_of(cell, scope, grounding)), path)
    else:
        forms.put(forms.write(cell.record, cell.trace, grounding, form), path)


def _where_the_proof_is(cell: Cell, scope: Scope) -> str:
    """The command that shows it, in one line that can be copied."""
    which = f"{shlex.quote(cell.design.name)} {cell.property_id}"
    if kind_of(cell) == "any-size":
        return f"What the proof rests on: mktme lemmas {which}"
    return f"The proof as a file: mktme check {which}{sizes_said(scope)} --certificates DIR"


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
