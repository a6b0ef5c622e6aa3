"""The manual in a real browser: on a phone, in print, in the dark, and for who cannot see.

Skipped where there is no Chromium: `apt-get install chromium`, or any Chrome.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from manual_site import build

pytest.importorskip("mkdocs", reason="MkDocs is not installed: pip install 'mktme[docs]'")
playwright = pytest.importorskip("playwright.sync_api", reason="the test extra has playwright")
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.skipif(
        BROWSER is None, reason=f"no browser found on PATH (looked for: {', '.join(BROWSERS)})"
    ),
]

PAGES = (
    "index.html",
    "tutorial.html",
    "how-to/write-a-design-or-property.html",
    "explanation/what-is-proved.html",
    "reference/commands.html",
    "reference/formats.html",
)
"""One page of each kind."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, *said: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("manual")
    assert (0, []) == build(folder)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium without a window. A container has no sandbox of its own for it."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, address: str) -> Iterator[object]:
    """Opens a page, and looks at the end that nothing went wrong behind it."""
    contexts, said, asked = [], [], []

    def at(path: str, **how: object):
        contexts.append(browser.new_context(**how))
        page = contexts[-1].new_page()
        page.on(
            "console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path)
        return page

    yield at
    for context in contexts:
        context.close()
    assert [] == said
    assert [] == [url for url in asked if not url.startswith(address)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(opened, path: str, scheme: str) -> None:
    page = opened(path, color_scheme=scheme)
    found = axe_playwright.Axe().run(page).response["violations"]
    assert [] == [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(opened, path: str) -> None:
    page = opened(path, viewport={"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_print_is_black_on_white_also_in_the_dark(opened) -> None:
    page = opened("tutorial.html", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    style = (
        "e => [getComputedStyle(e).color, getComputedStyle(document.documentElement).background]"
    )
    color, background = page.locator("h1").evaluate(style)
    assert "rgb(0, 0, 0)" == color
    assert background.startswith("rgb(255, 255, 255)")
    assert not page.locator(".navbar").first.is_visible()


def test_the_search_finds_a_property(opened) -> None:
    page = opened("index.html")
    page.get_by_text("Search").first.click()
    query, results = page.locator("#mkdocs-search-query"), page.locator("#mkdocs-search-results a")
    for _ in range(40):
        # What was typed before the index was there is not looked for.
        query.fill("")
        query.press_sequentially("hotplug")
        page.wait_for_timeout(250)
        if results.count():
            break
    assert "hotplug-admitted" in results.all_inner_texts()
