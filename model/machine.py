"""What happens to the machine: packages are added, CPUs come and go, the kernel clears late.

RFC v2 patch 13. The lead CPU of a package is the one that programs its key table.
"""

from __future__ import annotations

from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import BOOL, Action, Parameter, Step, Term
from designs import Design
from model.programming import clear, leave_residue, program, read_payload
from model.sorts import BYTES, CPU, KEY, KEYID, KIND, PACKAGE
from model.state import State


def actions(design: Design) -> tuple[Action, ...]:
    """The machine's actions under a design."""
    package, cpu = Parameter("package", PACKAGE), Parameter("cpu", CPU)
    fails, keyid = Parameter("fails", BOOL), Parameter("keyid", KEYID)
    startup = [package, cpu]
    if design.keyid_scope == "global":
        startup += [fails, Parameter("fails_at", KEYID)]
    if design.startup_gate == "resupply":
        startup += [Parameter("answered", BOOL), Parameter("supplied", BYTES, over=(KEYID,))]
    found = [
        Action("package_add", (package,), package_add),
        Action("cpu_startup", tuple(startup), cpu_startup),
        Action("cpu_teardown", (package, cpu), cpu_teardown),
    ]
    if design.on_program_failure == "quarantine" or design.on_release == "clear_first":
        found.append(Action("retry_clear", (package, keyid, fails), retry_clear))
    return tuple(found)


def package_add(old: State, choice: Any) -> Step:
    """A package is put into the machine; its key table is empty, its CPUs are offline."""
    new = Effect(old)
    new.set("present", lambda p: p == choice.package, to=True)
    return Step(z3.Not(old.present[choice.package]), old.answer("ok"), new.cases())


def cpu_startup(old: State, choice: Any) -> Step:
    """A CPU comes online; the first of its package has the package's key table programmed."""
    package, cpu = choice.package, choice.cpu
    is_first = z3.Not(old.has_lead(package))
    # DECIDE
    admitted = z3.Or(z3.Not(is_first), _gate_admits(old, choice))
    programs = z3.And(is_first, admitted)
    failed = z3.BoolVal(False) if old.per_package else choice.fails
    succeeds = z3.And(admitted, z3.Not(failed))
    # GUARD
    is_offline = z3.And(old.present[package], z3.Not(old.online[package, cpu]))
    guard = z3.And(is_offline, old.lock_is_free())
    # EFFECT
    new = Effect(old)
    if not old.per_package:
        guard = z3.And(guard, _fault_strikes(old, choice, programs), _owners_answer(old, choice))
        _resupply_table(new, old, choice, programs)
    if old.design.startup_gate == "resupply":
        read_payload(new, old, z3.And(is_first, choice.answered, _any_user_key(old, package)))
    here = z3.And(succeeds, is_first)
    new.set("online", lambda p, c: z3.And(succeeds, p == package, c == cpu), to=True)
    new.set("lead", lambda p, c: z3.And(here, p == package, c == cpu), to=True)
    new.set("memory", lambda p: z3.And(succeeds, p == package), to=True)
    answer = z3.If(admitted, old.answer("ENOKEY"), old.answer("EPERM"))
    return Step(guard, z3.If(succeeds, old.answer("ok"), answer), new.cases())


def _gate_admits(old: State, choice: Any) -> Term:
    """Whether the startup gate lets a package come online now (`startup_gate`, `savekeys`)."""
    gate = old.design.startup_gate
    if old.per_package or gate == "none":
        return z3.BoolVal(True)
    if gate == "refuse_any_key":
        return z3.Not(old.any_mapped_on(choice.package))
    if old.design.savekeys == "on":
        return z3.BoolVal(True)
    any_counted = old.some(KEYID, lambda k: old.is_counted(choice.package, k))
    if gate == "resupply":
        return z3.Or(z3.Not(any_counted), choice.answered)
    return z3.Not(any_counted)


def _owners_answer(old: State, choice: Any) -> Term:
    """With `startup_gate=resupply`, a gate that counts any bit asks every user key's owner.

    Whose keys they are, the vault's control words say. All owners answer, each with the key that
    it had asked for, or the startup is refused.
    """
    if old.design.startup_gate != "resupply":
        return z3.BoolVal(True)
    package = choice.package
    is_first = z3.Not(old.has_lead(package))
    asked = z3.And(is_first, old.some(KEYID, lambda k: old.is_counted(package, k)))

    def is_its_own(k: Term) -> Term:
        def owns(x: Term) -> Term:
            its = z3.And(old.live[x], old.has_keyid(x, package, k))
            return z3.And(its, _supplies(old, x, k, choice.supplied[k]))

        is_user = old.vault_control[k] == old.control("user")
        supplies = z3.And(choice.answered, asked, old.is_mapped(package, k), is_user)
        return z3.If(supplies, old.some(KEY, owns), choice.supplied[k] == old.bytes("zeros"))

    return z3.And(z3.Implies(z3.Not(choice.answered), asked), old.every(KEYID, is_its_own))


def _supplies(old: State, key: Term, keyid: Term, supplied: Term) -> Term:
    """Whether that is what the owner of a key that a KeyID's slot holds supplies again.

    As posted the slot holds an address, and the kernel asks the owner of the key that is there now,
    which knows of what it was given itself, and has nothing to supply if that is no user key.
    """
    if old.design.key_lookup == "by_serial":
        return old.bytes_asked(key, keyid) == supplied

    def its_own(j: Term) -> Term:
        is_user = old.kind_asked(key, j) == old.kind("user")
        return z3.And(old.was_given(key, None, j), is_user, old.bytes_asked(key, j) == supplied)

    return old.some(KEYID, its_own)


