"""Every transition of the model's graph, made on the implementation: answer and state compared.

The kernel is put into the source state, the call is made with the transition's own choice of
faults, and the answer and the abstract state that follow must be the model's. No run is repeated
from boot: a state's calls are made from a snapshot of it, and what the call of the tree of first
ways leads to is walked before the next call is made. So each state is reached by one call from a
state whose snapshot is kept, and no more snapshots are kept than the tree is deep.

States that differ in ghosts only are one here: what an owner or an observer knows has no effect on
what can be done, so that an edge is a transition of the system without them. The walk carries them
along all the same, and compares them after every call.

A state of the model stands for many of the kernel, which differ in what the model does not see: the
order of free lists, serial numbers, residue of keys that nobody knows any more, random draws. One
walk takes the kernel that the shortest history leads to (of those the one whose calls come first).
That is every edge, but not every kernel: an answer that depended on the history would contradict
the model on some history, perhaps on another one. With `histories=2` every transition is made a
second time, from the kernel that the last way into the state leads to: the transition that was
found last, from a farther state where there is one, so mostly a longer history, through keys that
came and went. What is left to chance is left to the lockstep's long random runs.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Mapping

from checker import Call, Grounding, explore
from checker.systems.cone import without
from checker.systems.system import GroundSystem, State
from conformance.abstraction import AbstractionError, abstract
from conformance.graph import Edge, Graph, graph_of
from conformance.lockstep import Disagreement, booted, compiled, differences
from conformance.subject import Subject
from designs import Design
from model import Scope, ScopeError

SMALLEST = Scope(packages=2, cpus=1, keyids=1, values=1, vmas=2, threads=1)
"""The smallest scope in which every action of every named design can happen.

Two packages, because package 0 holds the kernel and is always there, and the machine's last online
CPU never goes: only another package can be added, only its CPU can come and go, and only there can
`extend` give a key one more KeyID. Two VMAs, because a fork needs another one for the child. One of
everything else: no action needs a second one to happen. What an action *does* with two is for the
larger scopes.
"""


STATES_MAX = 200_000
"""Beyond this many states, keeping the graph and making its calls takes too much room and time."""


@dataclasses.dataclass(frozen=True)
class Walk:
    """What a walk made. `explored` counts the transitions of the whole graph, as the explorer does.

    `walked` counts those that were made, `again` those that were made from a second history. `made`
    has for each action how often it gave each answer in a first walk. `seconds` is wall-clock time.
    """

    design: Design
    scope: Scope
    states: int
    explored: int
    walked: int
    again: int
    made: Mapping[str, Mapping[str, int]]
    seconds: float

    @property
    def is_whole(self) -> bool:
        """Whether every transition was made."""
        return self.explored == self.walked


def missing_actions(design: Design, scope: Scope) -> list[str]:
    """The actions of a design that never happen in a scope."""
    fired = explore(_system(design, scope), []).fired
    return [action for action, times in fired.items() if not times]


def walk(
    design: Design, scope: Scope = SMALLEST, *, histories: int = 1, levels: int | None = None
) -> Walk:
    """Make every transition on the implementation, from one history of each state or from two.

    With `levels` only those from states that fewer calls lead to. Raises Disagreement at the first
    transition in which implementation and model differ, and ScopeError where there are more than
    STATES_MAX states.
    """
    started = time.monotonic()
    grounding, machine = compiled(design, scope)
    explored = explore(_system(design, scope), [], states_max=STATES_MAX)
    if not explored.closed:
        raise ScopeError(
            f"{design.name} has more than {STATES_MAX:,} states with {scope}: too many to walk"
        )
    graph = graph_of(machine, _ghosts(grounding, _system(design, scope)), levels)
    walker = Walker(design, scope, graph, histories)
    walker.run()
    return Walk(
        design,
        scope,
        states=explored.states,
        explored=explored.transitions,
        walked=walker.walked,
        again=walker.again,
        made={action: dict(answers) for action, answers in walker.made.items()},
        seconds=time.monotonic() - started,
    )


def _system(design: Design, scope: Scope) -> GroundSystem:
    """A design's system without ghosts that nothing else depends on."""
    grounding, _ = compiled(design, scope)
    ghosts = {family.name for family in grounding.text.families if family.ghost}
    names = [v.name for v in grounding.system.variables if v.name.partition("[")[0] in ghosts]
    return without(grounding.system, names)


