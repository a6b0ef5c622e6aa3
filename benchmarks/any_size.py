"""How long a proof for any size takes, its certificate included, and one without any lemma.

The claims are all those of the modelled slice that hold for the repaired design with global KeyIDs
or with per-package ones. A time has in it what a person waits for: reading the text twice,
selecting the lemmas, Z3's refutation of every condition, writing them down, and cvc5's refutation.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from benchmarks.rows import Row
from checker.answers.proof import AnySize, Condition
from checker.anysize.any_size import attempt
from checker.anysize.discovery import discover
from checker.certifying.refutation import refuted_by_cvc5
from checker.certifying.smtlib import script
from designs import DESIGNS
from model import key_service
from properties import PROPERTIES
from properties.lemmas import LEMMAS

CELLS = (
    ("rfc-v2-fixed", "tables-agree"),
    ("rfc-v2-fixed", "bitmap-exact"),
    ("rfc-v2-fixed", "no-plaintext-unsaved"),
    ("rfc-v2-fixed", "released-is-clear"),
    ("per-package", "bitmap-exact"),
    ("per-package", "no-plaintext-unsaved"),
    ("per-package", "released-is-clear"),
    ("per-package", "hotplug-admitted"),
    ("rfc-v2-savekeys", "hotplug-admitted"),
)

REPEATS = 3
"""The shortest of so many counts: what else the machine does is no part of the answer."""


def rows() -> list[Row]:
    """The figures, in seconds; none where a proof fails."""
    return [*(_proof(*cell) for cell in CELLS), _without_lemmas()]


def _proof(design: str, claim: str) -> Row:
    setting, shortest, note = DESIGNS[design], float("inf"), ""
    for _ in range(REPEATS):
        begun = time.perf_counter()
        verdict = attempt(lambda i: key_service(setting, i), PROPERTIES[claim], LEMMAS).verdict
        if not isinstance(verdict.proof, AnySize):
            return Row(f"{design}, {claim}", float("nan"), "s", goal="< 2", note=verdict.reason)
        note = _confirmed(verdict.proof.conditions)
        shortest = min(shortest, time.perf_counter() - begun)
        note += f", {len(verdict.proof.lemmas)} lemmas"
    return Row(f"{design}, {claim}", shortest, "s", goal="< 2", note=note)


def _without_lemmas() -> Row:
    what, shortest, note = "key tables, online packages agree, no lemma given", float("inf"), ""
    for _ in range(REPEATS):
        begun = time.perf_counter()
        small, larger = {PACKAGE: 2, KEYID: 2, BYTES: 3}, {PACKAGE: 3, KEYID: 3, BYTES: 4}
        discovery = discover(key_tables, online_packages_agree, [small], larger)
        if not isinstance(discovery.verdict.proof, AnySize):
            return Row(what, float("nan"), "s", note=discovery.verdict.reason)
        _confirmed(discovery.verdict.proof.conditions)
        shortest = min(shortest, time.perf_counter() - begun)
        note = "; ".join(discovery.found)
    return Row(what, shortest, "s", note=note)


def _confirmed(conditions: Sequence[Condition]) -> str:
    """That cvc5 refutes them all, or that it does not."""
    answers = refuted_by_cvc5(script(conditions))
    words = "confirmed by cvc5" if answers.all_refuted else "NOT confirmed by cvc5"
    return f"{len(conditions)} conditions {words}"
