"""The locks' system: its paths, its counts, and the rules of its locks."""

from __future__ import annotations

import pytest

from checker import Machine, State, explore, reduce
from checker.systems.reading import Reading
from conformance.lockstep import ground
from designs import DESIGNS, Design, design_from_text
from model import SYSTEMS, Scope
from model.lockpaths import ATTEMPTS, paths
from model.lockstate import IDLE, THREADS_MAX, table_of
from model.scope import LIMITS
from properties import claims_about

POSTED = {
    "instantiate": "look, take map, read hotplug, execute, give hotplug, give map",
    "update": "look, take map, read hotplug, execute, give hotplug, give map",
    "update_ebusy": "look, take map",
    "update_einval": "look, take map",
    "destroy_last": "look, take map, give map",
    "destroy_shared": "look",
    "cpu_startup": "take hotplug, take map, execute, give map, give hotplug",
    "cpu_teardown": "take hotplug, take map, give map, give hotplug",
    "encrypt": "look, take map, take mmap_sem, give mmap_sem, give map",
    "encrypt_last": ("look, take map, take mmap_sem, take map, give map, give mmap_sem, give map"),
    "munmap": "take mmap_sem, give mmap_sem",
    "munmap_last": "take mmap_sem, take map, give map, give mmap_sem",
}

PROGRAMMING = "read hotplug, take map, execute, retry, retry, give map, give hotplug"
REPAIRED = {
    "instantiate": f"look, {PROGRAMMING}",
    "update": f"look, {PROGRAMMING}",
    "update_ebusy": "look, read hotplug, take map, give map, give hotplug",
    "update_einval": "look, read hotplug, take map, give map, give hotplug",
    "destroy_last": f"look, {PROGRAMMING}",
    "destroy_shared": "look",
    "cpu_startup": "take hotplug, take map, execute, retry, retry, give map, give hotplug",
    "cpu_teardown": "take hotplug, take map, give map, give hotplug",
    "encrypt": "look, take map, take mmap_sem, give mmap_sem, give map",
    "encrypt_last": f"look, take map, take mmap_sem, give mmap_sem, give map, {PROGRAMMING}",
    "munmap": "take mmap_sem, give mmap_sem",
    "munmap_last": f"take mmap_sem, give mmap_sem, {PROGRAMMING}",
    "retry_clear": PROGRAMMING,
}

# design: states, transitions, depth with two threads
COUNTS = {
    "rfc-v2": (7688, 17180, 16),
    "rfc-v2-savekeys": (7688, 17180, 16),
    "rfc-v2-fixed": (10562, 25818, 22),
    "rfc-v2-savekeys-fixed": (10562, 25818, 22),
    "no-hotplug": (10250, 24960, 22),
    "cpu-keys-only": (10562, 25818, 22),
    "per-package": (12248, 29952, 22),
    "wrapped-vault": (10562, 25818, 22),
    "resupply": (10562, 25818, 22),
}

# design, threads: states, transitions
MORE_THREADS = {
    ("rfc-v2", 3): (360092, 1176768),
    ("rfc-v2-fixed", 3): (685378, 2423229),
    ("per-package", 3): (871184, 3086520),
}


def listed(design: Design) -> dict[str, str]:
    return {name: ", ".join(map(str, path)) for name, path in paths(design).items()}


def test_the_posted_paths_are_the_lock_table_of_the_specification() -> None:
    assert POSTED == listed(DESIGNS["rfc-v2"])


def test_the_repaired_paths_take_the_hotplug_lock_first_and_release_last() -> None:
    assert REPAIRED == listed(DESIGNS["rfc-v2-fixed"])


