"""A fault planted in the implementation is seen, by the lockstep and by the property itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from runs import KEY_SERVICE, Choice, call_of, grounded, start_without

from checker import State
from checker.answers.trace import Trace, TraceStep
from conformance import Disagreement, Lockstep, Subject, abstract
from conformance.lockstep import booted
from conformance.owners import user_key
from conformance.replayed import ReplayStep, holds_on
from designs import Design, design_from_text
from impl.errors import Busy, InvalidArgument, NoKey, NotPermitted
from impl.heap.memory import OutOfBounds
from impl.heap.slab import Object
from impl.keyrings.keys import Keys
from impl.mm.paging import Paging
from impl.service.bitmap import UserBitmap
from impl.service.gate import StartupGate
from impl.service.globalscope import GlobalKeyService
from impl.service.hotplug import Hotplug
from impl.service.program import Programmer
from impl.service.refcounts import EncryptCounts
from impl.service.system import System
from impl.service.vault import Vault
from model import Scope
from properties import PROPERTIES

Plant = Callable[[pytest.MonkeyPatch], None]
Calls = list[tuple[str, Choice]]

SCOPE = Scope(2, 1, 2, 1, 1, 1)
USER = ("instantiate", {"key": 0, "kind": "user", "bytes": "A"})
CPU = ("instantiate", {"key": 0, "kind": "cpu"})
TO_CPU = ("update", {"key": 0, "kind": "cpu"})
DESTROY = ("destroy", {"key": 0})
OFFLINE = ("cpu_teardown", {"package": 1, "cpu": 0})
ONLINE = ("cpu_startup", {"package": 1, "cpu": 0})
ENCRYPT = ("encrypt", {"vma": 0, "key": 0})
WRITE = ("write", {"vma": 0, "package": 1})
MOVE = ("migrate", {"vma": 0, "package": 0})
AGAIN = ("instantiate", {"key": 1, "kind": "user", "bytes": "A"})


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


def addresses_are_remembered(patch: pytest.MonkeyPatch) -> None:
    """The map holds the addresses of key objects, which are used again."""
    patch.setattr(Keys, "slot_value", lambda _self, key: key.object.address)


def a_lost_key_stays_a_key(patch: pytest.MonkeyPatch) -> None:
    """A key whose KeyID went out of service is still a key."""
    patch.setattr(Keys, "lose", lambda *_: None)


def a_lead_never_resigns(patch: pytest.MonkeyPatch) -> None:
    """A package keeps its lead CPU when that goes offline."""
    right = System.set_lead

    def set_lead(self: System, package: int, cpu: int | None) -> None:
        if cpu is not None:
            right(self, package, cpu)

    patch.setattr(System, "set_lead", set_lead)


def the_vault_is_never_scrubbed(patch: pytest.MonkeyPatch) -> None:
    """A released KeyID's vault slot keeps its key."""
    patch.setattr(Vault, "scrub", lambda *_: None)


def keyids_in_use_are_updated(patch: pytest.MonkeyPatch) -> None:
    """An update does not look at the reference count."""
    patch.setattr(GlobalKeyService, "_updatable", lambda self, key, _call: self.keyid_of(key))


def every_reference_is_the_last(patch: pytest.MonkeyPatch) -> None:
    """Whoever drops a reference releases the KeyID."""
    right = EncryptCounts.drop

    def drop(self: EncryptCounts, keyid: int) -> bool:
        right(self, keyid)
        return True

    patch.setattr(EncryptCounts, "drop", drop)


def nothing_is_released(patch: pytest.MonkeyPatch) -> None:
    """The last reference goes, and the slot stays."""
    patch.setattr(GlobalKeyService, "release", lambda *_: iter(()))


def teardown_is_refused(patch: pytest.MonkeyPatch) -> None:
    """No CPU may go."""

    def teardown(_self: Hotplug, number: int, cpu: int) -> Any:
        raise Busy(f"stop CPU {cpu} of package {number}", "it stays")

    patch.setattr(Hotplug, "teardown", teardown)


def every_package_is_unreachable(patch: pytest.MonkeyPatch) -> None:
    """A new key is refused for the sake of some package."""

    def refuse(_self: System, _packages: Any, call: str) -> None:
        raise InvalidArgument(call, "some package may be out of reach")

    patch.setattr(System, "refuse_unreachable", refuse)


def pages_never_move(patch: pytest.MonkeyPatch) -> None:
    """A page stays where it was first written."""

    def migrate(_self: Paging, _space: Any, _page: int, _package: int, call: str) -> None:
        raise NoKey(call, "it has no KeyID there")

    patch.setattr(Paging, "migrate", migrate)


