"""Baselines: what they hold cells to, what is refused, and how a run ends that is compared."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from reports import disagreeing, not_applicable, proved, violated, without_answer
from simulations import mktme

from designs import DESIGNS, design_from_text, prices
from mktme import baseline, expecting, render, statuses
from mktme.baseline import known_traces
from mktme.judge import Cell
from mktme.results.shapes import Comparison
from model import Scope
from properties import PROPERTIES

CHECK = ("check", "rfc-v2", "no-plaintext-unsaved")


def compared(was: list[Cell], now: list[Cell]) -> Comparison:
    return expecting.compared("b.json", baseline.of(was, Scope()), now)


def longer(cell: Cell) -> Cell:
    """The same violation with another trace."""
    return dataclasses.replace(cell, trace_id="0123456789ab")


def not_least(cell: Cell) -> Cell:
    """The same, found when no time was left to look for the least."""
    return dataclasses.replace(cell, verdict=dataclasses.replace(cell.verdict, is_least=False))


def test_a_baseline_is_read_as_it_was_written_one_cell_a_line(tmp_path):
    cells = [violated(), proved(), proved("map-exact", "scope"), not_applicable()]
    made = baseline.of(cells, Scope())
    (tmp_path / "b.json").write_text(made.written())
    assert made == baseline.read(str(tmp_path / "b.json"))
    lines = made.written().splitlines()
    assert (
        '    {"design": "rfc-v2", "property": "no-plaintext-unsaved", "verdict": "VIOLATED",'
        f' "length": 1, "trace": "{violated().trace_id}"}},'
    ) in lines
    assert (
        '    {"design": "rfc-v2-fixed", "property": "map-exact", "verdict": "PROVED",'
        ' "extent": "scope"},'
    ) in lines


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (violated, violated, None),
        (violated, lambda: longer(violated()), "changed"),
        (violated, lambda: not_least(violated()), "undecided"),
        (lambda: not_least(violated()), lambda: longer(violated()), None),
        (proved, proved, None),
        (proved, lambda: proved(extent="scope"), "changed"),
        (proved, lambda: without_answer("UNKNOWN", "tables-agree"), "undecided"),
        (proved, lambda: without_answer("HOLDS_TO", "tables-agree"), "undecided"),
        (proved, lambda: without_answer("VACUOUS", "tables-agree"), "changed"),
        (lambda: without_answer("UNKNOWN", "tables-agree"), proved, "changed"),
        (lambda: without_answer("UNKNOWN"), lambda: without_answer("UNKNOWN"), None),
        (lambda: without_answer("UNKNOWN"), lambda: without_answer("HOLDS_TO"), "changed"),
        (proved, not_applicable, "unlisted"),
    ],
)
def test_a_cell_is_as_expected_changed_unlisted_or_undecided(was, now, kind):
    found = compared([was()], [now()])
    assert [kind] == ([one.kind for one in found.differences] or [None])
    assert (0 if kind else 1) == found.as_expected


def test_another_length_is_a_change_even_where_the_baseline_names_no_trace():
    was = baseline.of([not_least(violated())], Scope())
    (cell,) = was.cells
    was = was.model_copy(update={"cells": [cell.model_copy(update={"length": 2})]})
    (found,) = expecting.compared("b.json", was, [violated()]).differences
    assert ("changed", "violated in 2 steps (any trace)") == (found.kind, found.was)


def test_what_changed_is_said_with_what_it_was_and_what_it_is():
    cell = violated()
    told = expecting.told(compared([longer(cell)], [cell, proved()]))
    assert [
        "rfc-v2 / no-plaintext-unsaved was violated in 1 step (trace 0123456789ab);"
        f" it is violated in 1 step (trace {cell.trace_id})",
        "rfc-v2-fixed / tables-agree is not in the baseline; it is proved for any size",
        "Baseline b.json: 0 of 2 judged are as it says.",
    ] == told


def test_what_was_not_asked_for_is_named_by_design_and_is_no_change():
    more = [proved(name) for name in list(PROPERTIES)[:4]]
    found = compared([violated(), violated("hotplug-admitted"), *more], [violated()])
    assert {
        "rfc-v2": ["hotplug-admitted"],
        "rfc-v2-fixed": list(PROPERTIES)[:4],
    } == found.not_judged
    assert [
        "5 of the baseline's cells were not asked for: rfc-v2 (hotplug-admitted);"
        " rfc-v2-fixed (4 properties).",
        "Baseline b.json: 1 of 1 judged are as it says.",
    ] == expecting.told(found)
    assert statuses.HOLDS == statuses.for_check([violated()], found)


def test_a_design_is_the_same_by_whatever_name():
    by_knobs = design_from_text("rfc-v2-savekeys,savekeys=off")
    renamed = dataclasses.replace(violated(), design=by_knobs)
    assert [] == compared([violated()], [renamed]).differences


@pytest.mark.parametrize(
    ("was", "now", "status"),
    [
        (violated, violated, statuses.HOLDS),
        (
            lambda: violated("hotplug-admitted"),
            lambda: violated("hotplug-admitted"),
            statuses.HOLDS,
        ),
        (violated, lambda: longer(violated()), statuses.VIOLATED),
        (lambda: proved(extent="scope"), proved, statuses.VIOLATED),
        (proved, violated, statuses.VIOLATED),
        (violated, disagreeing, statuses.DISAGREE),
        (violated, lambda: not_least(violated()), statuses.INCONCLUSIVE),
        (
            lambda: without_answer("UNKNOWN"),
            lambda: without_answer("UNKNOWN"),
            statuses.INCONCLUSIVE,
        ),
        (
            lambda: proved("bitmap-exact"),
            lambda: without_answer("UNKNOWN"),
            statuses.INCONCLUSIVE,
        ),
        (lambda: without_answer("VACUOUS"), lambda: without_answer("VACUOUS"), statuses.VACUOUS),
        (lambda: proved("bitmap-exact"), lambda: without_answer("VACUOUS"), statuses.VIOLATED),
    ],
)
def test_check_and_compare_end_alike_where_there_is_a_baseline(was, now, status):
    found = compared([was()], [now()])
    assert (status, status) == (
        statuses.for_check([now()], found),
        statuses.for_compare([now()], found),
    )


def test_the_worst_cell_decides_with_a_baseline_too():
    now = [violated(), without_answer("VACUOUS"), without_answer("UNKNOWN", "map-exact")]
    assert statuses.VACUOUS == statuses.for_check(now, compared(now, now))
    changed = [longer(violated()), *now[1:]]
    assert statuses.VIOLATED == statuses.for_check(changed, compared(now, changed))


def cells_as_text(**changes: object) -> str:
    cell = {"design": "rfc-v2", "property": "map-exact", "verdict": "PROVED", "extent": "scope"}
    whole = {"format": "mktme-baseline", "version": 1, "scope": {}, "cells": [cell]}
    return json.dumps(whole | changes)


GOOD = {"design": "rfc-v2", "property": "map-exact", "verdict": "PROVED"}

NO_BASELINES = {
    "nothing": "is no baseline: Invalid JSON",
    '{"format": "mktme-results"}': "is no baseline: format: Input should be 'mktme-baseline'",
    cells_as_text(version=2): "is no baseline: version: Input should be 1",
    cells_as_text(more=1): "is no baseline: more: Extra inputs are not permitted",
    cells_as_text(scope={"packages": 9}): "packages=9 is out of range; known: 1 to 8",
    cells_as_text(cells=[GOOD | {"verdict": "FINE"}]): "cells.0.verdict: Input should be 'PROVED',",
    cells_as_text(cells=[GOOD | {"design": "rfc-v3"}]): "unknown design 'rfc-v3' (did you mean",
    cells_as_text(cells=[GOOD | {"property": "map"}]): "nobody can judge: unknown property 'map'",
    cells_as_text(cells=[GOOD, GOOD]): "has rfc-v2 / map-exact twice",
    cells_as_text(scope={"packages": 3}): "is of another scope (3 packages, 2 CPUs each,",
}


@pytest.mark.parametrize("text", NO_BASELINES)
@pytest.mark.parametrize("command", [CHECK, ("compare",)])
def test_a_file_that_is_no_baseline_is_refused_before_anything_is_judged(command, text, tmp_path):
    path = tmp_path / "b.json"
    path.write_text(text)
    status, out, err = mktme(*command, "--expect", str(path))
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert NO_BASELINES[text] in err


def test_a_baseline_that_is_not_there_is_refused():
    status, _, err = mktme(*CHECK, "--expect", "/no/where.json")
    said = "mktme: cannot read the baseline '/no/where.json': No such file or directory\n"
    assert (statuses.BAD_INPUT, said) == (status, err)


def test_a_run_is_held_to_the_baseline_that_a_run_before_it_wrote(tmp_path):
    path = tmp_path / "b.json"
    status, out, err = mktme(*CHECK, "--write-expect", str(path))
    assert (statuses.VIOLATED, "") == (status, err)
    status, out, _ = mktme(*CHECK, "--expect", str(path))
    assert statuses.HOLDS == status
    said = f"Baseline {path}: 1 of 1 judged are as it says."
    assert said.replace(" ", "") in "".join(out.split())
    text = path.read_text()
    path.write_text(text.replace(violated().trace_id, "0123456789ab"))
    status, out, err = mktme(*CHECK, "--expect", str(path), "--json", "--write-expect", str(path))
    (difference,) = json.loads(out)["expected"]["differences"]
    assert (statuses.VIOLATED, "changed") == (status, difference["kind"])
    assert (
        "mktme: rfc-v2 / no-plaintext-unsaved was violated in 1 step (trace 0123456789ab); it"
        in err
    )
    assert text == path.read_text()


def test_compare_ends_with_1_where_a_cell_is_not_as_expected_and_never_else(tmp_path):
    path = tmp_path / "b.json"
    path.write_text(baseline.of([longer(violated())], Scope()).written())
    asked = ("compare", "rfc-v2", "--property", "no-plaintext-unsaved")
    assert statuses.HOLDS == mktme(*asked)[0]
    assert statuses.VIOLATED == mktme(*asked, "--expect", str(path))[0]


def test_no_baseline_is_written_of_answers_that_contradict_each_other(tmp_path, monkeypatch):
    path = tmp_path / "b.json"
    monkeypatch.setattr("mktme.commands.asking.judge", lambda *_: disagreeing())
    status, _, err = mktme(*CHECK, "--write-expect", str(path))
    said = "mktme: no baseline is written, for the checkers disagree\n"
    assert (statuses.DISAGREE, said, False) == (status, err, path.exists())


def test_the_shipped_baseline_has_every_named_design_and_every_property_and_all_is_decided():
    shipped = baseline.read(baseline.SHIPPED)
    assert Scope() == shipped.scope
    assert [(d, p) for d in DESIGNS for p in PROPERTIES] == [
        (cell.design, cell.property) for cell in shipped.cells
    ]
    assert {"PROVED", "VIOLATED", "NOT_APPLICABLE"} == {cell.verdict for cell in shipped.cells}


def test_every_shipped_violation_is_found_by_its_traces_identity():
    shipped = baseline.read(baseline.SHIPPED)
    broken = [cell for cell in shipped.cells if cell.verdict == "VIOLATED"]
    known = known_traces()
    assert [(c.design, c.property, Scope()) for c in broken] == [known[c.trace] for c in broken]
    assert len(broken) == len(known)


@pytest.mark.parametrize(
    ("design", "property_id"),
    [("rfc-v2", "no-plaintext-unsaved"), ("no-hotplug", "hotplug-admitted")],
)
def test_shipped_traces_are_those_that_are_found(design, property_id):
    found = compared_to_shipped(violated(property_id, design))
    assert ([], 1) == (found.differences, found.as_expected)


def compared_to_shipped(cell: Cell) -> Comparison:
    return expecting.compared("shipped", baseline.read(baseline.SHIPPED), [cell])


@pytest.mark.deep
def test_compare_finds_what_the_shipped_baseline_says(tmp_path):
    """As it is written: `mktme compare --write-expect mktme/baseline.json`."""
    path = tmp_path / "b.json"
    status, _, err = mktme("compare", "--expect", "shipped", "--json", "--write-expect", str(path))
    assert (statuses.HOLDS, 1) == (status, err.count("\n"))
    assert baseline.read(baseline.SHIPPED).written() + "\n" == path.read_text()


def test_the_picture_in_the_readme_says_what_the_shipped_baseline_says():
    drawn = Path(__file__).parents[1] / "docs" / "matrix.svg"
    described = re.search(r"<desc[^>]*>(.*?)</desc>", drawn.read_text(encoding="utf-8"), re.DOTALL)
    rows = dict(re.findall(r"([\w-]+): (.*?)\.(?= |$)", described[1]))
    said = {(id_, *cell.split(" ", 1)) for id_, row in rows.items() for cell in row.split(", ")}
    cells = baseline.read(baseline.SHIPPED).cells
    assert {(cell.property, cell.design, in_picture(cell)) for cell in cells} == said


def in_picture(cell) -> str:
    """What stands in the picture's place for a cell."""
    if cell.verdict == "NOT_APPLICABLE":
        return "– n/a"
    if cell.verdict == "PROVED":
        return "✓ any size" if cell.extent == "any size" else "✓ this scope"
    price = " §" if cell.property in prices(DESIGNS[cell.design]) else ""
    return f"✗ {render.steps(cell.length)}{price}"
