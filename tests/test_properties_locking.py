"""Deadlocks, lost locks, operations that never return: who has them, and which knob brings them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from mutants import changed

from checker import Finite, Grounding, Machine, Step, Verdict, decide, reaches_premise
from checker.answers.trace import Trace
from checker.systems.reading import Reading
from conformance import replay
from conformance.lockstep import ground
from designs import DESIGNS, DETAILS, KNOBS, Design, design_from_text, prices
from mktme.judge import judge, what_broke
from model import Scope, lockwords
from model.lockpaths import GIVE_MAP, GIVE_MMAP_SEM, TAKE_MAP, TAKE_MMAP_SEM, Path, paths
from model.locks import system_of
from model.lockstate import table_from
from properties import claims_about
from properties.catalogue import PROGRESS

CLAIMS = {claim.id: claim for claim in claims_about("locks")}
NAMES = ["no-deadlock", "no-lost-lock", "operations-finish"]

# design: length of the shortest counterexample of each claim, 0 where it is proved
LENGTHS = {name: (0, 0, 0) for name in DESIGNS} | {
    "rfc-v2": (4, 3, 4),
    "rfc-v2-savekeys": (4, 3, 4),
}

# the only knob that is as posted, all others repaired
ALONE = dict.fromkeys(DETAILS, (0, 0, 0)) | {
    "error_unlock": (5, 4, 5),
    "lock_order": (4, 0, 4),
    "last_put": (5, 0, 5),
}
ALONE_PER_PACKAGE = ALONE | {"last_put": (5, 0, 5)}

PREMISE_AFTER = {"no-deadlock": 3, "no-lost-lock": 3, "operations-finish": 3}
"""How many transitions of rfc-v2-fixed it takes."""


def judged(design: Design, claim: str, threads: int = 2) -> Verdict:
    grounding = ground(design, Scope(threads=threads), "locks")
    return decide(grounding.system, grounding.property(CLAIMS[claim]))


def lengths(design: Design) -> tuple[int, ...]:
    """The lengths of the counterexamples, which all replay; 0 where the claim is proved."""
    found = []
    for claim in NAMES:
        verdict = judged(design, claim)
        assert ("PROVED" if verdict.trace is None else "VIOLATED") == verdict.word
        if verdict.trace is not None:
            grounding = ground(design, Scope(), "locks")
            replayed = replay(design, Scope(), grounding, CLAIMS[claim], verdict.trace)
            assert ("", True) == (replayed.disagreement, bool(replayed.observed))
        found.append(len(verdict.trace or ()))
    return tuple(found)


def test_the_claims_about_locks_are_these() -> None:
    assert NAMES == list(CLAIMS)
    assert ["state", "state", "step"] == [claim.kind for claim in CLAIMS.values()]
    assert ["operations-finish"] == list(PROGRESS)


@pytest.mark.parametrize("name", DESIGNS)
def test_only_the_posted_designs_deadlock_and_lose_locks(name: str) -> None:
    assert LENGTHS[name] == lengths(DESIGNS[name])


@pytest.mark.parametrize("name", DESIGNS)
def test_a_lock_is_no_price_of_a_posture(name: str) -> None:
    assert not prices(DESIGNS[name]).keys() & set(CLAIMS)


@pytest.mark.parametrize("knob", DETAILS)
def test_one_knob_as_posted_breaks_what_is_its_own(knob: str) -> None:
    assert ALONE[knob] == lengths(DESIGNS["rfc-v2-fixed"].but(**{knob: KNOBS[knob].posted}))


@pytest.mark.parametrize("knob", [knob for knob in DETAILS if any(ALONE[knob])])
def test_with_keyids_of_each_package_the_same_knobs_break_the_same(knob: str) -> None:
    design = DESIGNS["per-package"].but(**{knob: KNOBS[knob].posted})
    assert ALONE_PER_PACKAGE[knob] == lengths(design)


@pytest.mark.parametrize(
    ("knob", "expected"),
    [("error_unlock", (4, 0, 4)), ("lock_order", (4, 4, 4)), ("last_put", (5, 3, 5))],
)
def test_one_knob_repaired_alone_leaves_the_others_mistakes(
    knob: str, expected: tuple[int, ...]
) -> None:
    assert expected == lengths(DESIGNS["rfc-v2"].but(**{knob: KNOBS[knob].repaired}))


@pytest.mark.parametrize("claim", NAMES)
def test_a_premise_is_reachable_where_the_claim_holds(claim: str) -> None:
    grounding = ground(DESIGNS["rfc-v2-fixed"], Scope(), "locks")
    found = reaches_premise(grounding.system, grounding.property(CLAIMS[claim]), 8)
    assert PREMISE_AFTER[claim] == found


def test_one_thread_alone_waits_for_nobody_so_that_no_deadlock_is_vacuous() -> None:
    assert "VACUOUS" == judged(DESIGNS["rfc-v2-fixed"], "no-deadlock", threads=1).word


@pytest.mark.deep
@pytest.mark.parametrize("claim", NAMES)
@pytest.mark.parametrize("name", ["rfc-v2", "rfc-v2-fixed", "per-package"])
def test_a_third_thread_shows_nothing_new(name: str, claim: str) -> None:
    expected = LENGTHS[name][NAMES.index(claim)]
    assert expected == len(judged(DESIGNS[name], claim, threads=3).trace or ())


@pytest.mark.deep
@pytest.mark.parametrize("claim", NAMES)
@pytest.mark.parametrize("knob", ["error_unlock", "lock_order", "last_put"])
def test_a_third_thread_shortens_no_counterexample_of_one_knob(knob: str, claim: str) -> None:
    design = DESIGNS["rfc-v2-fixed"].but(**{knob: KNOBS[knob].posted})
    expected = ALONE[knob][NAMES.index(claim)]
    assert expected == len(judged(design, claim, threads=3).trace or ())


@pytest.mark.deep
@pytest.mark.parametrize("claim", ["no-deadlock", "no-lost-lock"])
def test_four_threads_neither_deadlock_nor_lose_a_lock(claim: str) -> None:
    """So many states stand for all: threads are interchangeable, which is proved first."""
    cell = judge(DESIGNS["rfc-v2-fixed"], CLAIMS[claim], Scope(threads=4))
    assert cell.verdict is not None
    assert ("PROVED", 1_937_730) == (cell.word, cell.verdict.states)


# Faulty models

Edit = Callable[[Mapping[str, Path]], Mapping[str, Path]]


def instead(operation: str, path: Path) -> Edit:
    """An operation takes another path."""
    return lambda known: {**known, operation: path}


def without_last(operation: str, number: int) -> Edit:
    """An operation forgets its last requests."""
    return lambda known: {**known, operation: known[operation][:-number]}


def turned(operation: str) -> Edit:
    """An operation takes its first two locks in the other order, and gives them back so too."""

    def edit(known: Mapping[str, Path]) -> Mapping[str, Path]:
        first, second, *inner, fourth, fifth = known[operation]
        return {**known, operation: (second, first, *inner, fifth, fourth)}

    return edit


UNDER_MMAP_SEM = (TAKE_MMAP_SEM, TAKE_MAP, GIVE_MAP, GIVE_MMAP_SEM)

FAULTY_PATHS: list[tuple[str, str, Edit, int]] = [
    ("no-deadlock", "a teardown takes the map lock first", turned("cpu_teardown"), 5),
    ("no-deadlock", "munmap takes the map lock inside", instead("munmap", UNDER_MMAP_SEM), 5),
    ("no-lost-lock", "munmap forgets mmap_sem", without_last("munmap", 1), 2),
    ("no-lost-lock", "a teardown forgets the hotplug lock", without_last("cpu_teardown", 1), 4),
    ("operations-finish", "a teardown takes the map lock first", turned("cpu_teardown"), 4),
    ("operations-finish", "munmap forgets mmap_sem", without_last("munmap", 1), 3),
]


def faulty(edit: Edit) -> Grounding:
    """The repaired design's system with other paths."""
    design = DESIGNS["rfc-v2-fixed"]
    table = table_from(edit(paths(design)))
    return Grounding(system_of("faulty", table, Finite(Scope().sizes(design))))


