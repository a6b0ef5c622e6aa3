"""Which properties there are, and for which designs each one means anything."""

from __future__ import annotations

from collections.abc import Mapping

from checker.systems.property import Property
from designs import Design, nearest
from designs.known import Known
from properties import (
    availability,
    bookkeeping,
    consistency,
    data,
    interface,
    locking,
    payload,
    secrecy,
)

PROPERTIES: Mapping[str, Property] = {
    claim.id: claim
    for claim in (
        consistency.TABLES_AGREE,
        consistency.MEMORY_AGREES,
        consistency.TABLE_AS_REQUESTED,
        bookkeeping.BITMAP_EXACT,
        bookkeeping.MAP_EXACT,
        bookkeeping.REFCOUNT_EXACT,
        bookkeeping.LEAD_EXACT,
        secrecy.NO_PLAINTEXT_UNSAVED,
        secrecy.NO_PLAINTEXT_AFTER_RELEASE,
        secrecy.COLD_BOOT_KEYS,
        secrecy.COLD_BOOT_KEYS_TME,
        secrecy.COLD_BOOT_DATA,
        secrecy.RELEASED_IS_CLEAR,
        secrecy.NEVER_IN_CLEAR,
        data.LIVE_DATA_INTACT,
        data.RIGHT_KEY,
        data.NO_NEIGHBOUR,
        availability.HOTPLUG_ADMITTED,
        availability.TEARDOWN_ADMITTED,
        availability.USER_KEYS_ADMITTED,
        availability.MIGRATION_ADMITTED,
        availability.KEYID_NAMES_KEY,
        locking.NO_DEADLOCK,
        locking.NO_LOST_LOCK,
        availability.NO_LOST_KEYID,
        locking.OPERATIONS_FINISH,
        interface.IN_BOUNDS,
        interface.NO_DANGLING,
        payload.PAYLOAD_AS_DOCUMENTED,
        interface.FAILURE_IS_NOOP,
    )
}
"""Every property by its id, in the order of the catalogue."""

KNOWN_PROPERTIES: Known[Property] = Known(PROPERTIES)
"""Every property that a text may name: these, and those that a user has added."""

SETTINGS_OF_OWN: dict[str, Mapping[str, str]] = {}
"""For an own property that speaks of some designs only, the knobs that these have set so."""

_NEEDS_USER_KEYS = frozenset(
    {"bitmap-exact", "no-plaintext-after-release", "cold-boot-keys", "cold-boot-keys-tme"}
)
"""Claims about KeyIDs that are mapped to a user key."""

PROGRESS: Mapping[str, str] = {
    locking.OPERATIONS_FINISH.id: (
        "progress, as steps: nobody waits for ever, and each step nears an end"
    )
}
"""Claims about infinite runs, with what is checked instead of each; its module says why."""


class PropertyError(ValueError):
    """A property that does not exist; the message lists the known ones."""


def property_from_text(text: str) -> Property:
    """The property with that id. Raises PropertyError."""
    if text not in KNOWN_PROPERTIES:
        raise PropertyError(f"unknown property {text!r}{nearest(text, KNOWN_PROPERTIES)}")
    return KNOWN_PROPERTIES[text]


def claims_about(system: str) -> tuple[Property, ...]:
    """The properties that speak about one of a design's systems; "" is the key service."""
    return tuple(claim for claim in PROPERTIES.values() if claim.system == system)


def not_applicable(design: Design, claim: Property) -> str | None:
    """Why the design's own setting excludes the property's premise; None where it does not.

    That differs from a vacuous answer, where the premise should be reachable and is not.
    """
    if claim is secrecy.NO_PLAINTEXT_UNSAVED and design.savekeys == "on":
        return "savekeys=on: the design keeps user keys on purpose"
    if claim.id in _NEEDS_USER_KEYS and design.user_keys == "refused":
        return "user_keys=refused: no KeyID is ever mapped to a user key"
    for knob, value in SETTINGS_OF_OWN.get(claim.id, {}).items():
        if (has := design.settings()[knob]) != value:
            return f"{knob}={has}: the property speaks of designs with {knob}={value}"
    return None


def limited_to_scopes(design: Design, claim: Property) -> str | None:
    """Why a proof of the claim for any size would not be true of the design; None if it would."""
    if claim is interface.IN_BOUNDS and design.bitmap_bits == "n":
        return (
            "bitmap_bits=n: where the number of KeyIDs fills whole machine words, bit N lies beyond"
            " them, and a model without numbers has no words"
        )
    return None
