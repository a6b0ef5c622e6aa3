"""Decides what happens to a payload on its way in: preparse as posted in RFC v2 patch 10.

Two kernel objects hold its bytes: the text buffer, cleared and freed on every path, and the payload
structure, cleared and freed after use; what a parse error does to the structure is the knob
``parse_error``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from designs import Design
from impl.errors import AccessDenied, InvalidArgument, KernelError
from impl.hardware.engine import KEY_BYTES
from impl.heap.memory import KernelMemory, OutOfBounds
from impl.heap.slab import Object, Slab
from impl.service.material import CONTROL_BYTES, MATERIAL_BYTES, KeyMaterial
from impl.service.parser import ParseError, Parser
from impl.threads import Operation, Pause, T

LENGTH_MAX: Final = 1024
CAPABILITIES: Final = frozenset({"CAP_SYS_RESOURCE", "CAP_SYS_ADMIN"})
KEY_OFFSETS: Final = {b"key": CONTROL_BYTES, b"tweak": CONTROL_BYTES + KEY_BYTES}


class Preparser:
    """Payload texts in, payload structures out. ``capabilities``: the calling process's."""

    def __init__(
        self, design: Design, memory: KernelMemory, slab: Slab, events: list[OutOfBounds]
    ) -> None:
        self._design = design
        self._memory = memory
        self._slab = slab
        self._events = events
        self.capabilities: frozenset[str] = CAPABILITIES

    def preparsed(
        self, payload: bytes, call: str, body: Callable[[KeyMaterial], Operation[T]]
    ) -> Operation[T]:
        """Preparse, run ``body`` on the result, then clear and free the payload structure.

        ``call`` names the operation in messages. Raises AccessDenied, InvalidArgument, and what
        ``body`` raises. An operation that waits for ever frees nothing.
        """
        yield Pause("read the payload")
        structure = self.preparse(payload, call)
        try:
            result = yield from body(self.material(structure))
        except KernelError:
            self.release(structure)
            raise
        self.release(structure)
        return result

    def preparse(
        self, payload: bytes, call: str, capabilities: frozenset[str] | None = None
    ) -> Object:
        """Check caller and length, copy the text, parse it. Returns the payload structure.

        ``capabilities``: the caller's; None stands for the attribute of that name.
        """
        held = self.capabilities if capabilities is None else capabilities
        if not held & CAPABILITIES:
            raise AccessDenied(call, "the caller has neither CAP_SYS_RESOURCE nor CAP_SYS_ADMIN")
        if not 1 <= len(payload) <= LENGTH_MAX:
            raise InvalidArgument(call, f"the payload's length is not 1..{LENGTH_MAX}")
        size = len(payload) + 1
        text = self._slab.kmalloc(size, "text buffer")
        if self._design.parser == "lenient":
            # One byte past the source is read too, and overwritten here by the NUL.
            self._events.append(OutOfBounds("payload text", len(payload)))
        self._memory.write(text.address, payload + b"\0")
        structure = self._slab.kzalloc(MATERIAL_BYTES, "payload structure")
        try:
            self._parse(self._memory.read(text.address, size - 1), structure)
        except ParseError as error:
            if self._design.parse_error == "frees_payload":
                self._slab.kfree_sensitive(structure)
            raise InvalidArgument(call, str(error)) from None
        finally:
            self._slab.kfree_sensitive(text)
        return structure

    def _parse(self, text: bytes, structure: Object) -> None:
        def store_key(token: bytes, key: bytes) -> None:
            self._memory.write(structure.address + KEY_OFFSETS[token], key)

        parser = Parser(self._design, self._events, store_key)
        parser.parse(text)
        self._memory.write_int(structure.address, parser.control_word, CONTROL_BYTES)

    def material(self, structure: Object) -> KeyMaterial:
        """The content of a payload structure."""
        return unpack(self._memory.read(structure.address, MATERIAL_BYTES))

    def release(self, structure: Object) -> None:
        """Clear and free a structure that ``preparse`` returned."""
        self._slab.kfree_sensitive(structure)


def unpack(raw: bytes) -> KeyMaterial:
    """From the 36 bytes in memory."""
    keys = raw[CONTROL_BYTES:]
    control_word = int.from_bytes(raw[:CONTROL_BYTES], "little")
    return KeyMaterial(control_word, keys[:KEY_BYTES], keys[KEY_BYTES:])
