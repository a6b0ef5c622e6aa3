"""How much the declared reductions save: states and seconds with and without, and what proofs cost.

Both searches are the explorer's and see everything; that of representatives pays for its proofs.
"""

from __future__ import annotations

import time

from benchmarks.key_tables import BYTES, KEYID, PACKAGE, key_tables, online_packages_agree
from benchmarks.rows import Row
from checker.exploring.explore import explore
from checker.reducing.reduction import reduce
from checker.systems.cone import cone_of_influence
from checker.systems.finite import Finite
from checker.systems.grounding import Grounding
from checker.systems.property import GroundProperty
from checker.systems.system import GroundSystem
from designs import DESIGNS
from model import Scope, key_service
from properties import PROPERTIES

CELLS = (
    ("rfc-v2-fixed", "tables-agree"),
    ("rfc-v2-fixed", "released-is-clear"),
    ("wrapped-vault", "memory-agrees"),
)
"""Designs and properties that hold, so that the whole space is searched."""


def rows() -> list[Row]:
    """Key tables of three packages, KeyIDs and keys; and some cells of the default scope."""
    found = tables(3, 3, 3)
    for design, claim in CELLS:
        found += cell(design, claim)
    return found


def tables(packages: int, keyids: int, keys: int) -> list[Row]:
    """Rows about the key tables of these sizes."""
    finite = Finite({PACKAGE: packages, KEYID: keyids, BYTES: keys + 1})
    grounding = Grounding(key_tables(finite))
    claim = grounding.property(online_packages_agree(finite))
    name = f"key tables, {packages} packages, {keyids} KeyIDs, {keys} keys"
    return _rows(name, grounding, grounding.system, claim)


def cell(design: str, claim: str, scope: Scope | None = None) -> list[Row]:
    """Rows about a design and a property, in the default scope unless one is given."""
    chosen = DESIGNS[design]
    sizes = (scope or Scope()).sizes(chosen)
    grounding = Grounding(key_service(chosen, Finite(sizes)))
    ground = grounding.property(PROPERTIES[claim])
    cone = cone_of_influence(grounding.system, ground)
    return _rows(f"{design}, {claim}", grounding, cone, ground)


def _rows(
    name: str, grounding: Grounding, system: GroundSystem, claim: GroundProperty
) -> list[Row]:
    begun = time.perf_counter()
    reduction = reduce(grounding, system, [claim])
    proved = time.perf_counter() - begun
    reduced = explore(system, [claim], reduction=reduction)
    both = time.perf_counter() - begun
    begun = time.perf_counter()
    whole = explore(system, [claim])
    searched = time.perf_counter() - begun
    used = ", ".join(reduction.used)
    return [
        Row(f"{name}: proving reductions", proved, "s", note=f"{used}"),
        Row(
            f"{name}: representatives",
            reduced.states,
            "states",
            "all states",
            reduced.states / whole.states,
        ),
        Row(f"{name}: proofs and search", both, "s", "search of all", both / searched),
    ]
