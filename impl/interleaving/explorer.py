"""Decides which runs several operations in flight can make: all of them, each essentially once.

Generators cannot be copied, so the search is stateless: depth first over schedules, and every new
schedule is executed again from the boot of a fresh world. What it leaves out are runs that differ
from an executed one only by swaps of independent neighbours: sleep sets (Godefroid, Partial-Order
Methods for the Verification of Concurrent Systems, 1996, chapter 5).

Two steps of different threads are dependent when one wrote what the other touched. Locks count as
state that is written by a writer that takes one, gives it back, or begins to wait for it, and read
by a reader that takes it or gives it back; the fault budget as state that every failing PCONFIG
writes. Two steps that can both come next in a state and are independent there
neither prevent nor enable each other, and lead to the same state in both orders: whether a step is
possible depends on its thread's own progress, on the lock it asks for, and on the budget, and
those are in its footprint.

Why nothing is lost. A state's *sleep set* holds steps that need not be taken from there: every run
that begins with one of them was, or will be, seen by a search that took it earlier. When the search
has taken step a in a state and goes on to take b there, the state after b puts a to sleep if a and
b are independent: a run that does b, then a, is the run that does a, then b. A sleeping step wakes
(is dropped from the set) when the search takes a step that depends on it. For the comparison the
footprint of a sleeping step must be known in a state where it was never executed. It is: the step
was executed in a state from which this one differs by steps that wrote nothing that it touched, so
it would read the same, do the same and touch the same here. Two alternatives of one step are steps
of one thread and therefore dependent. Sleep sets cut runs, never states: each state that can be
reached in which no step is possible is reached, with every answer given on the way, and each
Mazurkiewicz trace is executed to its end exactly once. A prefix whose possible steps all sleep is
given up and counted.

This rests on the world noting everything that a step touches, and on a world that is the same after
every boot. Both are checked in part: where a schedule is executed again, where the steps of a
finding are swapped until its schedule has the fewest context switches, and by the outcomes of whole
operations in some order, none of which may be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from impl.interleaving.deadlocks import Cause, Held
from impl.interleaving.findings import Finding, Report, counted
from impl.interleaving.replayed import End, end_of, narrated
from impl.interleaving.scenario import Outcome, Run, Scenario, World
from impl.interleaving.schedule import Choice, Footprint, needed, straightened, switches
from impl.interleaving.sequential import sequential

Key = TypeVar("Key", bound=Hashable)

EXECUTIONS_MAX: Final = 1_000_000


class LimitReached(Exception):
    """A limit ends the search; the message names it."""


class Unfaithful(Exception):
    """The world is not the same after every boot, or does not note everything a step touches."""


@dataclass(slots=True)
class _Node:
    """A state on the current path. ``settled``: steps that sleep here, or were taken already."""

    choices: list[Choice]
    settled: dict[Choice, Footprint]
    taken: Choice
    footprint: Footprint

    def next_choice(self) -> Choice | None:
        return next((choice for choice in self.choices if choice not in self.settled), None)


@dataclass(slots=True)
class _Best:
    """A run that shows a finding. ``threads``: those that it is about.

    ``cost``: context switches, then steps, of these threads alone; the least that was seen.
    """

    cost: tuple[int, int]
    choices: list[Choice]
    footprints: list[Footprint]
    threads: set[int]

    def order(self) -> list[Choice]:
        """What these threads do, and what must come before it, with the fewest switches."""
        places = needed(self.choices, self.footprints, self.threads)
        return straightened(
            [self.choices[place] for place in places],
            [self.footprints[place] for place in places],
        )


def explore(
    scenario: Scenario[World],
    *,
    reduce: bool = True,
    executions_max: int = EXECUTIONS_MAX,
    steps_max: int | None = None,
) -> Report:
    """Execute every run of the scenario, or until a limit.

    ``reduce=False`` executes every schedule, also those that differ by swaps of independent steps.
    Raises Unfaithful, ValueError for a lock that is not named uniquely, and whatever an operation
    raises beside KernelError, with the schedule as a note.
    """
    shared: set[str] = set()
    while True:
        known = len(shared)
        search = _Search(scenario, shared, reduce, executions_max, steps_max)
        limit = search.run()
        if len(shared) == known:
            return search.report(limit)
        # Somebody reads under a lock that seemed a mutex: a writer that begins to wait for it is a
        # step that was left out so far.


class _Search(Generic[World]):
    def __init__(
        self,
        scenario: Scenario[World],
        shared: set[str],
        reduce: bool,
        executions_max: int,
        steps_max: int | None,
    ) -> None:
        self._scenario = scenario
        self._names = list(scenario.operations)
        self._shared = shared
        self._shared_known = len(shared)
        self._reduce = reduce
        self._limits = executions_max, steps_max
        self._path: list[_Node] = []
        self._executions = self._cut = self._steps = self._distinct = 0
        self._outcomes: dict[Outcome, _Best] = {}
        self._causes: dict[Cause, _Best] = {}
        self._left: dict[Held, _Best] = {}

    def run(self) -> str:
        """Search; returns the limit that ended it, or nothing."""
        try:
            self._finish(Run(self._scenario, self._shared), {})
            self._check_stable()
            while len(self._shared) == self._shared_known and self._backtrack():
                self._finish(*self._again())
        except LimitReached as limit:
            return str(limit)
        except Exception as bug:
            taken = [f"{self._names[n.taken.thread]} {n.taken.way!s}" for n in self._path]
            bug.add_note(f"the schedule was: {'; '.join(taken)}")
            raise
        return ""

    def _again(self) -> tuple[Run[World], dict[Choice, Footprint]]:
        """Execute the current path, whose last step is new, from a fresh boot."""
        run = Run(self._scenario, self._shared)
        *before, last = self._path
        for node in before:
            run.take(node.taken)
        self._steps += len(before)
        previous = before[-1].taken.thread if before else 0
        if run.choices(previous) != last.choices:
            raise Unfaithful("cannot explore: one schedule led to two different states")
        self._measure(run, last)
        return run, self._asleep_after(last)

    def _measure(self, run: Run[World], node: _Node) -> None:
        executions_max, steps_max = self._limits
        if self._executions >= executions_max:
            raise LimitReached(counted(executions_max, "execution"))
        if steps_max is not None and self._steps >= steps_max:
            raise LimitReached(counted(steps_max, "step"))
        node.footprint = run.measure(node.taken)
        self._steps += 1
        self._distinct += 1

    def _asleep_after(self, node: _Node) -> dict[Choice, Footprint]:
        """The sleep set after a node's step: what is settled there and independent of the step."""
        if not self._reduce:
            return {}
        taken, done = node.taken.thread, node.footprint
        return {
            choice: footprint
            for choice, footprint in node.settled.items()
            if choice.thread != taken and not footprint.conflicts(done)
        }

    def _finish(self, run: Run[World], asleep: dict[Choice, Footprint]) -> None:
        """Go on until no thread can make a step, or all that can are asleep."""
        thread = self._path[-1].taken.thread if self._path else 0
        while choices := run.choices(thread):
            awake = next((choice for choice in choices if choice not in asleep), None)
            if awake is None:
                self._cut += 1
                return
            node = _Node(choices, asleep, awake, _NOTHING)
            self._path.append(node)
            self._measure(run, node)
            asleep, thread = self._asleep_after(node), awake.thread
        self._executions += 1
        self._record(run)

    def _backtrack(self) -> bool:
        """Turn to the next step that was not taken yet, deepest first; False: there is none."""
        while self._path:
            node = self._path[-1]
            node.settled[node.taken] = node.footprint
            following = node.next_choice()
            if following is not None:
                node.taken = following
                return True
            self._path.pop()
        return False

    def _check_stable(self) -> None:
        """The first schedule again: names of what is touched must not change with the boot."""
        again = Run(self._scenario, self._shared)
        if any(again.measure(node.taken) != node.footprint for node in self._path):
            raise Unfaithful("cannot explore: two runs of one schedule touched different state")

    def _record(self, run: Run[World]) -> None:
        choices = [node.taken for node in self._path]
        footprints = [node.footprint for node in self._path]
        end = end_of(run)
        everyone = set(range(len(self._names)))
        _keep(self._outcomes, end.outcome, choices, footprints, everyone)
        for cause in end.causes:
            _keep(self._causes, cause, choices, footprints, self._numbers(cause.threads))
        for held in end.left_held:
            _keep(self._left, held, choices, footprints, self._numbers({held.thread}))

    def _numbers(self, names: set[str]) -> set[int]:
        return {number for number, name in enumerate(self._names) if name in names}

    def report(self, limit: str) -> Report:
        """What was found so far, each finding with a schedule that was executed once more."""
        outcomes, are_all, beside = sequential(self._scenario, self._shared, self._limits[0])
        if not limit and not outcomes.keys() <= self._outcomes.keys():
            raise Unfaithful(_MISSING)
        if not limit and not are_all:
            limit = f"{counted(self._limits[0], 'run')} of one operation after the other"
        report = Report(
            operations=tuple(self._names),
            faults_max=self._scenario.faults_max,
            reduced=self._reduce,
            executions=self._executions,
            cut=self._cut,
            steps=self._steps,
            distinct_steps=self._distinct,
            limit=limit,
            deadlocks=self._findings(self._causes, lambda end: end.causes),
            left_held=self._findings(self._left, lambda end: end.left_held),
            outcomes=self._findings(self._outcomes, lambda end: (end.outcome,)),
            sequential=tuple(
                Finding(outcome, narrated(self._scenario, taken)[0])
                for outcome, taken in outcomes.items()
            ),
            has_all_orders=are_all,
        )
        told = (report.deadlocks, report.left_held, report.outcomes, report.sequential)
        beside += sum(len(finding.schedule) for findings in told for finding in findings)
        return replace(report, steps_beside=beside)

    def _findings(
        self, found: dict[Key, _Best], of: Callable[[End], Iterable[Key]]
    ) -> tuple[Finding[Key], ...]:
        """Fewest context switches first, then fewest steps."""
        findings = []
        for key, best in found.items():
            order = best.order()
            try:
                schedule, end = narrated(self._scenario, order)
            except ValueError as impossible:
                raise Unfaithful(_UNNOTED) from impossible
            if key not in of(end):
                raise Unfaithful(_UNNOTED)
            findings.append(Finding(key, schedule))
        return tuple(sorted(findings, key=lambda f: (f.switches, len(f.schedule))))


_NOTHING: Final = Footprint(set(), set())
_MISSING: Final = "cannot reduce: an order of whole operations has an outcome that no run had"
_UNNOTED: Final = "cannot swap independent steps: one of them touched what it did not note"


def _keep(
    found: dict[Key, _Best],
    key: Key,
    choices: list[Choice],
    footprints: list[Footprint],
    threads: set[int],
) -> None:
    theirs = [choice for choice in choices if choice.thread in threads]
    cost = switches(theirs), len(theirs)
    if key not in found or cost < found[key].cost:
        found[key] = _Best(cost, choices, footprints, threads)
