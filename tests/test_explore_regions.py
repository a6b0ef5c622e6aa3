"""Memory byte by byte: everything but keys, and of these where they lie."""

from __future__ import annotations

import pytest
from explored import session_at, walked

from conformance.owners import user_key
from impl import Kernel, Mode
from mktme.explore.regions import PIECE_BYTES, Region
from mktme.explore.session import Session

ADDED = "instantiate(key=0,kind=user,bytes=A)"


def kernel_of(session: Session) -> Kernel:
    """The kernel that runs beside a session of the key service."""
    return session.beside.kernel.subject.kernel


def shown(session: Session) -> list[bytes]:
    """The runs of bytes that are shown, as far as no key is between them."""
    runs: list[bytes] = []
    for region in session.regions():
        runs.append(b"")
        for line in region.lines:
            runs[-1] += bytes(line.zeros)
            for piece in line.pieces:
                if piece.key:
                    runs.append(b"")
                else:
                    runs[-1] += bytes.fromhex(piece.digits)
    return runs


def keys_of(kernel: Kernel) -> set[bytes]:
    """Every key that users have or a table holds, and the entropy on the kernel's stack."""
    found = {part for x in "AB" for part in (user_key(x).data_key, user_key(x).tweak_key)}
    for package in kernel.machine.packages:
        entries = [package.table[keyid] for keyid in range(1, package.table.keyids + 1)]
        found |= {e.data_key for e in entries if e.mode is Mode.ENCRYPT}
        found |= {e.tweak_key for e in entries if e.mode is Mode.ENCRYPT}
    (stack,) = (area for area in kernel.memory.areas if area.name == "kernel stack")
    found.add(kernel.memory.read(stack.address, stack.size))
    return {key for key in found if any(key)}


def region_of(session: Session, name: str) -> Region:
    """The region whose name begins so."""
    (found,) = (region for region in session.regions() if region.name.startswith(name))
    return found


def key_places(region: Region) -> dict[int, tuple[int, str]]:
    """Offset to size and fingerprint of every key that lies in a region."""
    found = {}
    for line in region.lines:
        at = line.offset
        for piece in line.pieces:
            if piece.key:
                found[at] = (piece.size, piece.key)
            at += piece.size
    return found


@pytest.mark.parametrize("design", ["rfc-v2", "rfc-v2-savekeys", "per-package", "wrapped-vault"])
def test_no_piece_of_a_key_is_shown(design):
    for seed in range(3):
        session = walked(f"design={design}&bypass=yes", 8, seed)
        for key in keys_of(kernel_of(session)):
            for start in range(len(key) - PIECE_BYTES + 1):
                piece = key[start : start + PIECE_BYTES]
                for run in shown(session):
                    assert piece not in run
                    assert piece.hex().encode() not in run


def test_everything_else_is_shown_as_it_is():
    session = session_at(f"design=rfc-v2&run={ADDED}")
    kernel, region = kernel_of(session), region_of(session, "map")
    expected = kernel.memory.read(region.address, region.size)
    assert expected == b"".join(
        bytes(line.zeros) + b"".join(bytes.fromhex(p.digits) for p in line.pieces)
        for line in region.lines
    )
    assert any(expected)


def test_a_freed_structure_shows_where_the_key_lies_and_which_it_is():
    session = session_at(f"design=rfc-v2&run={ADDED}")
    region = region_of(session, "programming structure")
    mark = user_key("A").fingerprint
    assert ("freed", {64: (16, mark), 128: (16, mark)}) == (region.kind, key_places(region))


def test_the_vault_shows_plain_and_wrapped_keys_as_keys():
    plain = region_of(session_at(f"design=rfc-v2-savekeys&run={ADDED}"), "vault")
    mark = user_key("A").fingerprint
    assert {56: (8, mark), 64: (16, mark), 80: (8, mark)} == key_places(plain)
    wrapped = key_places(region_of(session_at(f"design=wrapped-vault&run={ADDED}"), "vault"))
    assert 40 == sum(size for size, _ in wrapped.values())
    assert mark not in {key for _, key in wrapped.values()}


def test_the_kernels_entropy_is_a_secret_too():
    session = session_at("design=rfc-v2&run=instantiate(key=0,kind=cpu,bytes=zeros)")
    (size, key) = key_places(region_of(session, "kernel stack"))[0]
    assert 16 == size
    structure = key_places(region_of(session, "programming structure"))
    assert {64: (16, key), 128: (16, key)} == structure


def test_a_page_is_shown_as_it_is_stored_and_as_it_reads():
    text = f"design=rfc-v2&run={ADDED};encrypt(vma=0,key=0);write(vma=0,package=1)"
    session = session_at(text)
    stored, read = (r for r in session.regions() if r.kind == "page")
    assert "as DRAM stores it" == stored.seen
    assert "as its process reads it, through KeyID 1" == read.seen
    assert stored.lines != read.lines
    subject = session.beside.kernel.subject
    expected = subject.pages.vmas[0].data
    assert expected == b"".join(
        bytes.fromhex(piece.digits) for line in read.lines for piece in line.pieces
    )


def test_what_the_last_call_changed_is_new_and_nothing_else():
    session = session_at("design=rfc-v2")

    def new() -> set[str]:
        return {
            region.name
            for region in session.regions()
            if any(piece.is_new for line in region.lines for piece in line.pieces)
        }

    assert set() == new()
    session.go(session_at(f"design=rfc-v2&run={ADDED}").path)
    assert {"map", "encrypt_count", "user-type bitmap", "vault"} <= new()
    session.go(session_at(f"design=rfc-v2&run={ADDED};cpu_teardown(package=0,cpu=1)").path)
    assert set() == new()


def test_systems_without_memory_show_none():
    assert () == session_at("system=locks").regions()
    assert () == session_at("system=payload").regions()
