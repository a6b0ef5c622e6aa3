"""What one design allows and another does not: pinned scenarios, and what notices a mistake."""

from __future__ import annotations

import dataclasses
import json
import pickle

import mutants
import pytest
from simulations import mktme as run_mktme

from checker import Limits
from checker.comparing.correspondence import Correspondence
from checker.comparing.difference import Run
from checker.exploring.machine import Machine
from conformance.lockstep import Disagreement, absent_at_boot, compiled
from conformance.mutants.catalogue import MUTANTS
from designs import DESIGNS, design_from_text
from mktme import differences, executors, scenario, statuses
from mktme.differences import FAILURES, SCOPE, Difference, difference, matching, of_pairs
from model import Scope

SMALL = Scope(packages=1, cpus=1, keyids=1, values=1, vmas=1)
ONE_PACKAGE = Scope(packages=1, values=1)

STORIES = {
    ("rfc-v2", "no-hotplug"): [
        "boot with package 1 absent",
        "add a CPU-generated key → ok",
        "add package 1 to the machine → ok",
        "start CPU 0 of package 1 → EPERM",
    ],
    ("no-hotplug", "rfc-v2"): [
        "boot with package 1 absent",
        "add user key A → ok",
        "add user key A → ok",
        "encrypt VMA 0 with the key at KeyID 1 → ok",
        "destroy the key at KeyID 1 → ok",
        "encrypt VMA 0 with the key at KeyID 2 → waits for ever",
    ],
    ("rfc-v2", "wrapped-vault"): [
        "boot with all packages",
        "add user key A → ok",
        "take CPU 0 of package 0 offline → ok",
        "take CPU 1 of package 0 offline → EBUSY",
    ],
    ("rfc-v2", "cpu-keys-only"): ["boot with package 1 absent", "add user key A → EINVAL"],
    ("rfc-v2", "rfc-v2-fixed"): [
        "boot with package 1 absent",
        "add a CPU-generated key → ok",
        "add user key A → ok",
        "add package 1 to the machine → ok",
        "start CPU 0 of package 1 → EPERM",
    ],
    ("rfc-v2-savekeys", "resupply"): [
        "boot with package 1 absent",
        "add user key A → ok",
        "add package 1 to the machine → ok",
        "start CPU 0 of package 1 while an owner does not answer → EPERM",
    ],
    ("rfc-v2", "per-package"): [
        "boot with all packages",
        "take CPU 0 of package 0 offline → ok",
        "take CPU 1 of package 0 offline → ok",
        "add user key A on package 0 → ENOKEY",
    ],
    ("wrapped-vault", "per-package"): [
        "boot with all packages",
        "add user key A on package 1 → ok",
        "encrypt VMA 0 with the key at KeyID 1 of package 1 → ok",
        "write to the page of VMA 0 from package 1 → ok",
        "migrate the page of VMA 0 to package 0 → ENOKEY",
    ],
}
"""A scenario that the first design allows, as the second one answers it."""


def story(one):
    """A scenario as the refusing design has it."""
    return [one.start, *(f"{call.refused} → {call.refused_answer}" for call in one.calls)]


@pytest.mark.parametrize("pair", STORIES, ids=" ".join)
def test_the_shortest_scenario_is_the_known_one(pair):
    found = difference(*(DESIGNS[name] for name in pair))
    assert STORIES[pair] == story(found)
    assert {"ok"} == {call.allowed_answer for call in found.calls}
    assert ("scenario", "", len(found.calls)) == (found.word, found.error, found.length)
    assert found.calls[-1].refusal


def test_with_keyids_of_each_package_there_are_more_keys_than_a_global_map_has():
    found = difference(DESIGNS["per-package"], DESIGNS["rfc-v2-savekeys"])
    assert [
        "add user key A on package 1",
        "add user key A on package 1",
        "add user key A on package 0",
    ] == [call.allowed for call in found.calls]
    assert ["ok", "ok", "ENOKEY"] == [call.refused_answer for call in found.calls]


def test_an_address_that_is_given_out_again_is_said_so():
    """By address the third key's look-up finds the first one's KeyID, which nothing uses."""
    found = difference(DESIGNS["rfc-v2"], DESIGNS["rfc-v2-fixed"], ONE_PACKAGE)
    assert "add user key A at the address of a destroyed key" == found.calls[3].allowed
    assert "add user key A" == found.calls[3].refused
    assert "EBUSY" == found.calls[-1].refused_answer


