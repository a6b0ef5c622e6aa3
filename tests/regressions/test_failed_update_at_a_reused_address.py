"""A key that a failed update ended was still said to have been given a KeyID.

Found by random steps under `rfc-v2,on_program_failure=quarantine`: a key at a reused address is
found at its predecessor's KeyID. A failed update takes that one out of service and ends the key;
the KeyID that it was given itself stays in the map, and is nobody's.
"""

from __future__ import annotations

import pytest
from runs import answers

from conformance import Lockstep
from designs import design_from_text
from model import Scope

DESIGN = "rfc-v2,on_program_failure=quarantine"


CALLS = [
    ("instantiate", {"key": 0, "kind": "cpu"}),
    ("encrypt", {"vma": 0, "key": 0}),
    ("destroy", {"key": 0}),
    ("instantiate", {"key": 0, "kind": "cpu"}),
    ("update", {"key": 0, "kind": "cpu", "fails": {0}}),
]


def after_failed_update(design: str) -> Lockstep:
    lockstep = Lockstep(design_from_text(design), Scope(1, 1, 2, 1, 1, 1))
    assert ["ok", "ok", "ok", "ok", "ENOKEY"] == answers(lockstep, CALLS)
    return lockstep


def test_a_failed_update_at_a_reused_address_leaves_the_other_keyid_to_nobody() -> None:
    lockstep = after_failed_update(DESIGN)
    assert {2} == set(lockstep.subject.kernel.entries())
    assert set() == lockstep.subject.kernel.live_serials()


@pytest.mark.parametrize("design", [DESIGN, "rfc-v2-fixed,key_lookup=by_address"])
def test_a_key_that_a_failed_update_ended_is_collected(design: str) -> None:
    """Its object is free for the next key, as the model says."""
    calls = [
        ("retry_clear", {"package": 0, "keyid": "1"}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
    ]
    assert ["ok", "ok"] == answers(after_failed_update(design), calls)
