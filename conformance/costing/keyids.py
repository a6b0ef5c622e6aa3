"""How many KeyIDs a machine offers, and how many it loses to a failure or a package out of reach.

Counted by adding keys until the kernel refuses. With a global KeyID every key is on every package;
with per-package KeyIDs each package is filled by keys that are wanted there alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from conformance.costing.bench import CPU_KEY, Answer, Bench, Shape
from designs import Design

KEY = "key"


@dataclasses.dataclass(frozen=True)
class Usable:
    """`keys` distinct keys can be had; with per-package KeyIDs `by_package` so many on each.

    `by_package` is None with global KeyIDs. `errno` is that of the first key too many.
    """

    keys: int
    by_package: tuple[int, ...] | None
    errno: str


@dataclasses.dataclass(frozen=True)
class Loss:
    """What an event takes away: the KeyIDs that are usable after it, and how they come back.

    `errno`: why the event did not happen, "" where it did. `out_of_service`: (package, KeyID) pairs
    that wait for CLEAR_KEY. `worker`: the PCONFIGs by which the kernel's worker clears them, and
    `restored` what is usable then.
    """

    errno: str
    usable: Usable
    out_of_service: int
    worker: int
    restored: Usable


@dataclasses.dataclass(frozen=True)
class KeyIds:
    """The KeyIDs of a machine, all None where it has too few packages for the event.

    `at_boot`: with all packages online. `failed_add`: after an add_key during which every PCONFIG
    failed on the last package. `offline`: while the last package is offline, which went when no
    key was in use. `released_offline`: the last package goes offline while a key is in use on all,
    the key is released, the package comes back.
    """

    at_boot: Usable
    failed_add: Loss
    offline: Loss | None
    released_offline: Loss | None


Event = Callable[[Bench], str]
"""Lets something happen on a fresh kernel; gives the errno of what was refused, or ""."""


def keyids(design: Design, shape: Shape) -> KeyIds:
    """Count, for each event on freshly booted kernels. Raises ValueError as `Bench` does."""
    has_another = shape.last is not None
    return KeyIds(
        at_boot=_usable(Bench(design, shape)),
        failed_add=_loss(design, shape, _fail_to_add),
        offline=_loss(design, shape, _go_offline) if has_another else None,
        released_offline=_loss(design, shape, _release_offline) if has_another else None,
    )


def _usable(bench: Bench) -> Usable:
    """Fill the machine."""
    if not bench.is_per_package:
        number, answer = _fill(bench, None)
        return Usable(number, None, answer.errno)
    filled = [_fill(bench, package) for package in range(bench.shape.packages)]
    counts = tuple(number for number, _ in filled)
    return Usable(sum(counts), counts, filled[-1][1].errno)


def _fill(bench: Bench, package: int | None) -> tuple[int, Answer]:
    """Add CPU keys until one is refused; how many, and the refusal."""
    wanted = None if package is None else [package]
    number = 0
    while (answer := bench.add(f"key {number} for {package}", CPU_KEY, wanted)).is_done:
        number += 1
    return number, answer


def _loss(design: Design, shape: Shape, event: Event) -> Loss:
    """Let the event happen twice: to count what is usable, and to count what the worker restores.

    Counting fills the machine, so one kernel does not serve for both.
    """
    bench = Bench(design, shape)
    errno = event(bench)
    out_of_service = len(bench.kernel.uncleared())
    usable = _usable(bench)
    restored = Bench(design, shape)
    event(restored)
    worker = restored.let_worker_run()
    return Loss(errno, usable, out_of_service, worker.executions, _usable(restored))


def _fail_to_add(bench: Bench) -> str:
    bench.fail_on(bench.shape.packages - 1)
    bench.add(KEY, CPU_KEY)
    bench.fail_on(None)
    return ""


def _go_offline(bench: Bench) -> str:
    return bench.take_offline(bench.shape.packages - 1).errno


def _release_offline(bench: Bench) -> str:
    bench.add(KEY, CPU_KEY)
    teardown = bench.take_offline(bench.shape.packages - 1)
    bench.forget(KEY)
    bench.bring_back(bench.shape.packages - 1)
    return teardown.errno