@pytest.mark.parametrize("name", ["rfc-v2", "rfc-v2-fixed", "resupply", "per-package"])
def test_a_design_allows_what_it_allows(name):
    found = difference(DESIGNS[name], DESIGNS[name], SMALL)
    assert ("none", "none in this scope", None) == (found.word, found.searched, found.length)


def test_two_allocators_that_choose_alike_make_no_difference(monkeypatch):
    design = DESIGNS["rfc-v2"]
    assert "none" == difference(design, design, ONE_PACKAGE).word
    right = matching

    def free(left, other):
        found = right(left, other)
        return dataclasses.replace(found, tie=dataclasses.replace(found.tie, again=(None, None)))

    monkeypatch.setattr(differences, "matching", free)
    assert "scenario" == difference(design, design, ONE_PACKAGE).word


def test_what_only_repairs_allow_is_allowed_by_all_that_keep_packages_in_reach():
    found = difference(DESIGNS["no-hotplug"], DESIGNS["rfc-v2-savekeys-fixed"])
    assert ("none", ()) == (found.word, found.calls)


def test_a_search_that_was_not_ended_says_how_far_it_went():
    limits = Limits(states_max=10, depth_max=2, seconds_max=60)
    found = difference(DESIGNS["no-hotplug"], DESIGNS["rfc-v2"], SCOPE, limits)
    assert ("none so far", 2, None) == (found.word, found.depth, found.length)
    assert found.searched.startswith("none up to 2 calls (")


@pytest.mark.deep
@pytest.mark.parametrize(
    ("allowing", "refusing"),
    [("rfc-v2", "rfc-v2-fixed"), ("rfc-v2", "cpu-keys-only"), ("per-package", "resupply")],
)
def test_a_second_user_key_makes_no_scenario_shorter(allowing, refusing):
    two = dataclasses.replace(SCOPE, values=2)
    found = [difference(DESIGNS[allowing], DESIGNS[refusing], scope) for scope in (SCOPE, two)]
    assert 1 == len({(one.word, one.length) for one in found})


@pytest.mark.deep
def test_all_pairs_of_named_designs_have_the_pinned_lengths():
    expected = {
        "rfc-v2": "·–4531333",
        "rfc-v2-savekeys": "3·3531333",
        "rfc-v2-fixed": "55·–31333",
        "rfc-v2-savekeys-fixed": "353·31333",
        "no-hotplug": "55––·14––",
        "cpu-keys-only": "55––3·333",
        "per-package": "333331·33",
        "wrapped-vault": "353–314·3",
        "resupply": "353–314–·",
    }
    with executors.executor("processes") as pool:
        found = of_pairs(list(DESIGNS.values()), SCOPE, differences.LIMITS, pool)
    rows = {name: {name: "·"} for name in DESIGNS}
    for one in found:
        assert one.word in ("scenario", "none"), one.searched
        rows[one.allowing][one.refusing] = str(one.length or "–")
    assert expected == {
        name: "".join(row[other] for other in DESIGNS) for name, row in rows.items()
    }


# What notices a mistake


def test_calls_that_are_matched_wrongly_are_noticed(monkeypatch):
    """Without the tie each side uses and destroys whichever of the keys it likes."""
    own = Correspondence(
        together=frozenset({"present"}), own=frozenset({"supplied", "key"}), quiet=FAILURES
    )
    monkeypatch.setattr(differences, "matching", lambda left, right: own)
    found = difference(DESIGNS["no-hotplug"], DESIGNS["rfc-v2-fixed"], ONE_PACKAGE)
    assert "call " in found.error
    assert ": key is key " in found.error
    assert (statuses.DISAGREE, None) == (statuses.for_differ([found]), found.length)
    assert found.searched == f"DISAGREES: {found.error}"


def test_a_failure_on_one_side_only_is_noticed(monkeypatch):
    right = matching
    monkeypatch.setattr(
        differences,
        "matching",
        lambda *sides: dataclasses.replace(right(*sides), quiet=frozenset(), own=FAILURES),
    )
    monkeypatch.setattr(differences, "FAILURES", frozenset())
    found = difference(DESIGNS["rfc-v2"], DESIGNS["rfc-v2"], SMALL)
    assert "call 1, instantiate: fails[0] is no and yes" == found.error