@pytest.mark.parametrize(
    ("design", "operation", "path"),
    [
        # A key on two packages takes the CPU-hotplug lock for each of them.
        (
            "rfc-v2,keyid_scope=per_package",
            "update",
            "look, take map, read hotplug, execute, give hotplug, read hotplug, execute,"
            " give hotplug, give map",
        ),
        (
            "rfc-v2,keyid_scope=per_package",
            "extend",
            "look, take map, read hotplug, execute, give hotplug, give map",
        ),
        (
            "rfc-v2,keyid_scope=per_package",
            "cpu_startup",
            "take hotplug, take map, give map, give hotplug",
        ),
        ("no-hotplug", "cpu_startup", "take hotplug, take map, give map, give hotplug"),
        (
            "rfc-v2,on_release=clear_first",
            "munmap_last",
            "take mmap_sem, take map, read hotplug, execute, give hotplug, give map, give mmap_sem",
        ),
        (
            "rfc-v2,on_release=clear_first",
            "retry_clear",
            "take map, read hotplug, execute, give hotplug, give map",
        ),
        (
            "rfc-v2,on_program_failure=quarantine",
            "instantiate",
            "look, take map, read hotplug, execute, retry, retry, give hotplug, give map",
        ),
        ("rfc-v2,error_unlock=present", "update_ebusy", "look, take map, give map"),
        ("rfc-v2,lock_order=hotplug_first", "update_ebusy", "look, read hotplug, take map"),
        (
            "rfc-v2,last_put=deferred",
            "encrypt_last",
            "look, take map, take mmap_sem, give mmap_sem, give map, take map, give map",
        ),
    ],
)
def test_a_knob_moves_these_locks(design: str, operation: str, path: str) -> None:
    assert path == listed(design_from_text(design))[operation]


def test_retries_are_as_many_as_attempts_allow() -> None:
    path = listed(DESIGNS["rfc-v2-fixed"])["instantiate"]
    assert ATTEMPTS - 1 == path.count("retry")


def test_success_passes_retries_by_and_a_failure_goes_to_the_next() -> None:
    places = table_of(DESIGNS["rfc-v2-fixed"]).places
    executes = places["retry_clear_3"]
    assert ("execute", "retry_clear_6", "retry_clear_4") == (
        str(executes.request),
        executes.onwards,
        executes.failed,
    )
    assert ("retry_clear_6", "retry_clear_6") == (
        places["retry_clear_5"].onwards,
        places["retry_clear_5"].failed,
    )
    assert (IDLE, "") == (places["retry_clear_7"].onwards, places["retry_clear_7"].failed)


def test_the_locks_are_one_of_a_designs_systems() -> None:
    assert ["", "locks"] == sorted(SYSTEMS)[:2]


def test_a_chain_is_followed_as_far_as_there_can_be_threads() -> None:
    assert LIMITS["threads"][1] == THREADS_MAX


@pytest.mark.parametrize("name", COUNTS)
def test_the_explorer_counts_the_locks_of_a_design(name: str) -> None:
    found = explore(ground(DESIGNS[name], Scope(), "locks").system, [])
    assert found.closed
    assert COUNTS[name] == (found.states, found.transitions, found.depth)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_the_system_grounds_for_so_many_threads(threads: int) -> None:
    system = ground(DESIGNS["rfc-v2"], Scope(threads=threads), "locks").system
    # For each thread: where it is, a hold on each of three locks, and whether it queued.
    assert 5 * threads + 1 == len(system.variables)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "threads"), MORE_THREADS)
def test_the_explorer_counts_the_locks_of_more_threads(name: str, threads: int) -> None:
    found = explore(ground(DESIGNS[name], Scope(threads=threads), "locks").system, [])
    assert found.closed
    assert MORE_THREADS[name, threads] == (found.states, found.transitions)


# The rules of the locks


class Driven:
    """A run of the locks' system, driven by the names of calls."""

    def __init__(self, design: str, threads: int = 2) -> None:
        self.grounding = ground(design_from_text(design), Scope(threads=threads), "locks")
        self.machine = Machine(self.grounding.system)
        (self.state,) = self.machine.initial_states()

    def can(self, action: str, thread: int) -> bool:
        """Whether the thread can do that now."""
        return self._after(action, thread, "") is not None

    def do(self, thread: int, *does: str) -> str:
        """An operation's name begins it, an action's name makes that; gives the last answer."""
        answer = ""
        for what in does:
            is_action = what in ("step", "queue", "fail")
            outcome = self._after(what if is_action else "begin", thread, what)
            assert outcome is not None, f"thread {thread} cannot {what}"
            answer, self.state = outcome
        return answer

    def _after(self, action: str, thread: int, operation: str) -> tuple[str, State] | None:
        for call in self.machine.enabled(self.state):
            labels = call.labelled(self.grounding.system)
            chosen = labels.get("operation", "") in ("", operation)
            if (call.action, labels["thread"]) == (action, str(thread)) and chosen:
                return self.machine.step(self.state, call)
        return None

    def request(self, thread: int) -> str:
        """What the thread is at."""
        return str(self.grounding.old.table.places[self("at", thread)].request)

    def __call__(self, family: str, *at: int) -> str:
        return Reading(self.grounding, self.state)(family, *at)


