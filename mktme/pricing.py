"""How a price is told beside a run that need not be the one which shows it.

In a design with posted details the shortest counterexample may be a mistake that a repair removes,
where the property is violated all the same once it is repaired. So a reader is not to take the
sentence of the price for the reason of the run.
"""

from __future__ import annotations

from designs import KNOWN_DESIGNS, Design, prices, repaired


def price_told(design: Design, property_id: str) -> str | None:
    """What a violation of the property says of the design's posture; None where that is nothing."""
    if (price := prices(design).get(property_id)) is None:
        return None
    settings = repaired(design).settings()
    if design.settings() == settings:
        return f"The price of the posture: {price}."
    named = [f" ({name})" for name, known in KNOWN_DESIGNS.items() if known.settings() == settings]
    return (
        f"With every detail repaired{''.join(named[:1])} it is violated as well, by this run or"
        f" another: {price}."
    )