def test_packages_that_are_absent_on_one_side_only_are_noticed():
    design = DESIGNS["rfc-v2-fixed"]
    grounding, machine = compiled(design, SCOPE)
    by_absent = {len(absent_at_boot(grounding, s)): s for s in reversed(machine.initial_states())}
    runs = Run(by_absent[0], ()), Run(by_absent[1], ())
    with pytest.raises(Disagreement, match="rfc-v2-fixed boot with different packages"):
        scenario.replayed((design, design), SCOPE, runs)
    assert ("boot with all packages", ()) == scenario.replayed(
        (design, design), SCOPE, (runs[0], runs[0])
    )


def test_a_model_that_answers_otherwise_than_the_implementation_is_noticed(monkeypatch):
    """The search believes a gate that refuses where it should admit; the replay does not."""
    design = DESIGNS["rfc-v2-savekeys"]
    right = differences.compiled
    faulty = mutants.in_model(design, SCOPE, mutants.gate_inverted)

    def wrong(asked, scope):
        return (faulty, Machine(faulty.system)) if asked == design else right(asked, scope)

    monkeypatch.setattr(differences, "compiled", wrong)
    found = difference(DESIGNS["rfc-v2-fixed"], design)
    assert "rfc-v2-savekeys answers ok to call " in found.error


def test_a_faulty_implementation_is_noticed():
    with MUTANTS["bit-never-set"].fault.planted():
        found = difference(DESIGNS["rfc-v2-savekeys"], DESIGNS["rfc-v2"])
    assert "rfc-v2" in found.error
    assert "bit[1]: model yes, implementation no" in found.error


CALLS = {
    "call 2 is unmap on one side and destroy on the other": ("unmap", "destroy", {}, {}),
    "call 2, update: kind is user and cpu": ("update", "update", {"kind": "user"}, {"kind": "cpu"}),
    "call 2, destroy: key is key 0 and key 1": (
        "destroy",
        "destroy",
        {"key": "key 0"},
        {"key": "key 1"},
    ),
    "call 2, destroy: fails[1] is yes and not there": (
        "destroy",
        "destroy",
        {"fails[1]": "yes"},
        {},
    ),
    "call 2, write: vma is not there and 0": ("write", "write", {}, {"vma": "0"}),
}


@pytest.mark.parametrize("said", CALLS)
def test_calls_that_differ_are_refused_in_words(said):
    with pytest.raises(Disagreement) as refusal:
        scenario._require_same(2, *CALLS[said])
    assert said == str(refusal.value)


def test_choices_that_each_side_makes_for_itself_may_differ():
    mine = {"key": "0", "kind": "user", "wanted[1]": "yes", "fails[1]": "no"}
    scenario._require_same(1, "instantiate", "instantiate", mine, {"key": "1", "kind": "user"})
    others = {"answered": "no", "supplied[1]": "A", "fails": "no", "fails_at": "1"}
    scenario._require_same(1, "cpu_startup", "cpu_startup", {"supplied[1]": "zeros"}, others)


# The command and what it writes


def test_a_difference_travels_and_is_plain_json():
    found = difference(DESIGNS["rfc-v2"], DESIGNS["cpu-keys-only"])
    assert found == pickle.loads(pickle.dumps(found))
    plain = found.as_json()
    assert plain == json.loads(json.dumps(plain))
    seconds = plain.pop("seconds")
    assert seconds > 0
    assert {
        "allows": "rfc-v2",
        "refuses": "cpu-keys-only",
        "found": "scenario",
        "length": 1,
        "depth": 1,
        "searched": "1 call",
        "start": "boot with package 1 absent",
        "calls": [
            {
                "allows": {"call": "add user key A", "answer": "ok"},
                "refuses": {
                    "call": "add user key A",
                    "answer": "EINVAL",
                    "kernel": "cannot instantiate key: type=user is not accepted",
                },
            }
        ],
        "replayed": True,
        "disagreement": None,
    } == plain


