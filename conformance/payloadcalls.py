"""How a payload's call is made on the running kernel, and what can be seen of it afterwards.

It is made twice, on kernels of their own: bare, as `Kernel.preparse`, and as `add_key` with all
that surrounds it. What is seen is in the words of the model's families.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from conformance.abstraction import AbstractionError
from conformance.payloadtexts import KEY, PART, PayloadCall
from designs import Design
from impl import Command, Kernel, KernelError, OutOfBounds
from impl.hardware.pconfig import AES_XTS_128, Execution, control
from impl.keyrings.process import ROOT_CAPABILITIES
from impl.service.material import KeyMaterial
from impl.service.payload import unpack

PROCESS_KEYRING = -2
"""KEY_SPEC_PROCESS_KEYRING of keyctl(2)."""

ASKED = {
    Command.SET_KEY_DIRECT: "user",
    Command.SET_KEY_RANDOM: "cpu",
    Command.CLEAR_KEY: "clear",
    Command.NO_ENCRYPT: "no_encrypt",
}

CONTROL_WORDS = {
    control(command, AES_XTS_128 if kind in ("user", "cpu") else 0): kind
    for command, kind in ASKED.items()
}
"""Every control word that a payload can ask for, with its type."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a call came to: its answer, the kernel's words for a refusal, and what it did.

    `families` has the labels of those families of the model that can be seen from outside.
    """

    answer: str
    refusal: str
    families: Mapping[str, str]
    executions: tuple[Execution, ...] = ()


class Caller:
    """A booted kernel and the processes that hand payloads to it."""

    def __init__(self, design: Design, keyids: int = 1) -> None:
        self.kernel = Kernel(design, packages=1, cpus=1, keyids=keyids)
        self._everywhere = (0,) if design.keyid_scope == "per_package" else None
        self._names = 0

    def preparse(self, call: PayloadCall) -> Seen:
        """The payload by itself. Raises AbstractionError for what the model has no words for."""
        lost, events = self._lost(), len(self.kernel.events)
        self.kernel.capabilities = _capabilities(call)
        try:
            material = self.kernel.preparse(call.text)
        except KernelError as error:
            families = self._refused(call, lost, events)
            return Seen(error.name, str(error), families)
        families = self._accepted(call, lost, events)
        word = material.control_word
        if word not in CONTROL_WORDS:
            raise AbstractionError(f"a payload with the control word {word:#x} is accepted")
        return Seen("ok", "", families | {"kind": CONTROL_WORDS[word]} | _held(material))

    def add_key(self, call: PayloadCall) -> Seen:
        """A new key with the payload: what can be seen of it is the command that was executed."""
        lost, events = self._lost(), len(self.kernel.events)
        before = len(self.kernel.machine.executions)
        process = self.kernel.process(capabilities=_capabilities(call))
        self._names += 1
        name, where = f"key {self._names}", self._everywhere
        keyctl = self.kernel.keyctl
        try:
            self.kernel.run(
                keyctl.add_key(process, "mktme", name, call.text, PROCESS_KEYRING, where)
            )
        except KernelError as error:
            families = self._refused(call, lost, events)
            return Seen(error.name, str(error), families)
        executions = tuple(self.kernel.machine.executions[before:])
        kind = ASKED[Command(executions[-1].command)]
        families = self._accepted(call, lost, events) | {"kind": kind}
        return Seen("ok", "", families, executions)

    def require_no_strays(self) -> None:
        """Raise AbstractionError where a part of the key lies that no family speaks about.

        Freed programming structures and the vault are where the key service's system knows of it.
        """
        for needle in KEY.needles():
            for hit in self.kernel.find(needle[:PART]):
                if (hit.holds, hit.state) not in _KNOWN_PLACES:
                    raise AbstractionError(
                        f"a part of key {KEY.label} lies in a {hit.state} {hit.holds}"
                    )

    def _lost(self) -> set[int]:
        """The addresses of the payload structures that are live between calls."""
        objects = self.kernel.slab.objects()
        return {found.address for found in objects if found.live and found.holds == _STRUCTURE}

    def _accepted(self, call: PayloadCall, lost: set[int], events: int) -> dict[str, str]:
        if self._lost() != lost:
            raise AbstractionError("an accepted payload's structure is never freed")
        return {"stage": "accepted"} | self._accesses(call, events)

    def _refused(self, call: PayloadCall, lost: set[int], events: int) -> dict[str, str]:
        """What is left in memory after a refusal: in the structure that the call has lost."""
        new = self._lost() - lost
        left = [unpack(self.kernel.memory.read(address, _STRUCTURE_BYTES)) for address in new]
        if len(left) > 1:
            raise AbstractionError("one refused payload loses several structures")
        families = {"stage": "refused"} | self._accesses(call, events)
        return families | _held(left[0] if left else KeyMaterial(0))

    def _accesses(self, call: PayloadCall, before: int) -> dict[str, str]:
        known = {
            OutOfBounds("payload text", len(call.text)): "source_overread",
            OutOfBounds("token mask", -1): "mask_overrun",
        }
        parsed = {event.what for event in known}
        events = [event for event in self.kernel.events[before:] if event.what in parsed]
        if unknown := [event for event in events if event not in known]:
            raise AbstractionError(f"an access that the model does not know: {unknown[0]}")
        return {name: "yes" if event in events else "no" for event, name in known.items()}


_STRUCTURE = "payload structure"
_KNOWN_PLACES = {(_STRUCTURE, "live"), ("programming structure", "freed"), ("vault", "live")}
_STRUCTURE_BYTES = 36


def _capabilities(call: PayloadCall) -> frozenset[str]:
    return ROOT_CAPABILITIES if call.capable else frozenset()


def _held(material: KeyMaterial) -> dict[str, str]:
    """How much of key A the two fields hold. Raises AbstractionError for any other bytes."""
    return {
        "data_key": _part(material.data_key, KEY.data_key),
        "tweak_key": _part(material.tweak_key, KEY.tweak_key),
    }


def _part(found: bytes, key: bytes) -> str:
    known = {
        bytes(len(key)): "nothing",
        key[:PART] + bytes(len(key) - PART): "part",
        key: "whole",
    }
    if found not in known:
        raise AbstractionError("a payload structure holds bytes that no token brought")
    return known[found]
