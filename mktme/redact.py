"""Decides how key bytes are kept out of everything that is shown.

A payload is shown with a fingerprint in place of every key; that of ``key=`` and ``tweak=``
together is the one that the key tables show. Whatever else looks like a key is replaced too,
wherever it comes from: a payload may stand in a line where none belongs.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from impl.hardware.engine import KEY_BYTES
from impl.hardware.keytable import fingerprint
from impl.service.parser import ALGORITHMS, HEX_DIGITS, TYPES

KNOWN_WORDS: Final = {value.decode() for value in (*TYPES, *ALGORITHMS)}
KEY_TOKEN: Final = re.compile(r"\b(key|tweak)=(?!<[0-9a-f]{4}>)[^\s\"',]{2,}", re.IGNORECASE)
LONG_HEX: Final = re.compile(rf"(?:0x)?[0-9a-fA-F]{{{HEX_DIGITS - 8},}}")


def of_bytes(data: bytes) -> str:
    """A fingerprint of any bytes."""
    return f"<{hashlib.sha256(data).hexdigest()[:4]}>"


def key_bytes(digits: str) -> bytes:
    """What the parser takes of a key: whole bytes before the first bad digit, 16 at most."""
    good = re.match(r"(?:[0-9a-fA-F]{2}){0,16}", digits)
    return bytes.fromhex(good[0]) if good else b""


def tokens(payload_text: str) -> dict[str, str]:
    """The tokens ``name=value`` of a payload; a word without a sign of equality has no value."""
    parts = (token.partition("=") for token in payload_text.split())
    return {name: value for name, _, value in parts}


def is_mktme(payload_text: str) -> bool:
    """Whether a payload is meant for an mktme key."""
    return bool({"type", "algorithm", "key", "tweak"} & tokens(payload_text).keys())


def payload(text: str) -> str:
    """A payload as it may be shown."""
    if not is_mktme(text):
        if text in KNOWN_WORDS:
            return f'"{text}"'
        data = text.encode(errors="surrogateescape")
        return f"({len(data)} bytes, {of_bytes(data)})"
    keys = {name: value for name, value in tokens(text).items() if name in ("key", "tweak")}
    pair = tuple(key_bytes(value) for value in keys.values())
    together = None
    if len(pair) == 2 and all(len(one) == KEY_BYTES for one in pair):
        together = f"<{fingerprint(key_bytes(keys['key']), key_bytes(keys['tweak']))}>"
    shown = [_token(token, together) for token in re.split(r"[ \t]+", text)]
    return f'"{" ".join(shown)}"'


def _token(token: str, together: str | None) -> str:
    name, equals, value = token.partition("=")
    if not token or (name in ("type", "algorithm") and value in KNOWN_WORDS):
        return token
    known = name if name in ("type", "algorithm", "key", "tweak") else "…"
    shown = together if together and known in ("key", "tweak") else of_bytes(value.encode())
    return f"{known}={shown}" if equals else "…"


def without_keys(text: str) -> str:
    """A text without anything that looks like a key."""
    text = KEY_TOKEN.sub(lambda match: f"{match[1]}={of_bytes(match[0].encode())}", text)
    return LONG_HEX.sub(lambda match: of_bytes(match[0].encode()), text)
