"""The claims about a key service: one sentence each, one Z3 text each, judging both sides.

Read `catalogue` for the list and for where each claim means anything; `consistency`, `bookkeeping`,
`secrecy`, `availability`, `interface`, `data`, `payload` and `locking` hold the claims themselves.
`own` makes one that a user has written.
"""

from properties.catalogue import (
    KNOWN_PROPERTIES,
    PROPERTIES,
    PropertyError,
    claims_about,
    limited_to_scopes,
    not_applicable,
    property_from_text,
)

__all__ = [
    "KNOWN_PROPERTIES",
    "PROPERTIES",
    "PropertyError",
    "claims_about",
    "limited_to_scopes",
    "not_applicable",
    "property_from_text",
]
