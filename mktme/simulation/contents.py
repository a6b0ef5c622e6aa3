"""Decides how bytes that a process reads are shown: text, zeros, a fingerprint, or as garbage.

Garbage is what differs from the bytes that the script stored there; whatever looks odd and was not
stored by the script is only called no text. Pieces of keys are never shown.
"""

from __future__ import annotations

from mktme.simulation import redact
from mktme.simulation.expectations import GARBAGE, ZEROS, Answer
from mktme.simulation.printable import escaped


def bytes_in_words(data: bytes, known: int, wrong: int, secrets: redact.Secrets) -> Answer:
    """What was read; so many of the bytes are ``known``, and ``wrong`` of these differ."""
    print_ = redact.of_bytes(data)
    text = _text(data)
    if wrong:
        said = f"{GARBAGE} ({_bytes(data)}, {print_}): {wrong} of the {known} stored differ"
        return Answer(said=said, text=text, looks=GARBAGE)
    if data and not any(data):
        return Answer(said=f"{ZEROS} ({_bytes(data)})", text=text, looks=ZEROS)
    if secrets.are_in(data):
        return Answer(said=f"{_bytes(data)} with a piece of a key, {print_}", text=text)
    if text is None:
        return Answer(said=f"{_bytes(data)}, no text {print_}")
    return Answer(said=secrets.hide(quoted(text)), text=text)


def quoted(text: str) -> str:
    """A text as a script may expect it, but for a long tail of zero bytes."""
    tail = len(text) - len(text.rstrip("\0"))
    if tail > ZEROS_SHOWN:
        return f"{quoted(text[:-tail])} and {tail} zero bytes"
    return '"' + escaped(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


ZEROS_SHOWN = 4


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _bytes(data: bytes) -> str:
    return f"{len(data)} byte{'' if len(data) == 1 else 's'}"
