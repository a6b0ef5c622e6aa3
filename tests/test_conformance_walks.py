"""Model and implementation agree over many random steps.

That no single mistake stays unseen in such a walk, `test_conformance_mutants` shows."""

from __future__ import annotations

import pytest

from conformance.randomwalk import random_walk
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


def actions_of(text: str, scope: Scope, steps: int, seed: int = 0) -> set[str]:
    """The actions of a random walk on which model and implementation agree."""
    return {said.split()[0] for said in random_walk(design_from_text(text), scope, steps, seed)}


@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_over_random_steps(text: str) -> None:
    assert 8 <= len(actions_of(text, Scope(), 120))


@pytest.mark.deep
@pytest.mark.parametrize("scope", LARGE, ids=str)
@pytest.mark.parametrize("text", [*DESIGNS, *MIXES])
def test_model_and_implementation_agree_over_very_many_steps(text: str, scope: Scope) -> None:
    """112,000 steps over all of them: 28 designs, two scopes, 2,000 steps each."""
    assert 28 == len(DESIGNS) + len(MIXES)
    assert 10 <= len(actions_of(text, scope, 2_000, seed=1))
