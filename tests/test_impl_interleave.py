"""The explorer of interleavings, on toy worlds whose every run can be listed by hand."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from toys import Toy, interleavings, plain_search, toy

from impl.hardware.pconfig import Status
from impl.interleaving.deadlocks import Awaited, Cause, Held
from impl.interleaving.explorer import Unfaithful, explore
from impl.interleaving.replayed import replay
from impl.interleaving.scenario import Scenario
from impl.interleaving.schedule import (
    GOES_ON,
    WAITS,
    Choice,
    Footprint,
    needed,
    straightened,
    switches,
)
from impl.locks import Lock, Mode, Thread
from impl.threads import Acquire, Pause

PAUSE = ("pause", "look")
ADD_ONE = [("load", "x"), ("add", 1), PAUSE, ("store", "x")]
READING, WRITING = "for reading", "for writing"


def within(lock, *instructions, how="lock"):
    """Instructions with a lock held around them."""
    return [(how, lock), *instructions, ("unlock", lock)]


def texts(finding):
    """The steps of a finding's schedule as people read them."""
    return [str(step) for step in finding.schedule]


def answers(findings):
    """Answers and observations, without their schedules."""
    return {
        (tuple(answer for _, answer in finding.what.answers), finding.what.observed)
        for finding in findings
    }


# Deadlocks

AB_BA = toy(
    anna=within("A lock", *within("B lock")),
    ben=within("B lock", *within("A lock")),
)


def test_two_locks_in_opposite_orders_are_a_deadlock() -> None:
    report = explore(AB_BA)
    (found,) = report.deadlocks
    assert (
        Cause(
            waiting=(Awaited("anna", "B lock", WRITING), Awaited("ben", "A lock", WRITING)),
            held=(Held("A lock", "anna", WRITING), Held("B lock", "ben", WRITING)),
        )
        == found.what
    )
    assert {"anna", "ben"} == found.what.threads
    assert (4, 1) == (len(found.schedule), found.switches)
    assert [
        "anna: begins",
        "anna: acquires the A lock",
        "ben: begins",
        "ben: acquires the B lock",
    ] == texts(found)


def test_two_locks_in_one_order_are_none() -> None:
    one = within("A lock", *within("B lock"))
    report = explore(toy(anna=one, ben=one))
    assert ((), (), 2) == (report.deadlocks, report.left_held, report.executions)


def test_a_thread_that_takes_a_lock_twice_waits_for_itself() -> None:
    for first, second in itertools.product(("lock", "read lock"), repeat=2):
        report = explore(toy(anna=[(first, "A lock"), (second, "A lock")]))
        (found,) = report.deadlocks
        assert {"anna"} == found.what.threads
        assert [("waits for ever",)] == [answer for answer, _ in answers(report.outcomes)]


def test_a_circle_of_three_is_one_cause_and_pairs_of_them_none() -> None:
    locks = ["A lock", "B lock", "C lock"]
    report = explore(
        toy(
            **{
                name: within(locks[place], *within(locks[(place + 1) % 3]))
                for place, name in enumerate(["anna", "ben", "carl"])
            }
        )
    )
    assert [{"anna", "ben", "carl"}] == [found.what.threads for found in report.deadlocks]


def test_who_waits_behind_a_deadlock_is_no_part_of_it() -> None:
    operations = dict(AB_BA.operations) | dict(
        toy(carl=[PAUSE, *within("A lock"), PAUSE]).operations
    )
    scenario = dataclasses.replace(AB_BA, operations=operations)
    (found,) = explore(scenario).deadlocks
    assert [{"anna", "ben"}, 4] == [found.what.threads, len(found.schedule)]


def test_a_waiting_writer_stops_a_new_reader_and_that_can_be_a_deadlock() -> None:
    # Without the rule carl would get the semaphore beside anna, and give her the map lock.
    programs = {
        "anna": within("semaphore", *within("map lock"), how="read lock"),
        "carl": within("map lock", *within("semaphore", how="read lock")),
    }
    assert () == explore(toy(**programs)).deadlocks
    (found,) = explore(toy(**programs, ben=within("semaphore"))).deadlocks
    assert (
        Awaited("anna", "map lock", WRITING),
        Awaited("ben", "semaphore", WRITING),
        Awaited("carl", "semaphore", READING),
    ) == found.what.waiting
    assert "ben: begins to wait for the semaphore" == texts(found)[-1]


