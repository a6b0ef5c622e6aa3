"""What the model chooses and a kernel does not: which PCONFIGs fail, which object a key gets."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager

from impl.hardware.pconfig import Faults, Status
from impl.heap.slab import Cache

Choice = Mapping[str, int]
"""Parameter name ("key", "fails[1]", …) to the position of its value."""


def faults_of(choice: Choice, packages: int) -> Faults:
    """A chosen failure lasts as long as the call, and so outlasts the kernel's retries."""
    if "fails_at" in choice:
        struck = choice["fails_at"] + 1 if choice["fails"] else 0
        return lambda _package, keyid, _command: _busy(keyid == struck)
    if "fails" in choice:
        fails = bool(choice["fails"])
        return lambda *_: _busy(fails)
    failing = {p for p in range(packages) if choice.get(f"fails[{p}]")}
    return lambda package, *_: _busy(package in failing)


def _busy(fails: bool) -> Status:
    return Status.DEVICE_BUSY if fails else Status.PROG_SUCCESS


@contextmanager
def handing_out(cache: Cache, wanted: int | None, kept: Container[int]) -> Iterator[None]:
    """Meanwhile the allocator hands out the key object at the wanted address, or, where that is
    not free or none is wanted, one whose address is not to be kept.

    Keys of other types come from the same slab cache: they can have taken whatever lies above
    it, and hold what must not be handed out.
    """
    free = sum(not known.live for known in cache.objects)
    taken = [cache.allocate("key object") for _ in range(free)]
    held = [known for known in taken if known.address in kept]
    for known in taken:
        if known not in held:
            cache.free(known)
    for known in [known for known in held if known.address == wanted]:
        held.remove(known)
        cache.free(known)
    try:
        yield
    finally:
        for known in held:
            cache.free(known)
