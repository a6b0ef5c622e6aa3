"""What a key does that has the address of one that is gone, while a VMA keeps that one's KeyID.

Found by a review, with designs that combine look-up by address with repairs or other postures: no
walk covered them in a scope with two KeyIDs, and random steps rarely come there. In each the model
was wrong but for `extend`, where the kernel was.
"""

from __future__ import annotations

from runs import Choice, answers, start_without

from conformance import Lockstep
from designs import design_from_text
from model import Scope

SCOPE = Scope(2, 1, 2, 2, 2, 1)
PER_PACKAGE = "per-package,key_lookup=by_address"


def driven(text: str, calls: list[tuple[str, Choice]], *absent: int) -> Lockstep:
    design = design_from_text(text)
    lockstep = Lockstep(design, SCOPE, start_without(design, SCOPE, *absent))
    assert ["ok"] * len(calls) == answers(lockstep, calls)
    return lockstep


def value(lockstep: Lockstep, name: str) -> str:
    variables = lockstep.grounding.system.variables
    place = [variable.name for variable in variables].index(name)
    return variables[place].labels[lockstep.state[place]]


def user(key: int, label: str, **where: object) -> tuple[str, Choice]:
    return "instantiate", {"key": key, "kind": "user", "bytes": label, **where}


def test_the_owner_that_is_asked_supplies_its_own_key() -> None:
    """With `startup_gate=resupply` the kernel asks who is at the address: not who was."""
    calls: list[tuple[str, Choice]] = [
        user(0, "A"),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        user(0, "B"),
        ("package_add", {"package": 1}),
        (
            "cpu_startup",
            {"package": 1, "cpu": 0, "answered": True, "supplied": {1: "B", 2: "B"}},
        ),
    ]
    lockstep = driven("resupply,key_lookup=by_address", calls, 1)
    assert "A" == value(lockstep, "entry_bytes[0,1]")
    assert ["B", "B"] == [value(lockstep, f"entry_bytes[1,{k}]") for k in (1, 2)]


def test_an_owner_without_a_user_key_cannot_answer_for_one() -> None:
    calls: list[tuple[str, Choice]] = [
        user(0, "A"),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("package_add", {"package": 1}),
    ]
    lockstep = driven("resupply,key_lookup=by_address", calls, 1)
    assert ["EPERM"] == answers(lockstep, [("cpu_startup", {"package": 1, "cpu": 0})])


def test_a_page_keeps_the_keyid_that_it_has() -> None:
    """The next key at the address is given a lower KeyID; the page table entry does not change."""
    calls: list[tuple[str, Choice]] = [
        ("instantiate", {"key": 0, "kind": "cpu", "wanted": {0}}),
        user(1, "A", wanted={0}),
        ("encrypt", {"vma": 0, "key": 1}),
        ("write", {"vma": 0, "package": 0}),
        ("destroy", {"key": 1}),
        ("destroy", {"key": 0}),
        user(1, "B", wanted={0}),
        ("write", {"vma": 0, "package": 0}),
    ]
    lockstep = driven(PER_PACKAGE, calls)
    seen = {f"written[0,{b}]": value(lockstep, f"written[0,{b}]") for b in "AB"}
    assert {"written[0,A]": "yes", "written[0,B]": "no"} == seen
    assert ["no", "yes"] == [value(lockstep, f"carries[0,{k}]") for k in (1, 2)]


def test_whoever_uses_a_key_refers_to_the_keyid_that_it_gets_on_one_more_package() -> None:
    """The kernel took the references that are counted where the address is found: the old key's."""
    calls: list[tuple[str, Choice]] = [
        ("instantiate", {"key": 0, "kind": "cpu", "wanted": {1}}),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "cpu", "wanted": {1}}),
        ("extend", {"key": 0, "package": 0}),
    ]
    lockstep = driven(PER_PACKAGE, calls)
    assert 2 == lockstep.subject.kernel.references(0, 1)
    answers(lockstep, [("unmap", {"vma": 0})])
    assert 1 == lockstep.subject.kernel.references(0, 1)
