"""Decides how text reaches a terminal: no control character goes there as it is."""

from __future__ import annotations

import json
from typing import Any, Final

SHORT: Final = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x1b": "\\x1b"}


def escaped(text: str) -> str:
    """The text with what cannot be printed as escapes; a backslash stays as it is."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def _escape(sign: str) -> str:
    if sign in SHORT:
        return SHORT[sign]
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def json_line(value: Any) -> str:
    """A value as JSON in one line, readable, and without control characters."""
    text = json.dumps(value, ensure_ascii=False)
    # They stand only within strings, where JSON's own escape says the same.
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
