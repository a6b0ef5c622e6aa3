"""SARIF 2.1.0: held to its own schema, and what becomes a result."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
from reports import EVERY_KIND, disagreeing, proved, report, violated, without_answer

from mktme import baseline, expecting
from mktme.judge import Cell
from mktme.results import sarif
from model import Scope
from properties import PROPERTIES

SCHEMA = Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json"


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(SCHEMA.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def run_of(*cells: Cell, expected: tuple[Cell, ...] | None = None) -> dict:
    compared = None
    if expected is not None:
        compared = expecting.compared("b.json", baseline.of(expected, Scope()), cells)
    (run,) = json.loads(sarif.text(report(*cells, comparison=compared)))["runs"]
    return run


def test_cells_of_every_kind_are_valid(validator):
    cells = [make() for make in EVERY_KIND]
    compared = expecting.compared("b.json", baseline.of([violated()], Scope()), cells)
    for comparison in (None, compared):
        log = json.loads(sarif.text(report(*cells, comparison=comparison)))
        assert [] == [error.message for error in validator.iter_errors(log)]


def test_the_schema_refuses_what_is_no_sarif(validator):
    log = json.loads(sarif.text(report(violated())))
    log["runs"][0]["results"][0]["level"] = "grave"
    assert not validator.is_valid(log)


@pytest.mark.parametrize(
    ("cell", "kind", "level"),
    [
        (violated, "fail", "error"),
        (lambda: violated("hotplug-admitted"), "fail", "note"),
        (lambda: without_answer("UNKNOWN"), "open", "none"),
        (lambda: without_answer("HOLDS_TO"), "open", "none"),
        (lambda: without_answer("VACUOUS"), "review", "none"),
        (disagreeing, "fail", "error"),
    ],
)
def test_what_does_not_hold_is_a_result_and_a_price_is_a_note(cell, kind, level):
    (result,) = run_of(cell())["results"]
    assert (kind, level) == (result["kind"], result["level"])


def test_what_holds_gives_a_rule_and_no_result():
    run = run_of(proved())
    assert [] == run["results"]
    (rule,) = run["tool"]["driver"]["rules"]
    claim = PROPERTIES["tables-agree"]
    assert (claim.id, claim.sentence) == (rule["id"], rule["shortDescription"]["text"])
    assert claim.source in rule["help"]["text"]


def test_a_violation_has_its_traces_identity_as_fingerprint_and_its_story_as_message():
    cell = violated()
    run = run_of(proved(), cell)
    (result,) = run["results"]
    assert {"mktmeTrace/v1": cell.trace_id} == result["partialFingerprints"]
    assert cell.story in result["message"]["text"]
    assert cell.property_id == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"]
    (place,) = result["locations"][0]["logicalLocations"]
    assert "rfc-v2/no-plaintext-unsaved" == place["fullyQualifiedName"]


def told_of_cells(run: dict) -> list[dict]:
    """The results but for those of the comparison with a baseline."""
    return [result for result in run["results"] if result["ruleId"] != sarif.CHANGED]


def told_of_the_baseline(run: dict) -> list[dict]:
    return [result for result in run["results"] if result["ruleId"] == sarif.CHANGED]


def test_with_a_baseline_a_result_says_whether_it_is_new():
    found, other = violated(), violated("hotplug-admitted")
    (known,) = told_of_cells(run_of(found, expected=(found,)))
    (unlisted,) = told_of_cells(run_of(found, expected=(other,)))
    assert ("unchanged", "new") == (known["baselineState"], unlisted["baselineState"])
    vacuous, unknown = without_answer("VACUOUS"), without_answer("UNKNOWN")
    (updated,) = told_of_cells(run_of(vacuous, expected=(unknown,)))
    (broken,) = told_of_cells(run_of(vacuous, expected=(proved("bitmap-exact"),)))
    assert ("updated", "new") == (updated["baselineState"], broken["baselineState"])


def test_a_cell_that_is_better_than_its_baseline_is_a_result_as_it_turns_the_status_red(validator):
    now = proved("no-plaintext-unsaved")
    was = dataclasses.replace(violated(), design=now.design)
    run = run_of(now, expected=(was,))
    (result,) = run["results"]
    assert ("fail", "error", "new") == tuple(result[k] for k in ("kind", "level", "baselineState"))
    assert sarif.CHANGED == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"]
    said = result["message"]["text"]
    assert f"was violated in 1 step (trace {was.trace_id}); it is proved for any size" in said
    (place,) = result["locations"][0]["logicalLocations"]
    assert "rfc-v2-fixed/no-plaintext-unsaved" == place["fullyQualifiedName"]
    log = {"version": "2.1.0", "runs": [run]}
    assert [] == [error.message for error in validator.iter_errors(log)]


def test_a_cell_that_is_as_its_baseline_says_gives_no_result_of_the_comparison():
    assert [] == told_of_the_baseline(run_of(violated(), proved(), expected=(violated(), proved())))
    assert [] == told_of_the_baseline(run_of(violated()))


def test_a_trace_that_changed_is_told_with_what_it_was():
    cell = violated()
    was = baseline.of([cell], Scope())
    was = was.model_copy(
        update={"cells": [was.cells[0].model_copy(update={"trace": "0123456789ab"})]}
    )
    compared = expecting.compared("b.json", was, [cell])
    (run,) = json.loads(sarif.text(report(cell, comparison=compared)))["runs"]
    (result,) = told_of_the_baseline(run)
    assert "(trace 0123456789ab)" in result["message"]["text"]
    assert f"(trace {cell.trace_id})" in result["message"]["text"]
    assert ("fail", "error") == (result["kind"], result["level"])


def test_what_has_no_answer_any_more_is_open_in_the_comparison():
    run = run_of(without_answer("UNKNOWN"), expected=(proved("bitmap-exact"),))
    (result,) = told_of_the_baseline(run)
    assert ("open", "none") == (result["kind"], result["level"])
    assert "was proved for any size; it is unknown" in result["message"]["text"]