def test_a_reader_that_comes_again_behind_a_waiting_writer_waits_for_it() -> None:
    report = explore(
        toy(
            anna=[*within("semaphore", *within("map lock"), how="read lock")],
            ben=within("map lock", *within("semaphore")),
        )
    )
    assert [{"anna", "ben"}] == [found.what.threads for found in report.deadlocks]


def test_waiting_for_a_mutex_is_no_step() -> None:
    report = explore(toy(anna=within("A lock", PAUSE), ben=within("A lock", PAUSE)), reduce=False)
    assert not [step for found in report.outcomes for step in found.schedule if step.way == WAITS]
    # Either is first. The second begins at one of 3 places before it could have the lock, and the
    # first one's last step comes at one of 4 places among the rest; or it begins later: 5 places.
    assert 2 * (3 * 4 + 5) == report.executions


def test_a_lock_that_turns_out_to_have_readers_is_searched_again_from_the_start() -> None:
    # The reader comes last, when runs without it have been executed already.
    writers = {"anna": within("semaphore"), "ben": within("semaphore")}
    reader = [("refuse if", "x"), *within("semaphore", how="read lock")]
    report = explore(toy(**writers, carl=reader), reduce=False)
    waits = [end for end, _ in plain_search(toy(**writers, carl=reader), {"semaphore"})]
    assert len(waits) == report.executions


# Locks left held


def test_a_lock_that_a_refused_operation_keeps_is_found_and_stops_the_next_one() -> None:
    careless = [("lock", "map lock"), ("put", "x", 1), ("refuse if", "x"), ("unlock", "map lock")]
    report = explore(toy(anna=careless, ben=within("map lock")))
    (left,) = report.left_held
    assert Held("map lock", "anna", WRITING, ended=True) == left.what
    assert ["anna: begins", "anna: acquires the map lock, fails with EBUSY"] == texts(left)
    (stuck,) = report.deadlocks
    assert (
        Cause(
            (Awaited("ben", "map lock", WRITING),), (Held("map lock", "anna", WRITING, ended=True),)
        )
        == stuck.what
    )
    assert {(("EBUSY", "ok"), ("x = 1",)), (("EBUSY", "waits for ever"), ("x = 1",))} == answers(
        report.outcomes
    )
    assert () == report.unserialisable


def test_a_lock_held_since_before_the_scenario_is_a_deadlock_and_not_left_held() -> None:
    def boot():
        world = Toy()
        world.lock("map lock").acquire(Thread("setup"), Mode.EXCLUSIVE)
        return world

    scenario = dataclasses.replace(toy(anna=within("map lock")), boot=boot)
    report = explore(scenario)
    (stuck,) = report.deadlocks
    assert (Held("map lock", "setup", WRITING, ended=True),) == stuck.what.held
    assert () == report.left_held


# Outcomes


def test_a_lost_update_is_an_outcome_that_no_sequential_order_gives() -> None:
    report = explore(toy(anna=ADD_ONE, ben=ADD_ONE))
    assert {
        (("ok 1", "ok 1"), ("x = 1",)),
        (("ok 1", "ok 2"), ("x = 2",)),
        (("ok 2", "ok 1"), ("x = 2",)),
    } == answers(report.outcomes)
    assert {(("ok 1", "ok 1"), ("x = 1",))} == answers(report.unserialisable)
    (lost,) = report.unserialisable
    assert (4, 2) == (len(lost.schedule), lost.switches)


def test_under_a_lock_no_update_is_lost() -> None:
    report = explore(
        toy(anna=within("A lock", *ADD_ONE), ben=within("A lock", *ADD_ONE)),
    )
    assert (2, 2, ()) == (len(report.outcomes), report.executions, report.unserialisable)


