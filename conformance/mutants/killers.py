"""The checks that a mutant has to get past, each with a bound that the whole catalogue can afford.

A check of the implementation compares it with the model, or with what others have published. It is
silent on the right implementation: the tests hold every one of them to that.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

from checker.answers.trace import Trace
from checker.exploring.machine import Machine
from checker.portfolio import decide
from conformance.abstraction import AbstractionError
from conformance.edges import Walker
from conformance.graph import Graph, graph_of
from conformance.lockstep import Disagreement, compiled, ground
from conformance.lockwalk import Graph as LockGraph
from conformance.lockwalk import steps
from conformance.mutants.fault import Change, Mutant
from conformance.mutants.known_answers import known_answers
from conformance.payloadwalk import payload_walk
from conformance.randomwalk import random_walk
from conformance.replay import replay
from conformance.subject import CRASHES
from designs import Design, design_from_text
from model import Scope
from properties import PROPERTIES, claims_about, not_applicable

NOTICED = (Disagreement, AbstractionError, *CRASHES)

SMALL = Scope(2, 1, 1, 1, 1, 1)
SMALLEST = Scope(1, 1, 1, 1, 1, 1)
KNOWN = ("tables-agree", "no-plaintext-unsaved", "released-is-clear", "bitmap-exact")
"""Claims whose counterexamples are replayed, where the design has one."""

CALLS, CALLS_LONG, TEXTS, LEVELS, RUNS = 400, 6_000, 700, 4, 40


@dataclasses.dataclass(frozen=True)
class Kill:
    """Which check noticed a mutant, and when: the number of the call, or the steps of a trace."""

    killer: str
    after: int
    unit: str
    told: str


Killer = Callable[[Mutant], Kill | None]
"""A check, made while the fault is planted; None where it notices nothing."""


def _counted(killer: str, unit: str, made: Iterable[object]) -> Kill | None:
    """Make a check's steps one by one, and say at which of them something was noticed."""
    number = 1
    try:
        for _ in made:
            number += 1
    except NOTICED as seen:
        return Kill(killer, number, unit, _told(seen))
    return None


def _told(seen: BaseException) -> str:
    words = " ".join(str(seen).split())
    return words if isinstance(seen, Disagreement | AbstractionError) else f"the kernel: {words}"


def lockstep(mutant: Mutant) -> Kill | None:
    """A random walk, as long as is cheap."""
    return _walked("lockstep", mutant, CALLS)


def long_lockstep(mutant: Mutant) -> Kill | None:
    """The same walk, and much further."""
    return _walked("long lockstep", mutant, CALLS_LONG)


def _walked(killer: str, mutant: Mutant, calls_max: int) -> Kill | None:
    design = _design(mutant)
    return _counted(killer, "calls", random_walk(design, mutant.scope, calls_max))


def answers(mutant: Mutant) -> Kill | None:
    """Published values of hardware and heap."""
    return _counted("known answers", "answers", known_answers(_design(mutant)))


def payloads(mutant: Mutant) -> Kill | None:
    """The shortest texts, on both parsers."""
    runs = itertools.islice(payload_walk(_design(mutant)), TEXTS)
    return _counted("payload walk", "texts", runs)


def locks(mutant: Mutant) -> Kill | None:
    """Every step of one thread, and the first runs of two."""
    design = _design(mutant)

    def both() -> Iterator[object]:
        yield from steps(_lock_graph(design, 1))
        yield from steps(_lock_graph(design, 2), RUNS)

    return _counted("locks walk", "steps", both())


@functools.lru_cache(maxsize=4)
def _lock_graph(design: Design, threads: int) -> LockGraph:
    return LockGraph(design, Scope(threads=threads))


def edges(mutant: Mutant) -> Kill | None:
    """Every transition from the states that few calls lead to, in a small scope."""
    design = _design(mutant)
    walker = Walker(design, SMALLEST, _graph(design), 1)
    try:
        walker.run()
    except NOTICED as seen:
        return Kill("edges walk", walker.walked + 1, "calls", _told(seen))
    return None


@functools.lru_cache(maxsize=4)
def _graph(design: Design) -> Graph:
    return graph_of(compiled(design, SMALLEST)[1], levels=LEVELS)


def replays(mutant: Mutant) -> Kill | None:
    """What the design is known to violate must be violated by the running kernel as well."""
    design = _design(mutant)
    for claim, trace in _violations(design):
        try:
            told = replay(
                design, SMALL, ground(design, SMALL), PROPERTIES[claim], trace
            ).disagreement
        except CRASHES as seen:
            told = _told(seen)
        if told:
            return Kill(f"replay of {claim}", len(trace.steps), "steps", told)
    return None


@functools.lru_cache(maxsize=16)
def _violations(design: Design) -> tuple[tuple[str, Trace], ...]:
    grounding = ground(design, SMALL)
    found = []
    for claim in KNOWN:
        trace = decide(grounding.system, grounding.property(PROPERTIES[claim])).trace
        if trace is not None:
            found.append((claim, trace))
    return tuple(found)


OF_THE_IMPLEMENTATION: Mapping[str, Killer] = {
    "lockstep": lockstep,
    "known answers": answers,
    "payload walk": payloads,
    "locks walk": locks,
    "edges walk": edges,
    "long lockstep": long_lockstep,
    "replay": replays,
}
"""By name, in the order in which they are tried."""


def by_property(claim: str, mutant: Mutant, change: Change) -> Kill | None:
    """The model no longer has a property that it had, or never comes to what the claim is about."""
    design = _design(mutant)
    asked = PROPERTIES[claim]
    right = _word(design, mutant.scope, claim)
    if right != "PROVED" or not_applicable(design, asked) is not None:
        return None
    faulty = change.ground(design, mutant.scope)
    verdict = decide(faulty.system, faulty.property(asked))
    if verdict.word == "VIOLATED":
        return Kill(claim, verdict.depth, "steps", verdict.word)
    if verdict.word == "VACUOUS":
        return Kill(claim, verdict.states or 0, "states (vacuous)", verdict.word)
    return None


@functools.lru_cache(maxsize=256)
def _word(design: Design, scope: Scope, claim: str) -> str:
    asked = PROPERTIES[claim]
    grounding = ground(design, scope, asked.system)
    return decide(grounding.system, grounding.property(asked)).word


def against_the_kernel(mutant: Mutant, change: Change) -> Kill | None:
    """The faulty model beside the right implementation, in a random walk."""
    grounding = change.ground(_design(mutant), mutant.scope)
    text = grounding, Machine(grounding.system)
    calls_max = CALLS_LONG
    walk = random_walk(_design(mutant), mutant.scope, calls_max, text=text)
    return _counted("lockstep", "calls", walk)


def of_the_model(mutant: Mutant, change: Change) -> Mapping[str, Killer]:
    """Every property of the system, and for the key service's also the implementation."""
    found: dict[str, Killer] = {
        claim.id: functools.partial(lambda id, one: by_property(id, one, change), claim.id)
        for claim in claims_about(change.system)
    }
    if not change.system:
        found["lockstep"] = lambda one: against_the_kernel(one, change)
    return found


def _design(mutant: Mutant) -> Design:
    return design_from_text(mutant.design)
