"""A design that keeps every key table in reach, and a property that says so."""

from z3 import And, Implies, Not

from mktme import own

own.design(
    "in-reach",
    base="rfc-v2-fixed",
    teardown="keep_last_lead",
    unreachable_package="refuse_keys",
)


def any_key_in_use(state):
    return state.some(own.KEYID, lambda k: state.is_mapped(None, k))


def is_in_reach(state, package):
    return Implies(state.memory[package], state.has_online(package))


own.property(
    "tables-in-reach",
    "While a KeyID is in use, every package with memory has an online CPU.",
    lambda state: Implies(
        any_key_in_use(state), state.every(own.PACKAGE, lambda p: is_in_reach(state, p))
    ),
    premise=lambda state: And(
        any_key_in_use(state),
        state.some(own.PACKAGE, lambda p: And(state.memory[p], Not(state.is_first_package(p)))),
    ),
    explain=lambda reading, at, call: f"package {at['p']} cannot be programmed any more",
    where={"keyid_scope": "global"},
)
