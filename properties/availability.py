"""Availability: is a CPU, a package or a key refused that a user would expect to be admitted?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import State, words
from model.sorts import KEY, KEYID, PACKAGE, VMA


def _starts_package(step: Transition) -> Term:
    """A CPU starts in a package that has none online."""
    if step.action != "cpu_startup":
        return z3.BoolVal(False)
    return z3.Not(step.old.has_online(step.parameters.package))


def _is_admitted(step: Transition) -> Term:
    if step.action != "cpu_startup":
        return z3.BoolVal(True)
    # With per-package KeyIDs a startup executes no PCONFIG, so that none can fail.
    failed = z3.BoolVal(False) if step.old.per_package else step.parameters.fails
    return z3.Implies(
        z3.And(_starts_package(step), z3.Not(failed)), step.answer == step.answers("ok")
    )


def _explain_refusal(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    package = call["package"]
    was = "has no online CPU" if reading.is_true("memory", int(package)) else "was just added"
    return (
        f"package {package} {was}, no PCONFIG failed, and still CPU {call['cpu']} is refused"
        " with EPERM"
    )


HOTPLUG_ADMITTED = Property(
    id="hotplug-admitted",
    kind="step",
    sentence=(
        "A CPU of a package without online CPUs, or of an added package, is never refused unless a"
        " PCONFIG failed."
    ),
    formula=_is_admitted,
    premise=Premise("step", _starts_package),
    explain=_explain_refusal,
    source="RFC v2 patch 13",
)


def _explain_teardown(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    return (
        f"CPU {call['cpu']} is the last online one of package {call['package']}, and it is refused"
        f" with {reading.answer} because KeyIDs are mapped"
    )


def _is_teardown(step: Transition) -> Term:
    return z3.BoolVal(step.action == "cpu_teardown")


TEARDOWN_ADMITTED = Property(
    id="teardown-admitted",
    kind="step",
    sentence="A CPU teardown is never refused.",
    formula=lambda step: z3.Implies(_is_teardown(step), step.answer == step.answers("ok")),
    premise=Premise("step", _is_teardown),
    explain=_explain_teardown,
    source="RFC v2 patch 13",
)


def _brings_well_formed_key(step: Transition) -> Term:
    """A user key is added while a KeyID is free wherever it is wanted, or updated while unused."""
    if step.action not in ("instantiate", "update"):
        return z3.BoolVal(False)
    old, choice = step.old, step.parameters
    is_user = choice.kind == old.kind("user")
    strikes = old.some(PACKAGE, lambda p: choice.fails[p])
    fits = _finds_room if step.action == "instantiate" else _is_unused
    return z3.And(is_user, z3.Not(strikes), fits(old, choice))


def _finds_room(old: State, choice: Any) -> Term:
    def has_room(p: Term) -> Term:
        wanted = choice.wanted[p] if old.per_package else z3.BoolVal(True)
        return z3.Implies(wanted, old.has_room(p))

    return old.every(PACKAGE, has_room)


def _is_unused(old: State, choice: Any) -> Term:
    """The key has a KeyID, and no VMA has it."""

    def is_in_use(p: Any, k: Term) -> Term:
        return z3.And(old.finds(choice.key, p, k), old.has_more_references(p, k))

    has_keyid = old.some_slot(lambda p, k: old.finds(choice.key, p, k))
    return z3.And(has_keyid, z3.Not(old.some_slot(is_in_use)))


def _explain_key(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    is_update = reading.is_true("live", int(call["key"]))
    although = "no VMA uses the KeyID of its key" if is_update else "a KeyID is free"
    return (
        f"a well-formed user key is refused with {reading.answer}, although {although} and no"
        " PCONFIG failed"
    )


USER_KEYS_ADMITTED = Property(
    id="user-keys-admitted",
    kind="step",
    sentence=(
        "A well-formed type=user payload is never refused while a KeyID is free, unless a PCONFIG"
        " failed."
    ),
    formula=lambda step: z3.Implies(
        _brings_well_formed_key(step), step.answer == step.answers("ok")
    ),
    premise=Premise("step", _brings_well_formed_key),
    explain=_explain_key,
    source="RFC v2 patches 01 and 10",
)


def _moves_page(step: Transition) -> Term:
    """A page of an encrypted VMA is to move to another package's memory."""
    if step.action != "migrate":
        return z3.BoolVal(False)
    old, choice = step.old, step.parameters
    is_there = old.some(PACKAGE, lambda p: old.page[choice.vma, p])
    return z3.And(is_there, z3.Not(old.page[choice.vma, choice.package]))


