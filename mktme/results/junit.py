"""How a report becomes JUnit XML: a suite for each design, a case for each property.

A case fails where somebody has to act. Without a baseline that is a violation. One that is listed
as the price of the posture is none that anybody could mend, and no pass either: it is skipped,
with the price as its message, although the command's status counts it (who accepts prices says so
in a baseline, and then the two agree). With a baseline, what it says is expected: a violation
that it lists passes, and what differs from it fails, also where that is for the better, for then
the baseline has to be written again. What has no answer (unknown, vacuous, two checkers that
disagree) is an error in any case.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from mktme import render
from mktme.judge import Cell
from mktme.results.objects import versions
from mktme.results.report import Report
from properties import KNOWN_PROPERTIES


def text(report: Report) -> str:
    """The report as JUnit XML."""
    whole = JUnitXml("mktme")
    for design in report.designs():
        whole.add_testsuite(_suite(design, report))
    whole.update_statistics()  # type: ignore[no-untyped-call]
    written = BytesIO()
    whole.write(written, pretty=True)
    return written.getvalue().decode()


def _suite(design: str, report: Report) -> TestSuite:
    suite = TestSuite(design)
    for name, value in dataclasses.asdict(report.scope).items():
        suite.add_property(f"scope.{name}", str(value))
    for name, value in versions().items():
        suite.add_property(f"version.{name}", value)
    for cell in report.cells:
        if cell.design.name == design:
            suite.add_testcase(_case(cell, report))
    return suite


def _case(cell: Cell, report: Report) -> TestCase:
    case = TestCase(cell.property_id, cell.design.name, round(cell.seconds, 3))
    case.result = list(_outcome(cell, report))
    case.system_out = f"{KNOWN_PROPERTIES[cell.property_id].sentence}\n{render.said(cell)}"
    return case


def _outcome(cell: Cell, report: Report) -> Iterator[Failure | Error | Skipped]:
    """How a case ends; nothing where it passes."""
    different = report.comparison and report.comparison.of(cell.design.name, cell.property_id)
    if cell.disagrees:
        yield Error(render.said(cell), "disagreement")
    elif different and different.kind != "undecided":
        yield Failure(f"{different}. {render.said(cell)}", different.kind)
    elif cell.word in ("UNKNOWN", "HOLDS_TO"):
        yield Error(render.said(cell), "inconclusive")
    elif different:
        yield Error(f"{different}. {render.said(cell)}", different.kind)
    elif cell.word == "VACUOUS":
        yield Error(render.said(cell), "vacuous")
    elif cell.word == "NOT_APPLICABLE":
        yield Skipped(render.said(cell), "not applicable")
    elif cell.word == "VIOLATED" and report.comparison is None:
        yield (
            Skipped(render.said(cell), "price")
            if cell.price
            else Failure(render.said(cell), "violated")
        )
