"""How much of the model's graph random runs have seen: states, transitions, and what they missed.

A transition here is a state and a call that is possible in it, as the explorer counts them.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from runs import grounded

from checker import Call, Machine, State, explore
from checker.answers.trace import run
from designs import Design
from mktme.words import trace_in_words
from model import Scope

STATES_MAX = 100_000
"""Beyond this many states the graph is not explored, and only its beginning is known."""

RAREST, NEVER = 3, 2
"""How many actions and transitions are named in a row."""

Made = tuple[Call, str, State]
"""A possible call, its answer, and where it leads."""

Row = dict[str, Any]
"""What is told of one design in one scope; plain values, which a process can send to another."""

ROWS: list[Row] = []
"""What the tests of this process have to tell."""


@dataclasses.dataclass
class Coverage:
    """The states and transitions that runs of one design in one scope have visited.

    `ways` has for each state the shortest run that led there: its start and its calls.
    """

    design: Design
    scope: Scope
    machine: Machine
    ways: dict[State, tuple[State, tuple[Call, ...]]] = dataclasses.field(default_factory=dict)
    made: dict[State, set[Call]] = dataclasses.field(default_factory=dict)
    _possible: dict[State, tuple[Made, ...]] = dataclasses.field(default_factory=dict)

    def possible(self, state: State) -> tuple[Made, ...]:
        """Every call that the model enables in a state; worked out once."""
        if state not in self._possible:
            calls = self.machine.enabled(state)
            self._possible[state] = tuple((c, *self._outcome(state, c)) for c in calls)
        return self._possible[state]

    def _outcome(self, state: State, call: Call) -> tuple[str, State]:
        outcome = self.machine.step(state, call)
        assert outcome is not None
        return outcome

    def visit(self, state: State, start: State, calls: Sequence[Call]) -> None:
        """A run has come to a state."""
        known = self.ways.get(state)
        if known is None or len(calls) < len(known[1]):
            self.ways[state] = start, tuple(calls)

    def make(self, state: State, call: Call) -> None:
        """A run has made a call."""
        self.made.setdefault(state, set()).add(call)

    def never(self) -> Iterator[tuple[State, Made]]:
        """Calls that were possible in a state that was visited, and were never made there."""
        for state in self.ways:
            made = self.made.get(state, set())
            yield from ((state, one) for one in self.possible(state) if one[0] not in made)

    def row(self) -> Row:
        """What there is to tell."""
        system = grounded(self.design, self.scope).system
        known = explore(system, [], states_max=STATES_MAX, jit=False)
        actions = Counter(call.action for calls in self.made.values() for call in calls)
        rarest = sorted(known.fired, key=lambda a: actions[a] / max(1, known.fired[a]))
        return {
            "design": self.design.name,
            "scope": str(self.scope),
            "states": len(self.ways),
            "states of": known.states,
            "edges": actions.total(),
            "edges of": known.transitions,
            "whole": known.closed,
            "rarest": [(a, actions[a], known.fired[a]) for a in rarest if known.fired[a]][:RAREST],
            "never": self._told_never(),
        }

    def _told_never(self) -> list[str]:
        """Some calls that were never made, in words: those first whose like was made least."""
        answers = Counter(
            (call.action, answer)
            for state, calls in self.made.items()
            for call, answer, _ in self.possible(state)
            if call in calls
        )
        told: dict[tuple[str, str], tuple[int, int, State, Call]] = {}
        for state, (call, answer, _) in self.never():
            like = call.action, answer
            candidate = answers[like], len(self.ways[state][1]), state, call
            if like not in told or candidate[:2] < told[like][:2]:
                told[like] = candidate
        chosen = sorted(told.values(), key=lambda c: c[:2])[:NEVER]
        return [self._in_words(state, call) for _, _, state, call in chosen]

    def _in_words(self, state: State, call: Call) -> str:
        start, calls = self.ways[state]
        grounding = grounded(self.design, self.scope)
        return trace_in_words(grounding, run(grounding.system, start, [*calls, call]))


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The report: for each design and scope a line of counts, and what was seen least."""
    for row in sorted(rows, key=lambda row: (row["scope"], row["design"])):
        yield f"{row['design']} ({row['scope']})"
        yield f"    {_share(row, 'states')}, {_share(row, 'edges')}"
        rare = (f"{action} {made:,} of {known:,}" for action, made, known in row["rarest"])
        yield f"    rarest: {', '.join(rare)}"
        yield from (f"    never: {told}" for told in row["never"])


def _share(row: Row, what: str) -> str:
    seen, known = row[what], row[f"{what} of"]
    if not row["whole"]:
        return f"{seen:,} {what} of more than {known:,}"
    return f"{seen:,} {what} of {known:,} ({100 * seen / known:.4g} %)"