def test_every_choice_of_a_failure_is_tried_within_the_budget() -> None:
    for faults_max, statuses in enumerate(
        [
            {(0, 0)},
            {(0, 0), (5, 0), (0, 5), (0, 2)},
            {(0, 0), (5, 0), (0, 5), (0, 2), (5, 5), (5, 2)},
        ]
    ):
        report = explore(
            toy(faults_max, anna=[("program", 0)], ben=[("program randomly", 1)]),
        )
        tables = {tuple(int(line[-1]) for line in f.what.observed) for f in report.outcomes}
        assert statuses == tables
        assert () == report.unserialisable
        assert len(report.outcomes) == len(report.sequential)


def test_a_step_that_fails_says_so() -> None:
    report = explore(toy(1, anna=[("program", 1)]))
    assert [
        "anna: PCONFIG SET_KEY_DIRECT KeyID 1 on package 1, returns",
        "anna: PCONFIG SET_KEY_DIRECT KeyID 1 on package 1 -> DEVICE_BUSY, returns",
    ] == [texts(found)[-1] for found in report.outcomes]


def test_an_operation_that_must_wait_in_every_order_lets_the_others_go_on() -> None:
    report = explore(toy(anna=[("lock", "A lock")], ben=[("lock", "A lock")], carl=[PAUSE]))
    assert {(("ok", "waits for ever", "ok"), ()), (("waits for ever", "ok", "ok"), ())} == answers(
        report.sequential
    )
    assert answers(report.outcomes) == answers(report.sequential)


# Counts


@pytest.mark.parametrize("pauses", [(1, 1), (2, 3), (4, 4), (1, 2, 2)])
def test_without_reduction_every_interleaving_is_executed(pauses: tuple[int, ...]) -> None:
    scenario = toy(**{f"t{n}": [PAUSE] * number for n, number in enumerate(pauses)})
    orders = interleavings(*(number + 1 for number in pauses))
    report = explore(scenario, reduce=False)
    assert (orders, 0, True) == (report.executions, report.cut, report.is_complete)
    assert orders == len(plain_search(scenario, set()))


@pytest.mark.parametrize("pauses", [(1, 1), (4, 4), (2, 2, 2)])
def test_independent_threads_have_one_run(pauses: tuple[int, ...]) -> None:
    scenario = toy(**{f"t{n}": [("put", f"x{n}", 1), *[PAUSE] * k] for n, k in enumerate(pauses)})
    assert 1 == explore(scenario).executions


def test_readers_of_one_variable_have_one_run_and_writers_one_per_order() -> None:
    assert 1 == explore(toy(**{f"t{n}": [("load", "x")] for n in range(3)})).executions
    assert 6 == explore(toy(**{f"t{n}": [("put", "x", n)] for n in range(3)})).executions


def test_readers_of_one_lock_have_one_run_and_writers_one_per_order() -> None:
    reading = within("A lock", PAUSE, how="read lock")
    assert 1 == explore(toy(**{f"t{n}": reading for n in range(3)})).executions
    assert 6 == explore(toy(**{f"t{n}": within("A lock", PAUSE) for n in range(3)})).executions


def test_steps_are_counted_once_and_with_the_way_back() -> None:
    report = explore(toy(anna=[PAUSE], ben=[PAUSE]), reduce=False)
    # The tree of all prefixes of the 6 schedules of length 4, and each schedule from its root.
    assert (6, 6 * 4, 2 + 4 + 6 + 6) == (report.executions, report.steps, report.distinct_steps)


def test_steps_beside_the_search_are_counted_apart() -> None:
    report = explore(toy(anna=[PAUSE]))
    # One order of whole operations; its outcome in words, and that of the only run.
    assert (2, 2 + 2 + 2) == (report.steps, report.steps_beside)


def test_a_limit_ends_the_search_and_the_report_says_so() -> None:
    scenario = toy(anna=[PAUSE] * 5, ben=[PAUSE] * 5)
    few = explore(scenario, reduce=False, executions_max=10)
    assert (10, False, "10 executions") == (few.executions, few.is_complete, few.limit)
    assert "NOT COMPLETE: only 10 schedules, ended at 10 executions" in few.lines()[0]
    assert "no deadlock so far" in few.lines()
    short = explore(scenario, reduce=False, steps_max=100)
    assert (False, "100 steps") == (short.is_complete, short.limit)
    assert 100 <= short.steps < 112


