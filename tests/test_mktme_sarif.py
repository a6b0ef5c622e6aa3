"""SARIF 2.1.0: held to its own schema, and what becomes a result."""

from __future__ import annotations

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


def test_with_a_baseline_a_result_says_whether_it_is_new():
    found, other = violated(), violated("hotplug-admitted")
    (known,) = run_of(found, expected=(found,))["results"]
    (unlisted,) = run_of(found, expected=(other,))["results"]
    assert ("unchanged", "new") == (known["baselineState"], unlisted["baselineState"])
    vacuous, unknown = without_answer("VACUOUS"), without_answer("UNKNOWN")
    (updated,) = run_of(vacuous, expected=(unknown,))["results"]
    (broken,) = run_of(vacuous, expected=(proved("bitmap-exact"),))["results"]
    assert ("updated", "new") == (updated["baselineState"], broken["baselineState"])
