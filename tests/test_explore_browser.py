"""The explorer in a real browser, as somebody uses it: mouse, keyboard, phone, screen reader."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import needs_browser
from explored import BROKEN, session_at
from playwright.sync_api import Locator, Page, expect
from served import explorer

pytestmark = needs_browser

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where an explorer of the posted design is served, with its token and without a path."""
    with explorer("rfc-v2") as (printed, _):
        yield printed.partition("#")[0]


@pytest.fixture
def opened(browser, address):
    """Opens a path in a browser that was never here; the console must stay silent."""
    said: list[str] = []
    contexts = []

    def at(path: str = "", *, size: dict[str, int] = DESKTOP, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport=size,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{address}#{path}" if path else address)
        expect(page.locator(".lamp").first).to_be_visible()
        return page

    at.forgiven = ""
    yield at
    for context in contexts:
        for page in context.pages:
            assert not {"null", "undefined", "NaN"} & set(page.locator("body").inner_text().split())
        context.close()
    assert [] == [line for line in said if not at.forgiven or at.forgiven not in line]


def offer(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def lamp(page: Page, name: str) -> Locator:
    return page.locator(f"[data-place='lamp:{name}']")


def add_a_key(page: Page) -> None:
    """Add user key A, everywhere and without a failure."""
    form = offer(page, "Add a key")
    form.get_by_label("kind").select_option("user")
    form.get_by_label("user key").select_option("A")
    form.get_by_role("button", name="Add user key A", exact=True).click()
    expect(page.locator("#steps [aria-current]")).to_contain_text("1add user key A")


def update_it_in_part(page: Page) -> None:
    """Update it to user key B, while PCONFIG fails on package 1."""
    form = offer(page, "Update a key")
    form.get_by_label("user key").select_option("B")
    form.get_by_label("PCONFIG fails on package 1").check()
    form.get_by_role("button").click()
    expect(page.locator("#steps [aria-current]")).to_contain_text("ENOKEY")


def marked_broken(page: Page) -> list[str]:
    """The entries of the key tables that are marked as broken."""
    return page.locator(".panel-key-tables td.is-broken .text").all_inner_texts()


def path_of(page: Page) -> str:
    return page.evaluate("location.hash.slice(1)")


# A known violation, and its address


def test_somebody_clicks_to_a_known_violation_and_shares_it(opened):
    page = opened()
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "holds")
    assert [] == marked_broken(page)
    add_a_key(page)
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "holds")
    update_it_in_part(page)
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "violated")
    expect(page.locator("#why .why")).to_have_text(
        "KeyID 1 stands for user key A, but package 0 holds key B and package 1 holds key A."
    )
    expected = ["encrypt AES-XTS-128, key B", "encrypt AES-XTS-128, key A"]
    assert expected == marked_broken(page)
    assert BROKEN == path_of(page)
    other = opened(path_of(page))
    assert BROKEN == path_of(other)
    for part in ("#steps", "#call", "#frame", "#lamps", "#why", "#beside", "#memory"):
        assert page.locator(part).inner_text() == other.locator(part).inner_text(), part


def test_the_token_does_not_stay_in_the_address(opened):
    page = opened(BROKEN)
    assert f"/#{BROKEN}" == page.evaluate("location.pathname + location.search + location.hash")


def test_an_address_without_a_path_begins_where_the_explorer_was_started(opened):
    page = opened()
    assert "design=rfc-v2" == path_of(page)
    expect(page.locator("#trouble")).to_be_empty()


def test_the_address_and_the_command_are_there_to_be_copied(opened):
    page = opened(BROKEN)
    page.get_by_text("Share", exact=True).click()
    shared = page.locator("#share-body code").all_inner_texts()
    assert [page.url, f"mktme explore '{BROKEN}'"] == shared


def test_an_address_that_makes_no_sense_is_refused_kindly(opened):
    opened.forgiven = "status of 400"  # which every refused request is said to have
    page = opened("design=rfc-v2&run=destroi")
    expect(page.get_by_role("alert").first).to_contain_text("unknown call 'destroi' (did you mean")
    expect(page.locator("#steps li")).to_have_count(1)
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#trouble")).to_be_empty()


