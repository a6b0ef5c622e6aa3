"""Faults of the heap, and of payload texts, which pass through it on their way in."""

from __future__ import annotations

import re
from typing import Any

from conformance.mutants.fault import Mutant, Patch, around
from impl.heap.slab import Cache, Object, Slab
from impl.service import parser, payload
from impl.service.parser import Parser
from impl.service.payload import Preparser
from model import Scope

PAGES = Scope(1, 1, 2, 1, 2, 1)
"""So little else can happen that processes meet each other's pages often."""


def _freed_first(right: Any, self: Cache, holds: str, *, zeroed: bool = False) -> Object:
    self._free.insert(len(self._free), self._free.pop(0)) if self._free else None
    found: Object = right(self, holds, zeroed=zeroed)
    return found


def _clears_the_first_word(self: Slab, freed: Object) -> None:
    self._memory.write(freed.address, bytes(min(8, freed.size)))
    self.kfree(freed)


def _text_not_cleared(right: Any, self: Slab, freed: Object) -> None:
    if freed.holds == "text buffer":
        self.kfree(freed)
    else:
        right(self, freed)


def _capability_not_asked(
    right: Any, self: Preparser, payload: bytes, call: str, _held: object = None
) -> Any:
    return right(self, payload, call, frozenset({"CAP_SYS_ADMIN"}))


def _short_keys_accepted(self: Parser, name: bytes, value: bytes) -> None:
    good = re.match(rb"(?:[0-9a-fA-F]{2}){0,16}", value)
    self._store_key(name, bytes.fromhex(good.group().decode()).ljust(16, b"\0") if good else b"")


def _reads_on(right: Any, self: Parser, token: bytes) -> None:
    try:
        right(self, token)
    except parser.ParseError:
        if token.startswith(b"type="):
            raise


HEAP = (
    Mutant(
        "slab-hands-out-first-freed",
        "a slab cache hands out the object freed first, not last",
        "heap",
        around(Cache, "allocate", _freed_first),
        first="known answers",
    ),
    Mutant(
        "sensitive-free-clears-nothing",
        "kfree_sensitive frees the object with its bytes",
        "heap",
        Patch(Slab, "kfree_sensitive", Slab.kfree),
    ),
    Mutant(
        "sensitive-free-clears-a-word",
        "kfree_sensitive clears the first 8 bytes of the object only",
        "heap",
        Patch(Slab, "kfree_sensitive", _clears_the_first_word),
    ),
    Mutant(
        "kzalloc-clears-nothing",
        "an object that is asked for zeroed comes with the bytes that lay there",
        "heap",
        Patch(Slab, "kzalloc", Slab.kmalloc),
        first="known answers",
    ),
)
"""The slab allocator."""

PAYLOADS = (
    Mutant(
        "payload-never-freed",
        "the payload structure is neither cleared nor freed after use",
        "payload",
        Patch(Preparser, "release", lambda *_: None),
    ),
    Mutant(
        "text-not-cleared",
        "the text buffer is freed with the payload's text in it",
        "payload",
        around(Slab, "kfree_sensitive", _text_not_cleared),
    ),
    Mutant(
        "capability-not-asked",
        "a payload is taken from a caller without any capability",
        "payload",
        around(Preparser, "preparse", _capability_not_asked),
        first="payload walk",
    ),
    Mutant(
        "short-keys-accepted",
        "a key with fewer than 32 digits is filled up with zeros",
        "payload",
        Patch(Parser, "_convert_hex", _short_keys_accepted),
        "rfc-v2",
        first="payload walk",
    ),
    Mutant(
        "extra-tokens-accepted",
        "tokens that do not go with the type are accepted by the strict parser",
        "payload",
        Patch(
            parser,
            "DOCUMENTED",
            {command: set(parser.TOKENS) for command in parser.DOCUMENTED},
        ),
        first="payload walk",
    ),
    Mutant(
        "unknown-token-passed-over",
        "a token that is refused is passed over and the rest of the text is taken",
        "payload",
        around(Parser, "_take", _reads_on),
        first="payload walk",
    ),
    Mutant(
        "payload-length-off-by-one",
        "a payload of 1024 bytes is refused",
        "payload",
        Patch(payload, "LENGTH_MAX", payload.LENGTH_MAX - 1),
        first="payload walk",
    ),
)
"""Payload texts and the structures they end up in."""

MUTANTS = (*HEAP, *PAYLOADS)
"""Both."""