def _any_user_key(old: State, package: Term) -> Term:
    """Whether there is an owner to ask: the vault says which mapped KeyIDs are user keys."""
    user = old.control("user")
    return old.some(
        KEYID, lambda k: z3.And(old.is_mapped(package, k), old.vault_control[k] == user)
    )


def _fault_strikes(old: State, choice: Any, programs: Term) -> Term:
    """PCONFIG can fail at one mapped KeyID: the first failure ends the startup.

    Without a failure `fails_at` means nothing, and is the first KeyID.
    """
    is_first = z3.Not(old.some(KEYID, lambda k: old.less(k, choice.fails_at)))
    strikes = z3.And(programs, old.is_mapped(choice.package, choice.fails_at))
    return z3.If(choice.fails, strikes, is_first)


def _resupply_table(new: Effect, old: State, choice: Any, programs: Term) -> None:
    """Mapped KeyIDs are programmed in order on the CPU that starts, from the vault (patch 13).

    A user key that was never saved is programmed as zeros. With `startup_gate=resupply` user keys
    come from their owners instead, if the gate asked them.
    """
    package = choice.package

    def user_key(k: Term) -> Term:
        resupplied = old.design.startup_gate == "resupply"
        return choice.supplied[k] if resupplied else old.vault_bytes[k]

    def tried(k: Term) -> Term:
        reached = z3.Or(z3.Not(choice.fails), z3.Not(old.less(choice.fails_at, k)))
        return z3.And(programs, old.is_mapped(package, k), reached)

    def programmed(p: Term, k: Term) -> Term:
        struck = z3.And(choice.fails, k == choice.fails_at)
        return z3.And(p == package, tried(k), z3.Not(struck))

    for name in KIND.values:
        word = old.control(name)
        at = _also(programmed, lambda k, word=word: old.vault_control[k] == word)
        program(new, old, at, old.kind(name), user_key)
    if old.design.program_struct == "dirty_free":
        _leave_last(new, old, tried, user_key)


def _also(at: Any, condition: Any) -> Any:
    return lambda p, k: z3.And(at(p, k), condition(k))


def _leave_last(new: Effect, old: State, tried: Any, user_key: Any) -> None:
    """The freed programming structure holds what was programmed last (see `leave_residue`)."""

    def is_last(k: Term) -> Term:
        later = old.some(KEYID, lambda j: z3.And(old.less(k, j), tried(j)))
        return z3.And(tried(k), z3.Not(later))

    def left(b: Term) -> Term:
        user = old.control("user")
        return old.some(
            KEYID,
            lambda k: z3.And(is_last(k), old.vault_control[k] == user, user_key(k) == b),
        )

    any_tried = old.some(KEYID, tried)
    new.set(
        "struct_residue", lambda b: any_tried, to=lambda b: z3.And(old.is_user_bytes(b), left(b))
    )


def cpu_teardown(old: State, choice: Any) -> Step:
    """A CPU goes offline; if it led its package, the lowest other online CPU leads instead.

    The machine's last online CPU cannot go: the kernel runs on it.
    """
    package, cpu = choice.package, choice.cpu

    def is_other(p: Term, c: Term) -> Term:
        return z3.And(old.online[p, c], z3.Not(z3.And(p == package, c == cpu)))

    def takes_over(c: Term) -> Term:
        lower = old.some(CPU, lambda d: z3.And(old.less(d, c), is_other(package, d)))
        return z3.And(is_other(package, c), z3.Not(lower))

    # DECIDE
    last_of_package = z3.Not(old.some(CPU, lambda c: is_other(package, c)))
    held = z3.BoolVal(old.design.teardown == "keep_last_lead")
    refused = z3.And(held, last_of_package, old.any_mapped_on(package))
    goes = z3.Not(refused)
    hands_over = z3.And(goes, old.lead[package, cpu])
    # GUARD
    another = old.some(PACKAGE, CPU, lambda p, c: is_other(p, c))
    guard = z3.And(old.online[package, cpu], another, old.lock_is_free())
    # EFFECT
    new = Effect(old)
    new.set("online", lambda p, c: z3.And(goes, p == package, c == cpu), to=False)
    new.set("lead", lambda p, c: z3.And(goes, p == package, c == cpu), to=False)
    new.set("lead", lambda p, c: z3.And(hands_over, p == package, takes_over(c)), to=True)
    return Step(guard, z3.If(refused, old.answer("EBUSY"), old.answer("ok")), new.cases())


def retry_clear(old: State, choice: Any) -> Step:
    """A kernel worker tries CLEAR_KEY again where a KeyID waits for it (repaired designs only)."""
    package, keyid = choice.package, choice.keyid
    succeeds = z3.Not(choice.fails)
    waits = z3.And(old.uncleared[package, keyid], old.has_lead(package))
    guard = z3.And(waits, old.lock_is_free())
    new = Effect(old)
    clear(new, old, lambda p, k: z3.And(succeeds, p == package, k == keyid))
    leave_residue(new, old, z3.BoolVal(True), old.kind("clear"), old.bytes("zeros"))
    return Step(guard, z3.If(succeeds, old.answer("ok"), old.answer("ENOKEY")), new.cases())
