"""How long the comparison takes as a person starts it, and each of its cells."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from benchmarks.rows import Row

COMMAND = (sys.executable, "-c", "from mktme.cli import main; main()", "compare", "--json")


def rows() -> list[Row]:
    """`mktme compare` from start-up to the last byte; its slowest cell; start-up alone."""
    begun = time.perf_counter()
    subprocess.run((*COMMAND[:3], "list", "properties"), check=True, capture_output=True)
    started = time.perf_counter() - begun
    begun = time.perf_counter()
    said = subprocess.run(COMMAND, check=True, capture_output=True, text=True).stdout
    whole = time.perf_counter() - begun
    slowest = max(json.loads(said)["results"], key=lambda result: result["seconds"])
    cell = f"{slowest['design']} / {slowest['property']}, by {slowest['engine']}"
    return [
        Row("mktme compare, nine designs by thirty properties", whole, "s", goal="< 120"),
        Row("its slowest cell", slowest["seconds"], "s", goal="< 10", note=cell),
        Row("start-up: mktme list properties", started, "s", "mktme compare", started / whole),
    ]
