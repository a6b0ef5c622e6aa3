"""With TME in bypass, a page written under no-encrypt reads back under TME, and vice versa.

The model once said that a page is lost whenever its KeyID's entry changes its mode. Both modes
leave DRAM as it is when KeyID 0 traffic is not encrypted; the walk over every edge found that.
"""

from __future__ import annotations

import pytest
from runs import call_of

from conformance import Lockstep
from designs import DESIGNS
from model import Scope

SCOPE = Scope(2, 1, 1, 1, 1, 1)


def page_survives(bypass: bool, first: str, then: str) -> bool:
    """A page on package 0 while that is out of reach, and its KeyID is updated and programmed."""
    design = DESIGNS["rfc-v2-fixed"]
    machine = Lockstep(design, SCOPE).machine
    names = [variable.name for variable in machine.system.variables]
    start = next(
        state
        for state in machine.initial_states()
        if state[names.index("bypass")] == bypass and state[names.index("present[1]")]
    )
    lockstep = Lockstep(design, SCOPE, start)

    def do(action: str, **choice: object) -> None:
        lockstep.step(call_of(machine.system, action, **choice))

    do("instantiate", key=0, kind=first)
    do("cpu_teardown", package=0, cpu=0)
    do("update", key=0, kind=then)
    do("encrypt", vma=0, key=0)
    do("write", vma=0, package=0)
    do("cpu_startup", package=0, cpu=0, fails_at=1)
    return bool(lockstep.state[names.index("intact[0]")])


@pytest.mark.parametrize(("first", "then"), [("no_encrypt", "clear"), ("clear", "no_encrypt")])
def test_plain_modes_are_alike_in_bypass_only(first: str, then: str) -> None:
    assert page_survives(bypass=True, first=first, then=then)
    assert not page_survives(bypass=False, first=first, then=then)


def test_a_key_is_like_neither() -> None:
    assert not page_survives(bypass=True, first="no_encrypt", then="cpu")
