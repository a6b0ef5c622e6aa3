"""How a report becomes SARIF 2.1.0: a rule for each property, a result for what does not hold.

A violation is an error, and a note where it is the price of the posture. What has no answer is
open, what is vacuous is for review, and two checkers that disagree are an error. What holds or
does not apply gives no result. The fingerprint of a violation is its trace's identity, so that a
violation that is found again is known to be the same one. Nothing has a place in a file: a design
is a value, and so the location is its name, with the property's.

With a baseline each result also says whether it is new, and every difference is a result of a rule
of its own, whatever the cell says now: the command's status counts a violation that is gone as well
as a new one, and who reads only the results must see what turned it red. Such a result is new, for
no baseline has differences; it is open where there is no answer now.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mktme import render
from mktme.judge import Cell
from mktme.results.objects import versions
from mktme.results.report import Report
from mktme.results.shapes import Difference
from properties import KNOWN_PROPERTIES

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

FINGERPRINT: Final = "mktmeTrace/v1"
"""The kind of fingerprint that a trace's identity is."""

CHANGED: Final = "baseline-changed"
"""The rule that a cell is as the baseline says."""

_KINDS: Final[Mapping[str, str]] = {
    "VIOLATED": "fail",
    "UNKNOWN": "open",
    "HOLDS_TO": "open",
    "VACUOUS": "review",
}
"""The words that give a result, and what SARIF calls it."""


def text(report: Report) -> str:
    """The report as SARIF."""
    return json.dumps(record(report), indent=2, ensure_ascii=False)


def record(report: Report) -> dict[str, Any]:
    """The log with its one run."""
    names = list(dict.fromkeys(cell.property_id for cell in report.cells))
    rules = [_rule(property_id) for property_id in names]
    if report.comparison is not None:
        rules.append(_rule_of_the_baseline(report.comparison.baseline))
    driver = {"name": "mktme", "version": versions()["mktme"], "rules": rules}
    run = {
        "tool": {"driver": driver},
        "results": [result for cell in report.cells for result in _results(cell, report, names)],
        "properties": {"scope": dataclasses.asdict(report.scope), "versions": versions()},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(property_id: str) -> dict[str, Any]:
    claim = KNOWN_PROPERTIES[property_id]
    return {
        "id": claim.id,
        "shortDescription": {"text": claim.sentence},
        "help": {"text": f"Source: {claim.source}"},
        "defaultConfiguration": {"level": "error"},
    }


def _rule_of_the_baseline(baseline: str) -> dict[str, Any]:
    return {
        "id": CHANGED,
        "shortDescription": {"text": "Every cell is as the baseline says."},
        "help": {"text": f"Baseline: {baseline}"},
        "defaultConfiguration": {"level": "error"},
    }


def _results(cell: Cell, report: Report, rules: list[str]) -> Iterator[dict[str, Any]]:
    """What a cell gives: that it does not hold, and that it is not as the baseline says."""
    comparison, different = report.comparison, None
    if comparison is not None:
        different = comparison.of(cell.design.name, cell.property_id)
    if cell.word in _KINDS or cell.disagrees:
        result = _not_holding(cell, rules.index(cell.property_id))
        if comparison is not None:
            result["baselineState"] = _state(different)
        yield result
    if different is not None:
        kind = "open" if different.kind == "undecided" else "fail"
        level = "error" if kind == "fail" else "none"
        said = f"{different}. {render.said(cell)}"
        result = _result(cell, CHANGED, len(rules), kind, level, said)
        yield {**result, "baselineState": "new"}


def _not_holding(cell: Cell, index: int) -> dict[str, Any]:
    kind = "fail" if cell.disagrees else _KINDS[cell.word]
    level = "none" if kind != "fail" else "note" if cell.price and not cell.disagrees else "error"
    said = f"{cell.design.name} / {cell.property_id}: {render.said(cell)}"
    return _result(cell, cell.property_id, index, kind, level, said)


def _result(cell: Cell, rule: str, index: int, kind: str, level: str, said: str) -> dict[str, Any]:
    design = cell.design.name
    place = {"name": design, "fullyQualifiedName": f"{design}/{cell.property_id}", "kind": "module"}
    result = {
        "ruleId": rule,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": said},
        "locations": [{"logicalLocations": [place]}],
    }
    if cell.trace_id:
        result["partialFingerprints"] = {FINGERPRINT: cell.trace_id}
    return result


def _state(different: Difference | None) -> str:
    """Where a result stands beside a baseline, in SARIF's words."""
    if different is None:
        return "unchanged"
    return "updated" if different.expected in _KINDS else "new"
