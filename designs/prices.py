"""What a posture costs: the properties that a design gives up by its very nature.

A *price* is a violation that no repair of a detail would remove: it follows from the postures
alone. It is no mistake of the design; a comparison must show it as what that position costs. The
tests hold this table against the checker: with every detail repaired, the properties listed here
are the ones that are violated, and no others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from designs.knobs import Design


@dataclasses.dataclass(frozen=True)
class Price:
    """The properties that are given up by a design that `is_paid_by` names, in one sentence."""

    properties: tuple[str, ...]
    is_paid_by: Callable[[Design], bool]
    sentence: str


def _keeps_no_user_keys(design: Design) -> bool:
    """Whether there are user keys, and nobody has them when a package comes online."""
    return design.savekeys == "off" and design.user_keys == "allowed"


def _admits_zeros(design: Design) -> bool:
    return design.startup_gate == "none" and _keeps_no_user_keys(design)


def _loses_reach(design: Design) -> bool:
    """Whether a key can be programmed without a package whose memory holds its pages."""
    return design.unreachable_package == "ignored" and design.teardown == "always"


_GLOBAL = (
    Price(
        (
            "memory-agrees",
            "table-as-requested",
            "right-key",
            "cold-boot-data",
            "never-in-clear",
        ),
        lambda design: design.unreachable_package == "ignored",
        "keys are programmed without the packages that have no online CPU, although their memory"
        " stays in use",
    ),
    Price(
        ("live-data-intact",),
        lambda design: (
            design.startup_gate != "refuse_any_key"
            and (design.unreachable_package == "ignored" or design.teardown == "always")
        ),
        "a package that comes online again is programmed again, with other random keys than the"
        " pages in its memory were written under",
    ),
    Price(
        ("tables-agree", "memory-agrees", "table-as-requested", "right-key", "no-neighbour"),
        _admits_zeros,
        "a package comes online without the user keys that nobody kept",
    ),
    Price(
        ("hotplug-admitted",),
        lambda design: design.startup_gate == "refuse_any_key",
        "no package can come online while any key is in use",
    ),
    Price(
        ("hotplug-admitted",),
        lambda design: design.startup_gate == "user_bitmap" and _keeps_no_user_keys(design),
        "user keys are not kept, so no package can come online while one is in use",
    ),
    Price(
        ("hotplug-admitted",),
        lambda design: design.startup_gate == "resupply" and _keeps_no_user_keys(design),
        "a package stays offline until every user key's owner answers",
    ),
    Price(
        ("cold-boot-keys",),
        lambda design: (
            design.savekeys == "on"
            and design.vault_form == "plaintext"
            and design.user_keys == "allowed"
        ),
        "the vault keeps user keys as they are, where a DRAM image has them if KeyID 0 is not"
        " encrypted",
    ),
    Price(
        ("user-keys-admitted",),
        lambda design: design.unreachable_package == "refuse_keys",
        "no key can be added while a package with memory has no online CPU",
    ),
)

_PER_PACKAGE = (
    Price(
        (
            "tables-agree",
            "memory-agrees",
            "table-as-requested",
            "right-key",
            "cold-boot-data",
            "never-in-clear",
        ),
        _loses_reach,
        "an update misses the packages of the key that have no online CPU, and a package that comes"
        " online again programs nothing",
    ),
    Price(
        ("keyid-names-key",),
        lambda design: True,
        "a KeyID names a key only together with a package",
    ),
    Price(
        ("migration-admitted",),
        lambda design: True,
        "a page can lie only where its key has a KeyID",
    ),
    Price(
        ("user-keys-admitted",),
        lambda design: True,
        "a key that is wanted on a package needs an online CPU there",
    ),
)

_ANY = (
    Price(
        ("teardown-admitted",),
        lambda design: design.teardown == "keep_last_lead",
        "a package's last online CPU stays while KeyIDs are mapped",
    ),
    Price(
        ("user-keys-admitted", "payload-as-documented"),
        lambda design: design.user_keys == "refused",
        "a documented payload of type=user is refused",
    ),
    Price(
        ("failure-is-noop",),
        lambda design: True,
        "PCONFIG has no undo: where it fails on one package, others have the new entry already, and"
        " a repaired design takes the KeyID out of service",
    ),
)


def prices(design: Design) -> Mapping[str, str]:
    """Property id to one sentence that says what is given up, and for what."""
    found: dict[str, str] = {}
    for price in _of(design):
        for claim in price.properties:
            found.setdefault(claim, price.sentence)
    return found


def _of(design: Design) -> Iterator[Price]:
    scope = _PER_PACKAGE if design.keyid_scope == "per_package" else _GLOBAL
    return (price for price in (*_ANY, *scope) if price.is_paid_by(design))