def test_the_command_tells_both_directions():
    status, out, _ = run_mktme(
        "differ", "rfc-v2", "cpu-keys-only", "--packages", "1", "--cpus", "1"
    )
    said = " ".join(out.split())
    assert statuses.HOLDS == status
    assert "rfc-v2 allows, cpu-keys-only does not: 1 call boot with all packages" in said
    assert (
        "1. rfc-v2: add user key A → ok cpu-keys-only: add user key A → EINVAL kernel: cannot"
        in said
    )
    assert "cpu-keys-only allows, rfc-v2 does not: 5 calls" in said
    call = "encrypt VMA 0 with the key at KeyID 2"
    assert f"5. cpu-keys-only: {call} → ok rfc-v2: {call} → waits for ever" in said
    assert "Scope: 1 package, 1 CPU each, 2 KeyIDs, 1 distinct user key, 2 VMAs." in said


def test_three_designs_have_a_table_and_both_words_of_a_call_that_differs():
    sizes = ("--packages", "1", "--cpus", "1", "--keyids", "1", "--vmas", "1")
    names = ("rfc-v2-fixed", "cpu-keys-only", "per-package")
    status, out, _ = run_mktme("differ", *names, *sizes)
    rows = [line.split() for line in out.splitlines() if line.strip()[:1].isdigit()]
    assert statuses.HOLDS == status
    assert [
        ["1", "rfc-v2-fixed", "·", "1", "–"],
        ["2", "cpu-keys-only", "–", "·", "–"],
        ["3", "per-package", "–", "1", "·"],
    ] == rows[:3]
    said = " ".join(out.split())
    assert (
        "1. per-package: add user key A on package 0 → ok cpu-keys-only: add user key A → EINVAL"
        in said
    )


def test_the_command_writes_json_and_is_inconclusive_where_the_search_was_not_ended():
    limits = ("--states-max", "10", "--depth-max", "1")
    status, out, _ = run_mktme("differ", "no-hotplug", "rfc-v2", *limits, "--json")
    plain = json.loads(out)
    assert statuses.INCONCLUSIVE == status
    assert {"packages": 2, "cpus": 2, "keyids": 2, "values": 1, "vmas": 2} == plain["scope"]
    assert [("no-hotplug", "none so far", 1, None)] * 2 == [
        ("no-hotplug", one["found"], one["depth"], one["replayed"]) for one in plain["differences"]
    ]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("scenario", statuses.HOLDS),
        ("none", statuses.HOLDS),
        ("none so far", statuses.INCONCLUSIVE),
        ("unknown", statuses.INCONCLUSIVE),
        ("nothing in common", statuses.VACUOUS),
    ],
)
def test_each_word_has_its_status(word, status):
    decided, one = Difference("a", "b", "none"), Difference("b", "a", word, reason="why")
    assert status == statuses.for_differ([decided, one])
    assert statuses.DISAGREE == statuses.for_differ([one, Difference("b", "a", word, error="no")])
    assert one.searched


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rfc-v2",), "a pair needs two designs; there is only rfc-v2"),
        (("rfc-v2", "rfc-v2"), "a pair needs two designs; there is only rfc-v2"),
        (("rfc-v2", "rfc-v3"), "unknown design 'rfc-v3' (did you mean rfc-v2?); known: rfc-v2,"),
        (("rfc-v2", "resupply", "--vmas", "5"), "vmas=5 is out of range; known: 1 to 4"),
        (("rfc-v2", "resupply", "--executor", "x"), "unknown executor 'x'; known: processes,"),
    ],
)
def test_bad_input_gets_one_line(arguments, said):
    status, out, err = run_mktme("differ", *arguments)
    assert (statuses.BAD_INPUT, "", 1) == (status, out, err.count("\n"))
    assert said in err


def test_a_changed_knob_makes_a_design_of_its_own():
    changed = design_from_text("rfc-v2,on_program_failure=quarantine")
    found = difference(changed, DESIGNS["rfc-v2"], SMALL)
    assert ("rfc-v2,on_program_failure=quarantine", "none") == (found.allowing, found.word)


def test_a_call_that_finds_no_room_is_not_at_the_address_of_a_destroyed_key():
    """Where every key object is a key, the model's call names the first of them, which lives."""
    sizes = ("--packages", "2", "--cpus", "1", "--keyids", "1", "--vmas", "1")
    _, out, _ = run_mktme("differ", "no-hotplug", "per-package", *sizes)
    said = " ".join(out.split())
    assert "no-hotplug: add user key A → ENOKEY" in said
    assert "destroyed" not in said
