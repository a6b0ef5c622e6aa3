"""How many PCONFIGs a key request executes, measured on a machine with all packages online.

Each request meets a freshly booted kernel, so that none pays for another.
"""

from __future__ import annotations

import dataclasses

from conformance.costing.bench import CPU_KEY, Answer, Bench, Shape
from conformance.owners import payload
from designs import Design

KEY = "key"


@dataclasses.dataclass(frozen=True)
class Requests:
    """An answer for each request; None where the design or the machine has no such request.

    `add_user` and `add_cpu`: a key on every package. `add_on_one`: a CPU key wanted on package 0
    alone (per-package KeyIDs). `add_failing`: as `add_cpu`, while every PCONFIG fails on the last
    package. `update`: a CPU key gets a new one. `release`: unlink and garbage collection of a key
    that no VMA uses. `extend`: a CPU key of all other packages is extended to the last one.
    """

    add_user: Answer
    add_cpu: Answer
    add_on_one: Answer | None
    add_failing: Answer
    update: Answer
    release: Answer
    extend: Answer | None


def requests(design: Design, shape: Shape) -> Requests:
    """Make every request once. Raises ValueError for a machine that cannot be built."""
    is_per_package = design.keyid_scope == "per_package"
    return Requests(
        add_user=Bench(design, shape).add(KEY, payload("user", KEY)),
        add_cpu=Bench(design, shape).add(KEY, CPU_KEY),
        add_on_one=Bench(design, shape).add(KEY, CPU_KEY, [0]) if is_per_package else None,
        add_failing=_add_failing(Bench(design, shape)),
        update=_with_key(design, shape).update(KEY, CPU_KEY),
        release=_with_key(design, shape).forget(KEY),
        extend=_extend(design, shape) if is_per_package else None,
    )


def _with_key(design: Design, shape: Shape) -> Bench:
    bench = Bench(design, shape)
    bench.add(KEY, CPU_KEY)
    return bench


def _add_failing(bench: Bench) -> Answer:
    bench.fail_on(bench.shape.packages - 1)
    return bench.add(KEY, CPU_KEY)


def _extend(design: Design, shape: Shape) -> Answer | None:
    if shape.last is None:
        return None
    bench = Bench(design, shape)
    bench.add(KEY, CPU_KEY, range(shape.last))
    return bench.extend(KEY, shape.last, CPU_KEY)
