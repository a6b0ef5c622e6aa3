"""How answers are written for programs: one object with scope, versions and results."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Final

from mktme.judge import Cell
from mktme.results.report import Report
from mktme.results.shapes import VERDICTS, Result, Results, Word

PACKAGES: Final = ("mktme", "z3-solver", "cvc5", "python-sat", "numpy", "cryptography")


def text(report: Report) -> str:
    """The report as JSON."""
    return record(report).written()


def record(report: Report) -> Results:
    """The report as an object (see `shapes`)."""
    return Results(
        scope=report.scope,
        versions=versions(),
        results=[_result(cell, report.certificate_of(cell)) for cell in report.cells],
        costs=list(report.measured) or None,
        expected=report.comparison,
    )


def versions() -> dict[str, str]:
    """Of Python, of this program, and of the libraries that judge."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found}


def word_of(cell: Cell) -> Word:
    """The verdict's word, which is one of those that are known."""
    for word in VERDICTS:
        if word == cell.word:
            return word
    raise AssertionError(f"no verdict is called {cell.word}")


def _result(cell: Cell, certificate: Path | None) -> Result:
    verdict = cell.verdict
    proved = verdict if verdict is not None and verdict.word == "PROVED" else None
    return Result(
        design=cell.design.name,
        property=cell.property_id,
        verdict=word_of(cell),
        depth=verdict.depth if verdict else None,
        length=len(cell.trace) if cell.trace is not None else None,
        trace=cell.trace_id or None,
        least=verdict.is_least if verdict and cell.trace is not None else None,
        states=verdict.states if verdict else None,
        transitions=verdict.transitions if verdict else None,
        levels=list(verdict.levels) if verdict and verdict.levels is not None else None,
        fired=dict(verdict.fired) if verdict and verdict.fired is not None else None,
        reduced=verdict.reduced if verdict else None,
        engine=verdict.engine if verdict else None,
        extent=proved.extent if proved else None,
        confirmed=proved.certificate.confirmed if proved and proved.certificate else None,
        certificate=str(certificate) if certificate else None,
        replayed=cell.replay.agrees if cell.replay else None,
        price=cell.price,
        story=cell.story or None,
        because=cell.because or None,
        disagreement=cell.disagreement or None,
        seconds=round(cell.seconds, 3),
    )
