"""What becomes of a user key's bytes in kernel memory: histories of calls, searched after each.

A history is a list of calls with the names that a report gives them. One key is followed: it is
added first, as "key". The histories differ in what happens next, so that what ends a stay in memory
is seen by itself:

* "busy": everything that can happen to a key while it is used by a VMA, up to its release by the
  VMA's end, and the reuse of its KeyID;
* "quiet": nothing is programmed between add_key and the release;
* "joined": a package comes online after other keys were programmed;
* "replaced": the key's owner gives another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from conformance.costing.bench import CPU_KEY, Answer, Bench, Shape
from conformance.costing.remains import Found, Secret, search
from conformance.owners import KEY_BYTES, malformed_payload, payload, user_key
from designs import Design
from impl import Command, Status
from impl.hardware.dram import PAGE_BYTES
from impl.hardware.machine import seeded

KEY = "key"
MALFORMED = "malformed"
OTHER = "other"

Call = Callable[["History"], Answer | None]
"""Makes a call; None where there is nothing to make it with (one KeyID, one package)."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """Between two calls: what the last one was, and what lies in memory after it.

    `phase` is that of the followed key: "refused" (it never was in use), "in use", "replaced",
    "released". `during` is the most that was found while a PCONFIG of the call ran.
    """

    call: str
    phase: str
    found: Found
    during: Sequence[Found]


class History:
    """A run of one list of calls. `kind`: what the followed key is, "user" or "cpu"."""

    def __init__(self, design: Design, shape: Shape, kind: str) -> None:
        self.bench = Bench(design, shape, without_last=True)
        self.payload = payload(kind, KEY)
        self.phase = "refused"
        self._slots: set[object] = set()
        self._vma = 0
        self._secrets = self._user_secrets() if kind == "user" else _ENTROPY
        self.bench.kernel.resupply = lambda serial: self.payload

    def _user_secrets(self) -> list[Secret]:
        """The halves of a key are looked for one by one: they need not lie side by side."""
        key, malformed = user_key(KEY), user_key(MALFORMED)
        kept = self.bench.kernel.kept_form(key.data_key, key.tweak_key)
        wrapped = kept if kept != key.data_key + key.tweak_key else b""
        return [
            Secret(KEY, "plaintext", key.data_key),
            Secret(KEY, "plaintext", key.tweak_key),
            Secret(KEY, "wrapped", wrapped),
            Secret(MALFORMED, "plaintext", malformed.data_key),
            Secret(MALFORMED, "plaintext", malformed.tweak_key),
        ]

    def run(self, calls: Sequence[tuple[str, Call]]) -> list[Moment]:
        """Make the calls, and look at memory after each and at each PCONFIG."""
        moments = []
        for name, make in calls:
            during: list[Found] = []

            def look(
                _package: int, _keyid: int, _command: Command, seen: list[Found] = during
            ) -> Status:
                seen.append(search(self.bench.kernel, self._secrets))
                return Status.PROG_SUCCESS

            self.bench.kernel.machine.faults = look
            make(self)
            self._notice_release()
            found = search(self.bench.kernel, self._secrets)
            moments.append(Moment(name, self.phase, found, during))
        return moments

    def _notice_release(self) -> None:
        if self.phase != "refused" and not self._slots <= set(self.bench.kernel.mapped()):
            self.phase = "released"

    # The calls

    def add(self) -> Answer:
        """The followed key is added."""
        answer = self.bench.add(KEY, self.payload)
        if answer.is_done:
            self.phase = "in use"
            self._slots = set(self.bench.kernel.mapped())
        return answer

    def encrypt(self) -> Answer | None:
        """A page is mapped and encrypted with the key, and written."""
        if KEY not in self.bench.serials:
            return None
        mm, root = self.bench.kernel.mm, self.bench.root
        self._vma = self.bench.kernel.run(mm.mmap(root, PAGE_BYTES))
        serial = self.bench.serials[KEY]
        return self.bench.call(
            lambda: mm.encrypt_mprotect(root, self._vma, PAGE_BYTES, "rw", serial),
            lambda: mm.write(root, self._vma, b"data"),
        )

    def add_malformed(self) -> Answer:
        """Another user key, in a payload that is refused at its last token."""
        return self.bench.add(MALFORMED, malformed_payload(MALFORMED))

    def plug_in(self) -> Answer | None:
        """The last package is added and comes online; the key's owner supplies it if asked."""
        last = self.bench.shape.last
        return None if last is None else self.bench.plug_in(last)

    def update(self) -> Answer | None:
        """The key's owner gives another user key."""
        if KEY not in self.bench.serials:
            return None
        answer = self.bench.update(KEY, payload("user", "replacement"))
        if answer.is_done:
            self.phase = "replaced"
        return answer

    def add_other(self) -> Answer:
        """A key without key bytes is programmed on another KeyID."""
        return self.bench.add(OTHER, payload("no_encrypt", ""))

    def update_other(self) -> Answer | None:
        """That one becomes a CPU key."""
        return self.bench.update(OTHER, CPU_KEY) if OTHER in self.bench.serials else None

    def forget_other(self) -> Answer | None:
        """That one is released."""
        return self.bench.forget(OTHER) if OTHER in self.bench.serials else None

    def revoke(self) -> Answer | None:
        """The key is revoked."""
        if KEY not in self.bench.serials:
            return None
        serial = self.bench.serials[KEY]
        return self.bench.call(lambda: self.bench.keyctl.revoke(self.bench.root, serial))

    def forget(self) -> Answer | None:
        """The key is unlinked and collected."""
        return self.bench.forget(KEY) if KEY in self.bench.serials else None

    def unmap(self) -> Answer | None:
        """The VMA goes."""
        mm, root = self.bench.kernel.mm, self.bench.root
        if not self._vma:
            return None
        return self.bench.call(lambda: mm.munmap(root, self._vma, PAGE_BYTES))

    def reuse(self) -> Answer:
        """A CPU key gets the lowest free KeyID, which was the followed key's."""
        return self.bench.add("successor", CPU_KEY)


