"""The page and the picture as texts: what is in them, and what must never be."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pages
import pytest
from rich.table import Table
from simulations import mktme as run_mktme

from checker import Limits
from checker.answers.verdict import Verdict
from conformance.costs import Shape, costs
from designs import DESIGNS, design_from_text
from mktme import differences, executors, statuses, viewer
from mktme.commands import reporting
from mktme.commands.groups import Judging
from mktme.differences import Difference
from mktme.judge import Cell
from mktme.orders import Orders
from mktme.report import chart, environment, grids, packed, page, picture, standing
from mktme.report.answers import KINDS, answer_of, kind_of, sizes_said
from mktme.scenario import BothCalls
from mktme.traces.document import MARKS
from model import Scope

FIXED = DESIGNS["rfc-v2-fixed"]


@pytest.fixture(scope="module")
def text() -> str:
    return page.page(pages.results())


def inside(text: str, start: str, end: str) -> str:
    """What stands between two texts, of which the first is there once."""
    (_, rest) = text.split(start)
    return rest.split(end)[0]


def unpacked(found: dict[str, Any], number: int) -> dict[str, Any]:
    """A document put together again, as the page's script does it."""

    def row(place: int) -> dict[str, Any]:
        head, *entries = found["rows"][place]
        return {"head": head, "entries": [found["entries"][entry] for entry in entries]}

    def panel(place: int) -> dict[str, Any]:
        id_, title, corner, columns, *rows = found["panels"][place]
        head = {"id": id_, "title": title, "corner": corner}
        return head | {"columns": found["columns"][columns], "rows": list(map(row, rows))}

    trace = found["traces"][number]
    return trace | {
        "knobs": found["knobs"][trace["knobs"]],
        "calls": [found["calls"][call] for call in trace["calls"]],
        "frames": [{"panels": list(map(panel, frame))} for frame in trace["frames"]],
    }


# What is in the page


def test_every_counterexample_in_the_page_is_its_whole_document(text: str) -> None:
    found = json.loads(inside(text, 'id="traces">', "</script>"))
    documents = list(page.documents_of(pages.results()).values())
    assert 6 == len(documents)
    again = [unpacked(found, number) for number in range(len(documents))]
    assert [one.model_dump(mode="json") for one in documents] == again


def test_equal_panels_are_in_the_page_once(text: str) -> None:
    found = json.loads(inside(text, 'id="traces">', "</script>"))
    panels = [panel for trace in found["traces"] for frame in trace["frames"] for panel in frame]
    assert len(found["panels"]) < len(panels) / 2
    for values in found.values():
        assert len(values) == len({json.dumps(value) for value in values})


def test_every_cell_has_an_answer_and_every_link_its_place(text: str) -> None:
    places = re.findall(r'<section class="answer [^"]*" id="([^"]*)"', text)
    cells = [f"{design}/{claim}" for design in pages.NAMES for claim in pages.CLAIMS]
    pairs = ["pair/rfc-v2/no-hotplug", "pair/no-hotplug/rfc-v2"]
    assert cells == [place for place in places if not place.startswith("pair/")]
    assert set(places) - set(cells) <= set(pairs)
    targets = set(re.findall(r'id="([^"]*)"', text))
    linked = set(re.findall(r'href="#([^"]*)"', text))
    assert linked <= targets


def test_no_identity_of_an_element_is_given_twice(text: str) -> None:
    given = Counter(re.findall(r'\bid="([^"]*)"', text))
    assert [] == [name for name, number in given.items() if number > 1]


def test_the_page_asks_for_nothing_from_anywhere(text: str) -> None:
    without_names = text.replace(chart.SVG, "").replace(chart.XLINK, "")
    assert [] == re.findall(r"https?://[^\s\"'<]*", without_names)
    assert [] == re.findall(
        r"<(?:link|img|iframe|object|embed|base|form)\b|\bsrc=|url\((?!#)", text
    )