def _explain_migration(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    return (
        f"the page of VMA {call['vma']} cannot move to package {call['package']}, whose memory is"
        f" present ({reading.answer}): its key has no KeyID there"
    )


MIGRATION_ADMITTED = Property(
    id="migration-admitted",
    kind="step",
    sentence="A page of an encrypted VMA can move to any package whose memory is present.",
    formula=lambda step: z3.Implies(_moves_page(step), step.answer == step.answers("ok")),
    premise=Premise("step", _moves_page),
    explain=_explain_migration,
    source="thread on patch 12: what per-socket KeyIDs give up",
)


def _names_one_key(state: State) -> Term:
    if not state.per_package:
        return state.every(
            KEY,
            KEY,
            KEYID,
            lambda x, y, k: z3.Implies(
                z3.And(state.has_keyid(x, None, k), state.has_keyid(y, None, k)), x == y
            ),
        )
    return state.every(
        KEY,
        KEY,
        PACKAGE,
        PACKAGE,
        KEYID,
        lambda x, y, p, q, k: z3.Implies(
            z3.And(state.has_keyid(x, p, k), state.has_keyid(y, q, k)), x == y
        ),
    )


def _explain_name(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    k = at["k"]
    keys = [
        words.requested(reading, at[key], k)
        + (f" on package {at[package]}" if package in at else "")
        for key, package in (("x", "p"), ("y", "q"))
    ]
    return f"{words.keyid_name(k)} is one key's ({keys[0]}) and another's ({keys[1]})"


KEYID_NAMES_KEY = Property(
    id="keyid-names-key",
    kind="state",
    sentence="A KeyID by itself (without a package) names at most one key.",
    formula=_names_one_key,
    premise=Premise(
        "state",
        lambda state: state.some(
            KEY, KEY, lambda x, y: z3.And(state.less(x, y), state.live[x], state.live[y])
        ),
    ),
    explain=_explain_name,
    source="thread on patch 12: what per-socket KeyIDs give up",
)


def _is_used(state: State, p: object, k: Term) -> Term:
    """A live key or a VMA has the KeyID."""
    by_key = state.some(KEY, lambda x: z3.And(state.live[x], state.has_keyid(x, p, k)))
    return z3.Or(by_key, state.some(VMA, lambda v: state.vma_uses(v, p, k)))


def _loses_its_last_user(step: Transition) -> Term:
    """A KeyID that a live key or a VMA had is had by none any more."""

    def is_left(p: Any, k: Term) -> Term:
        return z3.And(_is_used(step.old, p, k), z3.Not(_is_used(step.new, p, k)))

    return step.old.some_slot(is_left)


def _explain_lost(reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    name = words.slot_name(at["k"], at.get("p"))
    return f"{name} is still mapped, but no live key and no VMA has it: nothing will free it"


NO_LOST_KEYID = Property(
    id="no-lost-keyid",
    kind="state",
    sentence=(
        "Between operations and garbage collections, a KeyID without key and VMA is free (or waits"
        " for CLEAR_KEY, which a kernel worker tries again)."
    ),
    formula=lambda state: state.every_slot(
        lambda p, k: z3.Implies(state.is_mapped(p, k), _is_used(state, p, k))
    ),
    premise=Premise("step", _loses_its_last_user),
    explain=_explain_lost,
    source="RFC v2 patches 04, 07 and 10",
)