_ENTROPY = [Secret(KEY, "entropy", seeded(0, "kernel entropy")(KEY_BYTES))]
"""What the kernel, booted with seed 0, mixes into the first CPU key (RFC v2 patch 11)."""

_TO_THE_END: Sequence[tuple[str, Call]] = (
    ("next programming", History.add_other),
    ("next CPU key", History.update_other),
    ("release", History.forget),
    ("reuse of the KeyID", History.reuse),
)

HISTORIES: Mapping[str, Sequence[tuple[str, Call]]] = {
    "busy": (
        ("add_key", History.add),
        ("encrypt_mprotect", History.encrypt),
        ("refused add_key", History.add_malformed),
        ("package online", History.plug_in),
        ("next programming", History.add_other),
        ("next CPU key", History.update_other),
        ("revoke", History.revoke),
        ("collection", History.forget),
        ("release", History.unmap),
        ("reuse of the KeyID", History.reuse),
    ),
    "quiet": (
        ("add_key", History.add),
        ("release", History.forget),
        ("next programming", History.add_other),
        ("next CPU key", History.update_other),
        ("reuse of the KeyID", History.reuse),
    ),
    "joined": (
        ("add_key", History.add),
        ("next programming", History.add_other),
        ("release of another key", History.forget_other),
        ("package online", History.plug_in),
        *_TO_THE_END,
    ),
    "replaced": (
        ("add_key", History.add),
        ("update", History.update),
        *_TO_THE_END,
    ),
}
"""Every history goes on until all that may end a stay has happened: another programming (of the
same KeyID where that is free), another CPU key, the release, the reuse of the KeyID. So a stay that
is left over at the end is one that no call ends.
"""
