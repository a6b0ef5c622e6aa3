"""The claims about a key service: one sentence each, one Z3 text each, judging both sides.

Read `catalogue` for the list and for where each claim means anything; `consistency`, `secrecy`,
`availability`, `interface`, `data`, `payload` and `locking` hold the claims themselves.
"""

from properties.catalogue import (
    PROPERTIES,
    PropertyError,
    claims_about,
    limited_to_scopes,
    not_applicable,
    property_from_text,
)

__all__ = [
    "PROPERTIES",
    "PropertyError",
    "claims_about",
    "limited_to_scopes",
    "not_applicable",
    "property_from_text",
]
