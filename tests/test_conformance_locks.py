"""Threads of the kernel make the steps of the locks' system: every one of them, with any design."""

from __future__ import annotations

import dataclasses

import pytest

from checker import Call, Grounding, Trace, decide
from conformance import AbstractionError, replay
from conformance.lockrun import LockRun, position_in
from conformance.lockstep import differences, ground
from conformance.lockwalk import Graph, walked
from designs import DESIGNS, DETAILS, KNOBS, Design, design_from_text
from impl.locks import Lock
from impl.service.refcounts import EncryptCounts
from model import Scope
from model.lockpaths import EXECUTE, GIVE_MAP, LOOK, RETRY, TAKE_MAP, Request
from properties import claims_about

CLAIMS = {claim.id: claim for claim in claims_about("locks")}
ONE = Scope(threads=1)

VARIATIONS = [
    *DESIGNS,
    *(f"rfc-v2-fixed,{knob}={KNOBS[knob].posted}" for knob in DETAILS),
    *(f"rfc-v2,{knob}={KNOBS[knob].repaired}" for knob in DETAILS),
    "per-package,lock_order=map_first",
    "per-package,error_unlock=missing",
    "per-package,last_put=locks_again",
    "per-package,on_release=keep",
    "rfc-v2-fixed,lock_order=map_first,last_put=locks_again",
    "rfc-v2,keyid_scope=per_package",
    "rfc-v2,startup_gate=none",
]

# design: transitions with two threads
TWO_THREADS = {
    **dict.fromkeys(DESIGNS, 25818),
    "rfc-v2": 17180,
    "rfc-v2-savekeys": 17180,
    "per-package": 29952,
    "no-hotplug": 24960,
    "rfc-v2-fixed,error_unlock=missing": 33930,
    "rfc-v2-fixed,lock_order=map_first": 20618,
    "rfc-v2-fixed,last_put=locks_again": 21384,
    "rfc-v2-fixed,on_release=keep": 18936,
    "rfc-v2-fixed,on_program_failure=leave": 21390,
    "per-package,lock_order=map_first": 31616,
}


@pytest.mark.parametrize("text", VARIATIONS)
def test_every_step_of_one_thread_is_the_kernels(text: str) -> None:
    graph = Graph(design_from_text(text), ONE)
    assert graph.edges == walked(graph)


@pytest.mark.parametrize("text", ["rfc-v2", "rfc-v2-fixed", "per-package"])
def test_two_threads_begin_as_the_kernels_do(text: str) -> None:
    graph = Graph(design_from_text(text), Scope())
    assert 1000 < len(walked(graph, runs_max=60))


@pytest.mark.deep
@pytest.mark.parametrize("text", TWO_THREADS)
def test_every_step_of_two_threads_is_the_kernels(text: str) -> None:
    graph = Graph(design_from_text(text), Scope())
    assert TWO_THREADS[text] == len(graph.edges)
    assert graph.edges == walked(graph)


# What is told where the kernel does otherwise


def first_run(graph: Graph, operation: str) -> list[Call]:
    """A run of one operation alone, which succeeds."""
    found, state = [], graph.start
    for call in graph.following[state]:
        if call.labelled(graph.grounding.system).get("operation") == operation:
            found, state = [call], graph.following[state][call][1]
    while state != graph.start:
        call = next(c for c in graph.following[state] if c.action == "step")
        found, state = [*found, call], graph.following[state][call][1]
    return found


@pytest.mark.parametrize("knob", ["error_unlock", "lock_order", "last_put", "on_release"])
def test_a_kernel_of_another_design_is_told(knob: str) -> None:
    graph = Graph(DESIGNS["rfc-v2-fixed"], ONE)
    other = graph.design.but(**{knob: KNOBS[knob].posted})
    with pytest.raises((AbstractionError, AssertionError)):
        walked(graph, kernels=other)


def test_a_kernel_that_asks_for_another_lock_is_told() -> None:
    graph = Graph(DESIGNS["rfc-v2-fixed"], ONE)
    run = first_run(graph, "retry_clear")
    kernel = LockRun(graph.design.but(lock_order="map_first"), graph.grounding, run)
    kernel.make(run[0])
    with pytest.raises(AbstractionError) as told:
        kernel.state()
    assert "retry_clear asks for something else: take map" == str(told.value)


def test_a_step_that_the_kernel_cannot_make_is_told() -> None:
    graph = Graph(DESIGNS["rfc-v2"], ONE)
    run = first_run(graph, "munmap")
    kernel = LockRun(graph.design, graph.grounding, run)
    with pytest.raises(AbstractionError) as told:
        kernel.make(run[1])
    assert "the model lets thread 0 step, the kernel does not" == str(told.value)


