"""The systems that are checked: guards and effects as Z3 terms. Nothing here runs: `impl` does.

The key service with its machine and memory is one transition system (`key_service`). Read `scope`
for how large a machine is checked, `families` for what it remembers, `state` for the predicates it
is written in, `service` for the key service's operations, `requests` for what an owner asked for,
`references` for who still needs a KeyID, `machine` for what happens to CPUs and packages, `memory`
for what processes do, `pages` for what becomes of their bytes, `programming` for what all of these
share, `attacker` for who sees what, `reductions` for states that stand for others.
`payloads` is a system of its own, the parser of payload texts (`payloadstate` is its state), beside
what `documentation` says. Threads and locks are another: `lockpaths` has what each operation takes,
`locks` what threads do with it.

What this leaves out, so that no answer may be read as covering it: keyrings, permissions and
revocation as a step of its own (a key that is destroyed was revoked some time before); VMAs of more
than one page, and memory that is not encrypted; packages that are removed; caches; and what
operations in flight at once do to each other's data.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import z3

from checker.systems.system import BOOL, Index, Interpretation, System, Term
from designs import Design
from model import machine, memory, service
from model.families import families
from model.locks import locks
from model.payloads import payload_parser
from model.reductions import reductions
from model.scope import LIMITS, Scope, ScopeError
from model.sorts import ANSWER, CPU, KEY, KEYID, PACKAGE
from model.state import State

__all__ = [
    "LIMITS",
    "SYSTEMS",
    "Scope",
    "ScopeError",
    "State",
    "key_service",
    "text_of",
]


def key_service(design: Design, interpretation: Interpretation) -> System:
    """The modelled system for a design, under a finite or any other interpretation."""
    return System(
        name=design.name,
        interpretation=interpretation,
        families=families(design),
        answers=ANSWER,
        initially=functools.partial(_booted, design),
        actions=(*service.actions(design), *machine.actions(design), *memory.actions(design)),
        view=lambda values: State(design, interpretation, values),
        reductions=reductions(design),
    )


SYSTEMS: Mapping[str, Callable[[Design, Interpretation], System]] = {
    "": key_service,
    "payload": payload_parser,
    "locks": locks,
}
"""The modelled systems by the name that a property gives; most speak about the key service."""


@functools.lru_cache(maxsize=64)
def text_of(design: Design, system: str = "") -> Callable[[Interpretation], System]:
    """The text of one of a design's systems, which any interpretation may read.

    The same for the same design, so that what was read of it can be kept.
    """
    return functools.partial(SYSTEMS[system], design)


def _booted(design: Design, state: State) -> Term:
    """All CPUs of the packages in the machine are online; package 0 is one; no key exists.

    Which other packages are there at boot is open; those that are not can be added later.
    """
    every = state.every
    is_lead = every(
        PACKAGE,
        CPU,
        lambda p, c: state.lead[p, c] == z3.And(state.present[p], state.is_first_cpu(c)),
    )
    request = KEY if state.per_package else KEYID
    claims = [
        every(PACKAGE, lambda p: z3.Implies(state.is_first_package(p), state.present[p])),
        every(PACKAGE, lambda p: state.memory[p] == state.present[p]),
        every(PACKAGE, CPU, lambda p, c: state.online[p, c] == state.present[p]),
        is_lead,
        every(PACKAGE, KEYID, lambda p, k: state.entry_mode[p, k] == state.mode("tme")),
        every(PACKAGE, KEYID, lambda p, k: state.entry_bytes[p, k] == state.bytes("zeros")),
        every(request, lambda i: state.requested_kind[i] == state.kind("user")),
        every(request, lambda i: state.requested_bytes[i] == state.bytes("zeros")),
        *_nothing_yet(state, design),
    ]
    if not state.per_package:
        claims += [
            every(KEYID, lambda k: state.vault_control[k] == state.control("empty")),
            every(KEYID, lambda k: state.vault_bytes[k] == state.bytes("zeros")),
        ]
    return z3.And(claims)


_OF_THE_MACHINE = frozenset({"bypass", "present", "memory", "online", "lead"})
"""What may be true at boot; else there is no key, no VMA, no page, and nothing lies about."""


def _nothing_yet(state: State, design: Design) -> Iterator[Term]:
    for family in families(design):
        if family.of is BOOL and family.name not in _OF_THE_MACHINE:
            value = getattr(state, family.name)
            yield _never(state, value, family.over) if family.over else z3.Not(value)


def _never(state: State, value: Any, over: tuple[Index, ...]) -> Term:
    """That a family over indices is false everywhere."""
    bodies = {
        1: lambda a: z3.Not(value[a]),
        2: lambda a, b: z3.Not(value[a, b]),
        3: lambda a, b, c: z3.Not(value[a, b, c]),
    }
    return state.every(*over, bodies[len(over)])
