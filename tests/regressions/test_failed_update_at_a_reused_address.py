"""What becomes of a key that a failed update ends, where its address is held by two slots.

Under `rfc-v2,on_program_failure=quarantine` a key at a reused address is found at its predecessor's
KeyID. A failed update takes that one out of service and ends the key. Found by random steps: it was
still said to have been given its own KeyID. Found by a review: model and kernel then left that one
mapped for ever, a counterexample to `no-lost-keyid`, although the collector finds it by the address
and drops the key's reference, as it does when it comes through the keyrings.
"""

from __future__ import annotations

import pytest
from runs import Choice, answers

from conformance import Lockstep
from designs import design_from_text
from model import Scope

DESIGNS = ["rfc-v2,on_program_failure=quarantine", "rfc-v2-fixed,key_lookup=by_address"]

CALLS: list[tuple[str, Choice]] = [
    ("instantiate", {"key": 0, "kind": "cpu"}),
    ("encrypt", {"vma": 0, "key": 0}),
    ("destroy", {"key": 0}),
    ("instantiate", {"key": 0, "kind": "cpu"}),
]
FAILS: list[tuple[str, Choice]] = [("update", {"key": 0, "kind": "cpu", "fails": {0}})]


def after(design: str, calls: list[tuple[str, Choice]]) -> Lockstep:
    lockstep = Lockstep(design_from_text(design), Scope(1, 1, 2, 1, 1, 1))
    assert ["ENOKEY" if call in FAILS else "ok" for call in calls] == answers(lockstep, calls)
    return lockstep


@pytest.mark.parametrize("design", DESIGNS)
def test_the_collector_finds_the_keyid_that_the_key_was_given(design: str) -> None:
    assert {1, 2} == set(after(design, CALLS).subject.kernel.entries())
    ended = after(design, [*CALLS, *FAILS]).subject.kernel
    assert ({}, set()) == (ended.entries(), ended.live_serials())
    assert (0, 0) == (ended.references(1), ended.references(2))


@pytest.mark.parametrize("design", DESIGNS)
def test_a_key_that_a_failed_update_ended_is_collected(design: str) -> None:
    """Its object is free for the next key, as the model says."""
    again: list[tuple[str, Choice]] = [
        ("retry_clear", {"package": 0, "keyid": "1"}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
    ]
    after(design, [*CALLS, *FAILS, *again])