def test_a_limit_that_is_just_enough_does_not_show() -> None:
    scenario = toy(anna=[PAUSE], ben=[PAUSE])
    assert explore(scenario, reduce=False, executions_max=6, steps_max=24).is_complete
    assert not explore(scenario, reduce=False, executions_max=5).is_complete
    assert not explore(scenario, reduce=False, steps_max=23).is_complete


def test_one_thread_has_one_run() -> None:
    report = explore(toy(anna=[*ADD_ONE, PAUSE]))
    assert (1, 3, 3) == (report.executions, report.steps, report.distinct_steps)


# Random programs against the plainest search


@st.composite
def programs(draw):
    """One to three short programs that give back only what they hold, and may forget to."""
    found = {}
    for name in ["anna", "ben", "carl"][: draw(st.integers(2, 3))]:
        lines, held = [], []
        for _ in range(draw(st.integers(1, 4))):
            kinds = ["load", "store", "add", "pause", "lock", "read lock", "refuse if", "program"]
            kind = draw(st.sampled_from(kinds + ["unlock"] * 3 * len(held)))
            match kind:
                case "lock" | "read lock":
                    lock = draw(st.sampled_from(["A lock", "B lock"]))
                    held.append(lock)
                    lines.append((kind, lock))
                case "unlock":
                    lines.append((kind, held.pop(draw(st.integers(0, len(held) - 1)))))
                case "add":
                    lines.append((kind, 1))
                case "pause":
                    lines.append(PAUSE)
                case "program":
                    lines.append((kind, draw(st.integers(0, 1))))
                case _:
                    lines.append((kind, draw(st.sampled_from(["x", "y"]))))
        found[name] = lines
    return found


def findings(report):
    """What a search found, without schedules."""
    return (
        {found.what for found in report.deadlocks},
        {found.what for found in report.left_held},
        {found.what for found in report.outcomes},
    )


@settings(max_examples=120, deadline=None)
@given(programs(), st.integers(0, 1))
def test_reduced_unreduced_and_plain_search_agree(lines, faults_max) -> None:
    scenario = toy(faults_max, **lines)
    unreduced = explore(scenario, reduce=False, executions_max=1500)
    assume(unreduced.is_complete)
    reduced = explore(scenario)
    readers = {line[1] for program in lines.values() for line in program if line[0] == "read lock"}
    # A lock is a readers' lock only if a run comes as far as to ask for it.
    asked = {name for name in readers if asks_for(scenario, name)}
    plain = plain_search(scenario, asked)
    expected = (
        {cause for end, _ in plain for cause in end.causes},
        {held for end, _ in plain for held in end.left_held},
        {end.outcome for end, _ in plain},
    )
    assert expected == findings(unreduced) == findings(reduced)
    assert len(plain) == unreduced.executions
    assert len({trace for _, trace in plain}) == reduced.executions
    for found in (*reduced.outcomes, *reduced.deadlocks, *reduced.left_held):
        end = replay(scenario, found.schedule)
        assert found.what in (end.outcome, *end.causes, *end.left_held)


def asks_for(scenario, lock):
    """Whether some run of the scenario asks for this lock for reading."""
    shared: set[str] = set()
    plain_search(scenario, shared)
    return lock in shared


# Worlds that do not keep their promises


def test_a_variable_that_is_not_noted_is_missed_by_the_outcomes_it_hides() -> None:
    honest = toy(anna=ADD_ONE, ben=ADD_ONE)
    mutant = toy(hidden=frozenset({"x"}), anna=ADD_ONE, ben=ADD_ONE)
    assert (3, 1) == (len(explore(honest).outcomes), len(explore(honest).unserialisable))
    with pytest.raises(Unfaithful, match="an order of whole operations has an outcome that no run"):
        explore(mutant)


def test_a_swap_that_an_unnoted_access_spoils_is_noticed() -> None:
    # Ben's step lies between anna's two; only what it wrote unnoted keeps it from coming first.
    programs = {
        "anna": [("load", "x"), PAUSE, ("put", "y", 1)],
        "ben": [("load", "y"), ("put", "x", 1)],
    }
    assert 3 == len(explore(toy(**programs)).outcomes)
    with pytest.raises(Unfaithful, match=r"cannot (reduce|swap)"):
        explore(toy(hidden=frozenset({"x"}), **programs))


