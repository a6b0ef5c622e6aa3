"""The commands that judge designs by properties: `compare` reports, `check` gates."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.costs import Costs, Shape
from conformance.costs import costs as measure
from designs import KNOWN_DESIGNS, design_from_text
from mktme import expecting, kept, options, statuses
from mktme.commands.asking import console, judged, on_stderr, once
from mktme.commands.grouped import with_groups
from mktme.commands.groups import Answering, AnsweringOptions, JudgingOptions, ScopeOptions
from mktme.judge import Cell
from mktme.results import table, writing
from mktme.results.report import Report
from model import Scope
from properties import KNOWN_PROPERTIES, property_from_text


@with_groups
def compare(
    designs: options.DesignsArgument = None,
    properties: options.PropertyOption = None,
    *,
    scope: ScopeOptions,
    judging: JudgingOptions,
    answering: AnsweringOptions,
) -> int:
    """Judge designs by properties, print the matrix, and what each design costs.

    Example: mktme compare rfc-v2 rfc-v2,savekeys=on --property tables-agree
    """
    chosen = once([design_from_text(text) for text in designs or KNOWN_DESIGNS])
    claims = [property_from_text(text).id for text in properties or KNOWN_PROPERTIES]
    answering.require_scope(scope)
    asked = [(design, claim) for design in chosen for claim in dict.fromkeys(claims)]
    cells = judged(asked, scope, judging.orders, judging.executor)
    shape = Shape(scope.packages, scope.cpus, scope.keyids)
    measured = [measure(design, shape) for design in chosen]
    report = _report(cells, scope, judging.certificates, answering, measured)
    _answer(report, answering)
    return statuses.for_compare(cells, report.comparison)


@with_groups
def check(
    design: options.DesignArgument,
    properties: options.PropertiesArgument = None,
    *,
    scope: ScopeOptions,
    judging: JudgingOptions,
    answering: AnsweringOptions,
) -> int:
    """Judge one design by some properties, and gate.

    Example: mktme check rfc-v2,on_program_failure=quarantine tables-agree --packages 3
    """
    chosen = design_from_text(design)
    claims = [property_from_text(text).id for text in properties or KNOWN_PROPERTIES]
    answering.require_scope(scope)
    asked = [(chosen, claim) for claim in dict.fromkeys(claims)]
    cells = judged(asked, scope, judging.orders, judging.executor)
    report = _report(cells, scope, judging.certificates, answering)
    _answer(report, answering)
    return statuses.for_check(cells, report.comparison)


def _report(
    cells: Sequence[Cell],
    scope: Scope,
    folder: str | None,
    answering: Answering,
    measured: Sequence[Costs] = (),
) -> Report:
    written = kept.keep(cells, folder) if folder is not None else {}
    return Report(cells, scope, written, folder or "", measured, answering.compared(cells))


def _answer(report: Report, answering: Answering) -> None:
    """Give the answer, then keep it. What differs from a baseline is said beside other formats."""
    out = answering.output
    if out.format == "table" and out.path is None:
        table.show(report, console())
    else:
        writing.put(report, out)
        if report.comparison is not None:
            on_stderr(expecting.told(report.comparison))
    answering.keep(report.cells, report.scope)