def counts_are_too_few(patch: pytest.MonkeyPatch) -> None:
    """Every count is accessed as if it lay beyond the array."""
    right = EncryptCounts._address

    def address(self: EncryptCounts, keyid: int) -> int:
        self._events.append(OutOfBounds("encrypt_count", keyid))
        return right(self, keyid)

    patch.setattr(EncryptCounts, "_address", address)


def a_refused_update_clears_the_bit(patch: pytest.MonkeyPatch) -> None:
    """The user-type bit is cleared before it is known whether the update goes ahead."""
    right = GlobalKeyService._updatable

    def updatable(self: GlobalKeyService, key: Any, call: str) -> int:
        self.bitmap.set(self.keyid_of(key), False)
        return right(self, key, call)

    patch.setattr(GlobalKeyService, "_updatable", updatable)


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
    (
        "table-as-requested",
        "rfc-v2-fixed",
        one_package_is_enough,
        [USER],
        "entry_mode[1,1]: model encrypt, implementation tme",
    ),
    (
        "map-exact",
        "rfc-v2-fixed",
        addresses_are_remembered,
        [USER, ENCRYPT, DESTROY, AGAIN],
        "mapped[1,1]: model no, implementation yes",
    ),
    (
        "map-exact",
        "rfc-v2-fixed",
        a_lost_key_stays_a_key,
        [USER, ("update", {"key": 0, "kind": "cpu", "fails": {1}})],
        "live[0]: model no, implementation yes",
    ),
    (
        "refcount-exact",
        "rfc-v2-fixed",
        addresses_are_remembered,
        [USER, ENCRYPT, DESTROY, AGAIN],
        "mapped[1,1]: model no, implementation yes",
    ),
    (
        "lead-exact",
        "rfc-v2-fixed",
        a_lead_never_resigns,
        [OFFLINE],
        "lead[1,0]: model no, implementation yes",
    ),
    (
        "no-plaintext-after-release",
        "rfc-v2-savekeys-fixed",
        the_vault_is_never_scrubbed,
        [USER, DESTROY],
        "vault_bytes[1]: model zeros, implementation A",
    ),
    (
        "cold-boot-keys",
        "rfc-v2-fixed",
        structures_are_not_scrubbed,
        [USER],
        "struct_residue[A]: model no, implementation yes",
    ),
    (
        "cold-boot-data",
        "rfc-v2-fixed",
        one_package_is_enough,
        [USER, ENCRYPT, WRITE],
        "entry_mode[1,1]: model encrypt, implementation tme",
    ),
    (
        "never-in-clear",
        "rfc-v2-fixed",
        one_package_is_enough,
        [USER, ENCRYPT, WRITE],
        "entry_mode[1,1]: model encrypt, implementation tme",
    ),
    (
        "live-data-intact",
        "no-hotplug",
        keyids_in_use_are_updated,
        [USER, ENCRYPT, WRITE, TO_CPU],
        "the model answers EBUSY, the implementation ok",
    ),
    (
        "right-key",
        "rfc-v2-fixed",
        one_package_is_enough,
        [USER, ENCRYPT, WRITE],
        "entry_mode[1,1]: model encrypt, implementation tme",
    ),
    (
        "no-neighbour",
        "no-hotplug",
        every_reference_is_the_last,
        [USER, ENCRYPT, DESTROY, ("instantiate", {"key": 0, "kind": "cpu"}), WRITE],
        "mapped[0,1]: model yes, implementation no",
    ),
    (
        "teardown-admitted",
        "rfc-v2-fixed",
        teardown_is_refused,
        [USER, OFFLINE],
        "the model answers ok, the implementation EBUSY",
    ),
    (
        "user-keys-admitted",
        "rfc-v2-fixed",
        every_package_is_unreachable,
        [USER],
        "the model answers ok, the implementation EINVAL",
    ),
    (
        "migration-admitted",
        "rfc-v2-fixed",
        pages_never_move,
        [USER, ENCRYPT, WRITE, MOVE],
        "the model answers ok, the implementation ENOKEY",
    ),
    (
        "keyid-names-key",
        "rfc-v2-fixed",
        addresses_are_remembered,
        [USER, ENCRYPT, DESTROY, AGAIN],
        "mapped[1,1]: model no, implementation yes",
    ),
    (
        "no-lost-keyid",
        "rfc-v2-fixed",
        nothing_is_released,
        [USER, DESTROY],
        "mapped[0,1]: model no, implementation yes",
    ),
    (
        "in-bounds",
        "rfc-v2-fixed",
        counts_are_too_few,
        [USER],
        "overrun: model no, implementation yes",
    ),
    (
        "failure-is-noop",
        "rfc-v2-fixed",
        a_refused_update_clears_the_bit,
        [USER, ENCRYPT, TO_CPU],
        "bit[1]: model yes, implementation no",
    ),
]

