"""Runs as scripts: the simulator runs them to their end, with the answers that the model gave."""

from __future__ import annotations

import itertools
import random
import re

import pytest
from expected import LENGTHS
from recorded_runs import RUNS, SMALL, found
from runs import KEY_SERVICE, grounded, machine_of, starts_of
from simulations import simulate

from checker import Call, Trace
from checker.answers.trace import run
from designs import DESIGNS, design_from_text
from mktme.judge import judge
from mktme.traces.again import again
from mktme.traces.recorded import recorded
from mktme.traces.scripts.endings import BY_EYE, ENDINGS, REFUSALS, end
from mktme.traces.scripts.inexpressible import Inexpressible
from mktme.traces.scripts.keyservice import KeyServiceScript
from mktme.traces.scripts.objects import KeyObjects
from mktme.traces.scripts.writing import machine_line, script
from model import Scope
from properties import PROPERTIES


def script_of(name: str) -> str:
    run = found(name)
    return script(run.record, run.trace, run.grounding)


def lines_of(text: str) -> list[str]:
    """What is not a comment."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


# What scripts say


@pytest.mark.parametrize("name", RUNS)
def test_a_run_runs_as_a_script(name: str) -> None:
    status, _, err = simulate(script_of(name))
    assert (0, "") == (status, err)


def test_a_script_has_every_call_in_words_with_its_answer() -> None:
    text = script_of("failed update")
    assert "# 2. update the key at KeyID 1 to user key B while PCONFIG fails on package 1" in text
    assert [
        "design rfc-v2",
        "machine packages=2 cpus=1 keyids=1",
        "key1 = keyctl add => ok",
        "fault pconfig busy package=1 times=always",
        "keyctl update => ENOKEY",
        "fault none",
        "show map",
        "show tables",
    ] == [re.sub(r"(add|update) .* =>", r"\1 =>", line) for line in lines_of(text)]


SHOWS = {
    "failed update": ["show map", "show tables"],
    "key in DRAM": ["cold-boot => some findings"],
    "lost data": ["read $page0 15 => garbage"],
    "per package": ["show pages"],
    "payload": ["show map => 1 key"],
    "locks": ["show locks => some locks"],
    "race": ["end => some deadlocks"],
}


@pytest.mark.parametrize("name", SHOWS)
def test_a_script_ends_with_what_the_run_broke(name: str) -> None:
    text = script_of(name)
    assert SHOWS[name] == lines_of(text)[-len(SHOWS[name]) :]
    assert "\n# Broken: " in text


def test_a_script_in_which_the_design_is_repaired_meets_a_surprise() -> None:
    text = script_of("lost data")
    assert 0 == simulate(text)[0]
    kept = text.replace("design rfc-v2-fixed\n", "design rfc-v2-fixed,teardown=keep_last_lead\n")
    status, _, err = simulate(kept)
    assert 1 == status
    assert "expected ok, got EBUSY" in err


def test_keys_are_the_examples_and_are_shown_as_the_fingerprints_of_explain() -> None:
    text = script_of("failed update")
    assert "# The user keys are examples" in text
    assert "<1f34>" in simulate(text)[1]
    assert "# The user keys are examples" not in script_of("locks")


def test_every_property_of_the_key_service_has_its_end() -> None:
    assert KEY_SERVICE == list(ENDINGS)


@pytest.mark.parametrize("property_id", [*KEY_SERVICE, "of-a-user"])
def test_an_end_expects_the_violation_or_says_what_to_look_at(property_id: str) -> None:
    run = found("failed update")
    written = KeyServiceScript(run.grounding, run.trace)
    end(written, property_id, "something")
    *_, text = "\n".join(written.lines).partition("# Broken: something.\n")
    is_expected = property_id in REFUSALS or " => " in text
    assert is_expected or text.startswith("# By eye, for no expectation can say it: ")
    assert (property_id in BY_EYE) <= ("# By eye" in text)


def test_a_script_about_tables_says_which_entries_to_compare() -> None:
    comments = [
        line.lstrip("# ") for line in script_of("failed update").splitlines() if "#" in line
    ]
    assert (
        "By eye, for no expectation can say it: the entries of that KeyID in the key tables below,"
        " which should be the same on all packages that have an online CPU."
    ) in " ".join(comments)
    for name in ("key in DRAM", "lost data", "per package", "payload", "locks"):
        assert "By eye" not in script_of(name)


# One run for each thing that a call can be

CALLS = {
    "a key is found at its predecessor's KeyID": (
        "rfc-v2",
        "map-exact",
        "instantiate key=0 kind=cpu bytes=zeros encrypt vma=0 key=0 destroy key=0"
        " instantiate key=0 kind=cpu bytes=zeros",
        "show map => 2 keys",
    ),
    "a keyring takes the object that a key must not get": (
        "rfc-v2",
        "no-dangling",
        "instantiate key=0 kind=cpu bytes=zeros encrypt vma=0 key=0 destroy key=0"
        " instantiate key=1 kind=cpu bytes=zeros",
        "keyctl newring filler1 @u => ok",
    ),
    "what waits is cleared, and only that": (
        "rfc-v2-fixed",
        "failure-is-noop",
        "instantiate key=0 kind=cpu bytes=zeros fails[0]=yes fails[1]=yes"
        " retry_clear package=0 keyid=1 retry_clear package=1 keyid=1 fails=yes",
        "fault pconfig busy package=1 keyid=1 times=always",
    ),
    "owners are asked": (
        "resupply",
        "hotplug-admitted",
        "package_add package=1 instantiate key=0 kind=user bytes=A"
        " cpu_startup package=1 cpu=0 fails_at=1 answered=yes supplied[1]=A supplied[2]=zeros",
        "owner answers",
    ),
    "a process exits, and another unmaps": (
        "rfc-v2-fixed",
        "memory-agrees",
        "instantiate key=0 kind=cpu bytes=zeros encrypt vma=1 key=0 fork vma=1 child=0"
        " write vma=0 package=1 unmap vma=1 unmap vma=0",
        "munmap $page1 4K => ok",
    ),
    "a VMA begins once more, in another process": (
        "rfc-v2-fixed",
        "memory-agrees",
        "instantiate key=0 kind=cpu bytes=zeros encrypt vma=0 key=0 unmap vma=0"
        " encrypt vma=0 key=0",
        "encrypt_mprotect $page0_2 4K rw $key1 => ok",
    ),
    "a payload is malformed": (
        "rfc-v2",
        "no-plaintext-unsaved",
        "preparse_error bytes=B",
        "disclosure => some findings",
    ),
    "a call never returns": (
        "rfc-v2",
        "in-bounds",
        "instantiate key=0 kind=cpu bytes=zeros instantiate key=1 kind=cpu bytes=zeros"
        " encrypt vma=0 key=0 destroy key=0 encrypt vma=0 key=1",
        "encrypt_mprotect $page0 4K rw $key2 => hangs",
    ),
    "a key is extended": (
        "per-package",
        "keyid-names-key",
        "instantiate key=0 kind=user bytes=A wanted[0]=yes extend key=0 package=1 fails=yes",
        "fault pconfig busy package=1 times=always",
    ),
}
"""Design, property, calls, and a line of the script. Not all of these violate the property."""


@pytest.mark.parametrize("what", CALLS)
def test_a_call_is_said(what: str) -> None:
    design, property_id, calls, line = CALLS[what]
    absent = [1] if calls.startswith("package_add") else []
    made = again(design, property_id, SMALL_WITH_TWO, calls, absent)
    written = KeyServiceScript(made.grounding, made.trace)
    written.calls()
    for show in ENDINGS[property_id]:
        show(written, written.last)
    text = "\n".join([f"design {design}", machine_line(made.record), *written.lines]) + "\n"
    assert line in lines_of(text)
    status, _, err = simulate(text)
    assert (0, "") == (status, err)


# Runs that nobody chose


def drawn(design: str, seed: int, calls_max: int) -> Trace:
    """A random run; every action is as likely as any other."""
    chosen, scope, chance = design_from_text(design), SMALL_WITH_TWO, random.Random(seed)
    machine, starts = machine_of(chosen, scope), starts_of(chosen, scope)
    start = state = chance.choice(starts)
    calls: list[Call] = []
    while len(calls) < calls_max:
        action = chance.choice(machine.system.actions)
        for _ in range(60):
            call = Call(action.name, tuple(chance.randrange(p.size) for p in action.parameters))
            outcome = machine.step(state, call)
            if outcome is not None:
                calls.append(call)
                state = outcome[1]
                break
    return run(machine.system, start, calls)


SMALL_WITH_TWO = Scope(2, 1, 2, 2, 2, 1)
WALKED = ["rfc-v2,last_put=deferred,error_unlock=present", "per-package", "resupply"]


def walks(design: str, seeds: range, calls_max: int) -> int:
    """Run random runs as scripts; gives how many could be said."""
    chosen, said = design_from_text(design), 0
    grounding = grounded(chosen, SMALL_WITH_TWO)
    for seed in seeds:
        trace = drawn(design, seed, calls_max)
        record = recorded(chosen, "tables-agree", SMALL_WITH_TWO, grounding, trace)
        written = KeyServiceScript(grounding, trace)
        try:
            written.calls()
        except Inexpressible:
            continue
        lines = [f"design {design}", machine_line(record), *written.lines]
        status, _, err = simulate("\n".join(lines) + "\n")
        assert (0, "") == (status, err)
        said += 1
    return said


@pytest.mark.parametrize("design", WALKED[:1])
def test_random_runs_run_as_scripts(design: str) -> None:
    assert walks(design, range(3), 15) > 0


@pytest.mark.deep
@pytest.mark.parametrize("design", [*DESIGNS, *WALKED, "per-package,key_lookup=by_address"])
def test_many_random_runs_run_as_scripts(design: str) -> None:
    assert walks(design, range(40), 30) >= 20


VIOLATED = [(name, claim) for name, lengths in LENGTHS.items() for claim in lengths]


def test_so_many_cells_of_the_key_service_are_violated() -> None:
    assert 83 == len(VIOLATED)


@pytest.mark.deep
@pytest.mark.parametrize(("design", "property_id"), VIOLATED)
def test_every_counterexample_of_the_key_service_runs_as_a_script(
    design: str, property_id: str
) -> None:
    cell = judge(DESIGNS[design], PROPERTIES[property_id], Scope())
    grounding = grounded(cell.design, Scope())
    status, _, err = simulate(script(cell.record, cell.trace, grounding))
    assert (0, "") == (status, err)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("design", "property_id"),
    [
        *itertools.product(
            ["rfc-v2-fixed,lock_order=map_first", "per-package,lock_order=map_first"],
            ["no-deadlock", "operations-finish"],
        ),
        ("rfc-v2-fixed,error_unlock=missing", "no-lost-lock"),
        ("rfc-v2-fixed,error_unlock=missing", "no-deadlock"),
        ("rfc-v2-fixed,last_put=locks_again", "no-deadlock"),
        ("rfc-v2-fixed,parser=lenient", "payload-as-documented"),
        ("cpu-keys-only", "payload-as-documented"),
    ],
)
def test_counterexamples_about_locks_and_payloads_run_as_scripts(
    design: str, property_id: str
) -> None:
    cell = judge(design_from_text(design), PROPERTIES[property_id], Scope())
    made = again(design, property_id, Scope(), " ".join(c.said() for c in cell.record.calls))
    status, _, err = simulate(script(made.record, made.trace, made.grounding))
    assert (0, "") == (status, err)


# What no script can say

INEXPRESSIBLE = {
    "a payload with a NUL in it": (
        "rfc-v2",
        "payload-as-documented",
        "begin capable=yes length=within nul=yes take token=type value=clear nul end_of_text",
    ),
    "a live key without KeyID, to which no call by itself leads": (
        "rfc-v2",
        "no-lost-lock",
        "begin thread=0 operation=update_einval step thread=0 step thread=0",
    ),
    "two kernel threads that each destroy one thing only": (
        "rfc-v2",
        "no-lost-lock",
        "begin thread=0 operation=destroy_last begin thread=1 operation=destroy_shared"
        " step thread=1 begin thread=1 operation=update_ebusy step thread=1 step thread=1",
    ),
    "the process of VMA 0 writes from packages 0 and 1": (
        "rfc-v2-fixed",
        "live-data-intact",
        "instantiate key=0 kind=cpu bytes=zeros encrypt vma=0 key=0 write vma=0 package=0"
        " fork vma=0 child=1 write vma=0 package=1 cpu_teardown package=1 cpu=0"
        " cpu_startup package=1 cpu=0 fails_at=1",
    ),
}


@pytest.mark.parametrize("fact", INEXPRESSIBLE)
def test_what_no_script_can_say_is_refused(fact: str) -> None:
    design, property_id, calls = INEXPRESSIBLE[fact]
    scope = SMALL_WITH_TWO if property_id in KEY_SERVICE else Scope()
    run = again(design, property_id, scope, calls)
    assert len(run.trace) == run.broken_at
    with pytest.raises(Inexpressible) as refused:
        script(run.record, run.trace, run.grounding)
    assert f"no script can say this: {fact}" == str(refused.value)


def test_an_address_that_was_freed_before_another_in_use_is_no_script_s() -> None:
    objects = KeyObjects()
    for key in (0, 1):
        objects.take(key)
    objects.give(0)
    objects.give(1)
    assert 1 == objects.fillers(0, {0, 1})
    objects.take(0)
    with pytest.raises(Inexpressible, match="the address of key object 1 is not the next"):
        objects.fillers(1, {1})


def test_the_scope_of_the_small_runs_has_one_keyid() -> None:
    """So that a script that gives a key another KeyID would be noticed."""
    assert 1 == SMALL.keyids
