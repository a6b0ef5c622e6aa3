"""How the report of the tests says at its end what tests had to tell."""

from __future__ import annotations

from typing import Any

import pytest
import reporting


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
