"""Decides what two attackers find: one who takes the memory modules, one who reads kernel memory.

Both know what to look for, byte for byte, and search all they have for it; they report where it is,
never what it is. Source: the attackers of hardware.md. Not simulated: an attacker who must
recognise a key that he does not know, by its key schedule for instance (here no key schedule lies
in memory).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from impl.attack.decay import FadedImage, decayed, is_outdone
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.machine import Machine
from impl.heap.memory import Hit

# A run of memory: its physical address and its bytes.
Run = tuple[int, bytes]


@dataclass(frozen=True)
class Finding:
    """One place where a needle was found.

    ``needle``: its name. ``address``: physical, without KeyID bits. ``where``: the object that owns
    the address. ``bits_in_error``: how many bits decay had changed there.
    """

    needle: str
    package: int
    address: int
    where: Hit
    bits_in_error: int = 0


def cold_boot(
    machine: Machine,
    locate: Callable[[int], Hit],
    needles: Mapping[str, bytes],
    decay: float = 0.0,
    seed: int = 0,
) -> list[Finding]:
    """Take the modules of every package out and search the bytes they store.

    Those of a package that was removed, and not replaced yet, are among them.

    ``locate`` tells who owns a physical address; ``needles``: name -> bytes. ``decay`` is the
    probability with which each bit that is off its ground state has fallen to it by then; the same
    seed lets the same bits fall. See `impl.attack.decay` for what is recognised then. In order of
    package, address, name. Raises ValueError for an empty needle and for a decay that is no
    probability.
    """
    check(needles, decay)
    found = []
    for number, package in enumerate(machine.packages):
        pages = ((package.base + offset, page) for offset, page in package.dram.image())
        if decay:
            pages = ((a, decayed(page, a, decay, fading(seed, a))) for a, page in pages)
        for address, image in joined(pages):
            places = faded(address, image, needles, decay) if decay else exact(image, needles)
            for offset, name, errors in sorted(places):
                where = locate(address + offset)
                found.append(Finding(name, number, address + offset, where, errors))
    return found


def disclosure(
    machine: Machine, locate: Callable[[int], Hit], needles: Mapping[str, bytes]
) -> list[Finding]:
    """Read all memory as the kernel maps it, through KeyID 0, and search that.

    Every page that was ever written, on every package: what KeyID 0 wrote in plain, what another
    key wrote as the garbage that KeyID 0 makes of it. Memory that is not usable is not mapped.
    Arguments, order and errors as for `cold_boot`.
    """
    check(needles, 0.0)
    found = []
    for number, package in enumerate(machine.packages):
        if not package.memory_present:
            continue
        addresses = [package.base + offset for offset, _ in package.dram.image()]
        for address, image in joined((a, machine.read(a, PAGE_BYTES)) for a in addresses):
            for offset, name, errors in sorted(exact(image, needles)):
                where = locate(address + offset)
                found.append(Finding(name, number, address + offset, where, errors))
    return found


def check(needles: Mapping[str, bytes], decay: float) -> None:
    """Raises ValueError as `cold_boot` says."""
    for name, needle in needles.items():
        if not needle:
            raise ValueError(f"cannot search memory: the needle {name!r} is empty")
    if not 0 <= decay <= 1:
        raise ValueError(f"cannot let memory decay: {decay} is not a probability")


def fading(seed: int, address: int) -> Random:
    """The source of the bits that fall in the page at an address, whatever else is stored."""
    return Random(f"{seed}/decay of the page at {address}")


def joined(pages: Iterable[Run]) -> Iterator[Run]:
    """Pages, in order of address, as runs: what a needle may cross."""
    start, end = 0, -1
    pieces: list[bytes] = []
    for address, page in pages:
        if address != end and pieces:
            yield start, b"".join(pieces)
            pieces = []
        start = start if pieces else address
        pieces.append(page)
        end = address + len(page)
    if pieces:
        yield start, b"".join(pieces)


def exact(image: bytes, needles: Mapping[str, bytes]) -> Iterator[tuple[int, str, int]]:
    """(offset, name, 0) of every occurrence, overlapping ones too."""
    for name, needle in needles.items():
        offset = image.find(needle)
        while offset >= 0:
            yield offset, name, 0
            offset = image.find(needle, offset + 1)


def faded(
    address: int, image: bytes, needles: Mapping[str, bytes], decay: float
) -> Iterator[tuple[int, str, int]]:
    """(offset, name, bits in error) of every recognised occurrence in a decayed run.

    At one place only of those among contradicting needles that have the fewest errors.
    """
    memory = FadedImage(image, address, decay)
    found: dict[int, dict[str, int]] = {}
    for name, needle in needles.items():
        for offset, errors in memory.find(needle):
            found.setdefault(offset, {})[name] = errors
    for offset, errors_of in found.items():
        rivals = [needles[name] for name in errors_of]
        for name, errors in errors_of.items():
            if not is_outdone(needles[name], rivals, memory, offset):
                yield offset, name, errors
