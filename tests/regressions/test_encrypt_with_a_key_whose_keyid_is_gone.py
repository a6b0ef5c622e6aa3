"""What a VMA's owner had asked for was looked up at the KeyID of a key that had none any more.

Look-up by address finds a stale KeyID for a key, and destroying that key drops the reference there:
so its successor's own KeyID is released under it, and the next key at the address has none at all.
"""

from __future__ import annotations

from runs import answers

from conformance import Lockstep
from designs import design_from_text
from model import Scope


def test_the_kernel_answers_and_is_watched() -> None:
    lockstep = Lockstep(design_from_text("rfc-v2"), Scope(1, 1, 2, 1, 2, 1))
    calls = [
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("encrypt", {"vma": 0, "key": 0}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("destroy", {"key": 0}),
        ("instantiate", {"key": 0, "kind": "cpu"}),
        ("unmap", {"vma": 0}),
        ("encrypt", {"vma": 0, "key": 0}),
    ]
    assert {"ok"} == set(answers(lockstep, calls))
