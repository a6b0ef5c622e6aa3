"""Decides which payload texts are acceptable, and what of them reaches the payload structure.

The grammar is that of RFC v2 patch 10 (options) and patch 01 (documentation). ``parser=lenient`` is
the posted parser; ``parser=strict`` accepts exactly what the documentation describes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from designs import Design
from impl.hardware.engine import KEY_BYTES
from impl.hardware.pconfig import AES_XTS_128, Command, control
from impl.heap.memory import OutOfBounds

TYPES: Final = {
    b"user": Command.SET_KEY_DIRECT,
    b"cpu": Command.SET_KEY_RANDOM,
    b"clear": Command.CLEAR_KEY,
    b"no-encrypt": Command.NO_ENCRYPT,
}
ALGORITHMS: Final = {b"aes-xts-128": AES_XTS_128}
TOKENS: Final = (b"type", b"algorithm", b"key", b"tweak")
REQUIRED: Final = {
    Command.SET_KEY_DIRECT: {b"type", b"algorithm", b"key", b"tweak"},
    Command.SET_KEY_RANDOM: {b"type", b"algorithm"},
    Command.CLEAR_KEY: {b"type"},
    Command.NO_ENCRYPT: {b"type"},
}
DOCUMENTED: Final = {
    **REQUIRED,
    Command.SET_KEY_RANDOM: {b"type", b"algorithm", b"key", b"tweak"},
}
HEX_DIGITS: Final = 2 * KEY_BYTES


class ParseError(Exception):
    """The text is refused; the message is the fact in the way and quotes nothing of the text."""


class Parser:
    """One text, one run.

    ``store_key(token, bytes)`` is called with the hexadecimal bytes that were converted, also when
    the conversion stops at a bad digit: the posted code converts straight into the payload
    structure. ``control_word`` holds the result.
    """

    def __init__(
        self,
        design: Design,
        events: list[OutOfBounds],
        store_key: Callable[[bytes, bytes], None],
    ) -> None:
        self._strict = design.parser == "strict"
        self._refuse_user = design.user_keys == "refused"
        self._events = events
        self._store_key = store_key
        self._values: dict[bytes, int] = {}
        self.control_word = 0

    def parse(self, text: bytes) -> None:
        """Raises ParseError; on success ``control_word`` is set."""
        # The kernel reads a C string: what follows a NUL is not seen, which the documentation does
        # not allow for.
        text, nul, _ = text.partition(b"\0")
        if nul and self._strict:
            raise ParseError("the text contains a NUL")
        for token in re.split(rb"[ \t]+", text):
            if token:
                self._take(token)
        self.control_word = self._decide()

    def _take(self, token: bytes) -> None:
        """One token: number it, test and set its bit in the mask, convert its value."""
        name, equals, value = token.partition(b"=")
        # The specification is silent on an empty value; the kernel's match_token() takes "key=" for
        # no token at all.
        is_known = name in TOKENS and equals and value
        if not is_known:
            if not self._strict:
                # The unknown token has the number -1, and its bit is set before the refusal.
                self._events.append(OutOfBounds("token mask", -1))
            raise ParseError(f"a token is unknown; known: {names(set(TOKENS))}")
        if name in self._values:
            raise ParseError(f"the token {name.decode()}= is repeated")
        self._values[name] = self._convert(name, value)

    def _convert(self, name: bytes, value: bytes) -> int:
        """The value's number: command, algorithm bit, or 0 for a key, whose bytes are stored."""
        if name == b"type":
            if value not in TYPES:
                raise ParseError(f"the type is unknown; known: {values(TYPES)}")
            return TYPES[value]
        if name == b"algorithm":
            if value not in ALGORITHMS:
                raise ParseError(f"the algorithm is unknown; known: {values(ALGORITHMS)}")
            return ALGORITHMS[value]
        self._convert_hex(name, value)
        return 0

    def _convert_hex(self, name: bytes, value: bytes) -> None:
        """The first 32 characters, by twos; bytes before a bad digit are stored by then."""
        if self._strict and len(value) != HEX_DIGITS:
            raise ParseError(f"{name.decode()}= is not exactly 32 hexadecimal digits")
        good = re.match(rb"(?:[0-9a-fA-F]{2}){0,16}", value)
        converted = bytes.fromhex(good.group().decode()) if good else b""
        self._store_key(name, converted)
        if len(converted) != KEY_BYTES:
            raise ParseError(f"{name.decode()}= does not start with 32 hexadecimal digits")

    def _decide(self) -> int:
        """Whether the tokens make a payload; the control word if they do."""
        if b"type" not in self._values:
            raise ParseError(f"there is no type= token; known: type={values(TYPES)}")
        command = Command(self._values[b"type"])
        given = set(self._values)
        if missing := REQUIRED[command] - given:
            raise ParseError(f"{names(missing)} missing")
        extra = given - DOCUMENTED[command]
        if extra and self._strict:
            raise ParseError(f"{names(extra)} not allowed with this type")
        if command is Command.SET_KEY_DIRECT and self._refuse_user:
            raise ParseError("type=user is not accepted")
        is_set = command in (Command.SET_KEY_DIRECT, Command.SET_KEY_RANDOM)
        return control(command, self._values[b"algorithm"] if is_set else 0)


def names(tokens: set[bytes]) -> str:
    """Token names for a message."""
    return ", ".join(sorted(token.decode() + "=" for token in tokens))


def values(known: Iterable[bytes]) -> str:
    """The values that a token may have, for a message."""
    return ", ".join(value.decode() for value in known)
