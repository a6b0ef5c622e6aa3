"""Makes a small page of results once, for all tests that look at one."""

from __future__ import annotations

import functools

from conformance.costs import Shape, costs
from designs import DESIGNS
from mktme.differences import difference
from mktme.judge import Cell, judge_by_id
from mktme.orders import Orders
from mktme.report.page import Results
from model import Scope

SCOPE = Scope(packages=2, cpus=1, keyids=1, vmas=1)
PAIRED = Scope(packages=2, cpus=1, keyids=2, values=1, vmas=1)
NAMES = ("rfc-v2", "no-hotplug")
CLAIMS = (
    "tables-agree",
    "bitmap-exact",
    "hotplug-admitted",
    "no-deadlock",
    "payload-as-documented",
    "live-data-intact",
)


@functools.cache
def cell(design: str, claim: str) -> Cell:
    """One answer."""
    return judge_by_id(DESIGNS[design], claim, SCOPE, Orders())


@functools.cache
def results() -> Results:
    """Two designs judged by six properties: proofs of two kinds, violations, a price."""
    cells = [cell(design, claim) for design in NAMES for claim in CLAIMS]
    shape = Shape(SCOPE.packages, SCOPE.cpus, SCOPE.keyids)
    measured = [costs(DESIGNS[design], shape) for design in NAMES]
    one, other = (DESIGNS[design] for design in NAMES)
    pairs = [difference(one, other, PAIRED), difference(other, one, PAIRED)]
    return Results(cells, SCOPE, measured, pairs, [("command", "mktme report")])
