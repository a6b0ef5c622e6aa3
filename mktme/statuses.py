"""What the process answers: the exit statuses, and which one a set of cells earns."""

from __future__ import annotations

from collections.abc import Iterable

from checker.answers.verdict import Verdict
from checker.certifying.certificate import is_refused
from mktme.differences import OPEN, Difference
from mktme.judge import Cell

HOLDS = 0
VIOLATED = 1
BAD_INPUT = 2
INCONCLUSIVE = 3
VACUOUS = 4
DISAGREE = 5
INTERNAL = 70
NOT_WRITTEN = 74
INTERRUPTED = 130
READER_GONE = 141

MEANINGS = {
    HOLDS: "every property holds or does not apply (check), every cell is decided (compare), every"
    " pair is searched to its end (differ), every line ran and answered as expected (simulate)",
    VIOLATED: "a property is violated (check only), a line's answer is not the expected one"
    " (simulate)",
    BAD_INPUT: "bad input",
    INCONCLUSIVE: "inconclusive: unknown, or checked to some depth only; no proof for any size"
    " (lemmas); a pair of designs (differ), or a race that no expectation judges (simulate), was"
    " not searched to its end",
    VACUOUS: "vacuous: what a property speaks about never happens; two designs have no call in"
    " common (differ)",
    DISAGREE: "two checkers disagree, a certificate is refused, a violation does not replay, or"
    " model and implementation differ (conform), or a fault that nobody notices has no"
    " explanation (mutants)",
    INTERNAL: "an error of this program",
    NOT_WRITTEN: "the answer could not be written",
    INTERRUPTED: "interrupted",
    READER_GONE: "nobody reads the answer any more",
}


def for_check(cells: Iterable[Cell]) -> int:
    """The status of `mktme check`, which gates. The worst cell decides."""
    cells = list(cells)
    status = for_compare(cells)
    if status != DISAGREE and any(cell.word == "VIOLATED" for cell in cells):
        return VIOLATED
    return status


def for_compare(cells: Iterable[Cell]) -> int:
    """The status of `mktme compare`, which reports: a violation is an answer like any other."""
    cells = list(cells)
    if any(cell.disagrees for cell in cells):
        return DISAGREE
    if any(cell.word == "VACUOUS" for cell in cells):
        return VACUOUS
    if any(cell.word in ("UNKNOWN", "HOLDS_TO") for cell in cells):
        return INCONCLUSIVE
    return HOLDS


def for_proof(verdict: Verdict) -> int:
    """The status of `mktme lemmas`: a proof that does not succeed says nothing about the claim."""
    if is_refused(verdict):
        return DISAGREE
    return HOLDS if verdict.word == "PROVED" else INCONCLUSIVE


def for_differ(found: Iterable[Difference]) -> int:
    """The status of `mktme differ`, which reports: a difference is an answer like any other."""
    found = list(found)
    if any(one.error for one in found):
        return DISAGREE
    if any(one.word == "nothing in common" for one in found):
        return VACUOUS
    return INCONCLUSIVE if any(one.word in OPEN for one in found) else HOLDS
