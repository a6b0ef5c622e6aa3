"""A fault planted in the implementation is seen, by the lockstep and by the property itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from runs import Choice, Run, call_of, grounded, start_without

from checker.answers.trace import is_true_in
from conformance import Disagreement, Lockstep, Subject, abstract
from designs import design_from_text
from impl.errors import NotPermitted
from impl.heap.slab import Object
from impl.service.bitmap import UserBitmap
from impl.service.gate import StartupGate
from impl.service.program import Programmer
from impl.service.system import System
from impl.service.vault import Vault
from model import Scope
from properties import PROPERTIES, claims_about

Plant = Callable[[pytest.MonkeyPatch], None]
Calls = list[tuple[str, Choice]]

SCOPE = Scope(2, 1, 2)
USER = ("instantiate", {"key": 0, "kind": "user", "bytes": "A"})
CPU = ("instantiate", {"key": 0, "kind": "cpu"})
TO_CPU = ("update", {"key": 0, "kind": "cpu"})
DESTROY = ("destroy", {"key": 0})
OFFLINE = ("cpu_teardown", {"package": 1, "cpu": 0})
ONLINE = ("cpu_startup", {"package": 1, "cpu": 0})


def one_package_is_enough(patch: pytest.MonkeyPatch) -> None:
    """Programming stops after the first package and reports success."""
    right = Programmer.program

    def program(self: Programmer, keyid: int, material: Any, cpus: Any, lock: Any) -> Any:
        return right(self, keyid, material, list(cpus)[:1], lock)

    patch.setattr(Programmer, "program", program)


def reach_is_not_checked(patch: pytest.MonkeyPatch) -> None:
    """A package out of reach refuses nothing."""
    patch.setattr(System, "refuse_unreachable", lambda *_: None)


def bits_are_never_cleared(patch: pytest.MonkeyPatch) -> None:
    """A user-type bit that was set once stays set."""
    right = UserBitmap.set

    def set_only(self: UserBitmap, keyid: int, value: bool) -> None:
        if value:
            right(self, keyid, value)

    patch.setattr(UserBitmap, "set", set_only)


def structures_are_not_scrubbed(patch: pytest.MonkeyPatch) -> None:
    """The programming structure is freed with the key in it."""

    def free(self: Programmer, structure: Object) -> None:
        self._slab.kfree(structure)

    patch.setattr(Programmer, "_free", free)


def the_vault_saves_everything(patch: pytest.MonkeyPatch) -> None:
    """Keys are kept although savekeys is off."""
    right = Vault.load

    def load(self: Vault, keyid: int, material: Any) -> None:
        self._keeps_keys = True
        right(self, keyid, material)

    patch.setattr(Vault, "load", load)


def clearing_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A released KeyID is free at once, whatever the key tables hold."""
    patch.setattr(System, "clear", lambda *_: ())