def test_the_policy_names_the_script_and_the_style_sheet_by_their_hashes(text: str) -> None:
    said = inside(text, 'Content-Security-Policy" content="', '"').replace("&#39;", "'")
    expected = {
        "script-src": inside(text, '<script type="module">', "</script>"),
        "style-src": inside(text, "<style>", "</style>"),
    }
    directives = dict(part.strip().split(" ", 1) for part in said.split(";"))
    assert "'none'" == directives["default-src"]
    for name, content in expected.items():
        digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" == directives[name]


def test_no_element_has_a_style_or_a_handler_of_its_own(text: str) -> None:
    markup = text.replace(inside(text, '<script type="module">', "</script>"), "")
    assert [] == re.findall(r"<[^>]*\s(?:style|on[a-z]+)=", markup)


def test_the_scripts_never_read_text_as_html() -> None:
    script = viewer.SCRIPT + page._text("report.js")
    assert [] == re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script
    )


def test_no_key_bytes_are_in_the_page(text: str) -> None:
    assert [] == re.findall(r"\b[0-9a-f]{32}\b", text.lower())


def test_what_the_data_say_is_text_and_nothing_else() -> None:
    evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    calls = (BothCalls(evil, "ok", evil, evil, evil),)
    pair = Difference("rfc-v2", "no-hotplug", "scenario", start=evil, calls=calls)
    (cell,) = [one for one in pages.results().cells if one.word == "VIOLATED"][:1]
    results = page.Results(
        [dataclasses.replace(cell, price=evil)], pages.SCOPE, (), [pair], [("command", evil)]
    )
    text = page.page(results)
    assert "<img" not in text
    assert "<script>alert" not in text
    assert text.count("</script>") == 2
    assert "&lt;img" in text


def test_data_in_a_script_element_cannot_end_it() -> None:
    value = {"a": "</script><!--", "b": "\u2028&"}
    said = packed.script_text(value)
    assert value == json.loads(said)
    assert [] == re.findall("[<>&\u2028]", said)


def test_the_same_results_make_the_same_page(text: str) -> None:
    assert text == page.page(pages.results())


def test_a_page_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a page needs cells"):
        page.page(page.Results([], Scope()))
    with pytest.raises(ValueError, match="a picture needs cells"):
        picture.picture([], Scope())


def test_a_script_that_would_end_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="has its end"):
        page._inside("script", "const a = '</SCRIPT>';")


def test_the_script_knows_the_marks_of_the_document() -> None:
    found = re.findall(r'^  (\w+): \["(.)", "(.*)"\],$', viewer.SCRIPT, re.MULTILINE)
    assert [(mark, *said) for mark, said in MARKS.items()] == found


def test_a_page_without_costs_and_pairs_has_no_such_sections() -> None:
    text = page.page(page.Results(pages.results().cells[:1], pages.SCOPE))
    assert 'id="costs"' not in text
    assert 'id="pairs"' not in text
    assert "1 design judged by 1 property" in text


# Answers


def cell(word: str, **what: Any) -> Cell:
    return Cell(FIXED, "tables-agree", word, **what)


def test_an_answer_has_a_kind_a_sign_and_a_word() -> None:
    bounded = Verdict("HOLDS_TO", "bounded", 7, reason="time")
    cells = [
        cell("HOLDS_TO", verdict=bounded),
        cell("UNKNOWN", error="they differ"),
        cell("VACUOUS"),
        cell("NOT_APPLICABLE"),
        pages.cell("no-hotplug", "tables-agree"),
        pages.cell("no-hotplug", "no-deadlock"),
        pages.cell("rfc-v2", "tables-agree"),
        pages.cell("no-hotplug", "hotplug-admitted"),
    ]
    answers = [answer_of(one, Scope(), None) for one in cells]
    assert [
        ("bounded", "~", "to depth 7"),
        ("unknown", "?", "unknown"),
        ("vacuous", "∅", "vacuous"),
        ("na", "–", "n/a"),
        ("any-size", "✓", "any size"),
        ("scope", "✓", "this scope"),
        ("violated", "✗", "2 steps"),
        ("price", "✗", "3 steps"),
    ] == [(answer.kind, answer.sign, answer.word) for answer in answers]
    assert set(KINDS) == {kind_of(one) for one in cells} == set(page.TALLY)


