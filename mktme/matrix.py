"""How cells are judged side by side: over any executor, with results in the order asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from designs import Design
from mktme.executors import side_by_side
from mktme.judge import Cell, judge_by_id
from mktme.orders import Orders
from model import Scope

Asked = tuple[Design, str]
"""A design and a property's id."""


def judge_all(
    asked: Sequence[Asked],
    scope: Scope,
    orders: Orders,
    pool: Executor,
    done: Callable[[Cell], None] = lambda cell: None,
) -> list[Cell]:
    """Judge every cell; `done` hears of each as it is finished, in any order.

    The answer does not depend on where a cell is judged, nor on which is finished first. An error
    in one cell is raised here.
    """
    calls = [functools.partial(judge_by_id, *cell, scope, orders) for cell in asked]
    return side_by_side(pool, calls, done)
