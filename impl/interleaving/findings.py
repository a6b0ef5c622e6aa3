"""Decides what an exploration of interleavings tells a reader, and in which words."""

from __future__ import annotations

from collections import Counter
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
        title = f"schedule of {counted(len(self.schedule), 'step')}"
        title += f", {counted(self.switches, 'context switch')}:"
        return [title, *(f"  {step}" for step in self.schedule)]


@dataclass(frozen=True)
class Report:
    """What was found, and how thorough the search was.

    ``executions``: runs to the end, of which no two differ only by swaps of independent steps if
    ``reduced``. ``cut``: prefixes given up because all that could follow was asleep. ``steps``: all
    that the search executed, ``distinct_steps``: without those that were executed again to come
    back to where it branches. ``limit``: what ended the search early, or nothing. ``sequential``:
    what running the operations one after the other can lead to; all of it if ``has_all_orders``.
    ``steps_beside``: executed beside the search, for those, and once more for every schedule above.
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
    steps_beside: int = 0

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
        faults = counted(self.faults_max, "PCONFIG failure")
        run = "run" if self.reduced else "schedule"
        scope = f"all {self.executions:,} {run}s" if self.executions != 1 else f"the only {run}"
        if not self.is_complete:
            scope = f"NOT COMPLETE: only {counted(self.executions, run)}, ended at {self.limit}"
        again = self.steps - self.distinct_steps
        return [
            f"{counted(len(self.operations), 'operation')}, at most {faults}: {scope}",
            *(f"  {name}" for name in self.operations),
            f"{counted(self.steps, 'step')} executed: {self.distinct_steps:,} for the first time,"
            f" {again:,} again to come back to where runs part",
            *self._given_up(),
        ]

    def _given_up(self) -> list[str]:
        if not self.cut:
            return []
        what = counted(self.cut, "other beginning")
        return [f"{what} given up: what follows differs only in the order of independent steps"]

    def _deadlocks(self) -> list[str]:
        if not self.deadlocks:
            return [self._none("deadlock")]
        text = [f"{counted(len(self.deadlocks), 'deadlock')}:"]
        for number, finding in enumerate(self.deadlocks, 1):
            facts = finding.what.lines()
            text.append(f"  {number}. {facts[0]}")
            text += _indented(facts[1:] + finding.lines(), 5)
        return text

    def _left_held(self) -> list[str]:
        if not self.left_held:
            return [self._none("lock left held")]
        text = [f"{counted(len(self.left_held), 'lock')} left held:"]
        for number, finding in enumerate(self.left_held, 1):
            text.append(f"  {number}. {finding.what}")
            text += _indented(finding.lines(), 5)
        return text

    def _outcomes(self) -> list[str]:
        """Who answered what, in how many end states; then what no order of whole operations gives.

        What an operation that waits for ever leads to was said above.
        """
        answers = Counter(str(finding.what) for finding in self.outcomes)
        text = [f"{counted(len(self.outcomes), 'outcome')}:"]
        text += [
            f"  {given}" + (f" ({number:,} end states)" if number > 1 else "")
            for given, number in answers.items()
        ]
        odd = [finding for finding in self.unserialisable if not finding.what.is_stuck]
        if not odd:
            return [*text, self._all_expected()]
        what = counted(len(odd), "outcome")
        text.append(f"{what} that no order of whole operations gives:")
        expected = {line for f in self.sequential for line in observed_lines(f.what)}
        for number, finding in enumerate(odd, 1):
            text.append(f"  {number}. {finding.what}")
            for line in observed_lines(finding.what):
                # What is marked is in no outcome of a sequential order.
                text.append(f"     {' ' if line in expected else '!'} {line}")
            text += _indented(finding.lines(), 5)
        return text

    def _all_expected(self) -> str:
        if not self.has_all_orders:
            return "not known: whether some order of whole operations gives them"
        some_wait = any(finding.what.is_stuck for finding in self.unserialisable)
        which = " where no operation waits" if some_wait else ""
        so_far = "" if self.is_complete else " so far"
        return f"every outcome{which}{so_far} is one that some order of whole operations gives"

    def _none(self, what: str) -> str:
        return f"no {what}" if self.is_complete else f"no {what} so far"


def observed_lines(outcome: Outcome) -> list[str]:
    """What was observed, a fact a line if the observer says it in facts."""
    observed = outcome.observed
    if isinstance(observed, tuple):
        return [str(fact) for fact in observed]
    return [str(observed)]


def counted(number: int, one: str) -> str:
    """A number of things, of which ``one`` is the singular."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {one}{'es' if one.endswith('ch') else 's'}"


def _indented(lines: Iterable[str], by: int) -> list[str]:
    return [" " * by + line for line in lines]
