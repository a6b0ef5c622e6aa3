"""Decides what a package's key table holds: one entry per KeyID.

Software can program an entry but not read it back. Source: Intel SDM volume 4, memory encryption;
RFC v2 reads nothing back and neither does the simulated kernel. Tests and the abstraction function
look inside as a logic analyser would.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from impl.hardware.engine import LineEngine


class Mode(Enum):
    """How lines under a KeyID are stored."""

    TME = "TME"
    ENCRYPT = "encrypt"
    NO_ENCRYPT = "no-encrypt"


def fingerprint(data_key: bytes, tweak_key: bytes) -> str:
    """Four hex digits that tell two keys apart for a reader and tell an attacker nothing useful."""
    return hashlib.sha256(data_key + tweak_key).hexdigest()[:4]


@dataclass(frozen=True, repr=False)
class Entry:
    """One entry: mode, algorithm bits (1 = AES-XTS-128), and two 16-byte keys if it encrypts."""

    mode: Mode = Mode.TME
    algorithm: int = 0
    data_key: bytes = b""
    tweak_key: bytes = b""

    def __repr__(self) -> str:
        if self.mode is not Mode.ENCRYPT:
            return f"Entry({self.mode.value})"
        return f"Entry({self.mode.value}, key {fingerprint(self.data_key, self.tweak_key)})"


RESET = Entry()


class KeyTable:
    """The entries of KeyIDs 1..N of one package. It has no tie to CPUs: only a reset empties it."""

    def __init__(self, keyids: int) -> None:
        self.keyids = keyids
        self._entries: list[Entry] = []
        self._engines: dict[int, LineEngine] = {}
        self.reset()

    def reset(self) -> None:
        """Every KeyID back to mode TME, as after power-on."""
        self._entries = [RESET] * (self.keyids + 1)
        self._engines.clear()

    def __getitem__(self, keyid: int) -> Entry:
        """The entry of KeyID 1..N; IndexError outside (KeyID 0 is the TME key and has no entry)."""
        if not 1 <= keyid <= self.keyids:
            raise IndexError(f"KeyID {keyid} has no entry: the table holds 1..{self.keyids}")
        return self._entries[keyid]

    def __setitem__(self, keyid: int, entry: Entry) -> None:
        _ = self[keyid]
        self._entries[keyid] = entry
        self._engines.pop(keyid, None)

    def engine(self, keyid: int) -> LineEngine:
        """The cipher of an entry in mode encrypt, built when its first line passes."""
        engine = self._engines.get(keyid)
        if engine is None:
            entry = self[keyid]
            engine = self._engines[keyid] = LineEngine(entry.data_key, entry.tweak_key)
        return engine

    def __repr__(self) -> str:
        return f"KeyTable({self._entries[1:]!r})"
