"""What each attacker sees of keys: one who reads kernel memory, and one who takes the DRAM.

Kernel memory is behind KeyID 0. Where TME encrypts that, the DRAM yields nothing of it; with TME
off or in bypass it yields everything, freed memory included. Key tables and CPU registers are in
neither. A wrapped vault slot (RFC 3394) holds no key that could be used without the CPU.
"""

from __future__ import annotations

import z3

from checker.systems.system import Term
from model.sorts import KEY, KEYID
from model.state import State


def disclosed(state: State, b: Term) -> Term:
    """Whether kernel memory holds a user key as it is: in use, freed, or never freed."""
    kept = z3.BoolVal(False)
    if not state.per_package and state.design.vault_form == "plaintext":
        kept = state.some(KEYID, lambda k: state.vault_bytes[k] == b)
    return z3.Or(state.struct_residue[b], state.leaked[b], kept)


def in_dram(state: State, b: Term) -> Term:
    """Whether a DRAM image has the user key as it is."""
    return z3.And(state.bypass, disclosed(state, b))


def is_in_use(state: State, b: Term) -> Term:
    """Whether some KeyID stands for the user key."""

    def is_its(x: Term, k: Term) -> Term:
        is_user = state.kind_asked(x, k) == state.kind("user")
        return z3.And(is_user, state.bytes_asked(x, k) == b)

    return state.some_slot(
        lambda p, k: state.some(KEY, lambda x: z3.And(state.has_keyid(x, p, k), is_its(x, k)))
    )
