"""What the process answers: the exit statuses, and which one a set of cells earns."""

from __future__ import annotations

from collections.abc import Iterable

from checker.answers.verdict import Verdict
from checker.certifying.certificate import is_refused
from mktme.differences import OPEN, Difference
from mktme.judge import Cell
from mktme.results.shapes import Comparison
from mktme.traces.again import Again

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
    HOLDS: "every property holds or does not apply (check); every cell is decided (compare,"
    " explain, report); with --expect every cell is as the baseline says, violations included;"
    " every pair is searched to its end (differ); every line ran and answered as expected"
    " (simulate); a recorded run violates its property still (replay); a proof for any size"
    " (lemmas); every certificate is confirmed (verify-certificate); no transition differs"
    " (conform); every fault is noticed, or why not is explained (mutants); what was asked for was"
    " written or shown (export, payload, list, schema, and explore, which Ctrl-C ends)",
    VIOLATED: "a property is violated, a price too (check without --expect); a cell is not as the"
    " baseline says, or not in it (check and compare with --expect); a line's answer is not the"
    " expected one (simulate); a recorded run violates its property no more (replay)",
    BAD_INPUT: "bad input; one line says what is known; or a payload that the design refuses, and"
    " why (payload)",
    INCONCLUSIVE: "inconclusive: unknown, or checked to some depth only, also where a baseline says"
    " so; no proof for any size (lemmas); a pair of designs (differ), or a race that no expectation"
    " judges (simulate), was not searched to its end",
    VACUOUS: "vacuous: what a property speaks about never happens, or some action of the design"
    " cannot, also where a baseline says so; two designs have no call in common (differ)",
    DISAGREE: "two checkers disagree, or model and implementation do; a certificate is refused; a"
    " violation does not replay; a posture's price does not show; a fault that nobody notices has"
    " no explanation (mutants)",
    INTERNAL: "an error of this program",
    NOT_WRITTEN: "the answer could not be written, to a full disk for instance",
    INTERRUPTED: "interrupted",
    READER_GONE: "nobody reads the answer any more, as when it is piped to head",
}

ORDER = "Where several apply, 5 comes before 1, before 4, before 3."
"""Which of several statuses a run ends with."""


def for_check(cells: Iterable[Cell], comparison: Comparison | None = None) -> int:
    """The status of `mktme check`, which gates. The worst cell decides.

    Without a baseline every violation counts, a price too: whether the property holds was the
    question. Who accepts a price, or waits for a repair, says so in a baseline.
    """
    cells = list(cells)
    status = for_compare(cells, comparison)
    is_violated = any(cell.word == "VIOLATED" for cell in cells)
    if comparison is None and status != DISAGREE and is_violated:
        return VIOLATED
    return status


def for_compare(cells: Iterable[Cell], comparison: Comparison | None = None) -> int:
    """The status of `mktme compare`, which reports: a violation is an answer like any other.

    With a baseline it gates, as `check` does then: another answer than the expected one counts as a
    violation does, also where it is a better one. A disagreement goes before it, for there is no
    answer that could be compared. A baseline cannot make a pass of what is vacuous or unknown.
    """
    cells = list(cells)
    if any(cell.disagrees for cell in cells):
        return DISAGREE
    if comparison is not None and comparison.is_changed:
        return VIOLATED
    if any(cell.word == "VACUOUS" for cell in cells):
        return VACUOUS
    is_open = comparison is not None and bool(comparison.differences)
    if is_open or any(cell.word in ("UNKNOWN", "HOLDS_TO") for cell in cells):
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


def for_replay(made: Again) -> int:
    """The status of `mktme replay`: whether a recorded run still is what it was recorded for."""
    if made.disagreement:
        return DISAGREE
    return VIOLATED if made.broken_at is None else HOLDS
