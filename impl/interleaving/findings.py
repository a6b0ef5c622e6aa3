"""Decides what an exploration of interleavings tells a reader, and in which words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from impl.interleaving.deadlocks import Cause, Held
from impl.interleaving.scenario import Outcome
from impl.interleaving.schedule import Schedule

What = TypeVar("What")


@dataclass(frozen=True)
class Finding(Generic[What]):
    """Something that can happen, and a schedule in which it does.

    The schedule has the fewest context switches, then steps, of those that were seen for it, in the
    best order that swaps of independent steps give.
    """

    what: What
    schedule: Schedule

    @property
    def switches(self) -> int:
        """How often another thread goes on."""
        return sum(one.thread != other.thread for one, other in pairwise(self.schedule))

    def lines(self) -> list[str]:
        """The schedule, a step a line, with its length first."""
        title = f"schedule of {_count(len(self.schedule), 'step')}"
        title += f", {_count(self.switches, 'context switch')}:"
        return [title, *(f"  {step}" for step in self.schedule)]


@dataclass(frozen=True)
class Report:
    """What was found, and how thorough the search was.

    ``executions``: runs to the end, of which no two differ only by swaps of independent steps if
    ``reduced``. ``cut``: prefixes given up because all that could follow was asleep. ``steps``: all
    that were scheduled, ``distinct_steps``: without those that were executed again to come back to
    where the search branches. ``limit``: what ended the search early, or nothing. ``sequential``:
    what running the operations one after the other can lead to; all of it if ``has_all_orders``.
    """

    operations: tuple[str, ...]
    faults_max: int
    reduced: bool
    executions: int
    cut: int
    steps: int
    distinct_steps: int
    limit: str
    deadlocks: tuple[Finding[Cause], ...]
    left_held: tuple[Finding[Held], ...]
    outcomes: tuple[Finding[Outcome], ...]
    sequential: tuple[Finding[Outcome], ...]
    has_all_orders: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether every run was executed; if not, what is missing below may exist all the same."""
        return not self.limit

    @property
    def unserialisable(self) -> tuple[Finding[Outcome], ...]:
        """The outcomes that no order of the whole operations gives, those of deadlocks included.

        None where not all orders are known.
        """
        if not self.has_all_orders:
            return ()
        expected = {finding.what for finding in self.sequential}
        return tuple(finding for finding in self.outcomes if finding.what not in expected)

    def lines(self) -> list[str]:
        """The report as people read it."""
        return [
            *self._heading(),
            *self._deadlocks(),
            *self._left_held(),
            *self._outcomes(),
        ]

    def _heading(self) -> list[str]:
        faults = _count(self.faults_max, "PCONFIG failure")
        counted = "runs" if self.reduced else "schedules"
        scope = f"every one of {self.executions:,} {counted}"
        if not self.is_complete:
            scope = f"NOT COMPLETE: only {self.executions:,} {counted}, ended at {self.limit}"
        return [
            f"{_count(len(self.operations), 'operation')}, at most {faults}: {scope}",
            *(f"  {name}" for name in self.operations),
            f"{self.steps:,} steps scheduled, {self.distinct_steps:,} of them once;"
            f" {_count(self.cut, 'prefix', 'prefixes')} cut",
        ]

    def _deadlocks(self) -> list[str]:
        if not self.deadlocks:
            return [self._none("deadlock")]
        text = [f"{_count(len(self.deadlocks), 'deadlock')}:"]
        for number, finding in enumerate(self.deadlocks, 1):
            facts = finding.what.lines()
            text.append(f"  {number}. {facts[0]}")
            text += _indented(facts[1:] + finding.lines(), 5)
        return text

    def _left_held(self) -> list[str]:
        if not self.left_held:
            return [self._none("lock left held")]
        text = [f"{_count(len(self.left_held), 'lock')} left held:"]
        for number, finding in enumerate(self.left_held, 1):
            text.append(f"  {number}. {finding.what}")
            text += _indented(finding.lines(), 5)
        return text

    def _outcomes(self) -> list[str]:
        odd = [finding for finding in self.unserialisable if not finding.what.is_stuck]
        stuck = sum(finding.what.is_stuck for finding in self.outcomes)
        text = [
            f"{_count(len(self.outcomes), 'outcome')}, {stuck} of them with an operation that waits"
            f" for ever; one after the other gives {len(self.sequential)}"
        ]
        if not odd:
            return [*text, self._none("other outcome that no sequential order gives")]
        text.append(f"{_count(len(odd), 'other outcome')} that no sequential order gives:")
        expected = {line for f in self.sequential for line in observed_lines(f.what)}
        for number, finding in enumerate(odd, 1):
            text.append(f"  {number}. {finding.what}")
            for line in observed_lines(finding.what):
                # What is marked is in no outcome of a sequential order.
                text.append(f"     {' ' if line in expected else '!'} {line}")
            text += _indented(finding.lines(), 5)
        return text

    def _none(self, what: str) -> str:
        return f"no {what}" if self.is_complete else f"no {what} so far"


def observed_lines(outcome: Outcome) -> list[str]:
    """What was observed, a fact a line if the observer says it in facts."""
    observed = outcome.observed
    if isinstance(observed, tuple):
        return [str(fact) for fact in observed]
    return [str(observed)]


def _count(number: int, one: str, many: str | None = None) -> str:
    if number == 1:
        return f"1 {one}"
    plural = many or one + ("es" if one.endswith("ch") else "s")
    return f"{number:,} {plural}"


def _indented(lines: Iterable[str], by: int) -> list[str]:
    return [" " * by + line for line in lines]
