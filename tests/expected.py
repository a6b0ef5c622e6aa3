"""What is expected of every design and key-service property: how long its counterexample is."""

from __future__ import annotations

from designs import DESIGNS
from model import Scope
from properties import PROPERTIES, not_applicable

SMALL = Scope(2, 1, 1, 1, 2, 1)
"""Of what is violated in the default scope all but a few is violated here."""

POSTED: dict[str, tuple[int, int]] = {
    "tables-agree": (2, 2),
    "memory-agrees": (2, 2),
    "table-as-requested": (2, 2),
    "bitmap-exact": (1, 2),
    "map-exact": (0, 4),
    "refcount-exact": (0, 4),
    "no-plaintext-after-release": (2, 2),
    "cold-boot-keys": (1, 1),
    "cold-boot-data": (4, 4),
    "released-is-clear": (1, 1),
    "never-in-clear": (4, 4),
    "live-data-intact": (5, 6),
    "right-key": (4, 4),
    "no-neighbour": (7, 6),
    "no-lost-keyid": (0, 5),
    "in-bounds": (1, 1),
    "no-dangling": (3, 3),
    "failure-is-noop": (1, 1),
}
"""What the posted designs break, with the lengths of the counterexamples in `SMALL` and in the
default scope; 0: there is none in `SMALL`."""

OFFLINE: dict[str, tuple[int, int]] = {
    "memory-agrees": (2, 3),
    "table-as-requested": (2, 3),
    "cold-boot-data": (4, 5),
    "never-in-clear": (4, 5),
    "live-data-intact": (5, 6),
    "right-key": (4, 5),
    "failure-is-noop": (1, 1),
}
"""A package goes offline while keys and pages are on it, and comes back."""

HELD: dict[str, tuple[int, int]] = {
    "teardown-admitted": (2, 3),
    "user-keys-admitted": (2, 3),
    "failure-is-noop": (1, 1),
}
"""No package with keys goes offline."""

LENGTHS: dict[str, dict[str, tuple[int, int]]] = {
    "rfc-v2": {
        **POSTED,
        "no-plaintext-unsaved": (1, 1),
        "hotplug-admitted": (0, 3),
    },
    "rfc-v2-savekeys": POSTED,
    "rfc-v2-fixed": {
        **OFFLINE,
        "hotplug-admitted": (3, 3),
    },
    "rfc-v2-savekeys-fixed": {
        **OFFLINE,
        "cold-boot-keys": (1, 1),
    },
    "no-hotplug": {
        **HELD,
        "hotplug-admitted": (3, 3),
    },
    "cpu-keys-only": {
        **OFFLINE,
        "user-keys-admitted": (1, 1),
    },
    "per-package": {
        "tables-agree": (4, 5),
        "memory-agrees": (3, 4),
        "table-as-requested": (3, 4),
        "cold-boot-data": (5, 6),
        "never-in-clear": (5, 6),
        "right-key": (5, 6),
        "user-keys-admitted": (2, 3),
        "migration-admitted": (4, 4),
        "keyid-names-key": (2, 2),
        "failure-is-noop": (1, 1),
    },
    "wrapped-vault": HELD,
    "resupply": {
        **HELD,
        "hotplug-admitted": (3, 3),
    },
}
"""Design to what it breaks. Each other claim that applies is proved, for any size."""

CELLS = [
    (name, property_id, *LENGTHS[name].get(property_id, (0, 0)))
    for name, design in DESIGNS.items()
    for property_id, claim in PROPERTIES.items()
    if claim.system == "" and not_applicable(design, claim) is None
]
"""Design, property, and the two lengths: (0, 0) where the property holds."""

PROVED = {
    design: [claim for name, claim, _, length in CELLS if name == design and not length]
    for design in DESIGNS
}
"""Design to the claims that it keeps."""
