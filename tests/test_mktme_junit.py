"""JUnit XML: which cells pass, fail, are errors or are skipped."""

from __future__ import annotations

import pytest
from junitparser import JUnitXml, TestCase, TestSuite
from reports import (
    EVERY_KIND,
    disagreeing,
    not_applicable,
    proved,
    report,
    violated,
    without_answer,
)

from mktme import baseline, expecting, statuses
from mktme.judge import Cell
from mktme.results import junit
from model import Scope


def suites(*cells: Cell, expected: tuple[Cell, ...] | None = None) -> list[TestSuite]:
    """What a reader of JUnit XML makes of the cells; `expected` make the baseline."""
    compared = None
    if expected is not None:
        compared = expecting.compared("b.json", baseline.of(expected, Scope()), cells)
    return list(JUnitXml.fromstring(junit.text(report(*cells, comparison=compared)).encode()))


def outcome(case: TestCase) -> tuple[str, str]:
    """How a case ended, with the type of what it says."""
    if not case.result:
        return "passed", ""
    (result,) = case.result
    return type(result).__name__, result.type


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (proved, ("passed", "")),
        (violated, ("Failure", "violated")),
        (lambda: violated("hotplug-admitted"), ("Skipped", "price")),
        (not_applicable, ("Skipped", "not applicable")),
        (lambda: without_answer("UNKNOWN"), ("Error", "inconclusive")),
        (lambda: without_answer("HOLDS_TO"), ("Error", "inconclusive")),
        (lambda: without_answer("VACUOUS"), ("Error", "vacuous")),
        (disagreeing, ("Error", "disagreement")),
    ],
)
def test_a_case_ends_as_its_cell_does(cell, expected):
    ((case,),) = suites(cell())
    assert expected == outcome(case)


@pytest.mark.parametrize("make", EVERY_KIND)
def test_what_fails_or_errs_is_what_check_does_not_let_pass_but_for_prices(make):
    cell = make()
    ((case,),) = suites(cell)
    is_let_pass = cell.price is not None or statuses.for_check([cell]) == statuses.HOLDS
    assert is_let_pass == (outcome(case)[0] in ("passed", "Skipped"))


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (violated, violated, ("passed", "")),
        (
            lambda: violated("hotplug-admitted"),
            lambda: violated("hotplug-admitted"),
            ("passed", ""),
        ),
        (lambda: proved(extent="scope"), proved, ("Failure", "changed")),
        (lambda: without_answer("UNKNOWN", "tables-agree"), proved, ("Failure", "changed")),
        (
            lambda: proved("bitmap-exact"),
            lambda: without_answer("UNKNOWN"),
            ("Error", "inconclusive"),
        ),
        (lambda: proved("bitmap-exact"), lambda: without_answer("VACUOUS"), ("Failure", "changed")),
        (proved, violated, ("Failure", "unlisted")),
        (violated, disagreeing, ("Error", "disagreement")),
    ],
)
def test_with_a_baseline_a_case_fails_where_its_cell_is_another(was, now, expected):
    ((case,),) = suites(now(), expected=(was(),))
    assert expected == outcome(case)


def test_each_design_is_a_suite_that_counts_and_names_scope_and_versions():
    posted, fixed = suites(violated(), proved(), violated("hotplug-admitted"))
    assert ("rfc-v2", 2, 1, 1, 0) == (
        posted.name,
        posted.tests,
        posted.failures,
        posted.skipped,
        posted.errors,
    )
    assert ("rfc-v2-fixed", 1, 1.5) == (fixed.name, fixed.tests, fixed.time)
    said = {one.name: one.value for one in posted.properties()}
    assert ("2", "2") == (said["scope.packages"], said["scope.threads"])
    assert {"version.mktme", "version.z3-solver", "version.python"} <= set(said)


def test_a_failure_tells_the_story_and_the_traces_identity():
    cell = violated()
    ((case,),) = suites(cell)
    assert ("rfc-v2", "no-plaintext-unsaved", 2.25) == (case.classname, case.name, case.time)
    assert cell.story in case.result[0].message
    assert f"trace {cell.trace_id}" in case.result[0].message
