"""What is left of a search: an honest range, which is wide or missing where nothing is known.

A search breadth first has levels that grow, and after the middle shrink. While they grow nothing
bounds what is to come. Once they shrink they mostly shrink faster and faster, so that a series in
which each level is to the one before as the last two were is more than what is left, mostly; and
what has been found but not expanded yet is less.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

RATIO_MAX = 0.98
"""Levels that shrink more slowly than that say nothing about an end."""

SLACK = 2.0
"""How much more than the series the upper end is: levels do not shrink evenly."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """`seconds` is a range of what is left, None while the frontier grows."""

    seconds: tuple[float, float] | None

    def __str__(self) -> str:
        if self.seconds is None:
            return "growing"
        low, high = (_rounded(seconds) for seconds in self.seconds)
        return f"{low} left" if low == high else f"{low} to {high} left"


def estimate(
    levels: Sequence[int], expanded: int, found: int, ceiling: int, rate: float
) -> Estimate | None:
    """What is left when `expanded` states of the last level are done and `found` new ones known.

    `ceiling` is how many states there can be in all, `rate` how many are expanded in a second.
    None where nothing can be said.
    """
    if rate <= 0 or len(levels) < 2 or not levels[-1]:
        return None
    share = expanded / levels[-1]
    ratio = levels[-1] / levels[-2]
    if share >= 0.5:
        # Most of what this level finds is found early: later states find more that is known.
        ratio = max(ratio, found / levels[-1]) if ratio < 1 else found / expanded
    if ratio >= 1:
        return Estimate(None)
    rest = levels[-1] - expanded
    if ratio > RATIO_MAX:
        return None
    most = levels[-1] * SLACK * ratio / (1 - ratio)
    unseen = max(0, ceiling - sum(levels))
    low = rest + found
    high = max(low, rest + min(most, unseen))
    return Estimate((low / rate, high / rate))


def _rounded(seconds: float) -> str:
    if seconds < 1:
        return "1 s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
