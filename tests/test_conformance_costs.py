"""Every cost of the named designs, pinned; and each figure follows when the kernel changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from conformance.costing import histories
from conformance.costing.exposure import ENDS, Held, Stay, exposure
from conformance.costing.keyids import Loss, Usable, keyids
from conformance.costing.remains import Secret
from conformance.costing.requests import requests
from conformance.costing.startups import Startup, formula, startups
from conformance.costs import Answer, Shape, costs
from conformance.owners import KEY_BYTES, user_key
from designs import DESIGNS
from impl.hardware.machine import Machine, seeded
from impl.hardware.pconfig import Outcome
from impl.heap.slab import Object, Slab
from impl.service.gate import StartupGate
from impl.service.keymap import KeyMap
from impl.service.material import KeyMaterial
from impl.service.payload import Preparser
from impl.service.program import Programmer
from impl.service.system import System
from impl.service.vault import Vault

SMALL = Shape(2, 2, 2)
LARGE = Shape(3, 2, 4)
SHAPES = {"default scope": SMALL, "3 packages, 4 KeyIDs": LARGE}
FIXED = DESIGNS["rfc-v2-fixed"]
SAVING = DESIGNS["rfc-v2-savekeys-fixed"]
NOTHING = Held(0, 0)


def said(answer: Answer | None) -> str | None:
    """PCONFIG executions, and the errno of a refusal."""
    return answer and f"{answer.executions} {answer.errno}".strip()


# Key requests

REQUESTS = {
    "rfc-v2": ("2", "2", None, "2 ENOKEY", "2", "0", None),
    "rfc-v2-savekeys": ("2", "2", None, "2 ENOKEY", "2", "0", None),
    "rfc-v2-fixed": ("2", "2", None, "4 ENOKEY", "2", "2", None),
    "rfc-v2-savekeys-fixed": ("2", "2", None, "4 ENOKEY", "2", "2", None),
    "no-hotplug": ("2", "2", None, "4 ENOKEY", "2", "2", None),
    "cpu-keys-only": ("0 EINVAL", "2", None, "4 ENOKEY", "2", "2", None),
    "per-package": ("2", "2", "1", "4 ENOKEY", "2", "2", "1"),
    "wrapped-vault": ("2", "2", None, "4 ENOKEY", "2", "2", None),
    "resupply": ("2", "2", None, "4 ENOKEY", "2", "2", None),
}
LARGE_REQUESTS = {
    "rfc-v2": ("3", "3", None, "3 ENOKEY", "3", "0", None),
    "rfc-v2-savekeys": ("3", "3", None, "3 ENOKEY", "3", "0", None),
    "rfc-v2-fixed": ("3", "3", None, "5 ENOKEY", "3", "3", None),
    "rfc-v2-savekeys-fixed": ("3", "3", None, "5 ENOKEY", "3", "3", None),
    "no-hotplug": ("3", "3", None, "5 ENOKEY", "3", "3", None),
    "cpu-keys-only": ("0 EINVAL", "3", None, "5 ENOKEY", "3", "3", None),
    "per-package": ("3", "3", "1", "5 ENOKEY", "3", "3", "1"),
    "wrapped-vault": ("3", "3", None, "5 ENOKEY", "3", "3", None),
    "resupply": ("3", "3", None, "5 ENOKEY", "3", "3", None),
}


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(("shape", "pinned"), [(SMALL, REQUESTS), (LARGE, LARGE_REQUESTS)])
def test_the_pconfigs_of_each_request_are_pinned(
    name: str, shape: Shape, pinned: dict[str, tuple[str | None, ...]]
) -> None:
    measured = requests(DESIGNS[name], shape)
    assert pinned[name] == tuple(said(answer) for answer in vars(measured).values())


def test_the_pconfigs_of_a_request_grow_by_one_with_each_package() -> None:
    for packages in range(1, 6):
        measured = requests(FIXED, Shape(packages, 1, 2))
        assert (packages,) * 3 == tuple(
            answer.executions for answer in (measured.add_user, measured.update, measured.release)
        )
        assert Answer("ENOKEY", packages + 2) == measured.add_failing


def execute_twice(patch: pytest.MonkeyPatch) -> None:
    execute = Machine.pconfig

    def twice(machine: Machine, *arguments: Any) -> Outcome:
        execute(machine, *arguments)
        return execute(machine, *arguments)

    patch.setattr(Machine, "pconfig", twice)


def test_a_kernel_that_executes_every_pconfig_twice_is_measured_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    execute_twice(monkeypatch)
    measured = requests(DESIGNS["per-package"], SMALL)
    doubled = ("4", "4", "2", "8 ENOKEY", "4", "4", "2")
    assert doubled == tuple(said(answer) for answer in vars(measured).values())
    assert "2k" == formula(startups(SAVING, LARGE, "user"))


def test_a_machine_of_one_package_has_nothing_to_extend_to_and_no_other_to_bring_online() -> None:
    for design in DESIGNS.values():
        measured = costs(design, Shape(1, 1, 2))
        assert measured.requests.extend is None
        assert () == measured.user_startups == measured.cpu_startups == measured.silent_startups
        assert measured.exposure.joining is None
        assert (None, None) == (measured.keyids.offline, measured.keyids.released_offline)


# Startups: user keys, owners who do not answer, CPU keys

STARTUPS = {
    "rfc-v2": ("EPERM if k > 0", "EPERM if k > 0", "k"),
    "rfc-v2-savekeys": ("k", "k", "k"),
    "rfc-v2-fixed": ("EPERM if k > 0", "EPERM if k > 0", "k"),
    "rfc-v2-savekeys-fixed": ("k", "k", "k"),
    "no-hotplug": ("EPERM if k > 0",) * 3,
    "cpu-keys-only": ("0", "0", "k"),
    "per-package": ("0", "0", "0"),
    "wrapped-vault": ("k", "k", "k"),
    "resupply": ("k", "EPERM if k > 0", "k"),
}


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_pconfigs_of_a_package_that_comes_online_are_pinned(name: str, shape: Shape) -> None:
    measured = costs(DESIGNS[name], shape)
    by_kind = (measured.user_startups, measured.silent_startups, measured.cpu_startups)
    assert STARTUPS[name] == tuple(map(formula, by_kind))
    every = list(range(shape.keyids + 1))
    assert every == [startup.keys for startup in measured.cpu_startups]
    counts = every if name == "resupply" else [0] * len(measured.user_startups)
    assert counts == [startup.asked for startup in measured.user_startups]
    assert (1 if name == "cpu-keys-only" else len(every)) == len(measured.user_startups)


def test_one_keyid_is_the_one_that_the_posted_bitmap_does_not_count() -> None:
    assert "k" == formula(startups(DESIGNS["rfc-v2"], Shape(2, 1, 1), "user"))
    assert "EPERM if k > 0" == formula(startups(FIXED, Shape(2, 1, 1), "user"))


def test_a_gate_that_refuses_nothing_is_measured_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StartupGate, "_refuse", lambda *_: None)
    assert "k" == formula(startups(FIXED, SMALL, "user"))
    assert "k" == formula(startups(DESIGNS["no-hotplug"], SMALL, "cpu"))


def test_a_gate_that_does_without_an_answer_is_measured_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StartupGate, "_read", lambda *_: {})
    assert "k" == formula(startups(DESIGNS["resupply"], SMALL, "user", owners_answer=False))


def test_a_gate_that_asks_every_owner_twice_is_measured_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = StartupGate._ask

    def twice(gate: StartupGate, kept: dict[int, KeyMaterial]) -> Any:
        ask(gate, kept)
        return ask(gate, kept)

    monkeypatch.setattr(StartupGate, "_ask", twice)
    assert [0, 2, 4] == [s.asked for s in startups(DESIGNS["resupply"], SMALL, "user")]


def some(*counts: int | str) -> list[Startup]:
    return [
        Startup(keys, count, 0, 0) if isinstance(count, str) else Startup(keys, "", count, 0)
        for keys, count in enumerate(counts)
    ]


@pytest.mark.parametrize(
    ("expected", "measured"),
    [
        ("", []),
        ("3", some(3)),
        ("0", some(0, 0, 0)),
        ("k", some(0, 1, 2)),
        ("2k + 1", some(1, 3, 5)),
        ("0, 1, 1", some(0, 1, 1)),
        ("0, 1, 4, 9", some(0, 1, 4, 9)),
        ("EPERM if k > 0", some(0, "EPERM", "EPERM")),
        ("0, EPERM, 2", some(0, "EPERM", 2)),
        ("0, EPERM, ENOKEY", some(0, "EPERM", "ENOKEY")),
        ("EPERM, EPERM", some("EPERM", "EPERM")),
        ("ENOKEY", some("ENOKEY")),
    ],
)
def test_a_formula_is_given_only_for_what_was_measured(
    expected: str, measured: list[Startup]
) -> None:
    assert expected == formula(measured)


# Key bytes: in use, replaced, released, of a refused payload, while adding, while joining, entropy

EXPOSURES: dict[str, tuple[Held | int | None, ...]] = {
    "rfc-v2": (Held(32, 0), NOTHING, Held(32, 0), Held(32, 0), Held(96, 0), NOTHING, 48),
    "rfc-v2-savekeys": (
        *(Held(64, 0), NOTHING, Held(64, 0), Held(32, 0)),
        *(Held(96, 0), Held(64, 0), 48),
    ),
    "rfc-v2-fixed": (*[NOTHING] * 4, Held(96, 0), NOTHING, 0),
    "rfc-v2-savekeys-fixed": (Held(32, 0), *[NOTHING] * 3, Held(96, 0), Held(64, 0), 0),
    "no-hotplug": (*[NOTHING] * 4, Held(96, 0), NOTHING, 0),
    "cpu-keys-only": (None, *[NOTHING] * 5, 0),
    "per-package": (*[NOTHING] * 4, Held(96, 0), NOTHING, 0),
    "wrapped-vault": (Held(0, 40), *[NOTHING] * 3, Held(96, 0), Held(32, 40), 0),
    "resupply": (*[NOTHING] * 4, Held(96, 0), Held(64, 0), 0),
}
STRUCTURE, ADD = "freed programming structure", "add_key"
LEAK = Stay("malformed", "plaintext", "payload structure", 32, "refused add_key", "")
IN_STRUCTURE = Stay("key", "plaintext", STRUCTURE, 32, ADD, "next programming")
ENTROPY = (
    Stay("key", "entropy", "kernel stack", 16, ADD, "next CPU key"),
    Stay("key", "entropy", STRUCTURE, 32, ADD, "next programming"),
)
STAYS: dict[str, tuple[Stay, ...]] = {
    "rfc-v2": (IN_STRUCTURE, LEAK, *ENTROPY),
    "rfc-v2-savekeys": (
        IN_STRUCTURE,
        Stay("key", "plaintext", "vault", 32, ADD, "reuse of the KeyID"),
        LEAK,
        Stay("key", "plaintext", STRUCTURE, 32, "package online", "next programming"),
        *ENTROPY,
    ),
    "rfc-v2-savekeys-fixed": (Stay("key", "plaintext", "vault", 32, ADD, "release"),),
    "wrapped-vault": (Stay("key", "wrapped", "vault", 40, ADD, "release"),),
}


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_key_bytes_in_memory_are_pinned(name: str, shape: Shape) -> None:
    measured = vars(exposure(DESIGNS[name], shape))
    assert STAYS.get(name, ()) == measured.pop("stays")
    assert EXPOSURES[name] == tuple(measured.values())


def test_a_vault_that_is_not_scrubbed_holds_the_key_until_its_keyid_is_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Vault, "scrub", lambda *_: None)
    measured = exposure(SAVING, SMALL)
    assert Held(32, 0) == measured.released
    assert "reuse of the KeyID" == measured.stays[0].until
    assert Held(0, 40) == exposure(DESIGNS["wrapped-vault"], SMALL).released


def test_a_vault_that_an_update_leaves_alone_holds_the_replaced_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = Vault.load

    def once(vault: Vault, keyid: int, material: KeyMaterial) -> None:
        if not any(vault.read(keyid).data_key):
            load(vault, keyid, material)

    monkeypatch.setattr(Vault, "load", once)
    assert Held(32, 0) == exposure(SAVING, SMALL).replaced


def test_a_vault_that_does_not_wrap_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.service.vault.aes_key_wrap", lambda _, keys: keys + bytes(8))
    monkeypatch.setattr("impl.service.vault.aes_key_unwrap", lambda _, form: form[:32])
    assert 32 == getattr(exposure(DESIGNS["wrapped-vault"], SMALL).in_use, "plaintext", None)


def spare(patch: pytest.MonkeyPatch, holds: str, clear: int = 0) -> None:
    """From now on only the first bytes of such objects are cleared before they are freed."""
    free = Slab.kfree_sensitive

    def partly(slab: Slab, freed: Object) -> None:
        if freed.holds == holds:
            slab._memory.write(freed.address, bytes(clear))
            slab.kfree(freed)
        else:
            free(slab, freed)

    patch.setattr(Slab, "kfree_sensitive", partly)


def test_a_programming_structure_that_is_not_cleared_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spare(monkeypatch, "programming structure")
    measured = exposure(FIXED, SMALL)
    assert Held(32, 0) == measured.in_use
    # Releasing a KeyID programs CLEAR_KEY, which uses the structure again at the latest.
    assert NOTHING == measured.released
    assert Stay("key", "plaintext", STRUCTURE, 32, ADD, "release") in measured.stays


def test_half_of_a_key_that_is_left_over_is_counted_by_the_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 4 bytes of the data key are cleared, which lies at 64; the tweak key lies at 128.
    spare(monkeypatch, "programming structure", clear=68)
    assert Held(28, 0) == exposure(FIXED, SMALL).in_use


def test_the_hexadecimal_digits_of_a_key_count_as_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    spare(monkeypatch, "payload copy")
    measured = exposure(FIXED, SMALL)
    assert Held(32, 0) == measured.in_use
    assert {"freed payload copy"} == {stay.place for stay in measured.stays}


def test_a_payload_structure_that_a_parse_error_leaves_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaking = FIXED.but(parse_error="leaks_payload")
    assert Held(32, 0) == exposure(leaking, SMALL).refused
    spare(monkeypatch, "payload structure")
    assert Held(32, 0) == exposure(FIXED, SMALL).refused


def test_a_user_key_that_the_design_refuses_can_be_left_over_too() -> None:
    leaking = DESIGNS["cpu-keys-only"].but(parse_error="leaks_payload")
    assert LEAK in exposure(leaking, SMALL).stays


def test_a_key_that_was_supplied_again_and_not_cleared_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StartupGate, "release", lambda *_: None)
    measured = exposure(DESIGNS["resupply"], SMALL)
    assert Held(32, 0) == measured.in_use == measured.released
    kept = Stay("key", "plaintext", "payload structure", 32, "package online", "")
    assert kept in measured.stays


def test_entropy_that_stays_on_the_stack_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Programmer, "_free", lambda self, structure: self._slab.kfree_sensitive(structure)
    )
    measured = exposure(FIXED, SMALL)
    assert 16 == measured.entropy
    assert ENTROPY[:1] == measured.stays


def test_a_kernel_that_copies_the_payload_once_more_holds_more_while_it_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preparse = Preparser.preparse

    def copying(preparser: Preparser, payload: bytes, *more: Any) -> Object:
        copy = preparser._slab.kmalloc(len(payload), "second copy")
        preparser._memory.write(copy.address, payload)
        return preparse(preparser, payload, *more)

    monkeypatch.setattr(Preparser, "preparse", copying)
    resupply = exposure(DESIGNS["resupply"], SMALL)
    assert Held(128, 0) == resupply.adding
    assert Held(128, 0) == resupply.joining


def test_every_call_of_a_history_has_a_place_in_the_order_of_ends() -> None:
    names = {name for calls in histories.HISTORIES.values() for name, _ in calls}
    assert names == set(ENDS) - {""}


def test_the_entropy_that_is_looked_for_is_the_first_that_the_kernel_draws() -> None:
    drawn = seeded(0, "kernel entropy")(KEY_BYTES)
    assert [Secret("key", "entropy", drawn)] == histories._ENTROPY


# KeyIDs: at boot, after a failed add, with a package offline, released meanwhile


def usable(*counts: int, each: bool = False, errno: str = "ENOKEY") -> Usable:
    return Usable(sum(counts), counts if each else None, errno)


def unharmed(keys: int) -> Loss:
    return Loss("", usable(keys), 0, 0, usable(keys))


POSTED = {
    shape: (usable(n), unharmed(n), unharmed(n), unharmed(n))
    for shape, n in ((SMALL, 2), (LARGE, 4))
}
REPAIRED = {
    SMALL: (
        usable(2),
        Loss("", usable(1), 2, 2, usable(2)),
        unharmed(2),
        Loss("", usable(1), 1, 1, usable(2)),
    ),
    LARGE: (
        usable(4),
        Loss("", usable(3), 3, 3, usable(4)),
        unharmed(4),
        Loss("", usable(3), 1, 1, usable(4)),
    ),
}
NONE_USABLE = usable(0, errno="EINVAL")
IN_REACH = {
    SMALL: (
        *REPAIRED[SMALL][:2],
        Loss("", NONE_USABLE, 0, 0, NONE_USABLE),
        Loss("EBUSY", usable(2), 0, 0, usable(2)),
    ),
    LARGE: (
        *REPAIRED[LARGE][:2],
        Loss("", NONE_USABLE, 0, 0, NONE_USABLE),
        Loss("EBUSY", usable(4), 0, 0, usable(4)),
    ),
}
ON_EACH = {
    SMALL: (
        usable(2, 2, each=True),
        Loss("", usable(1, 1, each=True), 2, 2, usable(2, 2, each=True)),
        Loss("", usable(2, 0, each=True), 0, 0, usable(2, 0, each=True)),
        Loss("", usable(2, 1, each=True), 1, 1, usable(2, 2, each=True)),
    ),
    LARGE: (
        usable(4, 4, 4, each=True),
        Loss("", usable(3, 3, 3, each=True), 3, 3, usable(4, 4, 4, each=True)),
        Loss("", usable(4, 4, 0, each=True), 0, 0, usable(4, 4, 0, each=True)),
        Loss("", usable(4, 4, 3, each=True), 1, 1, usable(4, 4, 4, each=True)),
    ),
}
KEYIDS = {
    "rfc-v2": POSTED,
    "rfc-v2-savekeys": POSTED,
    "rfc-v2-fixed": REPAIRED,
    "rfc-v2-savekeys-fixed": REPAIRED,
    "no-hotplug": IN_REACH,
    "cpu-keys-only": REPAIRED,
    "per-package": ON_EACH,
    "wrapped-vault": IN_REACH,
    "resupply": IN_REACH,
}


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_usable_keyids_are_pinned(name: str, shape: Shape) -> None:
    assert KEYIDS[name][shape] == tuple(vars(keyids(DESIGNS[name], shape)).values())


def test_a_map_that_never_gives_its_last_keyid_is_measured_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lowest_free = KeyMap.lowest_free

    def but_the_last(key_map: KeyMap, out_of_service: Iterable[int]) -> int | None:
        return lowest_free(key_map, {*out_of_service, 2})

    monkeypatch.setattr(KeyMap, "lowest_free", but_the_last)
    assert usable(1) == keyids(FIXED, SMALL).at_boot
    assert usable(1, 1, each=True) == keyids(DESIGNS["per-package"], SMALL).at_boot


def test_a_worker_that_clears_and_forgets_to_say_so_restores_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(System, "put_into_service", lambda *_: None)
    assert Loss("", usable(1), 2, 2, usable(1)) == keyids(FIXED, SMALL).failed_add


def test_a_kernel_without_quarantine_loses_no_keyid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(System, "put_out_of_service", lambda *_: None)
    measured = keyids(FIXED, SMALL)
    assert unharmed(2) == measured.failed_add == measured.released_offline


def test_a_kernel_that_programs_out_of_reach_keeps_its_keyids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(System, "refuse_unreachable", lambda *_: None)
    assert unharmed(2) == keyids(DESIGNS["no-hotplug"], SMALL).offline


# The whole


def test_the_same_design_and_machine_have_the_same_costs() -> None:
    for design in DESIGNS.values():
        assert costs(design, SMALL) == costs(design, SMALL)


def test_the_json_form_has_every_figure_and_no_key() -> None:
    measured = costs(DESIGNS["rfc-v2-savekeys"], SMALL)
    text = json.dumps(measured.as_json())
    assert {"user", "silent", "cpu"} == {
        field.partition("_")[0] for field in json.loads(text) if field.endswith("_startups")
    }
    assert {"packages": 2, "cpus": 2, "keyids": 2} == json.loads(text)["machine"]
    for label in (histories.KEY, histories.MALFORMED, "replacement", "0", "1"):
        for needle in user_key(label).needles():
            assert needle.hex() not in text + repr(measured)
            assert needle.decode(errors="replace") not in text + repr(measured)


def test_a_secret_shows_its_name_and_no_byte() -> None:
    key = user_key("key")
    shown = repr(Secret("key", "plaintext", key.data_key))
    assert "Secret(name='key', form='plaintext')" == shown


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (Shape(0, 2, 2), "packages must be 1..64"),
        (Shape(2, 0, 2), "every package needs a CPU"),
        (Shape(2, 2, 0), "KeyIDs must be 1.."),
        (Shape(65, 1, 1), "packages must be 1..64"),
    ],
)
def test_a_machine_that_cannot_be_built_is_refused(shape: Shape, reason: str) -> None:
    with pytest.raises(ValueError, match=f"cannot build the machine: {reason}"):
        costs(FIXED, shape)
