"""The model cleared a KeyID that was free already when its last reference was dropped once more.

Found by random steps under `rfc-v2-fixed,key_lookup=by_address`: destroying a key drops a reference
of the KeyID that is found for it, which can be one of a VMA's. The KeyID is free while that VMA
still uses it; a child takes a reference, drops it, and nothing is left to be cleared.
"""

from __future__ import annotations

from runs import answers

from conformance import Lockstep
from designs import design_from_text
from model import Scope

DESIGN = "rfc-v2-fixed,key_lookup=by_address"


def test_a_keyid_that_is_free_is_not_cleared_again() -> None:
    lockstep = Lockstep(design_from_text(DESIGN), Scope(1, 1, 2, 1, 2, 1))
    calls = [
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("destroy", {"key": 0}),
        ("fork", {"vma": 0, "child": 1}),
        ("unmap", {"vma": 1, "fails": {0}}),
    ]
    assert {"ok"} == set(answers(lockstep, calls))
    assert set() == lockstep.subject.kernel.uncleared()
