"""Cells of every kind, and reports of them, for the tests of how results are written."""

from __future__ import annotations

import dataclasses
import functools

from checker import Certificate, Verdict
from conformance import Replay
from designs import DESIGNS, design_from_text
from mktme.judge import Cell, judge
from mktme.results.report import Report
from mktme.results.shapes import Comparison
from model import Scope
from properties import PROPERTIES

POSTED, FIXED = DESIGNS["rfc-v2"], DESIGNS["rfc-v2-fixed"]


def proved(property_id: str = "tables-agree", extent: str = "any size") -> Cell:
    """A cell that holds; with extent "scope" it was explored."""
    states = 1234 if extent == "scope" else None
    certificate = Certificate("any-size", b"", "cvc5 refutes all 6 conditions")
    verdict = Verdict("PROVED", "explore", 7, states=states, extent=extent, certificate=certificate)
    return Cell(FIXED, property_id, "PROVED", verdict, seconds=1.5)


def without_answer(word: str, property_id: str = "bitmap-exact") -> Cell:
    """A cell that is unknown, holds to some depth, or is vacuous."""
    verdict = Verdict(word, "bounded", 4, reason="time ran out" if word != "VACUOUS" else "")
    return Cell(FIXED, property_id, word, verdict, because="the clock | said so")


def not_applicable() -> Cell:
    return Cell(FIXED, "cold-boot-keys", "NOT_APPLICABLE", because="user_keys=refused: none")


@functools.cache
def violated(property_id: str = "no-plaintext-unsaved", design: str = "rfc-v2") -> Cell:
    """A violation that was found and replayed; of hotplug-admitted it is a price."""
    chosen = design_from_text(design)
    return dataclasses.replace(judge(chosen, PROPERTIES[property_id], Scope()), seconds=2.25)


def disagreeing() -> Cell:
    """A violation that the implementation does not show."""
    lie = Replay((), (), "the implementation did something else")
    return dataclasses.replace(violated(), replay=lie)


EVERY_KIND = (
    proved,
    functools.partial(proved, extent="scope"),
    violated,
    functools.partial(violated, "hotplug-admitted"),
    functools.partial(without_answer, "UNKNOWN"),
    functools.partial(without_answer, "HOLDS_TO"),
    functools.partial(without_answer, "VACUOUS"),
    not_applicable,
    disagreeing,
)


def report(*cells: Cell, comparison: Comparison | None = None) -> Report:
    return Report(cells, Scope(), comparison=comparison)
