"""What lies in kernel memory and in pages, byte by byte, but for keys: of these only where.

A key is recognised in two ways. Where the kernel keeps keys (a programming structure, a payload
structure, the vault, the entropy on the stack), whatever is not all zeros is one. Elsewhere every
run of three bytes, or six digits, of a key that anything held so far is a part of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final, Literal, NamedTuple

from conformance.owners import user_key
from conformance.subject import Subject
from impl import Kernel, Mode
from impl.hardware.engine import KEY_BYTES, LINE_BYTES
from impl.hardware.keytable import fingerprint
from impl.hardware.machine import PACKAGE_BITS
from impl.hardware.pconfig import FIELD_BYTES, STRUCTURE_BYTES
from impl.service.material import CONTROL_BYTES, MATERIAL_BYTES
from impl.service.vault import KEYS_OFFSET, SLOT_BYTES
from mktme.results.shape import Shape

ROW_BYTES: Final = 16
PIECE_BYTES: Final = 3
"""A piece of a key so long is recognised wherever it lies; by chance one occurs in 16 million."""


class Piece(Shape):
    """Bytes in a row: in hexadecimal digits, or only how many of a key, and which.

    `key`: the fingerprint. `is_new`: the last call changed them.
    """

    size: int
    digits: str = ""
    key: str = ""
    is_new: bool = False


class Line(Shape):
    """16 bytes at an offset of a region, or `zeros` of nothing but zero bytes."""

    offset: int
    pieces: tuple[Piece, ...] = ()
    zeros: int = 0


Kind = Literal["area", "live", "freed", "page"]


class Region(Shape):
    """A run of memory with a name. `kind`: a static area, a kernel object live or freed, or a page.

    `seen`: how it is looked at. `address`: physical, without KeyID bits.
    """

    name: str
    kind: Kind
    address: int
    size: int
    seen: str
    lines: tuple[Line, ...]


class Secrets:
    """The keys that anything held so far, by their bytes, with a fingerprint each."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._pieces: dict[bytes, str] = {}

    def learn(self, subject: Subject) -> None:
        """Every key that users have, that a key table holds, and the entropy drawn last."""
        for number in range(subject.scope.values):
            key = user_key(chr(ord("A") + number))
            self._add(key.data_key, key.tweak_key)
        for package in subject.kernel.machine.packages:
            for keyid in range(1, package.table.keyids + 1):
                entry = package.table[keyid]
                if entry.mode is Mode.ENCRYPT:
                    self._add(entry.data_key, entry.tweak_key)
        for area in subject.kernel.memory.areas:
            if area.name == "kernel stack":
                entropy = subject.kernel.memory.read(area.address, KEY_BYTES)
                self._add(entropy, entropy)

    def _add(self, data_key: bytes, tweak_key: bytes) -> None:
        for part in (data_key, tweak_key):
            if any(part) and part not in self._known:
                self._known[part] = fingerprint(data_key, tweak_key)
                for start in range(len(part) - PIECE_BYTES + 1):
                    piece = part[start : start + PIECE_BYTES]
                    for found in (piece, piece.hex().encode(), piece.hex().upper().encode()):
                        self._pieces.setdefault(found, self._known[part])

    def within(self, content: bytes) -> dict[int, str]:
        """Offset to fingerprint, for every byte that is a part of a key."""
        found: dict[int, str] = {}
        for length in {len(piece) for piece in self._pieces}:
            for at in range(len(content) - length + 1):
                key = self._pieces.get(content[at : at + length])
                if key is not None:
                    found |= dict.fromkeys(range(at, at + length), key)
        return found


Contents = Mapping[tuple[str, int], bytes]
"""What lay somewhere, by how it was looked at and the address: to see what a call changed."""


class Memory(NamedTuple):
    """The regions of one moment, and what a later moment is compared with."""

    regions: tuple[Region, ...]
    contents: Contents


_Raw = tuple[str, Kind, str, int, bytes, Iterable[range]]
"""A region's name and kind, how it is looked at, its address, its bytes, and where keys are."""


def looked_at(subject: Subject, secrets: Secrets, before: Contents | None) -> Memory:
    """Static areas, kernel objects live or freed, and the first line of each page."""
    raw = [*_areas(subject.kernel), *_objects(subject.kernel), *_pages(subject)]
    now = {(seen, address): content for _, _, seen, address, content, _ in raw}
    drawn = (_region(one, secrets, now if before is None else before) for one in raw)
    return Memory(tuple(drawn), now)


