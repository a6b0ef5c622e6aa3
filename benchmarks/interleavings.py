"""How fast the explorer of interleavings goes, and what its reduction saves.

Run: python benchmarks/interleavings.py

A scheduled step is one step of one operation, executed on the simulated kernel; those that are
executed again to come back to where the search branches count as well.
"""

from __future__ import annotations

import time

from designs import DESIGNS
from impl import Kernel
from impl.interleaving.explorer import explore
from impl.interleaving.findings import Report
from impl.interleaving.outcome import Booted, kernel_scenario
from impl.interleaving.scenario import Scenario

CPU = b"type=cpu algorithm=aes-xts-128"
USER = b"type=user algorithm=aes-xts-128 key=" + b"12" * 16 + b" tweak=" + b"34" * 16
EXECUTIONS_MAX = 20_000
UNREDUCED_MAX = 5_000


def booted(design: str, offline: bool) -> Kernel:
    """Two packages, one key; the second package without an online CPU if ``offline``."""
    kernel = Kernel(DESIGNS[design], packages=2, cpus=1, keyids=3, tme="off")
    kernel.instantiate(CPU)
    if offline:
        kernel.cpu_teardown(1, 0)
    return kernel


def scenarios() -> dict[str, Scenario[Booted]]:
    """What is measured, by name."""
    add = {f"add {n}": lambda kernel: kernel.calls.instantiate(USER) for n in (1, 2, 3)}
    update = {"update": lambda kernel: kernel.calls.update(1, USER)}
    start = {"start CPU": lambda kernel: kernel.calls.cpu_startup(1, 0)}
    two, design = dict(list(add.items())[:2]), "rfc-v2-fixed"
    return {
        "rfc-v2: update, CPU startup": kernel_scenario(
            lambda: booted("rfc-v2", True), {**update, **start}
        ),
        f"{design}: two adds": kernel_scenario(lambda: booted(design, False), two),
        f"{design}: two adds, a failure": kernel_scenario(lambda: booted(design, False), two, 1),
        f"{design}: three adds": kernel_scenario(lambda: booted(design, False), add),
        f"{design}: two adds, update, CPU startup": kernel_scenario(
            lambda: booted(design, True), {**two, **update, **start}
        ),
    }


def timed(scenario: Scenario[Booted], *, reduce: bool, executions_max: int) -> tuple[Report, float]:
    """A report, and the seconds that it took, its own text included."""
    begun = time.perf_counter()
    report = explore(scenario, reduce=reduce, executions_max=executions_max)
    return report, time.perf_counter() - begun


def main() -> None:
    """Print speed and counts of every scenario, reduced and not."""
    for name, scenario in scenarios().items():
        reduced, seconds = timed(scenario, reduce=True, executions_max=EXECUTIONS_MAX)
        plain, _ = timed(scenario, reduce=False, executions_max=UNREDUCED_MAX)
        print(f"{name}: {reduced.steps / seconds:,.0f} scheduled steps a second")
        saves = "" if reduced.is_complete else ", not complete"
        if plain.is_complete:
            saves += f"; {plain.steps / reduced.steps:,.1f} times fewer steps"
        more = "" if plain.is_complete else "more than "
        print(
            f"  {reduced.executions:,} runs and {reduced.cut:,} cut,"
            f" of {more}{plain.executions:,} schedules{saves}"
        )


if __name__ == "__main__":
    main()
