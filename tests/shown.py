"""A page of results in a browser, and what the tests ask of it."""

from __future__ import annotations

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="the test extra has playwright")
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")


class Shown:
    """The page, opened at a place, and what its console said."""

    def __init__(self, browser: playwright.Browser, address: str, **how: object) -> None:
        self.context = browser.new_context(reduced_motion="reduce", **how)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def text(self, selector: str) -> str:
        """What an element says, blanks as one."""
        return " ".join(self.page.locator(f".answer:target {selector}").first.inner_text().split())

    def texts(self, selector: str) -> list[str]:
        """What all such elements say."""
        found = self.page.locator(f".answer:target {selector}").all_inner_texts()
        return [" ".join(text.split()) for text in found]

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def violations(self) -> list[str]:
        """What axe finds, one line for each rule with the first place."""
        found = axe_playwright.Axe().run(self.page).response["violations"]
        return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found]
