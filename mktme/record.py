"""How answers are written for scripts: one JSON object with scope, versions and results."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.costs import Costs
from mktme.judge import Cell
from model import Scope

PACKAGES = ("mktme", "z3-solver", "cvc5", "python-sat", "numpy", "cryptography")

NONE_WRITTEN: Mapping[tuple[str, str], Path] = {}


def record(
    cells: Iterable[Cell],
    scope: Scope,
    certificates: Mapping[tuple[str, str], Path] = NONE_WRITTEN,
    measured: Iterable[Costs] = (),
) -> dict[str, Any]:
    """`scope`, `versions`, and one result for each cell.

    `certificates` has the files that were written, by design and property. Where costs were
    measured, they stand under `costs`, one object for each design (`conformance.costs.Costs`).
    """
    costs = [costs.as_json() for costs in measured]
    return {
        "scope": dataclasses.asdict(scope),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        "results": [
            _result(cell, certificates.get((cell.design.name, cell.property_id))) for cell in cells
        ],
        **({"costs": costs} if costs else {}),
    }


def _result(cell: Cell, certificate: Path | None) -> dict[str, Any]:
    """One cell.

    `depth`, `states` and `engine` are null where no engine ran; `length` and `trace`, the
    counterexample's identity, where nothing is violated; `least` too, which is false where time ran
    out before the least of the shortest counterexamples was known;
    `replayed` where there was nothing to replay, and `price` where no posture brings the violation.
    `levels` counts the states first reached by 0, 1, … transitions, and `fired` the transitions of
    each action; they are null where nothing was explored. Where `reduced`, the states are
    representatives of classes.
    `extent` says for which sizes a proof holds, `confirmed` what the second checker confirmed of
    it, and `certificate` where it was written; they are null where nothing is proved.
    """
    verdict = cell.verdict
    proved = verdict if verdict is not None and verdict.word == "PROVED" else None
    return {
        "design": cell.design.name,
        "property": cell.property_id,
        "verdict": cell.word,
        "depth": verdict.depth if verdict else None,
        "length": len(cell.trace) if cell.trace else None,
        "trace": cell.trace_id or None,
        "least": verdict.is_least if verdict and cell.trace else None,
        "states": verdict.states if verdict else None,
        "transitions": verdict.transitions if verdict else None,
        "levels": verdict.levels if verdict else None,
        "fired": verdict.fired if verdict else None,
        "reduced": verdict.reduced if verdict else None,
        "engine": verdict.engine if verdict else None,
        "extent": proved.extent if proved else None,
        "confirmed": proved.certificate.confirmed if proved and proved.certificate else None,
        "certificate": str(certificate) if certificate else None,
        "replayed": cell.replay.agrees if cell.replay else None,
        "price": cell.price,
        "story": cell.story or None,
        "because": cell.because or None,
        "disagreement": cell.error or (cell.replay.disagreement if cell.replay else "") or None,
        "seconds": round(cell.seconds, 3),
    }