def offline_packages_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Only packages that can be programmed now are cleared, and none is waited for."""
    right = System.clear

    def clear(self: System, keyid: int, packages: Any) -> Any:
        return right(self, keyid, [p for p in packages if p in self.leads])

    patch.setattr(System, "clear", clear)


def a_failed_pconfig_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    """Every programming reports success."""
    patch.setattr("impl.service.system.failed", lambda _statuses: [])


def the_gate_refuses_always(patch: pytest.MonkeyPatch) -> None:
    """No package passes the gate while a KeyID is mapped."""

    def refuse(_self: StartupGate, _gate: str, call: str) -> None:
        raise NotPermitted(call, "nobody passes")

    patch.setattr(StartupGate, "_refuse", refuse)


FAULTS: list[tuple[str, str, Plant, Calls, str]] = [
    (
        "tables-agree",
        "rfc-v2-fixed",
        one_package_is_enough,
        [CPU],
        "entry_mode[1,1]: model encrypt, implementation tme",
    ),
    (
        "tables-agree",
        "rfc-v2-savekeys-fixed",
        a_failed_pconfig_goes_unnoticed,
        [("instantiate", {"key": 0, "kind": "user", "bytes": "A", "fails": {1}})],
        "the model answers ENOKEY, the implementation ok",
    ),
    (
        "memory-agrees",
        "no-hotplug",
        reach_is_not_checked,
        [OFFLINE, CPU],
        "the model answers EINVAL, the implementation ok",
    ),
    (
        "bitmap-exact",
        "rfc-v2-fixed",
        bits_are_never_cleared,
        [USER, TO_CPU],
        "bit[1]: model no, implementation yes",
    ),
    (
        "bitmap-exact",
        "per-package",
        bits_are_never_cleared,
        [("instantiate", {"key": 0, "kind": "user", "bytes": "A", "wanted": {1}}), DESTROY],
        "bit[1,1]: model no, implementation yes",
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        structures_are_not_scrubbed,
        [USER],
        "struct_residue[A]: model no, implementation yes",
    ),
    (
        "no-plaintext-unsaved",
        "rfc-v2-fixed",
        the_vault_saves_everything,
        [USER],
        "vault_bytes[1]: model zeros, implementation A",
    ),
    (
        "released-is-clear",
        "rfc-v2-fixed",
        clearing_is_forgotten,
        [USER, DESTROY],
        "entry_mode[0,1]: model tme, implementation encrypt",
    ),
    (
        "released-is-clear",
        "cpu-keys-only",
        offline_packages_are_forgotten,
        [CPU, OFFLINE, DESTROY],
        "uncleared[1,1]: model yes, implementation no",
    ),
    (
        "hotplug-admitted",
        "rfc-v2-savekeys-fixed",
        the_gate_refuses_always,
        [USER, OFFLINE, ONLINE],
        "the model answers ok, the implementation EPERM",
    ),
]

faults = pytest.mark.parametrize(
    ("property_id", "design", "plant", "calls", "told"),
    FAULTS,
    ids=[f"{row[0]}: {row[2].__name__} in {row[1]}" for row in FAULTS],
)


@faults
def test_the_lockstep_tells_a_faulty_implementation(
    monkeypatch: pytest.MonkeyPatch,
    property_id: str,
    design: str,
    plant: Plant,
    calls: Calls,
    told: str,
) -> None:
    del property_id
    plant(monkeypatch)
    chosen = design_from_text(design)
    lockstep = Lockstep(chosen, SCOPE, start_without(chosen, SCOPE))
    system = lockstep.grounding.system
    *earlier, (last, choice) = calls
    for action, made in earlier:
        assert "ok" == lockstep.step(call_of(system, action, **made))
    with pytest.raises(Disagreement) as seen:
        lockstep.step(call_of(system, last, **choice))
    assert told in str(seen.value)


@pytest.mark.parametrize(
    ("design", "calls"),
    [(row[1], row[3]) for row in FAULTS],
    ids=[f"{row[0]} in {row[1]}: {row[2].__name__}" for row in FAULTS],
)
def test_without_the_fault_the_same_calls_agree(design: str, calls: Calls) -> None:
    chosen = design_from_text(design)
    lockstep = Lockstep(chosen, SCOPE, start_without(chosen, SCOPE))
    for action, choice in calls:
        lockstep.step(call_of(lockstep.grounding.system, action, **choice))
    assert len(lockstep.machine.system.variables) == len(lockstep.state)


@faults
def test_the_property_is_false_of_what_a_faulty_implementation_did(
    monkeypatch: pytest.MonkeyPatch,
    property_id: str,
    design: str,
    plant: Plant,
    calls: Calls,
    told: str,
) -> None:
    del told
    chosen, claim = design_from_text(design), PROPERTIES[property_id]
    grounding = grounded(chosen, SCOPE)
    driven = Run(chosen, SCOPE)
    plant(monkeypatch)
    subject = Subject(chosen, SCOPE)
    answers = [
        subject.call(grounding, call_of(grounding.system, action, **choice))
        for action, choice in calls
    ]
    if claim.kind == "step":
        right = [driven.do(action, **choice) for action, choice in calls]
        assert [*right[:-1], "EPERM"] == answers
        assert "ok" == right[-1]
        return
    observed = abstract(subject, grounding)
    assert not is_true_in(grounding.system, observed, grounding.property(claim).state)


def test_every_property_has_a_faulty_implementation() -> None:
    assert set(claims_about("")) == {row[0] for row in FAULTS}
