"""Runs that together take every transition of the locks' system, and how they go on the kernel.

A kernel cannot go back, so a run is planned on the explored graph first: from boot, always on to
the nearest transition that no run has taken yet.
"""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Iterator

from checker import Call, Machine, State
from conformance.lockrun import LockRun
from conformance.lockstep import Disagreement, differences, ground
from designs import Design
from model import Scope

Edge = tuple[State, Call]

CALLS_MAX = 150
"""How long a run may be: what its operations need is laid out at boot."""

NEAR = 100
"""How many states are looked at for the next transition, before another run is begun."""


class Graph:
    """Every state and transition of the locks' system of a design."""

    def __init__(self, design: Design, scope: Scope) -> None:
        self.design = design
        self.grounding = ground(design, scope, "locks")
        self.machine = Machine(self.grounding.system)
        (self.start,) = self.machine.initial_states()
        self.following: dict[State, dict[Call, tuple[str, State]]] = {}
        waiting = [self.start]
        while waiting:
            state = waiting.pop()
            if state not in self.following:
                self.following[state] = steps = dict(self._steps(state))
                waiting += [after for _, after in steps.values()]

    def _steps(self, state: State) -> Iterator[tuple[Call, tuple[str, State]]]:
        for call in self.machine.enabled(state):
            outcome = self.machine.step(state, call)
            assert outcome is not None
            yield call, outcome

    @functools.cached_property
    def edges(self) -> set[Edge]:
        """Every transition: a state and a call that is possible there."""
        return {(state, call) for state, steps in self.following.items() for call in steps}

    @functools.cached_property
    def ways(self) -> dict[State, list[Call]]:
        """A shortest way from boot to every state."""
        return self._around(self.start, len(self.following))

    def runs(self) -> Iterator[list[Call]]:
        """Runs from boot that take every transition."""
        left = {state: dict.fromkeys(steps) for state, steps in self.following.items()}
        for far in self.ways:
            while left[far]:
                run: list[Call] = []
                state, way = self.start, self.ways[far]
                while way or left[state]:
                    for call in way or [next(iter(left[state]))]:
                        left[state].pop(call, None)
                        state = self.following[state][call][1]
                        run.append(call)
                    if len(run) >= CALLS_MAX:
                        break
                    around = self._around(state, NEAR)
                    way = next((around[near] for near in around if left[near]), [])
                yield run

    def _around(self, start: State, states_max: int) -> dict[State, list[Call]]:
        """The states nearest to one, and a shortest way from there to each."""
        found: dict[State, list[Call]] = {start: []}
        queue = deque([start])
        while queue and len(found) < states_max:
            state = queue.popleft()
            for call, (_, after) in self.following[state].items():
                if after not in found:
                    found[after] = [*found[state], call]
                    queue.append(after)
        return found


def walked(graph: Graph, runs_max: int | None = None, kernels: Design | None = None) -> set[Edge]:
    """Take every transition on the kernel; gives those on which model and kernel agree.

    The first `runs_max` runs only, if it is given. The kernel's design may be another than the
    model's. Raises as `steps` does.
    """
    return set(steps(graph, runs_max, kernels))


def steps(
    graph: Graph, runs_max: int | None = None, kernels: Design | None = None
) -> Iterator[Edge]:
    """The same, a transition at a time, some of them more than once.

    Raises Disagreement where model and kernel differ in the answer, in the state afterwards, or in
    what is possible there, and AbstractionError where the kernel does what the model has no word
    for.
    """
    for run in itertools.islice(graph.runs(), runs_max):
        kernel = LockRun(kernels or graph.design, graph.grounding, run)
        state = graph.start
        for number, call in enumerate(run, 1):
            edge, (answer, state) = (state, call), graph.following[state][call]
            if wrong := _differences(graph, kernel, call, answer, state):
                raise Disagreement(f"{graph.design.name}, {run[:number]}: {wrong}")
            yield edge


def _differences(graph: Graph, kernel: LockRun, call: Call, answer: str, state: State) -> str:
    """Make the call on the kernel; what is then otherwise there than in the model, in words."""
    done = kernel.make(call)
    if done.answer != answer:
        return f"the model answers {answer}, the implementation {done.answer}"
    if wrong := differences(graph.grounding.system, state, kernel.state()):
        return "; ".join(wrong)
    possible = {(one.action, one.values[0]) for one in graph.following[state]}
    if others := possible ^ kernel.enabled():
        return f"possible on one side only: {sorted(others)}"
    return ""