def _ghosts(grounding: Grounding, seen: GroundSystem) -> frozenset[int]:
    """The places of the variables that were left out."""
    names = {variable.name for variable in seen.variables}
    variables = enumerate(grounding.system.variables)
    return frozenset(place for place, variable in variables if variable.name not in names)


class Walker:
    """One walk under way: what was made so far, and where each state is entered.

    `graph` is of the design in the scope, or a part of it. `walked` and `again` count as in `Walk`.
    """

    def __init__(self, design: Design, scope: Scope, graph: Graph, histories: int) -> None:
        self.design = design
        self.scope = scope
        self.graph = graph
        self.grounding, self.machine = compiled(design, scope)
        self.histories = histories
        self.walked = self.again = 0
        self.made: dict[str, Counter[str]] = {
            action.name: Counter() for action in self.grounding.system.actions
        }

    def run(self) -> None:
        """Walk from every initial state, each on a kernel of its own."""
        for start in self.graph.starts:
            state = self.graph.states[start]
            subject = booted(self.design, self.scope, self.grounding, state)
            self._compare(subject, state, "booting")
            self._visit(subject, start, state)

    def _visit(self, subject: Subject, source: int, state: State) -> None:
        """Make every transition of a state, and visit what is entered from here."""
        if not self.graph.edges[source]:
            return
        moment = subject.snapshot()
        for place, edge in enumerate(self.graph.edges[source]):
            after = self._make(subject, source, state, edge)
            self.walked += 1
            self.made[edge.call.action][edge.answer] += 1
            if (source, place) == self.graph.first_way[edge.target]:
                self._visit(subject, edge.target, after)
            elif (source, place) == self.graph.other_way[edge.target] and self.histories > 1:
                self._visit_again(subject, edge.target, after)
            subject.restore(moment)

    def _visit_again(self, subject: Subject, source: int, state: State) -> None:
        """Make every transition of a state that another history led to, and go no further."""
        if not self.graph.edges[source]:
            return
        moment = subject.snapshot()
        for edge in self.graph.edges[source]:
            self._make(subject, source, state, edge)
            self.again += 1
            subject.restore(moment)

    def _make(self, subject: Subject, source: int, state: State, edge: Edge) -> State:
        """Make one transition on both; gives the state that it leads to, ghosts included."""
        outcome = self.machine.step(state, edge.call)
        if outcome is None:
            raise AssertionError(f"{edge.call.action} is enabled and cannot be made")
        answer = subject.call(self.grounding, edge.call)
        if answer != outcome[0]:
            raise Disagreement(
                f"{self._told(source, edge.call)}: the model answers {outcome[0]},"
                f" the implementation {answer} ({subject.refusal or 'done'})"
            )
        self._compare(subject, outcome[1], edge.call, source)
        return outcome[1]

    def _compare(
        self, subject: Subject, expected: State, made: Call | str, source: int | None = None
    ) -> None:
        wrong: str
        try:
            observed = abstract(subject, self.grounding)
        except AbstractionError as error:
            wrong = str(error)
        else:
            if observed == expected:
                return
            wrong = "; ".join(differences(self.grounding.system, expected, observed))
        what = self._told(source, made) if isinstance(made, Call) and source is not None else made
        raise Disagreement(f"after {what}: {wrong}")

    def _told(self, source: int, call: Call) -> str:
        """A call in words, after the calls of the first way to its source."""
        calls = [call]
        while (way := self.graph.first_way[source]) is not None:
            source, place = way
            calls.append(self.graph.edges[source][place].call)
        system = self.grounding.system
        return ", ".join(f"{c.action} {c.labelled(system)}" for c in reversed(calls))
