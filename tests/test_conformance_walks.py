"""Model and implementation agree over many random steps, and no single mistake stays unseen."""

from __future__ import annotations

import pytest
from kernel_faults import FAULTS
from lockstep_walks import Differs, walk

from designs import DESIGNS, design_from_text
from model import Scope

MIXES = (
    "rfc-v2,startup_gate=none",
    "rfc-v2,user_keys=refused",
    "rfc-v2,unreachable_package=refuse_keys,teardown=keep_last_lead",
    "rfc-v2,last_put=deferred",
    "rfc-v2,error_unlock=present",
    "rfc-v2,key_lookup=by_serial",
    "rfc-v2,on_release=clear_first",
    "rfc-v2,on_program_failure=quarantine",
    "rfc-v2,bitmap_update=after_success",
    "rfc-v2,keyid_scope=per_package",
    "rfc-v2-savekeys,vault_on_release=scrub",
    "rfc-v2-savekeys,vault_form=wrapped",
    "rfc-v2-fixed,key_lookup=by_address",
    "rfc-v2-fixed,on_release=keep",
    "per-package,key_lookup=by_address",
    "per-package,last_put=locks_again",
    "per-package,on_program_failure=leave",
    "resupply,bitmap_bits=n",
    "resupply,key_lookup=by_address",
)
"""Each one step, or few, away from a named design, so that every knob acts beside others."""

LARGE = [Scope(2, 2, 2, 2, 2, 2), Scope(2, 1, 2, 2, 3, 1)]

STEPS = {
    "fork takes no reference": 43,
    "unmap drops no reference": 61,
    "encrypt takes no reference": 42,
    "a reference is dropped twice": 55,
    "the last reference releases nothing": 71,
    "a reference is dropped on one package only": 37,
    "an extension counts the key alone": 1182,
    "encrypt leaves the page": 3915,
    "a freed page is cleared": 13,
    "a migrated page is not encrypted again": 472,
    "a write after fork copies nothing": 29,
    "fork leaves the parent's page writable": 1038,
    "a page is placed far from its process": 52,
    "the map keeps a slot": 7,
    "the map counts a slot that is free": 7,
    "a look-up takes the highest slot": 72,
    "a new key gets the highest KeyID": 5,
    "a KeyID that waits for clearing is given away": 6,
    "a bit is never cleared": 88,
    "a bit is never set": 81,
    "the vault is stale after an update": 87,
    "the vault keeps keys unasked": 11,
    "a released vault slot is not scrubbed": 7,
    "an unlock is forgotten": 46,
    "clear skips a package": 7,
    "nothing is ever quarantined": 5,
    "a retry clears nothing": 9,
    "programming reaches one package": 14,
    "a package out of reach refuses no key": 29,
    "the startup gate is open": 192,
    "a startup programs the last KeyID first": 428,
    "a teardown is never refused": 302,
    "the highest CPU takes the lead": 72,
    "an added package has memory at once": 2,
    "a payload is never freed": 5,
    "a programming structure is scrubbed though the design does not": 11,
}
"""After how many steps of the walk with seed 0 each fault is met."""


@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_over_random_steps(text: str) -> None:
    made = walk(design_from_text(text), Scope(), 120)
    assert 8 <= len({action.split()[0] for action in made})


@pytest.mark.deep
@pytest.mark.parametrize("scope", LARGE, ids=str)
@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_over_very_many_steps(text: str, scope: Scope) -> None:
    """112,000 steps over all of them: 28 designs, two scopes, 2,000 steps each."""
    assert 28 == len(DESIGNS) + len(MIXES)
    made = walk(design_from_text(text), scope, 2_000, seed=1)
    assert 10 <= len({action.split()[0] for action in made})


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_fault_in_the_implementation_is_met(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS[name]
    fault.make(monkeypatch)
    with pytest.raises(Differs) as differs:
        walk(design_from_text(fault.design), fault.scope, 5_000)
    assert STEPS[name] == differs.value.steps


def test_every_fault_is_met_and_none_is_forgotten() -> None:
    assert set(FAULTS) == set(STEPS)
    assert 36 == len(FAULTS)


@pytest.mark.parametrize("design", sorted({fault.design for fault in FAULTS.values()}))
def test_without_a_fault_the_same_walk_differs_nowhere(design: str) -> None:
    scopes = {fault.scope for fault in FAULTS.values() if fault.design == design}
    for scope in sorted(scopes, key=str):
        met = [STEPS[n] for n, f in FAULTS.items() if (f.design, f.scope) == (design, scope)]
        assert walk(design_from_text(design), scope, min(max(met), 500))
