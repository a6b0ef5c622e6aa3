"""Extending a key counted its references before PCONFIG ran, while VMAs came and went.

Found by review: with per-package KeyIDs the new KeyID's count was read before the suspension point
and written after it. A fork in between left it one too low, and the last process but one to go took
the KeyIDs of a living VMA along. A key that had lost its KeyIDs meanwhile got one again.
"""

from __future__ import annotations

import pytest

from designs import DESIGNS
from impl import Kernel
from impl.errors import InvalidArgument
from impl.threads import Execute, run

PAYLOAD = b"type=user algorithm=aes-xts-128 key=" + b"12" * 16 + b" tweak=" + b"34" * 16
KEYRING, PAGE = -4, 4096


def with_vma() -> tuple[Kernel, int, int]:
    """A key on package 0 only, and a page under it."""
    kernel = Kernel(DESIGNS["per-package"])
    who = kernel.init
    serial = kernel.run(kernel.keyctl.add_key(who, "mktme", "k", PAYLOAD, KEYRING, [0]))
    address = kernel.run(kernel.mm.mmap(who, PAGE))
    kernel.run(kernel.mm.encrypt_mprotect(who, address, PAGE, "rw", serial))
    kernel.run(kernel.mm.write(who, address, b"a text"))
    return kernel, serial, address


def test_a_fork_while_a_key_is_extended_counts_on_both_packages() -> None:
    kernel, serial, address = with_vma()
    extending = kernel.calls.extend(serial, 1, PAYLOAD)
    for request in extending:
        if isinstance(request, Execute):
            break
    child = kernel.run(kernel.mm.fork(kernel.init))
    list(extending)
    assert (3, 3) == (kernel.references(0, 1), kernel.references(1, 1))
    kernel.run(kernel.keyctl.unlink(kernel.init, serial, KEYRING))
    kernel.run(kernel.keyctl.collect())
    kernel.run(kernel.mm.exit(kernel.init))
    assert b"a text" == kernel.run(kernel.mm.read(child, address, 6))


def test_a_key_without_keyids_cannot_be_extended() -> None:
    kernel, serial, _ = with_vma()
    area = next(area for area in kernel.memory.areas if area.name == "map of package 0")
    kernel.memory.write(area.address, bytes(area.size))
    with pytest.raises(InvalidArgument, match="the key has no KeyID"):
        run(kernel.calls.extend(serial, 1, PAYLOAD))
