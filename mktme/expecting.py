"""Whether cells are as a baseline says, and in what they are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from designs import design_from_text
from mktme.baseline import Baseline, BaselineError, Expected, expected
from mktme.judge import Cell
from mktme.results.shapes import Comparison, Difference
from mktme.simulation.printable import escaped
from model import Scope

INCONCLUSIVE: Final = ("UNKNOWN", "HOLDS_TO")
"""Words of cells that have no answer, which neither is as expected nor contradicts it."""


def require_scope(name: str, baseline: Baseline, scope: Scope) -> None:
    """A baseline says nothing about other sizes: raises BaselineError before they are judged."""
    if baseline.scope != scope:
        raise BaselineError(f"{name!r} is of another scope ({baseline.scope}), not of {scope}")


def compared(name: str, baseline: Baseline, cells: Sequence[Cell]) -> Comparison:
    """Every cell against the baseline of that name; designs are the same if their knobs are."""
    listed = {(design_from_text(one.design), one.property): one for one in baseline.cells}
    differences = []
    for cell in cells:
        was, now = listed.pop((cell.design, cell.property_id), None), expected(cell)
        kind = _kind(was, now)
        if kind is not None:
            differences.append(
                Difference(
                    design=cell.design.name,
                    property=cell.property_id,
                    kind=kind,
                    expected=was.verdict if was else None,
                    was=str(was) if was else None,
                    now=str(now),
                )
            )
    return Comparison(
        baseline=name,
        as_expected=len(cells) - len(differences),
        differences=differences,
        not_judged=_by_design(listed.values()),
    )


def _kind(
    was: Expected | None, now: Expected
) -> Literal["changed", "unlisted", "undecided"] | None:
    """Which kind of difference there is, if any (see `shapes.Difference`)."""
    if was is None:
        return "unlisted"
    is_same = (was.verdict, was.extent, was.length) == (now.verdict, now.extent, now.length)
    if is_same and (was.trace is None or was.trace == now.trace):
        return None
    # A trace that is not there now was not found in time, as an answer is not.
    is_open = now.verdict in INCONCLUSIVE and was.verdict not in INCONCLUSIVE
    is_unfound = is_same and now.trace is None
    return "undecided" if is_open or is_unfound else "changed"


def _by_design(left: Iterable[Expected]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in left:
        found.setdefault(one.design, []).append(one.property)
    return found


def told(comparison: Comparison) -> list[str]:
    """The comparison in lines: what differs, what was not asked for, how much is as expected."""
    lines = [str(one) for one in comparison.differences]
    left = comparison.not_judged
    if left:
        number = sum(map(len, left.values()))
        said = "; ".join(f"{design} ({_some(names)})" for design, names in left.items())
        lines.append(f"{number} of the baseline's cells were not asked for: {said}.")
    judged = comparison.as_expected + len(comparison.differences)
    said = f"{comparison.as_expected} of {judged} judged are as it says."
    lines.append(f"Baseline {escaped(comparison.baseline)}: {said}")
    return lines


NAMED_MAX: Final = 3
"""How many properties that were not asked for are named for each design; more are counted."""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED_MAX else f"{len(names)} properties"
