"""How long the comparison takes as a person starts it, each of its cells, and a slice of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from benchmarks.rows import Row
from designs import DESIGNS
from mktme import executors
from mktme.matrix import judge_all
from mktme.orders import Orders
from model import Scope

COMMAND = (sys.executable, "-c", "from mktme.cli import main; main()", "compare", "--json")

JUDGES = "import sys; from benchmarks.comparing import judge_slice; sys.exit(judge_slice())"
"""A program that judges the slice."""

DESIGNS_OF_SLICE = ("rfc-v2", "rfc-v2-savekeys", "rfc-v2-fixed", "per-package")
CLAIMS_OF_SLICE = (
    *("tables-agree", "memory-agrees", "bitmap-exact", "no-plaintext-unsaved"),
    *("released-is-clear", "hotplug-admitted"),
)


def judge_slice() -> int:
    """Judge them side by side as `mktme compare` does; 0 if every violation replays."""
    asked = [(DESIGNS[design], claim) for design in DESIGNS_OF_SLICE for claim in CLAIMS_OF_SLICE]
    with executors.executor("processes", most=len(asked)) as pool:
        cells = judge_all(asked, Scope(), Orders(), pool)
    return int(any(cell.disagrees for cell in cells))


def rows() -> list[Row]:
    """`mktme compare` from start-up to the last byte; its slowest cell; start-up alone."""
    begun = time.perf_counter()
    subprocess.run((*COMMAND[:3], "list", "properties"), check=True, capture_output=True)
    started = time.perf_counter() - begun
    begun = time.perf_counter()
    said = subprocess.run(COMMAND, check=True, capture_output=True, text=True).stdout
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    subprocess.run((sys.executable, "-c", JUDGES), check=True, capture_output=True)
    a_slice = time.perf_counter() - begun
    slowest = max(json.loads(said)["results"], key=lambda result: result["seconds"])
    cell = f"{slowest['design']} / {slowest['property']}, by {slowest['engine']}"
    return [
        Row("mktme compare, nine designs by thirty properties", whole, "s", goal="< 120"),
        Row("four designs by six properties of it", a_slice, "s", goal="< 15"),
        Row("its slowest cell", slowest["seconds"], "s", goal="< 10", note=cell),
        Row("start-up: mktme list properties", started, "s", "mktme compare", started / whole),
    ]