def test_names_that_change_with_the_boot_are_noticed() -> None:
    class Named(Toy):
        def get(self, name):
            self.accesses.read(id(self))
            return super().get(name)

    kept = []

    def boot():
        kept.append(Named())
        return kept[-1]

    with pytest.raises(Unfaithful, match="two runs of one schedule touched different state"):
        explore(dataclasses.replace(toy(anna=ADD_ONE), boot=boot))


def test_a_world_that_remembers_other_runs_is_noticed() -> None:
    boots = []

    def boot():
        world = Toy()
        boots.append(world)
        world.values["x"] = len(boots) > 2
        return world

    scenario = toy(anna=[PAUSE, ("refuse if", "x"), PAUSE], ben=[PAUSE])
    with pytest.raises(Unfaithful, match="one schedule led to two different states"):
        explore(dataclasses.replace(scenario, boot=boot), reduce=False)


def test_two_locks_of_one_name_are_refused() -> None:
    def operation(world):
        yield Acquire(world.lock("one"))
        yield Acquire(world.lock("two"))

    def boot():
        world = Toy()
        world.locks = {"one": Lock("mmap_sem"), "two": Lock("mmap_sem")}
        return world

    scenario = dataclasses.replace(toy(), boot=boot, operations={"anna": operation})
    with pytest.raises(ValueError, match="cannot tell two locks apart: both are the mmap_sem"):
        explore(scenario)


def test_a_bug_in_an_operation_comes_out_with_its_schedule() -> None:
    def operation(world):
        yield Pause("look")
        raise ZeroDivisionError

    scenario = dataclasses.replace(toy(anna=[PAUSE]), operations={"anna": operation})
    with pytest.raises(ZeroDivisionError) as caught:
        explore(scenario)
    assert ["the schedule was: anna goes on; anna goes on"] == caught.value.__notes__


def test_a_call_that_is_refused_before_there_is_an_operation_is_refused_in_its_thread() -> None:
    def refused(world):
        return toy(anna=[("refuse if", "x")]).operations["anna"](world)

    def eager(world):
        if world.get("x"):
            next(refused(world))
        return refused(world)

    scenario = dataclasses.replace(
        toy(), operations={"anna": eager, **toy(ben=[("put", "x", 1)]).operations}
    )
    assert {(("ok", "ok"), ("x = 1",)), (("EBUSY", "ok"), ("x = 1",))} == answers(
        explore(scenario).outcomes
    )


# Replay


@pytest.mark.parametrize("scenario", [AB_BA, toy(1, anna=[*ADD_ONE, ("program", 0)], ben=ADD_ONE)])
def test_every_schedule_replays_to_what_it_was_found_for(scenario: Scenario[Toy]) -> None:
    report = explore(scenario)
    assert report.outcomes
    for found in (*report.outcomes, *report.sequential):
        assert found.what == replay(scenario, found.schedule).outcome
    for stuck in report.deadlocks:
        assert (stuck.what,) == replay(scenario, stuck.schedule).causes


def test_a_schedule_of_another_scenario_is_refused() -> None:
    (found,) = explore(AB_BA).deadlocks
    with pytest.raises(ValueError, match="cannot replay: there is no operation 'ben'"):
        replay(toy(anna=[PAUSE]), found.schedule)
    with pytest.raises(ValueError, match="cannot replay step 2: anna cannot make it"):
        replay(toy(anna=[], ben=[]), found.schedule)


# Schedules


def test_a_run_is_straightened_to_the_fewest_switches() -> None:
    free = Footprint(set(), set())
    choices = [Choice(number % 2, GOES_ON) for number in range(8)]
    order = straightened(choices, [free] * 8)
    assert (7, 1) == (switches(choices), switches(order))
    shared = Footprint(set(), {"x"})
    assert choices == straightened(choices, [shared] * 8)


def test_a_run_that_is_too_long_keeps_its_order() -> None:
    choices = [Choice(number % 2, GOES_ON) for number in range(400)]
    assert choices == straightened(choices, [Footprint(set(), set())] * 400)


