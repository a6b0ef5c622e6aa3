"""What only the environment knows: who asked for which key, and who wrote what where.

Owners are simulated: they hand payloads in, and remember what they last successfully asked for. The
bytes of a user key follow from its label, so that every run uses the same ones; they are as good as
random for a search of memory. Nothing here shows key bytes: a payload is shown by its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis.vendor.pretty import RepresentationPrinter

from impl.hardware.keytable import Entry, Mode

LABELS = ("A", "B", "C")


@dataclass(frozen=True)
class UserKey:
    """A data key and a tweak key of 16 bytes each; shows its label only."""

    label: str
    data: bytes = field(repr=False)
    tweak: bytes = field(repr=False)

    def needles(self) -> dict[str, bytes]:
        """Every byte string that would give it away: both keys, raw and as hex digits."""
        parts = {"data key": self.data, "tweak key": self.tweak}
        raw = {f"{part} of user key {self.label}": found for part, found in parts.items()}
        return raw | {f"{name} as text": found.hex().encode() for name, found in raw.items()}


def user_key(label: str) -> UserKey:
    """The key with that label."""
    digest = hashlib.sha256(f"user key {label} of the kernel's claims".encode()).digest()
    return UserKey(label, digest[:16], digest[16:])


USER_KEYS = {label: user_key(label) for label in LABELS}


@dataclass(frozen=True)
class Payload:
    """A payload text by name.

    ``kind``: what a parser that accepts it makes of it, None if none should. ``label``: the user
    key in it. ``documented``: whether the RFC's documentation describes it.
    """

    name: str
    text: bytes = field(repr=False)
    kind: str | None = None
    label: str = ""
    documented: bool = True

    @property
    def key(self) -> UserKey:
        """The user key that it asks for."""
        return USER_KEYS[self.label]

    def _repr_pretty_(self, printer: RepresentationPrinter, is_cycle: bool) -> None:
        """How Hypothesis shows it: left to itself it would show every field."""
        printer.text(f"<payload {self.name}>")


def keys_of(label: str) -> str:
    """The two tokens with a user key."""
    key = USER_KEYS[label]
    return f"key={key.data.hex()} tweak={key.tweak.hex()}"


def user(label: str = "A") -> Payload:
    """A user key, as documented."""
    text = f"type=user algorithm=aes-xts-128 {keys_of(label)}"
    return Payload(f"user {label}", text.encode(), "user", label)


ALGORITHM = "algorithm=aes-xts-128"
ENTROPY = "key=" + "5a" * 16 + " tweak=" + "c3" * 16
CPU = Payload("cpu", b"type=cpu algorithm=aes-xts-128", "cpu")
CLEAR = Payload("clear", b"type=clear", "clear")
NO_ENCRYPT = Payload("no-encrypt", b"type=no-encrypt", "no-encrypt")

DOCUMENTED = (
    *(user(label) for label in LABELS),
    CPU,
    CLEAR,
    NO_ENCRYPT,
    Payload("cpu with entropy", f"type=cpu {ALGORITHM} {ENTROPY}".encode(), "cpu"),
    Payload("user A, blanks", f"\t{keys_of('A')}  {ALGORITHM}\ttype=user ".encode(), "user", "A"),
)
# The posted parser takes these, the documentation does not describe them.
FORBIDDEN = (
    Payload("clear, algorithm", f"type=clear {ALGORITHM}".encode(), "clear", "", False),
    Payload("no-encrypt, key", f"type=no-encrypt {ENTROPY}".encode(), "no-encrypt", "", False),
    Payload("user B, more digits", user("B").text + b"00", "user", "B", False),
    Payload("cpu, NUL", CPU.text + b"\0 anything", "cpu", "", False),
)
MALFORMED = (
    Payload("user A, unknown token", user("A").text + b" colour=blue", None, "", False),
    Payload("user B, repeated token", user("B").text + b" type=user", None, "", False),
    Payload("user C, no tweak", user("C").text.partition(b" tweak=")[0], None, "", False),
    Payload("user A, bad digit", user("A").text[:-1] + b"g", None, "", False),
    Payload("unknown type", b"type=nothing", None, "", False),
    Payload("blanks", b" \t ", None, "", False),
    Payload("nothing", b"", None, "", False),
    Payload("too long", user("A").text.ljust(1025), None, "", False),
)
PAYLOADS = (*DOCUMENTED, *FORBIDDEN, *MALFORMED)


@dataclass
class Owned:
    """A key as its owner knows it.

    ``wish``: what was last successfully asked for. ``asked``: the labels of all user keys that it
    ever was. ``is_alive``: neither collected nor lost. ``can_update``: adding its description again
    updates it. ``issued``: per package the entry that the last PCONFIG on its behalf left there, as
    a logic analyser would see it.
    """

    serial: int
    description: str
    wish: Payload
    asked: set[str] = field(default_factory=set)
    is_alive: bool = True
    can_update: bool = True
    issued: dict[int, Entry] = field(default_factory=dict)

    def wishes(self, payload: Payload) -> None:
        """A request succeeded."""
        self.wish = payload
        if payload.kind == "user":
            self.asked.add(payload.label)

    @property
    def encrypts(self) -> bool:
        """Whether its owner wants what is written under it encrypted with a key of its own."""
        return self.wish.kind in ("user", "cpu")

    def is_served_by(self, entry: Entry) -> bool:
        """Whether an entry is what was asked for; of a CPU key nobody knows the bytes."""
        if self.wish.kind == "user":
            key = self.wish.key
            return entry == Entry(Mode.ENCRYPT, 1, key.data, key.tweak)
        if self.wish.kind == "cpu":
            return (entry.mode, entry.algorithm) == (Mode.ENCRYPT, 1)
        return entry == Entry(Mode.TME if self.wish.kind == "clear" else Mode.NO_ENCRYPT)

    def is_on(self, entry: Entry, package: int) -> bool:
        """Whether an entry of a package is this very key."""
        if self.wish.kind == "cpu":
            return entry.mode is Mode.ENCRYPT and entry == self.issued.get(package)
        return self.is_served_by(entry)


@dataclass
class Page:
    """A mapped page as its owner knows it. ``serial``: of the key that the owner named, 0 for none;
    ``written``: offset -> bytes that must be read back there."""

    serial: int = 0
    written: dict[int, bytes] = field(default_factory=dict)

    def copy(self) -> Page:
        """What a forked child has."""
        return Page(self.serial, dict(self.written))


def tokens() -> Iterator[bytes]:
    """16 bytes that nobody ever wrote before, again and again."""
    number = 0
    while True:
        number += 1
        yield hashlib.sha256(f"written {number}".encode()).digest()[:16]
