"""The page in windows of several widths: what fits, and what shows that it goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import permutations

import pages
import pytest
from browsing import needs_browser
from shown import Shown, playwright

from conformance.costs import Shape, costs
from designs import DESIGNS
from mktme.differences import Difference
from mktme.report.page import Results, page

expect = playwright.expect
pytestmark = needs_browser


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of all named designs, with the longest words that a column may have."""
    proved = pages.cell("no-hotplug", "no-deadlock")
    cells = [
        dataclasses.replace(proved, design=design, property_id=claim)
        for design in DESIGNS.values()
        for claim in ("no-deadlock", "no-plaintext-after-release")
    ]
    pairs = [Difference(one, other, "none") for one, other in permutations(DESIGNS, 2)]
    file = tmp_path_factory.mktemp("wide") / "report.html"
    measured = [costs(design, Shape(2, 1, 1)) for design in DESIGNS.values()]
    file.write_text(page(Results(cells, pages.SCOPE, measured, pairs)), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def nine(browser: playwright.Browser, wide: str) -> Iterator[object]:
    """Opens the page of all named designs in a window of some width."""
    shown: list[Shown] = []

    def at(width: int) -> Shown:
        shown.append(Shown(browser, wide, viewport={"width": width, "height": 900}))
        return shown[-1]

    yield at
    for one in shown:
        one.context.close()
    assert [] == [line for one in shown for line in one.said]


def test_all_named_designs_fit_on_a_usual_screen(nine) -> None:
    shown = nine(1185)  # 1200 with a scroll bar
    boxes = shown.page.locator(".scroll:has(> .matrix)")
    assert 3 == boxes.count()
    hidden = "(boxes) => boxes.map((box) => box.scrollWidth - box.clientWidth)"
    assert [0, 0, 0] == boxes.evaluate_all(hidden)


def test_the_chart_is_not_drawn_too_small_to_be_read(nine) -> None:
    chart = nine(500).page.locator(".drawing")
    pixels = "(svg) => svg.clientWidth / svg.viewBox.baseVal.width"
    assert 10 <= 8.5 * chart.evaluate(pixels)  # the drawing's letters have 8.5 of its units


SHADED = """(box) => {
    const has = (node, part) => !!node && getComputedStyle(node, part).content !== "none";
    const head = box.querySelector("tbody tr > :first-child");
    return { left: has(head, "::after") || has(box, "::before"), right: has(box, "::after") };
}"""
"""On which sides a box is drawn with a shade; a first column that stays has the left one."""


@pytest.mark.parametrize("which", [".scroll:has(> .matrix)", ".scroll:has(> .drawing)"])
def test_a_box_that_scrolls_shows_on_which_sides_it_goes_on(nine, which: str) -> None:
    shown = nine(500).page
    box = shown.locator(which).first
    for left, more in ((0, "right"), (60, "left right"), (9999, "left")):
        box.evaluate("(box, left) => (box.scrollLeft = left)", left)
        expect(box).to_have_attribute("data-more", more)
        assert {"left": "left" in more, "right": "right" in more} == box.evaluate(SHADED)


def test_a_box_that_has_room_for_all_shows_no_shade(nine) -> None:
    shown = nine(1185).page
    expect(shown.locator(".scroll:visible").last).to_have_attribute("data-more", "")
    drawn = shown.locator(".scroll:visible").all()
    assert {(False, False)} == {tuple(box.evaluate(SHADED).values()) for box in drawn}


def test_what_a_row_is_about_stays_in_sight_where_its_box_scrolls(nine) -> None:
    box = nine(500).page.locator(".scroll:has(> .grid)").first
    head = box.locator("tbody th").first
    before = head.bounding_box()["x"]
    box.evaluate("(box) => (box.scrollLeft = 300)")
    assert before == pytest.approx(head.bounding_box()["x"], abs=3)


def test_on_paper_the_letters_of_all_tables_are_as_small(nine) -> None:
    shown = nine(700).page
    shown.emulate_media(media="print")
    size = "(table) => getComputedStyle(table).fontSize"
    assert {"10px"} == {table.evaluate(size) for table in shown.locator("table:visible").all()}