def test_a_proof_says_what_it_rests_on_and_who_checked_it() -> None:
    answer = answer_of(pages.cell("no-hotplug", "tables-agree"), pages.SCOPE, None)
    facts = dict(answer.facts)
    assert "An induction for any size." == answer.how
    assert "A lead CPU is online." in answer.lemmas
    assert "cvc5 refutes all" in facts["second checker"]
    assert "mktme lemmas no-hotplug tables-agree" == answer.commands[1]


def test_a_command_names_only_the_sizes_that_are_not_the_usual_ones() -> None:
    assert "" == sizes_said(Scope())
    assert " --packages 3 --vmas 1" == sizes_said(Scope(packages=3, vmas=1))


def test_a_name_with_knobs_is_quoted_for_the_shell_and_as_an_address() -> None:
    design = design_from_text("rfc-v2,savekeys=on")
    one = dataclasses.replace(pages.cell("rfc-v2", "tables-agree"), design=design)
    text = page.page(page.Results([one], pages.SCOPE))
    assert 'href="#rfc-v2%2Csavekeys%3Don/tables-agree"' in text
    assert 'id="rfc-v2,savekeys=on/tables-agree"' in text


# Figures


def test_the_figures_of_the_chart_are_those_that_were_measured() -> None:
    cells = pages.results().cells
    rows = standing.standings(cells, pages.results().measured)
    grid = standing.grid_of(rows)
    assert ("rfc-v2", "0", "1", "1", "4", "0") == grid.rows[0][:6]
    measured = [costs(DESIGNS[name], Shape(2, 2, 2)) for name in ("rfc-v2", "cpu-keys-only")]
    usual = [standing._standing(Counter(), one) for one in measured]
    assert ("rfc-v2", "4", "32", "32", "2", "2") == _figures(usual, 0)
    assert ("cpu-keys-only", "6", "–", "–", "2", "1") == _figures(usual, 1)


def _figures(rows: list[standing.Standing], at: int) -> tuple[str, ...]:
    row = standing.grid_of(rows).rows[at]
    return (row[0], *row[6:])


def test_the_chart_is_a_picture_with_words_and_without_styles() -> None:
    rows = standing.standings(pages.results().cells, pages.results().measured)
    text = chart.chart(rows)
    root = ElementTree.fromstring(text)
    names = [element.text for element in root.iter(f"{{{chart.SVG}}}text")]
    assert {"rfc-v2", "no-hotplug", "✗ 4"} <= set(names)
    assert "img" == root.get("role")
    assert ["chart-title", "chart-description"] == root.get("aria-labelledby", "").split()
    assert "style" not in text
    assert all(element.get("class") for element in root.iter(f"{{{chart.SVG}}}text"))
    assert text == chart.chart(rows)


def test_each_kind_of_answer_has_a_sign_of_its_own_in_the_chart_however_few_they_are() -> None:
    (one, _) = standing.standings(pages.results().cells, pages.results().measured)
    counted = Counter({"any-size": 3, "scope": 1, "price": 1, "violated": 1, "na": 34})
    rows = [dataclasses.replace(one, answers=counted)]
    root = ElementTree.fromstring(chart.chart(rows))
    said = [element.text or "" for element in root.iter(f"{{{chart.SVG}}}text")]
    assert {"∞ 3", "✓", "§", "✗", "– 34"} <= set(said)
    assert len(set(chart.SIGNS.values())) == len(chart.SIGNS)
    (legend,) = (f"{one} {said[at + 1]}" for at, one in enumerate(said) if "any size" in one)
    assert all(f"{sign} " in legend for sign in chart.SIGNS.values())