def test_an_operation_that_goes_another_way_than_was_laid_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EncryptCounts, "get", lambda self, keyid: 1)
    graph = Graph(DESIGNS["rfc-v2"].but(error_unlock="present"), ONE)
    run = first_run(graph, "update_ebusy")
    kernel = LockRun(graph.design, graph.grounding, run)
    kernel.make(run[0])
    kernel.make(run[1])
    kernel.make(run[2])
    with pytest.raises(AbstractionError, match=r"update_ebusy asks .* take map, read hotplug"):
        kernel.state()


def test_a_kernel_that_keeps_a_lock_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds a lock is read from the lock, not concluded from what was asked for."""
    graph = Graph(DESIGNS["rfc-v2"], ONE)
    run = first_run(graph, "munmap")
    kernel = LockRun(graph.design, graph.grounding, run)
    monkeypatch.setattr(Lock, "release", lambda self, thread: None)
    kernel.make(run[0])
    kernel.make(run[1])
    state = graph.following[graph.following[graph.start][run[0]][1]][run[1]][1]
    assert ["holds[0,mmap_sem]: model no, implementation exclusive"] == differences(
        graph.grounding.system, state, kernel.state()
    )


def counterexample(text: str, claim: str) -> tuple[Design, Grounding, Trace]:
    design = design_from_text(text)
    grounding = ground(design, Scope(), "locks")
    trace = decide(grounding.system, grounding.property(CLAIMS[claim])).trace
    assert trace is not None
    return design, grounding, trace


def test_a_deadlock_replays_and_shows_the_kernels_own_locks() -> None:
    design, grounding, trace = counterexample("rfc-v2-fixed,lock_order=map_first", "no-deadlock")
    done = replay(design, Scope(), grounding, CLAIMS["no-deadlock"], trace)
    assert (
        "thread 1 holds the map lock for writing",
        "thread 0 holds the CPU-hotplug lock for writing",
        "thread 0 waits for the map lock for writing",
        "thread 1 waits for the CPU-hotplug lock for reading",
    ) == done.observed


def test_a_lost_lock_replays_with_the_kernels_refusal() -> None:
    design, grounding, trace = counterexample("rfc-v2", "no-lost-lock")
    done = replay(design, Scope(), grounding, CLAIMS["no-lost-lock"], trace)
    assert ("thread 0 has returned and still holds the map lock for writing",) == done.observed
    assert "cannot update key 1: VMAs are encrypted with KeyID 1" == done.steps[-1].refusal


def test_a_lost_lock_does_not_replay_on_a_kernel_that_unlocks() -> None:
    design, grounding, trace = counterexample("rfc-v2", "no-lost-lock")
    repaired = design.but(error_unlock="present")
    done = replay(repaired, Scope(), grounding, CLAIMS["no-lost-lock"], trace)
    assert done.disagreement.startswith("step 3, step: the model answers returns")


def test_a_trace_with_a_wrong_state_does_not_replay() -> None:
    design, grounding, trace = counterexample("rfc-v2", "no-lost-lock")
    last = dataclasses.replace(trace.steps[-1], state=trace.start)
    wrong = dataclasses.replace(trace, steps=(*trace.steps[:-1], last))
    done = replay(design, Scope(), grounding, CLAIMS["no-lost-lock"], wrong)
    assert ("step 3, step: holds[0,map]: model no, implementation exclusive") == done.disagreement


def test_a_trace_that_violates_nothing_is_no_counterexample() -> None:
    design, grounding, trace = counterexample("rfc-v2", "no-lost-lock")
    short = dataclasses.replace(trace, steps=trace.steps[:-1])
    done = replay(design, Scope(), grounding, CLAIMS["no-lost-lock"], short)
    assert "the implementation did the same, yet the property holds of it" == done.disagreement


# Where an operation is in its path


@pytest.mark.parametrize(
    ("asked", "position"),
    [
        ([LOOK], 0),
        ([LOOK, TAKE_MAP], 1),
        ([LOOK, TAKE_MAP, EXECUTE], 2),
        ([LOOK, TAKE_MAP, EXECUTE, RETRY], 3),
        ([LOOK, TAKE_MAP, EXECUTE, GIVE_MAP], 5),
        ([LOOK, TAKE_MAP, EXECUTE, RETRY, RETRY, GIVE_MAP], 5),
        ([LOOK, TAKE_MAP, EXECUTE, RETRY, RETRY, RETRY], None),
        ([LOOK, EXECUTE], None),
        ([LOOK, TAKE_MAP, EXECUTE, GIVE_MAP, GIVE_MAP], None),
    ],
)
def test_a_place_is_found_by_what_was_asked_for(asked: list[Request], position: int | None) -> None:
    path = (LOOK, TAKE_MAP, EXECUTE, RETRY, RETRY, GIVE_MAP)
    assert position == position_in(path, asked)