_AS_KERNEL: Final = "as the kernel reads it, through KeyID 0"


def _areas(kernel: Kernel) -> Iterator[_Raw]:
    for area in kernel.memory.areas:
        content = kernel.memory.read(area.address, area.size)
        yield area.name, "area", _AS_KERNEL, area.address, content, _keys_in(area.name, area.size)


def _objects(kernel: Kernel) -> Iterator[_Raw]:
    for known in sorted(kernel.slab.objects(), key=lambda known: known.address):
        content = kernel.memory.read(known.address, known.size)
        kind: Kind = "live" if known.live else "freed"
        keys = _keys_in(known.holds, known.size)
        yield f"{known.holds} ({known.cache})", kind, _AS_KERNEL, known.address, content, keys


def _pages(subject: Subject) -> Iterator[_Raw]:
    for vma in range(subject.scope.vmas):
        page = subject.pages.page(vma)
        if page is None:
            continue
        address, keyid = page
        package = subject.kernel.machine.packages[address >> PACKAGE_BITS]
        name = f"page of VMA {vma}, first line"
        stored = package.dram.read(address - package.base, LINE_BYTES)
        yield name, "page", "as DRAM stores it", address, stored, ()
        if package.memory_present:
            read = subject.pages.read(address, keyid)[:LINE_BYTES]
            seen = f"as its process reads it, through KeyID {keyid}"
            yield name, "page", seen, address, read, ()


def _keys_in(holds: str, size: int) -> Iterable[range]:
    """Where the kernel keeps keys in what holds this; elsewhere only known keys are looked for."""
    if holds == "vault":
        return [range(at + KEYS_OFFSET, at + SLOT_BYTES) for at in range(0, size, SLOT_BYTES)]
    return {
        "kernel stack": [range(size)],
        "programming structure": [
            range(FIELDS_OFFSET, FIELDS_OFFSET + FIELD_BYTES),
            range(FIELDS_OFFSET + FIELD_BYTES, STRUCTURE_BYTES),
        ],
        "payload structure": [range(CONTROL_BYTES, MATERIAL_BYTES)],
    }.get(holds, [])


FIELDS_OFFSET: Final = STRUCTURE_BYTES - 2 * FIELD_BYTES
"""Where the key fields of a programming structure begin."""


def _region(raw: _Raw, secrets: Secrets, before: Contents) -> Region:
    name, kind, seen, address, content, places = raw
    keys = secrets.within(content)
    for place in places:
        whole = content[place.start : place.stop]
        for start in range(place.start, place.stop, KEY_BYTES):
            part = range(start, min(start + KEY_BYTES, place.stop))
            if any(content[at] for at in part):
                unknown = [at for at in part if at not in keys]
                keys |= dict.fromkeys(unknown, fingerprint(whole, b""))
    then = before.get((seen, address))
    new = {at for at, byte in enumerate(content) if then is None or byte != then[at]}
    lines = tuple(_lines(content, keys, new))
    return Region(name=name, kind=kind, address=address, size=len(content), seen=seen, lines=lines)


def _lines(content: bytes, keys: Mapping[int, str], new: Collection[int]) -> Iterator[Line]:
    """Rows of 16 bytes; rows in which there is nothing, and was nothing, become one."""
    zeros = 0
    for start in range(0, len(content), ROW_BYTES):
        row = range(start, min(start + ROW_BYTES, len(content)))
        if not any(content[at] or at in new for at in row):
            zeros += len(row)
            continue
        if zeros:
            yield Line(offset=start - zeros, zeros=zeros)
            zeros = 0
        yield Line(offset=start, pieces=tuple(_pieces(content, row, keys, new)))
    if zeros:
        yield Line(offset=len(content) - zeros, zeros=zeros)


def _pieces(
    content: bytes, row: range, keys: Mapping[int, str], new: Collection[int]
) -> Iterator[Piece]:
    for (key, is_new), group in groupby(row, key=lambda at: (keys.get(at, ""), at in new)):
        places = list(group)
        digits = "" if key else bytes(content[at] for at in places).hex(" ")
        yield Piece(size=len(places), digits=digits, key=key, is_new=is_new)
