"""What the test report says at its end: how much of the model's graph the lockstep's runs saw."""

from __future__ import annotations

from typing import Any

import graph_coverage
import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what its tests saw."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["graph coverage"] = graph_coverage.ROWS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker saw is put to the rest. A worker that died has handed nothing over."""
    graph_coverage.ROWS.extend(getattr(node, "workeroutput", {}).get("graph coverage", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it, if there was a lockstep at all."""
    if graph_coverage.ROWS:
        terminalreporter.section("how much of the model's graph the lockstep saw")
        for line in graph_coverage.lines(graph_coverage.ROWS):
            terminalreporter.write_line(line)
