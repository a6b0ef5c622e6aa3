"""Decides how key bytes are kept out of everything that is shown.

A payload is shown with a fingerprint in place of every key; that of ``key=`` and ``tweak=``
together is the one that the key tables show. Whatever else looks like a key is replaced too,
wherever it comes from: a payload may stand in a line where none belongs.
"""

from __future__ import annotations

import hashlib
import re
from itertools import groupby
from typing import AnyStr, Final

from impl.hardware.engine import KEY_BYTES
from impl.hardware.keytable import fingerprint
from impl.service.parser import ALGORITHMS, HEX_DIGITS, TYPES

KNOWN_WORDS: Final = {value.decode() for value in (*TYPES, *ALGORITHMS)}
KEY_TOKEN: Final = re.compile(r"\b(key|tweak)=(?!<[0-9a-f]{4}>)[^\s\"',]{2,}", re.IGNORECASE)
LONG_HEX: Final = re.compile(rf"(?:0x)?[0-9a-fA-F]{{{HEX_DIGITS - 8},}}")


PIECE: Final = 8
"""So many digits, signs or bytes of a key in a row are a piece of it, and are not shown."""

SMALL: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def encoded(text: str) -> bytes:
    """The bytes of a payload or text."""
    return text.encode(errors="surrogateescape")


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


class Secrets:
    """The keys that a script gives, in payloads or as long hex numbers elsewhere.

    No piece of one is shown where a text of the script's or bytes of memory are.
    """

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._bytes: set[bytes] = set()

    def payload(self, text: str) -> None:
        """The keys in a payload; of one for another type all of it."""
        if not is_mktme(text):
            self._add(text)
            self._bytes |= _pieces(encoded(text))
            return
        for name, value in tokens(text).items():
            if name in ("key", "tweak"):
                self._add(value)
                self._bytes |= _pieces(key_bytes(value))

    def text(self, text: str) -> None:
        """The long hex numbers in a text."""
        for match in LONG_HEX.finditer(text):
            self._add(match[0])

    def _add(self, text: str) -> None:
        self._texts |= _pieces(text.translate(SMALL))

    def are_in(self, data: bytes) -> bool:
        """Whether bytes hold a piece of a key."""
        return bool(self._bytes) and not self._bytes.isdisjoint(_pieces(data))

    def hide(self, text: str) -> str:
        """A text with a fingerprint for every piece of a key."""
        small = text.translate(SMALL)
        hidden: set[int] = set()
        for at in range(len(text) - PIECE + 1):
            if small[at : at + PIECE] in self._texts:
                hidden.update(range(at, at + PIECE))
        runs = groupby(range(len(text)), hidden.__contains__)
        pieces = ((is_hidden, "".join(text[at] for at in run)) for is_hidden, run in runs)
        return "".join(
            of_bytes(encoded(piece)) if is_hidden else piece for is_hidden, piece in pieces
        )


def _pieces(text: AnyStr) -> set[AnyStr]:
    return {text[at : at + PIECE] for at in range(len(text) - PIECE + 1)}
