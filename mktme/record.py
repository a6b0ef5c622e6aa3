"""How answers are written for scripts: one JSON object with scope, versions and results."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from typing import Any

from mktme.judge import Cell
from model import NOT_MODELLED, Scope

PACKAGES = ("mktme", "z3-solver", "numpy", "cryptography")


def record(cells: Iterable[Cell], scope: Scope) -> dict[str, Any]:
    """`scope`, `versions`, `not_modelled` (knob to reason), and one result for each cell."""
    return {
        "scope": {
            "packages": scope.packages,
            "cpus": scope.cpus,
            "keyids": scope.keyids,
            "values": scope.values,
        },
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        "not_modelled": dict(NOT_MODELLED),
        "results": [_result(cell) for cell in cells],
    }


def _result(cell: Cell) -> dict[str, Any]:
    """One cell.

    `depth`, `states` and `engine` are null where no engine ran, `length` where nothing is violated,
    `replayed` where there was nothing to replay, and `price` where no posture brings the violation.
    """
    verdict = cell.verdict
    return {
        "design": cell.design.name,
        "property": cell.property_id,
        "verdict": cell.word,
        "depth": verdict.depth if verdict else None,
        "length": len(cell.trace) if cell.trace else None,
        "states": verdict.states if verdict else None,
        "engine": verdict.engine if verdict else None,
        "replayed": cell.replay.agrees if cell.replay else None,
        "price": cell.price,
        "story": cell.story or None,
        "because": cell.because or None,
        "disagreement": cell.error or (cell.replay.disagreement if cell.replay else "") or None,
        "seconds": round(cell.seconds, 3),
    }