@pytest.mark.parametrize(
    ("claim", "edit", "length"),
    [(claim, edit, length) for claim, _, edit, length in FAULTY_PATHS],
    ids=[f"{claim}: {fault}" for claim, fault, _, _ in FAULTY_PATHS],
)
def test_a_faulty_path_breaks_the_claim_and_does_not_replay(
    claim: str, edit: Edit, length: int
) -> None:
    grounding = faulty(edit)
    trace = decide(grounding.system, grounding.property(CLAIMS[claim])).trace
    assert trace is not None
    assert length == len(trace)
    replayed = replay(DESIGNS["rfc-v2-fixed"], Scope(), grounding, CLAIMS[claim], trace)
    assert replayed.disagreement


def finishes(action: str, faulty_step: Callable[..., Step]) -> Verdict:
    """What becomes of operations-finish if one action of the repaired design goes wrong."""
    design = DESIGNS["rfc-v2-fixed"]
    table = table_from(paths(design))
    system = system_of("faulty", table, Finite(Scope().sizes(design)))
    grounding = Grounding(changed(action, faulty_step)(system))
    return decide(grounding.system, grounding.property(CLAIMS["operations-finish"]))


def test_retries_without_end_break_operations_finish() -> None:
    def fails_in_place(old, choice, right):
        again = old.is_at(choice.thread, ["retry_clear_4"])
        return Step(again, right.answer, {})

    assert "PROVED" == finishes("fail", fails_in_place).word  # nobody ever gets there

    def fails_again(old, choice, right):
        kept = {name: value for name, value in right.effect.items() if name == "holds"}
        return Step(right.guard, right.answer, kept)

    verdict = finishes("fail", fails_again)
    assert ("VIOLATED", 4) == (verdict.word, verdict.depth)


