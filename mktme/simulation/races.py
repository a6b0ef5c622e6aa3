"""Decides what the lines of a race can do to each other: every interleaving of them.

A race is a question and changes nothing. For each schedule the machine boots again and the script
so far runs again; then each line of the race is a thread of its own. In a race the explorer owns
the failures of PCONFIG, so that there is none while failures are planned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from impl import Kernel
from impl.interleaving.deadlocks import Held
from impl.interleaving.explorer import explore
from impl.interleaving.findings import Finding, Report, observed_lines
from impl.interleaving.outcome import kernel_scenario
from impl.interleaving.scenario import Outcome
from impl.threads import Operation
from mktme.simulation.expectations import Answer
from mktme.simulation.lines import Line
from mktme.simulation.session import Caller, CannotRun, Session, thread_name

RUNS_MAX: Final = 20_000


def race(line: Line, boot: Callable[[], Session], callers: Mapping[str, Caller]) -> Answer:
    """What a race finds. ``boot`` gives a new session in which the script so far has run.

    Raises CannotRun, as the lines would one after the other.
    """
    first = boot()
    if first.failures_wait:
        raise CannotRun(
            "failures are planned, and they do not reach into a race: `fault none`"
            " forgets them, and faults= lets PCONFIG fail in the race"
        )
    threads, current = {}, first.current
    for one in line.body:
        if one.command.name == "as":
            current = one.command["name"]
        else:
            threads[thread_name(one)] = (current, one)
    _refuse_early(boot(), threads, callers)
    sessions: WeakKeyDictionary[Kernel, Session] = WeakKeyDictionary()

    def booted() -> Kernel:
        session = boot()
        sessions[session.kernel] = session
        return session.kernel

    def begin(maker: str, one: Line) -> Callable[[Kernel], Operation[Any]]:
        return lambda kernel: _operation(sessions[kernel], maker, one, callers)

    operations = {name: begin(maker, one) for name, (maker, one) in threads.items()}
    scenario = kernel_scenario(booted, operations, line.command["faults"] or 0)
    report = explore(scenario, executions_max=line.command["runs"] or RUNS_MAX)
    return answer(report, {name: one.text for name, (_, one) in threads.items()})


def _operation(
    session: Session, maker: str, one: Line, callers: Mapping[str, Caller]
) -> Operation[Any]:
    session.current = maker
    return callers[one.command.name](session, one, session.process(maker, one)).begin()


def _refuse_early(
    session: Session, threads: Mapping[str, tuple[str, Line]], callers: Mapping[str, Caller]
) -> None:
    """What makes no sense is said before the search begins."""
    for maker, one in threads.values():
        if maker not in session.processes:
            raise CannotRun(f"process {maker} was never made")
        _operation(session, maker, one, callers).close()


def answer(report: Report, texts: Mapping[str, str]) -> Answer:
    """The report, as an answer that a script can expect. ``texts``: thread name -> its line."""
    outcomes = [found for found in report.unserialisable if not found.what.is_stuck]
    counts = {
        "deadlocks": len(report.deadlocks),
        "locks": len(report.left_held),
        "outcomes": len(outcomes),
    }
    counts["findings"] = sum(counts.values())
    deadlocks, locks, odd = counts["deadlocks"], counts["locks"], counts["outcomes"]
    said = (
        f"{deadlocks} deadlock{_s(deadlocks)}, {locks} lock{_s(locks)} left held,"
        f" {odd} other outcome{_s(odd)} that no order gives"
    )
    if not report.is_complete:
        said += "; NOT COMPLETE"
    listed = {f"  {name}": f"  {name}: {text}" for name, text in texts.items()}
    details = [listed.get(line, line) for line in report.lines()]
    return Answer(
        said=said,
        counts=counts,
        is_complete=report.is_complete,
        details=tuple(details),
        record=_record(report, outcomes),
    )


def _record(report: Report, outcomes: Sequence[Finding[Outcome]]) -> dict[str, Any]:
    return {
        "complete": report.is_complete,
        "deadlocks": [
            {
                "holds": [_held(held) for held in one.what.held],
                "waits": [{"thread": two.thread, "lock": two.lock} for two in one.what.waiting],
                "schedule": list(map(str, one.schedule)),
            }
            for one in report.deadlocks
        ],
        "locks": [
            {**_held(one.what), "schedule": list(map(str, one.schedule))}
            for one in report.left_held
        ],
        "outcomes": [
            {
                "answers": dict(one.what.answers),
                "observed": observed_lines(one.what),
                "schedule": list(map(str, one.schedule)),
            }
            for one in outcomes
        ],
    }


def _held(held: Held) -> dict[str, Any]:
    return {"thread": held.thread, "lock": held.lock, "mode": held.mode, "ended": held.ended}


def _s(number: int) -> str:
    return "" if number == 1 else "s"