def test_a_thread_takes_its_locks_and_gives_them_back_on_arriving() -> None:
    run = Driven("rfc-v2")
    run.do(0, "update", "step", "step", "step")
    assert ("exclusive", "shared") == (run("holds", 0, 0), run("holds", 0, 1))
    run.do(0, "step")
    assert ("update_5", "no") == (run("at", 0), run("holds", 0, 1))
    run.do(0, "step")
    assert ("update_6", "no") == (run("at", 0), run("holds", 0, 0))
    assert "returns" == run.do(0, "step")
    assert "idle" == run("at", 0)


def test_a_lock_that_is_held_for_writing_bars_writers_and_readers() -> None:
    run = Driven("rfc-v2")
    run.do(0, "cpu_startup", "step")
    run.do(1, "update", "step", "step")
    assert ("read hotplug", "take map") == tuple(run.request(thread) for thread in (1, 0))
    assert (False, False) == (run.can("step", 1), run.can("step", 0))


def test_readers_share_a_lock_and_a_queued_writer_lets_no_new_one_in() -> None:
    run = Driven("rfc-v2-fixed", threads=4)
    for thread in (0, 1):
        run.do(thread, "retry_clear", "step")
    run.do(2, "cpu_teardown")
    run.do(3, "retry_clear")
    assert run.can("step", 3)
    assert "waits" == run.do(2, "queue")
    assert ("yes", False, False) == (run("queued", 2), run.can("step", 3), run.can("queue", 2))


def test_a_writer_does_not_queue_for_a_lock_that_it_can_have_nor_for_one_without_readers() -> None:
    run = Driven("rfc-v2-fixed")
    run.do(0, "cpu_teardown")
    assert not run.can("queue", 0)
    run = Driven("rfc-v2-fixed")
    run.do(0, "encrypt", "step", "step")
    run.do(1, "encrypt", "step")
    assert (False, False) == (run.can("step", 1), run.can("queue", 1))


def test_a_thread_that_holds_its_lock_waits_for_itself() -> None:
    run = Driven("rfc-v2")
    run.do(0, "encrypt_last", "step", "step", "step")
    assert "exclusive" == run("holds", 0, 0)
    assert not run.can("step", 0)


def test_one_programming_may_fail_and_its_retries_too() -> None:
    run = Driven("rfc-v2-fixed")
    run.do(0, "retry_clear", "step", "step", "fail")
    assert ("retry_clear_4", "no") == (run("at", 0), run("may_fail"))
    run.do(0, "fail", "fail")
    assert "retry_clear_6" == run("at", 0)
    run.do(0, "step", "step", "retry_clear", "step", "step")
    assert not run.can("fail", 0)


def test_a_retry_that_succeeds_goes_on_like_a_first_success() -> None:
    run = Driven("rfc-v2-fixed")
    run.do(0, "retry_clear", "step", "step", "fail", "step")
    assert "retry_clear_6" == run("at", 0)


@pytest.mark.parametrize("claim", claims_about("locks"), ids=lambda claim: claim.id)
def test_threads_are_interchangeable_which_is_proved_for_every_claim(claim: str) -> None:
    grounding = ground(DESIGNS["rfc-v2-fixed"], Scope(), "locks")
    found = reduce(grounding, grounding.system, [grounding.property(claim)])
    assert (("Thread 0 and 1",), ()) == (found.used, found.refused)
