"""The model collected a key that an encrypt_mprotect refers to which waits for ever.

Found by random steps under `rfc-v2,key_lookup=by_serial`: the collector takes no key that a call in
flight refers to, and a call that waits for itself stays in flight. Here another VMA uses the key as
well, so that no last reference, and so no lock, is needed to destroy it.
"""

from __future__ import annotations

import pytest
from runs import answers, call_of

from conformance import Lockstep
from designs import design_from_text
from impl import KernelError
from model import Scope


def hung(design: str) -> Lockstep:
    """VMA 0 waits for ever to be encrypted with key 1, which VMA 1 uses."""
    lockstep = Lockstep(design_from_text(design), Scope(1, 1, 2, 2, 2, 1))
    calls = [
        ("instantiate", {"key": 0, "kind": "user", "bytes": "A"}),
        ("instantiate", {"key": 1, "kind": "user", "bytes": "B"}),
        ("encrypt", {"vma": 0, "key": 0}),
        ("encrypt", {"vma": 1, "key": 1}),
        ("destroy", {"key": 0}),
    ]
    assert {"ok"} == set(answers(lockstep, calls))
    waits = call_of(lockstep.grounding.system, "encrypt", vma=0, key=1)
    assert "waits for ever" == lockstep.step(waits)
    return lockstep


@pytest.mark.parametrize("design", ["rfc-v2", "rfc-v2,key_lookup=by_serial"])
def test_a_key_that_a_hanging_call_refers_to_is_not_collected(design: str) -> None:
    lockstep = hung(design)
    destroy = call_of(lockstep.grounding.system, "destroy", key=1)
    assert lockstep.machine.step(lockstep.state, destroy) is None
    serial = lockstep.subject.keys.serials[1]
    with pytest.raises(KernelError, match="an operation in flight refers to it"):
        lockstep.subject.kernel.destroy(serial)
