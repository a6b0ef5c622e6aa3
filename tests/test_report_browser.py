"""The page in a real browser: opened from disk, stepped through by keys, judged for who cannot see.

Skipped where there is no Chromium: `apt-get install chromium`, or any Chrome.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from browsing import needs_browser
from shown import Shown

from mktme.report.page import documents_of, page

playwright = pytest.importorskip("playwright.sync_api", reason="the test extra has playwright")

pytestmark = needs_browser

TRACE = "rfc-v2/tables-agree"
KEY_TABLE = ".panel-key-tables tbody tr:first-of-type td"


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """The page's address on disk. The first of several workers makes it, the others wait."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder if worker_id == "master" else folder.parent
    file = folder / "report.html"
    with (folder / "report.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            file.write_text(page(pages.results()), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def opened(browser: playwright.Browser, report: str) -> Iterator[object]:
    """Opens the page at a place, and looks at the end that nothing went wrong behind it."""
    shown: list[Shown] = []

    def at(place: str = "", **how: object) -> Shown:
        shown.append(Shown(browser, f"{report}#{place}", **how))
        return shown[-1]

    yield at
    said = [line for one in shown for line in one.said]
    asked = {url.split("#")[0] for one in shown for url in one.asked}
    for one in shown:
        one.context.close()
    assert [] == said
    assert asked <= {report}


def test_keys_step_to_the_violation_and_the_entry_turns(opened) -> None:
    shown = opened(TRACE)
    assert shown.text(".step-words") == "Start, before 2 steps: boot with all packages"
    assert "TME" == shown.texts(KEY_TABLE)[4]
    shown.page.keyboard.press("ArrowRight")
    assert shown.text(".step-words") == "Step 1 of 2: add user key A"
    assert "encrypt AES-XTS-128, key A 1f34 * changed was: TME" == shown.texts(KEY_TABLE)[4]
    shown.page.keyboard.press("ArrowRight")
    held = "encrypt AES-XTS-128, key B bd2d * changed ≠ stale ✗ broken was: encrypt AES-XTS-128"
    assert f"{held}, key A" == shown.texts(KEY_TABLE)[4]
    assert "encrypt AES-XTS-128, key A 1f34 ✗ broken" == shown.texts(KEY_TABLE)[5]
    assert "KeyID 1 stands for user key A, but package 0 holds key B" in shown.text(".broken .why")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_whoever_follows_a_link_reads_at_once_what_is_broken(opened, scripts: bool) -> None:
    shown = opened(TRACE, java_script_enabled=scripts)
    ends = shown.page.locator(".answer:target .ends")
    playwright.expect(ends).to_be_in_viewport(ratio=1)
    assert shown.text(".ends").startswith("⇒ KeyID 1 stands for user key A, but package 0 holds")
    if scripts:
        assert shown.text(".step-words").startswith("Start")


def test_home_and_end_jump_and_there_is_no_step_beyond(opened) -> None:
    shown = opened(TRACE)
    shown.page.keyboard.press("End")
    shown.page.keyboard.press("ArrowRight")
    assert shown.text(".step-words").startswith("Step 2 of 2")
    shown.page.keyboard.press("Home")
    shown.page.keyboard.press("ArrowLeft")
    assert shown.text(".step-words").startswith("Start")
    assert 0 == shown.page.locator(".answer:target .broken").count()


def test_the_slider_the_buttons_and_the_list_of_steps_step_too(opened) -> None:
    shown = opened(TRACE)
    slider = shown.page.locator(".answer:target input[type=range]")
    slider.fill("2")
    assert shown.text(".step-words").startswith("Step 2 of 2")
    assert "Step 2 of 2" in str(slider.get_attribute("aria-valuetext"))
    slider.press("ArrowLeft")
    assert shown.text(".step-words").startswith("Step 1 of 2")
    shown.page.get_by_role("button", name="Step back").click()
    assert shown.text(".step-words").startswith("Start")
    shown.page.locator(".answer:target .to-step").nth(2).click()
    assert shown.text(".step-words").startswith("Step 2 of 2")
    assert shown.text(".to-step[aria-current=step]").startswith("2 update the key")


def test_a_cell_of_the_matrix_opens_its_answer_and_is_marked(opened) -> None:
    shown = opened()
    assert "No cell is chosen." in shown.page.locator(".hint").inner_text()
    shown.page.locator(".matrix tbody a", has_text="any size").first.click()
    assert shown.text("h3") == "tables-agree in no-hotplug"
    assert "An induction for any size." in shown.text("p b")
    assert len(shown.texts(".lemmas li")) > 0
    assert any("cvc5 refutes all" in text for text in shown.texts("dd"))
    marked = shown.page.locator(".matrix a[aria-current]")
    assert 1 == marked.count()
    assert f"#{TRACE.replace('rfc-v2', 'no-hotplug')}" == marked.get_attribute("href")


def test_the_answer_leads_to_the_same_property_of_the_other_design(opened) -> None:
    shown = opened(TRACE)
    assert ["rfc-v2✗ violated: 2 steps", "no-hotplug✓ proved: any size"] == [
        " ".join(text.split()) for text in shown.texts(".neighbours li")
    ]
    shown.page.locator(".answer:target .neighbours a").nth(1).click()
    assert shown.text("h3") == "tables-agree in no-hotplug"


def test_executions_causes_replay_and_commands_are_told(opened) -> None:
    shown = opened(TRACE)
    shown.page.keyboard.press("End")
    assert shown.texts(".executions tbody tr") == [
        "0 0 PROG_SUCCESS SET_KEY_DIRECT 1 AES-XTS-128 bd2d",
        "1 0 ✗ DEVICE_BUSY SET_KEY_DIRECT 1 AES-XTS-128 bd2d",
    ]
    assert any("PCONFIG there answered DEVICE_BUSY" in text for text in shown.texts(".broken li"))
    assert any("package 1 (1 CPU online)" in text for text in shown.texts(".observed li"))
    (explain, replay) = shown.texts(".command code")
    sizes = "--cpus 1 --keyids 1 --vmas 1"
    assert f"mktme explain rfc-v2 tables-agree {sizes}" == explain
    assert f"mktme replay {shown.text('.identity code')}" == replay


def test_the_trace_that_is_saved_is_the_document(opened) -> None:
    shown = opened(TRACE)
    with shown.page.expect_download() as coming:
        shown.page.get_by_role("button", name="save the trace").click()
    saved = json.loads(Path(coming.value.path()).read_text(encoding="utf-8"))
    document = documents_of(pages.results())[TRACE]
    assert document.model_dump(mode="json") == saved


def test_the_identity_can_be_copied(opened) -> None:
    shown = opened(TRACE)
    shown.page.get_by_role("button", name="Copy the trace's identity").click()
    assert shown.texts(".identity .copied")[0] in ("copied", "selected: copy it with the keyboard")


def test_a_pair_of_designs_leads_to_its_scenario(opened) -> None:
    shown = opened("pairs")
    shown.page.locator(".pairs a").first.click()
    assert shown.text("h3") == "rfc-v2 allows it, no-hotplug does not"
    assert any("no-hotplug: ✗" in text for text in shown.texts(".scenario li li"))
    shown.page.locator(".answer:target .back a").first.click()
    assert shown.text("h3") == "no-hotplug allows it, rfc-v2 does not"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", TRACE, "no-hotplug/tables-agree", "rfc-v2/no-deadlock"])
def test_axe_finds_nothing(opened, scheme: str, place: str) -> None:
    shown = opened(place, color_scheme=scheme)
    shown.page.keyboard.press("End")
    assert [] == shown.violations()


@pytest.mark.parametrize("place", ["", TRACE, "rfc-v2/live-data-intact", "rfc-v2/no-deadlock"])
def test_on_a_phone_nothing_is_wider_than_the_screen(opened, place: str) -> None:
    shown = opened(place, viewport={"width": 360, "height": 740})
    shown.page.keyboard.press("End")
    assert 0 >= shown.overflow()


def test_the_keyid_stays_beside_its_entries_in_a_key_table_that_scrolls(opened) -> None:
    shown = opened(TRACE, viewport={"width": 360, "height": 740})
    box = shown.page.locator(".answer:target .panel-key-tables .scroll")
    keyid = box.locator("tbody th").first
    playwright.expect(box).to_have_attribute("data-more", "right")
    before = keyid.bounding_box()["x"]
    box.evaluate("(box) => (box.scrollLeft = 9999)")
    playwright.expect(box).to_have_attribute("data-more", "left")
    assert before == pytest.approx(keyid.bounding_box()["x"], abs=1)


@pytest.mark.parametrize("width", [360, 500])
def test_the_status_of_a_pconfig_is_seen_on_a_narrow_page_without_scrolling(opened, width) -> None:
    shown = opened(TRACE, viewport={"width": width, "height": 740})
    shown.page.keyboard.press("End")
    table = shown.page.locator(".answer:target .executions")
    box = shown.page.locator(".answer:target .happened .scroll").bounding_box()
    status = table.locator("td", has_text="✗").bounding_box()
    assert status["x"] + status["width"] <= box["x"] + box["width"]


def test_on_paper_all_violations_are_told_and_the_opened_one_has_all_steps(opened) -> None:
    shown = opened(TRACE)
    shown.page.emulate_media(media="print")
    shown.page.wait_for_selector(".laid")
    assert ["0. boot with all packages", "1. add user key A"] == shown.texts(".laid h4")[:2]
    assert 3 == shown.page.locator(".laid .panel-key-tables").count()
    broken = [one for one in pages.results().cells if one.trace is not None]
    visible = shown.page.locator(".story:visible")
    assert len(broken) == visible.count()
    assert not shown.page.locator(".stepper").first.is_visible()
    shown.page.emulate_media(media="screen")
    shown.page.wait_for_selector(".laid", state="detached")


def test_without_a_script_every_answer_is_in_words(opened) -> None:
    shown = opened(TRACE, java_script_enabled=False)
    assert "add user key A" == shown.texts(".story li")[0]
    assert shown.texts(".story li")[1].endswith("→ ENOKEY")


def test_the_policy_lets_no_other_script_run(opened) -> None:
    shown = opened()
    shown.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); }"
    )
    assert shown.page.evaluate("window.ran") is None
    assert "Content Security Policy" in shown.said.pop()
