"""What a benchmark says: a figure, its named baseline from the same run, and what was asked for."""

from __future__ import annotations

import dataclasses
import operator

COMPARISONS = {"<": operator.lt, ">=": operator.ge}


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure.

    `baseline` names what `ratio` is against: the figure divided by the baseline's own. `goal` is
    a comparison sign and a number, "< 2" or ">= 4", of the ratio where `of_ratio`, else of the
    figure; empty where nothing was asked for.
    """

    what: str
    figure: float
    unit: str
    baseline: str = ""
    ratio: float | None = None
    goal: str = ""
    of_ratio: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if not self.goal:
            return None
        sign, number = self.goal.split()
        measured = self.ratio if self.of_ratio else self.figure
        return measured is not None and COMPARISONS[sign](measured, float(number))
