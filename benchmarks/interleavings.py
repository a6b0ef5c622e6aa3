"""How fast the explorer of interleavings goes, and what its reduction saves.

Run: python benchmarks/interleavings.py

A step is one step of one operation, executed on the simulated kernel. All that a report takes are
counted: those that are executed again to come back to where the search branches, and those of the
whole operations one after the other and of the schedules that are put into words. Each scenario is
explored as often as it takes to execute at least 5,000. Needs an otherwise idle machine.
"""

from __future__ import annotations

from collections.abc import Callable

from pairs import medians

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
GOAL = 20_000
STEPS_MIN = 5_000
BOOTS = 200
ROUNDS = 3


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


def again(scenario: Scenario[Booted], times: int, *, reduce: bool) -> Callable[[], Report]:
    """Explores so often; gives the last report."""
    limit = EXECUTIONS_MAX if reduce else UNREDUCED_MAX

    def work() -> Report:
        for _ in range(times):
            report = explore(scenario, reduce=reduce, executions_max=limit)
        return report

    return work


def executed(report: Report) -> int:
    """Every step that the report took: the search's, of whole operations, and for its own text."""
    return report.steps + report.steps_beside


def boots(scenario: Scenario[Booted], times: int) -> Callable[[], None]:
    """Only builds the world so often."""

    def work() -> None:
        for _ in range(times):
            scenario.boot()

    return work


def main() -> None:
    """Print speed and counts of every scenario, reduced and not."""
    print(f"Medians of {ROUNDS} rounds; the goal is {GOAL:,} executed steps a second.")
    for name, scenario in scenarios().items():
        reduced = again(scenario, 1, reduce=True)()
        plain = again(scenario, 1, reduce=False)()
        times = -(-STEPS_MIN // executed(reduced))
        exploring, booting = medians(
            again(scenario, times, reduce=True), boots(scenario, BOOTS), rounds=ROUNDS
        )
        rate = times * executed(reduced) / exploring
        print(f"{name}: {rate:,.0f} steps a second, {rate / GOAL:.1f} of the goal")
        boot = booting / BOOTS
        share = boot * (reduced.executions + reduced.cut) / (exploring / times)
        print(f"  a boot takes {boot * 1000:.2f} ms, all boots {share:.0%} of the search")
        incomplete = "" if reduced.is_complete else ", not complete"
        saved = f"more than {plain.executions:,} runs"
        if plain.is_complete:
            ratio = plain.steps / reduced.steps
            saved = f"{plain.executions:,} runs, {plain.steps:,} steps: {ratio:,.1f} times as many"
        print(
            f"  {reduced.executions:,} runs and {reduced.cut:,} given up, {reduced.steps:,} steps"
            f"{incomplete}; not reduced {saved}"
        )


if __name__ == "__main__":
    main()