def test_an_older_drawing_library_gives_the_same_attributes() -> None:
    old = f"""<svg xmlns="{chart.SVG}"><text style="font: 9.5px 'A B'; text-anchor: middle;
 fill: #010101">x</text><path style="stroke: #030303; stroke-width: 2"/></svg>"""
    root = ElementTree.fromstring(chart.classed(old.replace("\n", ""), "n"))
    text, path = root[2], root[3]
    assert {"font-size": "9.5", "text-anchor": "middle", "class": "fill-ink"} == text.attrib
    assert {"class": "stroke-line fill-none", "stroke-width": "2"} == path.attrib


def test_a_table_of_the_terminal_becomes_a_grid() -> None:
    table = Table("design", "failed\nadd", title="PCONFIGs")
    table.add_row("rfc-v2,\nsavekeys=on", "2")
    table.add_row("per-package")
    expected = grids.Grid(
        "PCONFIGs", ("design", "failed add"), (("rfc-v2,savekeys=on", "2"), ("per-package",))
    )
    assert [expected] == list(grids.grids(["a text", table]))


def test_the_engines_are_counted_with_their_times() -> None:
    done = Verdict("HOLDS_TO", "bounded", 7, reason="time")
    cells = [cell("HOLDS_TO", verdict=done, seconds=2.0)] * 2 + [cell("NOT_APPLICABLE")]
    expected = (("bounded", "2", "4.0 s", "2.0 s"),)
    assert expected == environment.engines(cells).rows[:1]
    assert "0.0 s" == environment.engines(cells).rows[1][2]


# The picture


def test_the_picture_has_every_answer_in_signs_and_words() -> None:
    root = ElementTree.fromstring(picture.picture(pages.results().cells, pages.SCOPE))
    said = [element.text for element in root.iter(f"{{{chart.SVG}}}text")]
    assert {"rfc-v2", "no-hotplug", *pages.CLAIMS} <= set(said)
    counted = Counter(said)
    assert (1, 1) == (counted["✗ 2 steps"], counted["✗ 3 steps §"])
    (description,) = root.iter(f"{{{chart.SVG}}}desc")
    assert "tables-agree: rfc-v2 ✗ 2 steps, no-hotplug ✓ any size." in str(description.text)


def test_an_answer_stands_in_its_designs_column_where_others_have_none() -> None:
    cells = [pages.cell("rfc-v2", "tables-agree"), pages.cell("no-hotplug", "bitmap-exact")]
    root = ElementTree.fromstring(picture.picture(cells, pages.SCOPE))
    texts = {element.text: element.get("x") for element in root.iter(f"{{{chart.SVG}}}text")}
    assert texts["no-hotplug"] == texts["✓ any size"]
    assert texts["rfc-v2"] == texts["✗ 2 steps"]


def test_a_long_name_is_broken_where_its_parts_meet() -> None:
    assert ("rfc-v2",) == picture.broken("rfc-v2")
    assert ("rfc-v2-", "savekeys-", "fixed") == picture.broken("rfc-v2-savekeys-fixed")
    assert ("rfc-v2,", "savekeys=on") == picture.broken("rfc-v2,savekeys=on")


# The command


