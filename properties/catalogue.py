"""Which properties there are, and for which designs each one means anything."""

from __future__ import annotations

from collections.abc import Mapping

from checker.systems.property import Property
from designs import Design, nearest
from properties.availability import HOTPLUG_ADMITTED
from properties.consistency import BITMAP_EXACT, MEMORY_AGREES, TABLES_AGREE
from properties.locking import NO_DEADLOCK, NO_LOST_LOCK, OPERATIONS_FINISH
from properties.secrecy import NO_PLAINTEXT_UNSAVED, RELEASED_IS_CLEAR

PROPERTIES: Mapping[str, Property] = {
    claim.id: claim
    for claim in (
        TABLES_AGREE,
        MEMORY_AGREES,
        BITMAP_EXACT,
        NO_PLAINTEXT_UNSAVED,
        RELEASED_IS_CLEAR,
        HOTPLUG_ADMITTED,
        NO_DEADLOCK,
        NO_LOST_LOCK,
        OPERATIONS_FINISH,
    )
}

PROGRESS: Mapping[str, str] = {
    OPERATIONS_FINISH.id: "progress, as steps: nobody waits for ever, and each step nears an end"
}
"""Claims about infinite runs, with what is checked instead of each; its module says why."""


def claims_about(system: str) -> Mapping[str, Property]:
    """The properties of one of a design's systems, by id."""
    return {name: claim for name, claim in PROPERTIES.items() if claim.system == system}


class PropertyError(ValueError):
    """A property that does not exist; the message lists the known ones."""


def property_from_text(text: str) -> Property:
    """The property with that id. Raises PropertyError."""
    if text not in PROPERTIES:
        raise PropertyError(f"unknown property {text!r}{nearest(text, PROPERTIES)}")
    return PROPERTIES[text]


def not_applicable(design: Design, claim: Property) -> str | None:
    """Why the design's own setting excludes the property's premise; None where it does not.

    That differs from a vacuous answer, where the premise should be reachable and is not.
    """
    if claim is NO_PLAINTEXT_UNSAVED and design.savekeys == "on":
        return "savekeys=on: the design keeps user keys on purpose"
    if claim is BITMAP_EXACT and design.user_keys == "refused":
        return "user_keys=refused: no KeyID is ever mapped to a user key"
    return None
