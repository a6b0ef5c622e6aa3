"""How the report of the tests says at its end what tests had to tell; when garbage is collected."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import browsing
import pytest
import reporting

GARBAGE_MAX = 200_000
"""How many objects may be left by tests until some of them are collected."""


def pytest_configure() -> None:
    """A worker has a thread that talks to the others. What it collects while Z3 is at work in a
    test takes terms away from Z3, which then gives wrong answers, or none: so it collects nothing.

    What tests find is kept nowhere, unless a test says where.
    """
    gc.disable()
    os.environ["MKTME_TRACES"] = "off"


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Between two tests nobody is at work."""
    if gc.get_count()[0] > GARBAGE_MAX:
        gc.collect()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what its tests had to tell."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["told"] = reporting.TOLD


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker told is put to the rest. A worker that died has handed nothing over."""
    for name, told in getattr(node, "workeroutput", {}).get("told", {}).items():
        reporting.TOLD[name].extend(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it, if there is anything."""
    for title, lines in reporting.sections():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window. A container has no sandbox of its own for it.

    It is closed with its module: while one is driven, its thread can run no other event loop.
    """
    driven = pytest.importorskip("playwright.sync_api", reason="the test extra has playwright")
    with driven.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=browsing.BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()