@pytest.fixture
def refused_on_purpose(browser, address):
    """The console says that a request was refused: that is meant here."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_without_the_token_there_is_a_sentence_that_anybody_can_read(refused_on_purpose, address):
    page = refused_on_purpose
    for old in (address.partition("?")[0], f"{address}x"):
        answer = page.goto(f"{old}#{BROKEN}")
        assert (403, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
        expect(page.get_by_role("main")).to_contain_text(
            "Open the address that mktme explore printed"
        )
        expect(page.get_by_role("main")).to_contain_text("mktme explore 'ADDRESS'")
        assert [] == Axe().run(page).response["violations"]


# Back and forth


def test_calls_are_taken_back_and_made_again(opened):
    page = opened(BROKEN)
    steps = page.locator("#steps button")
    page.get_by_role("button", name="Undo").click()
    expect(steps.nth(1)).to_have_attribute("aria-current", "step")
    expect(steps).to_have_count(3)
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "holds")
    steps.nth(0).click()
    expect(steps.nth(0)).to_have_attribute("aria-current", "step")
    assert "design=rfc-v2" == path_of(page)
    steps.nth(2).click()
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "violated")
    assert BROKEN == path_of(page)
    page.go_back()
    expect(steps.nth(0)).to_have_attribute("aria-current", "step")
    page.go_forward()
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "violated")


def test_a_lamp_remembers_what_was_violated(opened):
    page = opened(BROKEN)
    expect(lamp(page, "in-bounds")).to_have_attribute("data-light", "was-violated")
    lamp(page, "in-bounds").click()
    expect(page.locator("#why .light")).to_contain_text("Was violated before, first in step 1.")
    assert [] == marked_broken(page)
    expect(page.locator("#why")).to_contain_text("It must be true of every call")
    lamp(page, "bitmap-exact").click()
    expect(page.locator("#why")).to_contain_text("It must be true in every state")
    expect(page.locator(".panel-key-tables td.is-broken").first).to_be_visible()


def test_the_signs_of_the_lamps_are_explained_beside_them(opened):
    page = opened("design=rfc-v2")
    expect(page.locator("#lights")).to_have_text("✓ holds so far")
    page = opened(BROKEN)
    said = ["✓ holds so far", "✗ violated now", "! was violated before"]
    assert said == page.locator("#lights > span").all_inner_texts()
    expect(lamp(page, "in-bounds")).to_have_attribute("title", "was violated before")


def test_the_nearest_violation_is_gone_to(opened):
    page = opened()
    lamp(page, "no-dangling").click()
    page.get_by_role("button", name="Go to its nearest violation from here").click()
    expect(page.locator("#search")).to_contain_text("is 3 calls from here", timeout=60_000)
    expect(lamp(page, "no-dangling")).to_have_attribute("data-light", "violated")
    expect(page.locator("#steps li")).to_have_count(4)


def test_a_search_can_be_given_up(opened):
    page = opened("design=rfc-v2-fixed")
    lamp(page, "no-neighbour").click()
    page.get_by_role("button", name="Go to its nearest violation from here").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#search")).to_have_text("The search was given up.")
    expect(page.locator("#jump")).to_be_enabled()


# Choices


def test_only_what_is_possible_can_be_chosen(opened):
    page = opened("design=rfc-v2")
    form = offer(page, "Add a key")
    form.get_by_label("kind").select_option("cpu")
    expect(form.get_by_label("user key")).to_be_disabled()
    expect(form.get_by_role("button")).to_have_text("Add a CPU-generated key")
    form.get_by_label("PCONFIG fails on package 0").check()
    form.get_by_role("button").click()
    expect(page.locator("#steps [aria-current]")).to_contain_text("ENOKEY")
    offered = [o.title for o in session_at(path_of(page)).offers()]
    assert offered == page.locator(".offer h3").all_inner_texts()


def test_an_operation_with_one_call_has_a_title_too(opened):
    page = opened("design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A)")
    form = offer(page, "Destroy a key")
    expect(form.get_by_role("button")).to_have_count(1)
    expect(form.get_by_role("heading")).to_have_text("Destroy a key")


def test_the_other_systems_have_pages_of_their_own(opened):
    page = opened(BROKEN)
    page.get_by_role("navigation").get_by_role("button", name="Threads and locks").click()
    form = offer(page, "Begin")
    form.get_by_label("operation").select_option("encrypt_last")
    form.get_by_role("button").click()
    for number in range(2, 5):
        page.locator("[data-place='offer:step:0']").click()
        expect(page.locator("#steps [aria-current] .number")).to_have_text(str(number))
    expect(lamp(page, "no-deadlock")).to_have_attribute("data-light", "violated")
    expect(page.locator("#beside")).to_contain_text("same answers, same states")
    page.get_by_role("navigation").get_by_role("button", name="Payload parser").click()
    expect(page.locator(".panel-tokens")).to_be_visible()
    expect(lamp(page, "payload-as-documented")).to_be_visible()


def test_another_design_makes_the_same_calls_as_far_as_it_has_them(opened):
    page = opened(BROKEN)
    page.get_by_label("Design", exact=True).fill("rfc-v2-fixed")
    page.get_by_label("Design", exact=True).press("Enter")
    expect(page).to_have_title("rfc-v2-fixed · mktme explore")
    expect(page.locator("#steps li")).to_have_count(3)
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "holds")


def test_a_knob_is_turned_and_the_same_calls_are_made(opened):
    page = opened(BROKEN)
    page.get_by_text("Knobs", exact=True).click()
    page.get_by_label("on program failure").select_option("quarantine")
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "holds")
    assert BROKEN.replace("rfc-v2", "rfc-v2,on_program_failure=quarantine") == path_of(page)


def test_another_machine_is_booted(opened):
    page = opened()
    page.get_by_text("Machine", exact=True).first.click()
    page.get_by_label("package 1 is absent at boot").check()
    page.get_by_label("KeyIDs").fill("1")
    page.get_by_role("button", name="Boot this machine").click()
    expect(page.locator("#steps [aria-current]")).to_contain_text("boot with package 1 absent")
    assert "design=rfc-v2&keyids=1&absent=1" == path_of(page)


def test_a_counterexample_from_a_file_is_opened(opened, tmp_path):
    path = session_at(BROKEN).path
    trace = {
        "format": "mktme-trace",
        "design": "rfc-v2",
        "knobs": path.design.settings(),
        "system": "",
        "scope": {"packages": 2},
        "absent": [],
        "bypass": False,
        "calls": [{"action": c.action, "arguments": dict(c.arguments)} for c in path.calls],
        "frames": ["whatever else is in it"],
    }
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(trace), encoding="utf-8")
    page = opened()
    page.get_by_text("Share", exact=True).click()
    page.locator("#trace-file").set_input_files(file)
    expect(lamp(page, "tables-agree")).to_have_attribute("data-light", "violated")
    assert BROKEN == path_of(page)


# Keyboard, phone, screen reader


def test_the_keyboard_is_enough(opened):
    page = opened("design=rfc-v2&run=instantiate(key=0,kind=user,bytes=A)")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#operations")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.place") == "offer:destroy:0":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#steps [aria-current]")).to_contain_text("destroy")
    assert page.evaluate("document.activeElement !== document.body")
    page.keyboard.press("Control+z")
    expect(page.locator("#steps [aria-current]")).to_contain_text("1add user key A")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#steps [aria-current]")).to_contain_text("destroy")
    page.keyboard.press("Control+z")
    expect(page.locator("#said")).to_contain_text("Step 1: add user key A, ok. 2 properties are")


def test_the_focus_stays_where_somebody_works(opened):
    page = opened()
    button = page.locator("[data-place='offer:instantiate:']")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#steps li")).to_have_count(2)
    expect(button).to_be_focused()
    lamp(page, "in-bounds").focus()
    page.keyboard.press("Space")
    expect(lamp(page, "in-bounds")).to_be_focused()
    expect(lamp(page, "in-bounds")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("path", ["", BROKEN, "system=locks", "system=payload"])
def test_a_phone_shows_everything_without_scrolling_sideways(opened, path):
    page = opened(path, size=PHONE)
    assert 360 == page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(
        """() => [...document.querySelectorAll('header button, .run-bar > button, .do')]
             .filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 38)
             .map((b) => b.textContent)"""
    )
    assert [] == small


def test_the_head_of_the_page_is_one_row_on_a_usual_screen(opened):
    page = opened(size={"width": 1185, "height": 900})  # 1200 with a scroll bar
    middles = page.evaluate(
        """() => [...document.querySelectorAll('h1, #design, #systems, .menu')]
             .map((one) => one.getBoundingClientRect()).map((box) => (box.top + box.bottom) / 2)"""
    )
    assert 6 == len(middles)
    assert 4 > max(middles) - min(middles)


@pytest.mark.parametrize("width", [360, 500, 800, 1000])
def test_a_menu_opens_within_the_page(opened, width):
    page = opened(size={"width": width, "height": 740})
    for name in ("Knobs", "Machine", "Share"):
        page.locator("summary", has_text=name).click()
        box = page.locator("details[open] > :not(summary)").bounding_box()
        assert 0 <= box["x"]
        assert box["x"] + box["width"] <= width


def test_a_key_table_that_goes_on_beyond_a_narrow_page_shows_that(opened):
    page = opened(BROKEN, size={"width": 500, "height": 740})
    box = page.locator(".panel-key-tables .scroll")
    expect(box).to_have_attribute("data-more", "right")
    assert "none" != box.evaluate("(box) => getComputedStyle(box, '::after').content")


@pytest.mark.parametrize("width", [360, 500])
def test_the_status_of_a_pconfig_is_seen_on_a_narrow_page_without_scrolling(opened, width):
    page = opened(BROKEN, size={"width": width, "height": 740})
    box = page.locator("#call .scroll").bounding_box()
    for said in ("PROG_SUCCESS", "✗\u00a0DEVICE_BUSY"):
        status = page.locator("#call .executions td", has_text=said).bounding_box()
        assert status["x"] + status["width"] <= box["x"] + box["width"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["", BROKEN, "system=locks", "system=payload"])
def test_axe_finds_nothing_that_keeps_anybody_out(opened, path, size, dark):
    page = opened(path, size=size, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    found = Axe().run(page)
    assert [] == [
        f"{v['id']}: {[node['target'] for node in v['nodes']]}"
        for v in found.response["violations"]
    ]


def test_a_disagreement_cannot_be_overlooked(opened):
    page = opened(BROKEN)

    def disagreeing(route):
        view = route.fetch().json()
        view["implementation"] |= {"agrees": False, "disagreement": "step 1: it differs"}
        route.fulfill(json=view)

    page.route("**/api/view", disagreeing)
    page.get_by_role("button", name="Undo").click()
    alert = page.locator("#beside [role=alert]")
    expect(alert).to_have_text("✗ MODEL AND IMPLEMENTATION DISAGREE. step 1: it differs")
