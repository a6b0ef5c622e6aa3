"""Which real keys stand for the model's symbols: user key A is these bytes, and so on.

The bytes are derived from the label, so that every run uses the same ones, and a reader can tell
from a fingerprint which key is meant. They are as good as random for a search of memory: none of
them occurs there by accident.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable

from impl import Entry
from impl.hardware.keytable import fingerprint

KEY_BYTES = 16


@dataclasses.dataclass(frozen=True)
class UserKey:
    """A data key and a tweak key, 16 bytes each. Shows only its label and fingerprint."""

    label: str
    data_key: bytes = dataclasses.field(repr=False)
    tweak_key: bytes = dataclasses.field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Four hex digits; the same as in a key table entry that holds this key."""
        return fingerprint(self.data_key, self.tweak_key)

    def needles(self) -> tuple[bytes, ...]:
        """Every byte string that would give the key away: both keys, raw and as hex digits."""
        raw = (self.data_key, self.tweak_key)
        return (*raw, *(part.hex().encode() for part in raw))


@functools.cache
def user_key(label: str) -> UserKey:
    """The key that a label of the model's BYTES ("A", "B", …) stands for."""
    digest = hashlib.sha256(f"mktme example user key {label}".encode()).digest()
    return UserKey(label, digest[:KEY_BYTES], digest[KEY_BYTES:])


def label_of(entry: Entry, labels: Iterable[str]) -> str:
    """Which key an entry that encrypts holds: a user's by its label, zeros, or else random.

    What no owner supplied, a package drew.
    """
    if not any(entry.data_key + entry.tweak_key):
        return "zeros"
    for label in labels:
        key = user_key(label)
        if (entry.data_key, entry.tweak_key) == (key.data_key, key.tweak_key):
            return label
    return "random"


def payload(kind: str, label: str) -> bytes:
    """The documented payload text for a kind of the model, with a user key's bytes where due."""
    if kind == "user":
        key = user_key(label)
        return (
            f"type=user algorithm=aes-xts-128 key={key.data_key.hex()} tweak={key.tweak_key.hex()}"
        ).encode()
    return {
        "cpu": b"type=cpu algorithm=aes-xts-128",
        "clear": b"type=clear",
        "no_encrypt": b"type=no-encrypt",
    }[kind]


def malformed_payload(label: str) -> bytes:
    """A payload that is refused at its last token, after a user key in it has been parsed."""
    return payload("user", label) + b" colour=blue"