def test_the_command_writes_page_and_picture(tmp_path: Path) -> None:
    out, drawn = tmp_path / "r.html", tmp_path / "m.svg"
    arguments = ("rfc-v2", "rfc-v2-fixed", "--property", "payload-as-documented", "--no-pairs")
    status, said, _ = run_mktme("report", *arguments, "-o", str(out), "--picture", str(drawn))
    assert statuses.HOLDS == status
    assert (
        f"{out}: answers 2, counterexamples 1, 0.1 MB\n{drawn}: the matrix as a picture\n" == said
    )
    text = out.read_text(encoding="utf-8")
    assert "2 designs judged by 1 property" in text
    assert "mktme report rfc-v2 rfc-v2-fixed --property payload-as-documented" in text
    assert "20,000,000 states, depth 20, 300 s" in text
    assert "<svg" in drawn.read_text(encoding="utf-8")
    assert {out, drawn} == set(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("nobody",), "unknown design 'nobody'"),
        (("rfc-v2", "--property", "no"), "unknown property 'no'"),
        (("rfc-v2", "-o", "missing/r.html"), "there is no directory 'missing'"),
        (("rfc-v2", "-o", "."), "cannot write '.': it is a directory"),
        (("rfc-v2", "--picture", "missing/m.svg"), "there is no directory 'missing'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_judged(
    arguments: tuple[str, ...], refusal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run_mktme("report", *arguments)
    assert (statuses.BAD_INPUT, "") == (status, out)
    assert refusal in err
    assert [] == list(tmp_path.iterdir())


def test_the_browser_is_asked_only_when_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(reporting.webbrowser, "open", shown.append)
    out = tmp_path / "r.html"
    asked = ("report", "rfc-v2", "--property", "payload-as-documented", "-o", str(out))
    run_mktme(*asked)
    assert [] == shown
    run_mktme(*asked, "--open")
    assert [out.as_uri()] == shown


def test_pairs_are_looked_for_within_the_limits_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(reporting.differences, "of_pairs", lambda *what: asked.extend(what) or [])
    monkeypatch.setattr(executors, "_processes", lambda number, most: iter([None]))
    designs, scope = [DESIGNS["rfc-v2"], FIXED], Scope(packages=3, values=1)
    judging = Judging(Orders(Limits(states_max=7, depth_max=9, seconds_max=1.0)), "processes", None)
    assert [] == reporting._pairs(designs, scope, judging)
    limits = asked[2]
    assert [designs, scope] == asked[:2]
    assert (7, 9, 1.0) == (limits.states_max, limits.depth_max, limits.seconds_max)
    said = reporting._pairs_scope(scope, judging)
    sizes = "3 packages, 2 CPUs each, 2 KeyIDs, 1 distinct user key, 2 VMAs"
    assert f"Searched in this scope: {sizes}; each direction to 7 states, 9 calls, 1 s" in said
    assert sizes == differences.scope_said(scope)


def test_the_page_says_of_a_pair_all_that_the_other_design_may_do() -> None:
    text = " ".join(page.page(pages.results()).split())
    assert "to all but the last: that it refuses with an error, or waits for ever." in text
    assert "allows ↓, does not →" in text
    assert "<b>✗ waits for ever</b>" in text


def test_the_status_is_that_of_the_worst_answer() -> None:
    fine, open_ = cell("PROVED"), cell("UNKNOWN", because="time")
    none, unknown = Difference("a", "b", "none"), Difference("a", "b", "unknown", reason="time")
    wrong = Difference("a", "b", "unknown", error="they differ")
    assert statuses.HOLDS == reporting._status([fine], [none])
    assert statuses.INCONCLUSIVE == reporting._status([open_], [none])
    assert statuses.INCONCLUSIVE == reporting._status([fine], [unknown])
    assert statuses.DISAGREE == reporting._status([open_], [wrong])


def test_the_facts_say_how_the_page_was_made() -> None:
    judging = Judging(Orders(), "processes", None)
    facts = dict(reporting._facts([cell("VACUOUS", seconds=1.5)], judging, 3.2))
    assert "3 s; the cells took 2 s, some of them side by side" == facts["time"]
    assert "auto, on processes" == facts["engine"]


def test_the_drawing_library_is_not_loaded_by_other_commands() -> None:
    root = Path(__file__).resolve().parent.parent
    code = "import sys, mktme.cli; print({'matplotlib', 'jinja2'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert "set()" == done.stdout.strip()
