"""Where each design stands: how many properties hold of it, and what it takes, in a few figures.

Each figure stands for a table of costs below it: the chart shows that what holds more costs more,
and of what.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from conformance.costing.keyids import KeyIds
from conformance.costs import Costs
from mktme.judge import Cell
from mktme.report.answers import kind_of
from mktme.report.grids import Grid

NONE = "–"
"""Where a design has no such call."""


@dataclasses.dataclass(frozen=True)
class Standing:
    """A design's figures. `answers`: how many of each kind (`answers.KINDS`).

    `requests`: PCONFIGs of add, update and release of one key together. `in_use` and `released`:
    bytes of one user key that lie readable in kernel memory between calls, None where user keys are
    refused. `keyids`: keys that the machine can hold after booting, and at worst after a failed
    add or with a package out of reach.
    """

    design: str
    answers: Counter[str]
    requests: int
    in_use: int | None
    released: int | None
    keyids: tuple[int, int]

    @property
    def holds(self) -> int:
        """How many properties are proved."""
        return self.answers["any-size"] + self.answers["scope"]


def standings(cells: Iterable[Cell], measured: Iterable[Costs]) -> list[Standing]:
    """Those of the designs that were measured, in their order."""
    counted: dict[str, Counter[str]] = {}
    for cell in cells:
        counted.setdefault(cell.design.name, Counter())[kind_of(cell)] += 1
    return [_standing(counted[costs.design], costs) for costs in measured]


def _standing(answers: Counter[str], costs: Costs) -> Standing:
    made, seen = costs.requests, costs.exposure
    return Standing(
        design=costs.design,
        answers=answers,
        requests=sum(one.executions for one in (made.add_cpu, made.update, made.release)),
        in_use=seen.in_use.plaintext if seen.in_use else None,
        released=seen.released.plaintext if seen.in_use and seen.released else None,
        keyids=(costs.keyids.at_boot.keys, _worst(costs.keyids)),
    )


def _worst(counted: KeyIds) -> int:
    events = (counted.failed_add, counted.offline, counted.released_offline)
    left = [event.usable.keys for event in events if event is not None and not event.errno]
    return min([counted.at_boot.keys, *left])


def grid_of(rows: Sequence[Standing]) -> Grid:
    """The chart's figures as a table."""
    columns = (
        "design",
        "proved, any size",
        "proved, this scope",
        "violated, price §",
        "violated otherwise",
        "other answers",
        "PCONFIGs",
        "bytes in use",
        "bytes after release",
        "KeyIDs at boot",
        "KeyIDs at worst",
    )
    return Grid("The figures of the chart", columns, tuple(map(_row, rows)))


def _row(one: Standing) -> tuple[str, ...]:
    kinds = ("any-size", "scope", "price", "violated")
    other = one.answers.total() - sum(one.answers[kind] for kind in kinds)
    held = (NONE if value is None else f"{value}" for value in (one.in_use, one.released))
    counts = (one.answers[kind] for kind in kinds)
    return (
        one.design,
        *map(str, counts),
        f"{other}",
        f"{one.requests}",
        *held,
        *map(str, one.keyids),
    )
