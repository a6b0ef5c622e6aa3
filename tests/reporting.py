"""What the report of the tests says at its end: what tests have to tell, by section."""

from __future__ import annotations

from collections.abc import Iterator

import graph_coverage

WALKS: list[str] = []
"""How much of each design's graph was walked on the implementation."""

FOREIGN: list[str] = []
"""Which public checkers reached our verdict, on which cells."""

TOLD: dict[str, list] = {"coverage": graph_coverage.ROWS, "walks": WALKS, "foreign": FOREIGN}
"""By name, plain values that a process can send to another."""


def sections() -> Iterator[tuple[str, list[str]]]:
    """Title and lines of what there is to tell."""
    if WALKS:
        yield "how much of the smallest scope's graph was made on the implementation", sorted(WALKS)
    if FOREIGN:
        yield "which public checkers reached our verdict on what was exported", sorted(FOREIGN)
    if graph_coverage.ROWS:
        seen = list(graph_coverage.lines(graph_coverage.ROWS))
        yield "how much of the model's graph the lockstep saw in larger scopes", seen
