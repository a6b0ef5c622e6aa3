"""The design space: what a key service may decide, as one immutable value.

Read `knobs` for the knobs and their meaning, then `named` for the designs that have a name
(`known` lets a user add to them), and `prices` for what a posture costs by its very nature.
"""

from designs.knobs import DETAILS, KNOBS, POSTURE, Design, DesignError, Knob, nearest
from designs.named import DESIGNS, KNOWN_DESIGNS, design_from_text, repaired
from designs.prices import prices

__all__ = [
    "DESIGNS",
    "DETAILS",
    "KNOBS",
    "KNOWN_DESIGNS",
    "POSTURE",
    "Design",
    "DesignError",
    "Knob",
    "design_from_text",
    "nearest",
    "prices",
    "repaired",
]