def test_failures_that_are_counted_need_not_lead_on() -> None:
    def fails_in_place(old, choice, right):
        counted = {name: value for name, value in right.effect.items() if name == "may_fail"}
        return Step(right.guard, right.answer, counted)

    assert "PROVED" == finishes("fail", fails_in_place).word


def test_a_writer_that_forgets_its_place_in_the_queue_goes_on_queueing() -> None:
    def forgets(old, choice, right):
        return Step(right.guard, right.answer, {})

    assert "VIOLATED" == finishes("queue", forgets).word


# Words


def told(design: str, claim: str) -> str:
    chosen = design_from_text(design)
    trace = judged(chosen, claim).trace
    assert trace is not None
    return what_broke(ground(chosen, Scope(), "locks"), CLAIMS[claim], trace)


@pytest.mark.parametrize(
    ("design", "claim", "expected"),
    [
        (
            "rfc-v2",
            "no-deadlock",
            "thread 0 (encrypt_mprotect that drops a last reference) holds the map lock and"
            " mmap_sem and waits for the map lock",
        ),
        (
            "rfc-v2-fixed,lock_order=map_first",
            "no-deadlock",
            "thread 0 (CPU startup) holds the CPU-hotplug lock and waits for the map lock; thread 1"
            " (CLEAR_KEY once more) holds the map lock and waits for the CPU-hotplug lock for"
            " reading",
        ),
        (
            "rfc-v2",
            "no-lost-lock",
            "thread 0 has returned from its operation and still holds the map lock",
        ),
        (
            "rfc-v2-fixed,error_unlock=missing",
            "operations-finish",
            "thread 0 has returned and still holds the map lock and the CPU-hotplug lock for"
            " reading; thread 1 (CPU startup) waits for the CPU-hotplug lock",
        ),
    ],
)
def test_what_broke_says_who_holds_and_who_waits(design: str, claim: str, expected: str) -> None:
    assert expected == told(design, claim)


def test_a_step_that_leads_nowhere_is_told() -> None:
    grounding = ground(DESIGNS["rfc-v2-fixed"], Scope(), "locks")
    (start,) = Machine(grounding.system).initial_states()
    assert "an operation is no nearer to its end than before the step" == lockwords.why_for_ever(
        Reading(grounding, start)
    )


def test_the_lost_lock_of_the_posted_design_needs_no_key_without_keyid() -> None:
    """EBUSY is a way that calls lead to; a live key without KeyID they never make."""
    trace = judged(DESIGNS["rfc-v2"], "no-lost-lock").trace
    assert isinstance(trace, Trace)
    system = ground(DESIGNS["rfc-v2"], Scope(), "locks").system
    assert "update_ebusy" == trace.steps[0].call.labelled(system)["operation"]


def test_every_operation_and_lock_has_words() -> None:
    known = {name for design in DESIGNS.values() for name in paths(design)}
    assert known == set(lockwords.OPERATIONS)
