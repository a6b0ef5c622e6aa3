"""The key service and its machine as a transition system whose guards and effects are Z3 terms.

Read `scope` for how large a machine is checked, `state` for what it remembers, `service` for the
key service's operations, `machine` for what happens to CPUs and packages, `programming` for what
they share, `reductions` for which states may stand for others. `key_service` puts them together.
Threads and locks are a system of their own: `lockpaths` has what each operation takes, `locks` what
threads do with it. Nothing here runs: `impl` does.

What this model leaves out, so that no answer may be read as covering it: reference counts, VMAs and
pages, key object addresses, what operations in flight at once do to each other's data, and
revocation as a step of its own (a key that is destroyed was revoked some time before).
`NOT_MODELLED` names the knobs that need them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import z3

from checker.systems.system import Interpretation, System, Term
from designs import Design
from model import machine, service
from model.locks import locks
from model.reductions import reductions
from model.scope import LIMITS, Scope, ScopeError
from model.sorts import ANSWER, BYTES, CPU, KEY, KEYID, PACKAGE
from model.state import State, families

__all__ = [
    "LIMITS",
    "NOT_MODELLED",
    "SYSTEMS",
    "Scope",
    "ScopeError",
    "State",
    "key_service",
    "text_of",
]

NOT_MODELLED: Mapping[str, str] = {
    "vault_form": "no property so far looks into a vault that is in use",
    "count_entries": "reference counts are not modelled",
    "parser": "payloads are modelled as accepted or refused, not as text",
    "key_lookup": "key object addresses are not modelled",
}
"""Knobs that do not act in the model yet, each with the reason. The implementation may differ."""


def key_service(design: Design, interpretation: Interpretation) -> System:
    """The modelled system for a design, under a finite or any other interpretation."""
    return System(
        name=design.name,
        interpretation=interpretation,
        families=families(design),
        answers=ANSWER,
        initially=_booted,
        actions=(*service.actions(design), *machine.actions(design)),
        view=lambda values: State(design, interpretation, values),
        reductions=reductions(design),
    )


SYSTEMS: Mapping[str, Callable[[Design, Interpretation], System]] = {
    "": key_service,
    "locks": locks,
}
"""The modelled systems by the name that a property gives; most speak about the key service."""


def text_of(design: Design, system: str = "") -> Callable[[Interpretation], System]:
    """The text of one of a design's systems, which any interpretation may read."""
    return functools.partial(SYSTEMS[system], design)


def _booted(state: State) -> Term:
    """All CPUs of the packages in the machine are online; package 0 is one; no key exists.

    Which other packages are there at boot is open; those that are not can be added later.
    """
    every = state.every
    is_lead = every(
        PACKAGE,
        CPU,
        lambda p, c: state.lead[p, c] == z3.And(state.present[p], state.is_first_cpu(c)),
    )
    claims = [
        every(PACKAGE, lambda p: z3.Implies(state.is_first_package(p), state.present[p])),
        every(PACKAGE, lambda p: state.memory[p] == state.present[p]),
        every(PACKAGE, CPU, lambda p, c: state.online[p, c] == state.present[p]),
        is_lead,
        every(PACKAGE, KEYID, lambda p, k: state.entry_mode[p, k] == state.mode("tme")),
        every(PACKAGE, KEYID, lambda p, k: state.entry_bytes[p, k] == state.bytes("zeros")),
        every(PACKAGE, KEYID, lambda p, k: z3.Not(state.uncleared[p, k])),
        every(BYTES, lambda b: z3.Not(state.struct_residue[b])),
        every(BYTES, lambda b: z3.Not(state.leaked[b])),
        every(KEY, lambda x: z3.Not(state.live[x])),
        every(KEY, lambda x: state.requested_kind[x] == state.kind("user")),
        every(KEY, lambda x: state.requested_bytes[x] == state.bytes("zeros")),
        every(KEY, PACKAGE, KEYID, lambda x, p, k: z3.Not(state.has_keyid(x, p, k))),
        every(PACKAGE, KEYID, lambda p, k: z3.Not(state.has_bit(p, k))),
    ]
    if not state.per_package:
        claims += [
            every(KEYID, lambda k: state.vault_control[k] == state.control("empty")),
            every(KEYID, lambda k: state.vault_bytes[k] == state.bytes("zeros")),
        ]
    return z3.And(claims)
