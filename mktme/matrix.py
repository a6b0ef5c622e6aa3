"""How many cells are judged side by side: one process per core, results in the order asked for."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed

from designs import Design
from mktme.judge import Cell, Limits, judge_by_id
from model import Scope

Asked = tuple[Design, str]
"""A design and a property's id."""


def judge_all(
    asked: Sequence[Asked],
    scope: Scope,
    limits: Limits,
    done: Callable[[Cell], None] = lambda cell: None,
    workers: int | None = None,
) -> list[Cell]:
    """Judge every cell; `done` hears of each as it is finished, in any order.

    The answer does not depend on which process finishes first. `workers` defaults to the number of
    processors this process may use. An error in one cell is raised here.
    """
    workers = min(workers or processors(), len(asked))
    # A fresh interpreter for each worker: z3 and the progress display have threads, which a fork
    # would copy in whatever state they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures: list[Future[Cell]] = [
            pool.submit(judge_by_id, design, property_id, scope, limits)
            for design, property_id in asked
        ]
        try:
            for future in as_completed(futures):
                done(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def processors() -> int:
    """How many processors this process may use; where that cannot be asked, how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