def test_only_what_a_thread_depends_on_is_needed() -> None:
    x, y, reads_x = Footprint(set(), {"x"}), Footprint(set(), {"y"}), Footprint({"x"}, set())
    choices = [Choice(thread, GOES_ON) for thread in (0, 1, 2, 0)]
    assert [0, 2] == needed(choices, [x, y, reads_x, y], {2})
    assert [0, 1, 2] == needed(choices, [x, x, reads_x, y], {2})
    assert [0, 1, 3] == needed(choices, [x, y, reads_x, y], {0})


def test_footprints_conflict_when_one_writes_what_the_other_touches() -> None:
    reads, writes, other = ({"x"}, set()), (set(), {"x"}), ({"y"}, {"z"})
    pairs = itertools.product([Footprint(*f) for f in (reads, writes, other)], repeat=2)
    assert [False, True, False, True, True, False, False, False, True] == [
        one.conflicts(two) for one, two in pairs
    ]


# The report as people read it


def test_the_report_reads_as_text() -> None:
    assert (
        """\
2 operations, at most 0 PCONFIG failures: all 3 runs
  anna
  ben
57 steps executed: 38 for the first time, 19 again to come back to where runs part
5 other beginnings given up: what follows differs only in the order of independent steps
1 deadlock:
  1. anna holds the A lock
     ben holds the B lock
     anna waits for the B lock
     ben waits for the A lock
     schedule of 4 steps, 1 context switch:
       anna: begins
       anna: acquires the A lock
       ben: begins
       ben: acquires the B lock
no lock left held
2 outcomes:
  anna: waits for ever, ben: waits for ever
  anna: ok, ben: ok
every outcome where no operation waits is one that some order of whole operations gives
""".splitlines()
        == explore(AB_BA).lines()
    )


def test_the_report_marks_what_no_sequential_order_shows() -> None:
    lines = explore(toy(anna=[("put", "y", 1), *ADD_ONE], ben=ADD_ONE)).lines()
    place = lines.index("1 outcome that no order of whole operations gives:")
    assert ["  1. anna: ok 1, ben: ok 1", "     ! x = 1", "       y = 1"] == lines[
        place + 1 : place + 4
    ]


def test_a_lock_left_held_reads_as_text() -> None:
    lines = explore(toy(1, anna=[("read lock", "semaphore")])).lines()
    assert "1 operation, at most 1 PCONFIG failure: the only run" == lines[0]
    place = lines.index("1 lock left held:")
    assert [
        "  1. anna has ended and still holds the semaphore for reading",
        "     schedule of 2 steps, 0 context switches:",
        "       anna: begins",
        "       anna: acquires the semaphore for reading, returns",
    ] == lines[place + 1 : place + 5]


def test_end_states_with_the_same_answers_are_one_line() -> None:
    lines = explore(toy(anna=[("put", "x", 1)], ben=[("put", "x", 2)])).lines()
    assert [
        "2 outcomes:",
        "  anna: ok, ben: ok (2 end states)",
        "every outcome is one that some order of whole operations gives",
    ] == lines[-3:]


def test_an_incomplete_report_claims_no_more_than_it_saw() -> None:
    lines = explore(toy(anna=[PAUSE], ben=[PAUSE]), reduce=False, executions_max=1).lines()
    assert [
        "2 operations, at most 0 PCONFIG failures: NOT COMPLETE: only 1 schedule, ended at"
        " 1 execution",
        "  anna",
        "  ben",
        "5 steps executed: 4 for the first time, 1 again to come back to where runs part",
    ] == lines[:4]
    assert "not known: whether some order of whole operations gives them" == lines[-1]
    more = explore(toy(anna=[PAUSE], ben=[PAUSE]), reduce=False, executions_max=2).lines()
    assert "every outcome so far is one that some order of whole operations gives" == more[-1]


def test_the_statuses_reach_the_world() -> None:
    seen = []
    scenario = dataclasses.replace(
        toy(1, anna=[("program", 0)]), choose=lambda world, status: seen.append(status)
    )
    explore(scenario, reduce=False)
    assert {Status.PROG_SUCCESS, Status.DEVICE_BUSY} == set(seen)