faults = pytest.mark.parametrize(
    ("property_id", "design", "plant", "calls", "told"),
    FAULTS,
    ids=[f"{row[0]}: {row[2].__name__} in {row[1]}" for row in FAULTS],
)


def boot(property_id: str, design: Design) -> State:
    """All packages are there; where the claim is about bypass, KeyID 0 is not encrypted."""
    is_about_bypass = property_id in ("cold-boot-keys", "cold-boot-data", "never-in-clear")
    return start_without(design, SCOPE, bypass=is_about_bypass)


def driven(property_id: str, design: str, calls: Calls) -> Lockstep:
    """Model and implementation after the same calls. Raises Disagreement."""
    chosen = design_from_text(design)
    lockstep = Lockstep(chosen, SCOPE, boot(property_id, chosen))
    for action, choice in calls:
        lockstep.step(call_of(lockstep.grounding.system, action, **choice))
    return lockstep


@faults
def test_the_lockstep_tells_a_faulty_implementation(
    monkeypatch: pytest.MonkeyPatch,
    property_id: str,
    design: str,
    plant: Plant,
    calls: Calls,
    told: str,
) -> None:
    plant(monkeypatch)
    with pytest.raises(Disagreement) as seen:
        driven(property_id, design, calls)
    assert told in str(seen.value)


SOUND = [row for row in FAULTS if row[2] is not every_reference_is_the_last]
"""Those whose calls can be made without the fault too."""


@pytest.mark.parametrize(
    ("property_id", "design", "calls"),
    [(row[0], row[1], row[3]) for row in SOUND],
    ids=[f"{row[0]} in {row[1]}: {row[2].__name__}" for row in SOUND],
)
def test_without_the_fault_the_same_calls_agree(
    property_id: str, design: str, calls: Calls
) -> None:
    lockstep = driven(property_id, design, calls)
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
    assert holds_after(property_id, design, calls[:-1])
    plant(monkeypatch)
    assert not holds_after(property_id, design, calls)


def holds_after(property_id: str, design: str, calls: Calls) -> bool:
    """Whether the property is true of what the implementation did in its last call."""
    chosen, claim = design_from_text(design), PROPERTIES[property_id]
    grounding = grounded(chosen, SCOPE)
    subject = booted(chosen, SCOPE, grounding, boot(property_id, chosen))
    seen, done = [abstract(subject, grounding)], []
    made = [call_of(grounding.system, action, **choice) for action, choice in calls]
    for call in made:
        done.append(ReplayStep(subject.call(grounding, call), subject.refusal, ()))
        seen.append(abstract(subject, grounding))
    if claim.kind == "step" and not calls:
        return True
    steps = tuple(
        TraceStep(call, step.answer, state)
        for call, step, state in zip(made, done, seen[1:], strict=True)
    )
    return holds_on(grounding, claim, Trace(seen[0], steps), seen, done[-1].answer if done else "")


def test_the_posted_implementation_itself_leaves_dangling_addresses() -> None:
    """No fault is needed; and a map of serial numbers holds no address at all."""
    design, calls = "rfc-v2-fixed,key_lookup=by_address", [USER, ENCRYPT, DESTROY]
    assert holds_after("no-dangling", design, calls[:-1])
    assert not holds_after("no-dangling", design, calls)
    assert holds_after("no-dangling", "rfc-v2-fixed", calls)


@pytest.mark.parametrize(("bypass", "found"), [(False, False), (True, True)])
def test_tme_hides_from_a_dram_image_what_lies_in_kernel_memory(bypass: bool, found: bool) -> None:
    """What `cold-boot-keys-tme` takes for granted, looked at in the modules' bytes."""
    chosen = design_from_text("rfc-v2-savekeys")
    subject = Subject(chosen, SCOPE, bypass=bypass)
    grounding = grounded(chosen, SCOPE)
    assert "ok" == subject.call(grounding, call_of(grounding.system, USER[0], **USER[1]))
    key = user_key("A")
    needles = {"data key": key.data_key, "tweak key": key.tweak_key}
    assert found == bool(subject.kernel.cold_boot(needles))
    assert {"data key", "tweak key"} == {hit.needle for hit in subject.kernel.disclosure(needles)}


def test_every_property_has_a_faulty_implementation_but_for_two() -> None:
    apart = {"no-dangling", "cold-boot-keys-tme"}
    assert set(KEY_SERVICE) - apart == {row[0] for row in FAULTS}
