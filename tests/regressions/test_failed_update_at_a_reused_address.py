"""A key that a failed update ended was still said to have been given a KeyID.

Found by random steps under `rfc-v2,on_program_failure=quarantine`: a key at a reused address is
found at its predecessor's KeyID. A failed update takes that one out of service and ends the key;
the KeyID that it was given itself stays in the map, and is nobody's.
"""

from __future__ import annotations

from runs import call_of

from conformance import Lockstep
from designs import design_from_text
from model import Scope

DESIGN = "rfc-v2,on_program_failure=quarantine"


def test_a_failed_update_at_a_reused_address_leaves_the_other_keyid_to_nobody() -> None:
    lockstep = Lockstep(design_from_text(DESIGN), Scope(1, 1, 2, 1, 1, 1))
    calls = [
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("update", {"key": 0, "kind": "cpu", "fails": {0}}),
    ]
    answers = [lockstep.step(call_of(lockstep.grounding.system, a, **c)) for a, c in calls]
    assert ["ok", "ok", "ok", "ok", "ENOKEY"] == answers
    assert {2} == set(lockstep.subject.kernel.entries())
    assert set() == lockstep.subject.kernel.live_serials()
