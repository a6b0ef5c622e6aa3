"""How long unbounded proofs take without lemmas: IC3, the same with other solvers, and Spacer.

The claim is "online packages agree" of the key tables. A time includes reading the text for the
sizes and finding that the premise is reached; the certificate has a row of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from benchmarks.rows import Row
from checker.answers.verdict import Verdict
from checker.certifying.certificate import certified
from checker.ic3.atoms import Permutation
from checker.ic3.search import BACKEND, ic3, symmetries_of
from checker.solving.sat import Z3
from checker.solving.spacer import spacer
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem

SOLVERS = ("cadical195", "glucose4", "minisat22", Z3)
"""Solvers that the default one is compared to, at the smaller size."""

SECONDS_MAX = 120.0

Prove = Callable[[GroundSystem, GroundProperty, Sequence[Permutation]], Verdict]


def rows() -> list[Row]:
    """Two sizes with their goals, and what symmetry, solver and engine do at the smaller one."""
    return [*small(4, 4, 2, "< 1"), *proof(8, 8, 3, "< 20")]


def proof(packages: int, keyids: int, keys: int, goal: str = "") -> list[Row]:
    """The proof at one size, what it takes without symmetry, and its certificate."""
    name = f"IC3, {packages} packages, {keyids} KeyIDs, {keys} keys"
    whole, verdict, system, claim = timed((packages, keyids, keys), _boosted)
    plain, _, _, _ = timed((packages, keyids, keys), _unboosted)
    begun = time.perf_counter()
    settled = certified(verdict, system, claim, {"system": system.name})
    second = time.perf_counter() - begun
    note = f"{verdict.word} in round {verdict.depth}, solver {BACKEND}"
    return [
        Row(name, whole, "s", goal=goal, note=note),
        Row(f"{name}: without symmetry", plain, "s", "with symmetry", plain / whole),
        Row(f"{name}: certificate", second, "s", "the proof", second / whole, note=settled.word),
    ]


def small(packages: int, keyids: int, keys: int, goal: str = "") -> list[Row]:
    """The same at one size, and with other solvers and Spacer beside it."""
    found = proof(packages, keyids, keys, goal)
    whole = found[0].figure
    sizes = packages, keyids, keys
    for name in SOLVERS:
        seconds, verdict, _, _ = timed(sizes, _with(name))
        what = f"the same with the solver {name}"
        found.append(Row(what, seconds, "s", f"{BACKEND}", seconds / whole, note=verdict.word))
    seconds, verdict, _, _ = timed(sizes, _spacer)
    found.append(Row("the same by Spacer", seconds, "s", "IC3", seconds / whole, note=verdict.word))
    return found


def timed(
    sizes: tuple[int, int, int], prove: Prove
) -> tuple[float, Verdict, GroundSystem, GroundProperty]:
    """Seconds from the text to the verdict; the verdict, and what it is about."""
    begun = time.perf_counter()
    packages, keyids, keys = sizes
    finite = Finite({PACKAGE: packages, KEYID: keyids, BYTES: keys + 1})
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    system = grounding.system
    verdict = prove(system, claim, symmetries_of(grounding, system))
    return time.perf_counter() - begun, verdict, system, claim


def _boosted(
    system: GroundSystem, claim: GroundProperty, symmetry: Sequence[Permutation]
) -> Verdict:
    return ic3(system, claim, symmetry=symmetry, seconds_max=SECONDS_MAX)


def _unboosted(system: GroundSystem, claim: GroundProperty, _: Sequence[Permutation]) -> Verdict:
    return ic3(system, claim, seconds_max=SECONDS_MAX)


def _with(name: str) -> Prove:
    def prove(
        system: GroundSystem, claim: GroundProperty, symmetry: Sequence[Permutation]
    ) -> Verdict:
        return ic3(system, claim, symmetry=symmetry, seconds_max=SECONDS_MAX, backend=name)

    return prove


def _spacer(system: GroundSystem, claim: GroundProperty, _: Sequence[Permutation]) -> Verdict:
    return spacer(system, claim, seconds_max=SECONDS_MAX)
