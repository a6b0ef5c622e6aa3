"""Faults of the model: one action takes another step than its text says."""

from __future__ import annotations

from typing import Any

from conformance.mutants.fault import Change, Mutant, blind, forgets, no, only_where, yes
from model import Scope
from model.sorts import KEYID

SMALL = Scope(2, 1, 1, 1, 1, 1)
TWO_CPUS = Scope(2, 2, 1, 1, 1, 1)
TWO_KEYIDS = Scope(1, 1, 2, 1, 1, 1)
TWO_VMAS = Scope(1, 1, 1, 1, 2, 1)
ENTRY = ("entry_mode", "entry_bytes")


def _first_package(old: Any, _choice: Any, package: Any, *_: Any) -> Any:
    return old.is_first_package(package)


def _not_the_last_keyid(old: Any, _choice: Any, _package: Any, keyid: Any) -> Any:
    return old._interpretation.is_last(KEYID, keyid) == no()


def _mutant(
    id: str,
    wrong: str,
    fault: Change,
    first: str,
    design: str = "rfc-v2-fixed",
    scope: Scope = SMALL,
) -> Mutant:
    return Mutant(id, wrong, "model", fault, design, scope, first)


MUTANTS = (
    _mutant(
        "model-update-misses-packages",
        "update programs package 0 only",
        only_where("update", _first_package, *ENTRY),
        "tables-agree",
    ),
    _mutant(
        "model-instantiate-misses-packages",
        "instantiate programs package 0 only",
        only_where("instantiate", _first_package, *ENTRY),
        "tables-agree",
    ),
    _mutant(
        "model-startup-skips-last-keyid",
        "cpu_startup programs every mapped KeyID but the last one there is",
        only_where("cpu_startup", _not_the_last_keyid, *ENTRY),
        "memory-agrees",
        "wrapped-vault",
    ),
    _mutant(
        "model-update-leaves-key",
        "update changes the mode of an entry and not its key",
        forgets("update", "entry_bytes"),
        "tables-agree",
    ),
    _mutant(
        "model-update-leaves-bit",
        "update leaves the user-type bit",
        forgets("update", "bit"),
        "bitmap-exact",
    ),
    _mutant(
        "model-destroy-leaves-bit",
        "destroy leaves the user-type bit",
        forgets("destroy", "bit"),
        "bitmap-exact",
        "per-package",
    ),
    _mutant(
        "model-destroy-leaves-map",
        "destroy leaves the map slot",
        forgets("destroy", "mapped"),
        "no-lost-keyid",
    ),
    _mutant(
        "model-new-key-not-mapped",
        "instantiate does not enter the key into the map",
        forgets("instantiate", "mapped"),
        "map-exact",
    ),
    _mutant(
        "model-encrypt-takes-no-reference",
        "encrypt takes no reference",
        forgets("encrypt", "counted"),
        "refcount-exact",
    ),
    _mutant(
        "model-fork-takes-no-reference",
        "fork takes no reference",
        forgets("fork", "counted"),
        "refcount-exact",
        scope=TWO_VMAS,
    ),
    _mutant(
        "model-teardown-keeps-lead",
        "cpu_teardown leaves the lead CPU",
        forgets("cpu_teardown", "lead"),
        "lead-exact",
    ),
    _mutant(
        "model-startup-takes-no-lead",
        "cpu_startup makes nobody the lead CPU",
        forgets("cpu_startup", "lead"),
        "lead-exact",
        scope=TWO_CPUS,
    ),
    _mutant(
        "model-destroy-clears-one-package",
        "destroy clears the KeyID on package 0 only, and waits for no other",
        only_where("destroy", _first_package, *ENTRY, "uncleared"),
        "released-is-clear",
    ),
    _mutant(
        "model-update-while-in-use",
        "update does not look whether VMAs use the KeyID",
        blind("update", lambda _old, _choice: {"has_more_references": no}),
        "live-data-intact",
        "no-hotplug",
    ),
    _mutant(
        "model-destroy-under-vmas",
        "destroy releases the KeyID with the key's own reference, whoever else has one",
        blind("destroy", lambda _old, _choice: {"has_one_reference": yes}),
        "right-key",
        "no-hotplug",
    ),
    _mutant(
        "model-keyid-given-twice",
        "instantiate gives the lowest KeyID, in use or not",
        blind("instantiate", lambda _old, _choice: {"is_free": yes}),
        "keyid-names-key",
        scope=TWO_KEYIDS,
    ),
    _mutant(
        "model-pages-stay-near-cpus",
        "migrate moves pages only to packages with an online CPU",
        blind(
            "migrate",
            lambda old, _choice: {"may_lie_on": lambda _vma, package: old.has_online(package)},
        ),
        "migration-admitted",
    ),
    _mutant(
        "model-retry-clears-nothing",
        "retry_clear puts the KeyID back into service and leaves the entry",
        forgets("retry_clear", *ENTRY),
        "released-is-clear",
    ),
    _mutant(
        "model-write-keeps-owner",
        "write leaves what an observer knows of who can open the page",
        forgets("write", "opens"),
        "lockstep",
        "no-hotplug",
    ),
    _mutant(
        "model-instantiate-leaves-vault",
        "instantiate does not load the vault's control word",
        forgets("instantiate", "vault_control"),
        "memory-agrees",
        "wrapped-vault",
    ),
    _mutant(
        "model-update-forgets-own-slot",
        "update of a key that is found at another's slot leaves what was asked of its own",
        blind("update", lambda _old, _choice: {"was_given": no}),
        "lockstep",
        "rfc-v2-fixed,key_lookup=by_address",
        Scope(1, 1, 2, 2, 1, 1),
    ),
    _mutant(
        "model-token-not-remembered",
        "take does not remember which tokens were there already",
        forgets("take", "seen", system="payload"),
        "payload-as-documented",
        scope=Scope(),
    ),
    _mutant(
        "model-failure-keeps-locks",
        "an operation that goes on after a failing PCONFIG gives its locks back to nobody",
        forgets("fail", "holds", system="locks"),
        "no-lost-lock",
        scope=Scope(),
    ),
    _mutant(
        "model-locks-never-held",
        "step neither takes locks nor gives them back",
        forgets("step", "holds", system="locks"),
        "no-deadlock",
        scope=Scope(),
    ),
)
"""Each named after the action that goes wrong."""
