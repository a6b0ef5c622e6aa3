"""Preparse: the posted parser and the strict one, and what each path leaves in kernel memory."""

from __future__ import annotations

# House style puts the expected value first.
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs import DESIGNS, Design
from impl.errors import AccessDenied, Deadlock, InvalidArgument
from impl.hardware.machine import Machine
from impl.hardware.pconfig import Command, control
from impl.heap.memory import KernelMemory, OutOfBounds
from impl.heap.slab import Slab
from impl.kernel import Kernel
from impl.locks import Lock, Mode, Thread
from impl.service.material import KeyMaterial
from impl.service.payload import Preparser
from impl.threads import Acquire, Operation, Pause, run

POSTED = DESIGNS["rfc-v2"]
FIXED = DESIGNS["rfc-v2-fixed"]
STRICT = POSTED.but(parser="strict")

DATA = bytes.fromhex("0123456789abcdef0011223344556677")
TWEAK = bytes.fromhex("8899aabbccddeeff0f1e2d3c4b5a6978")
KEY_TEXT = b"key=" + DATA.hex().encode()
TWEAK_TEXT = b"tweak=" + TWEAK.hex().encode()
ALGORITHM = b"algorithm=aes-xts-128"
USER = b" ".join([b"type=user", ALGORITHM, KEY_TEXT, TWEAK_TEXT])


class Kit:
    """A preparser on a memory of its own."""

    def __init__(self, design: Design) -> None:
        self.memory = KernelMemory(Machine())
        self.slab = Slab(self.memory)
        self.events: list[OutOfBounds] = []
        self.preparser = Preparser(design, self.memory, self.slab, self.events)

    def read(self, payload: bytes) -> KeyMaterial:
        return self.during(payload, lambda: None)

    def during(self, payload: bytes, look: Callable[[], None]) -> KeyMaterial:
        """Preparse, look around while an operation has the result, and end the operation."""

        def body(material: KeyMaterial) -> Operation[KeyMaterial]:
            yield Pause("look around")
            look()
            return material

        return run(self.preparser.preparsed(payload, "test", body))

    def live(self) -> list[str]:
        return [found.holds for found in self.slab.objects() if found.live]


def over_read(design: Design, payload: bytes) -> list[OutOfBounds]:
    """The posted copy of a text reads one byte more than it has; the strict parser's does not."""
    is_lenient = design.parser == "lenient"
    return [OutOfBounds("payload text", len(payload))] if is_lenient else []


DOCUMENTED = {
    USER: KeyMaterial(control(Command.SET_KEY_DIRECT, 1), DATA, TWEAK),
    b"type=cpu " + ALGORITHM: KeyMaterial(control(Command.SET_KEY_RANDOM, 1)),
    b"type=cpu " + ALGORITHM + b" " + KEY_TEXT: KeyMaterial(
        control(Command.SET_KEY_RANDOM, 1), DATA
    ),
    b"\t".join([TWEAK_TEXT, ALGORITHM, b"", b"type=cpu"]): KeyMaterial(
        control(Command.SET_KEY_RANDOM, 1), tweak_key=TWEAK
    ),
    b"type=clear": KeyMaterial(control(Command.CLEAR_KEY)),
    b"  type=no-encrypt ": KeyMaterial(control(Command.NO_ENCRYPT)),
    USER.upper()
    .replace(b"TYPE=USER", b"type=user")
    .replace(ALGORITHM.upper(), ALGORITHM)
    .replace(b"KEY=", b"key=")
    .replace(b"TWEAK=", b"tweak="): KeyMaterial(control(Command.SET_KEY_DIRECT, 1), DATA, TWEAK),
}


@pytest.mark.parametrize("design", [POSTED, STRICT], ids=["lenient", "strict"])
@pytest.mark.parametrize("payload", DOCUMENTED)
def test_every_documented_payload_is_accepted(design: Design, payload: bytes) -> None:
    kit = Kit(design)
    assert DOCUMENTED[payload] == kit.read(payload)
    assert over_read(design, payload) == kit.events


REFUSED_BY_BOTH = {
    b" \t ": "there is no type=",
    ALGORITHM: "there is no type=",
    b"type=mine": "the type is unknown",
    b"type=USER": "the type is unknown",
    b"type=user": "algorithm=, key=, tweak= missing",
    b"type=user " + ALGORITHM + b" " + KEY_TEXT: "tweak= missing",
    b"type=user " + ALGORITHM + b" " + TWEAK_TEXT: "key= missing",
    b" ".join([b"type=user", KEY_TEXT, TWEAK_TEXT]): "algorithm= missing",
    b"type=cpu": "algorithm= missing",
    b"type=cpu algorithm=aes-xts-256": "the algorithm is unknown",
    b"type=cpu type=cpu " + ALGORITHM: "the token type= is repeated",
    b" ".join([KEY_TEXT, KEY_TEXT]): "the token key= is repeated",
    b"type=cpu " + ALGORITHM + b" key=0123": "key= ",
    b"type=cpu " + ALGORITHM + b" tweak=" + b"g" * 32: "tweak= does not start with",
    b"type=cpu\n " + ALGORITHM: "the type is unknown",
}


@pytest.mark.parametrize("design", [POSTED, STRICT], ids=["lenient", "strict"])
@pytest.mark.parametrize("payload", REFUSED_BY_BOTH)
def test_both_parsers_refuse_what_no_kernel_could_use(design: Design, payload: bytes) -> None:
    kit = Kit(design)
    with pytest.raises(InvalidArgument, match=REFUSED_BY_BOTH[payload]):
        kit.read(payload)
    assert over_read(design, payload) == kit.events


LENIENT_ONLY = {
    b"type=clear " + ALGORITHM: KeyMaterial(control(Command.CLEAR_KEY)),
    b"type=clear " + KEY_TEXT: KeyMaterial(control(Command.CLEAR_KEY), DATA),
    b"type=no-encrypt " + TWEAK_TEXT: KeyMaterial(control(Command.NO_ENCRYPT), tweak_key=TWEAK),
    b" ".join([b"type=cpu", ALGORITHM, KEY_TEXT + b"zz"]): KeyMaterial(
        control(Command.SET_KEY_RANDOM, 1), DATA
    ),
    b"type=clear\0 anything": KeyMaterial(control(Command.CLEAR_KEY)),
}


@pytest.mark.parametrize("payload", LENIENT_ONLY)
def test_the_posted_parser_accepts_what_the_documentation_forbids(payload: bytes) -> None:
    assert LENIENT_ONLY[payload] == Kit(POSTED).read(payload)
    with pytest.raises(InvalidArgument):
        Kit(STRICT).read(payload)


@pytest.mark.parametrize("token", [b"colour=red", b"type", b"type=", b"key=", b"nonsense", b"="])
def test_an_unknown_token_touches_the_mask_out_of_bounds_unless_strict(token: bytes) -> None:
    payload = b"type=clear " + token
    for design, events in ((POSTED, [OutOfBounds("token mask", -1)]), (STRICT, [])):
        kit = Kit(design)
        with pytest.raises(InvalidArgument, match="a token is unknown"):
            kit.read(payload)
        assert over_read(design, payload) + events == kit.events


@pytest.mark.parametrize("length", [0, 1025])
def test_lengths_outside_1_to_1024_are_refused_before_anything_is_allocated(length: int) -> None:
    kit = Kit(POSTED)
    with pytest.raises(InvalidArgument, match=r"the payload's length is not 1\.\.1024"):
        kit.read(b"x" * length)
    assert [] == kit.slab.objects()


def test_the_longest_payload_is_accepted() -> None:
    assert Command.CLEAR_KEY is Kit(POSTED).read(b"type=clear".ljust(1024)).command


@pytest.mark.parametrize("held", [set(), {"CAP_CHOWN"}])
def test_a_caller_without_capability_is_refused_before_the_length_is_looked_at(
    held: set[str],
) -> None:
    kernel = Kernel(POSTED)
    kernel.capabilities = frozenset(held)
    with pytest.raises(AccessDenied, match="cannot instantiate key: the caller has neither"):
        kernel.instantiate(b"")
    assert [] == kernel.slab.objects()


@pytest.mark.parametrize("held", ["CAP_SYS_RESOURCE", "CAP_SYS_ADMIN"])
def test_either_capability_is_enough(held: str) -> None:
    kernel = Kernel(POSTED)
    kernel.capabilities = frozenset({held})
    assert frozenset({held}) == kernel.capabilities
    assert {kernel.instantiate(b"type=clear")} == kernel.live_serials()


def test_during_the_operation_the_payload_structure_is_live_and_the_text_is_gone() -> None:
    kit = Kit(POSTED)
    seen: list[object] = []

    def look() -> None:
        seen.append(kit.live())
        seen.append([hit.holds for hit in kit.memory.find(DATA)])
        seen.append(kit.memory.find(DATA.hex().encode()))

    kit.during(USER, look)
    assert [["payload structure"], ["payload structure"], []] == seen
    assert [] == kit.live()
    assert [] == kit.memory.find(DATA)


def test_an_operation_that_fails_still_clears_the_payload_structure() -> None:
    kit = Kit(POSTED)

    def fail() -> None:
        raise InvalidArgument("test", "it failed")

    with pytest.raises(InvalidArgument):
        kit.during(USER, fail)
    assert ([], []) == (kit.live(), kit.memory.find(DATA))


def test_an_operation_that_never_returns_never_clears_its_payload_structure() -> None:
    kit = Kit(POSTED)
    lock = Lock("map lock")
    lock.acquire(Thread("another"), Mode.EXCLUSIVE)

    def body(material: KeyMaterial) -> Operation[None]:
        yield Acquire(lock)

    with pytest.raises(Deadlock):
        run(kit.preparser.preparsed(USER, "test", body))
    assert ["payload structure"] == kit.live()
    assert ["live"] == [hit.state for hit in kit.memory.find(DATA)]


@pytest.mark.parametrize(
    ("setting", "live"), [("leaks_payload", ["payload structure"]), ("frees_payload", [])]
)
def test_a_parse_error_leaks_the_key_bytes_parsed_so_far_or_frees_them(
    setting: str, live: list[str]
) -> None:
    kit = Kit(POSTED.but(parse_error=setting))
    with pytest.raises(InvalidArgument):
        kit.read(b"type=user " + KEY_TEXT + b" oops")
    assert live == kit.live()
    assert live == [hit.holds for hit in kit.memory.find(DATA)]
    assert [] == kit.memory.find(DATA.hex().encode())


def test_digits_before_a_bad_one_are_in_the_leaked_structure_too() -> None:
    kit = Kit(POSTED)
    with pytest.raises(InvalidArgument):
        kit.read(b"type=user key=" + DATA.hex().encode()[:20] + b"x" * 12)
    assert ["payload structure"] == [hit.holds for hit in kit.memory.find(DATA[:10])]


@pytest.mark.parametrize(
    ("setting", "live"), [("leaks_payload", ["payload structure"]), ("frees_payload", [])]
)
def test_refused_user_keys_take_the_path_of_any_parse_error(setting: str, live: list[str]) -> None:
    kit = Kit(POSTED.but(user_keys="refused", parse_error=setting))
    with pytest.raises(InvalidArgument, match="type=user is not accepted"):
        kit.read(USER)
    assert live == kit.live()
    assert Command.SET_KEY_RANDOM is kit.read(b"type=cpu " + ALGORITHM).command


@given(payload=st.binary(min_size=1, max_size=200))
def test_no_text_crashes_a_parser_and_a_repaired_one_leaves_nothing(payload: bytes) -> None:
    kit = Kit(FIXED)
    with suppress(InvalidArgument):
        kit.read(payload)
    assert ([], []) == (kit.live(), kit.events)


TOKENS = st.sampled_from(
    [b"type=user", b"type=cpu", b"type=clear", b"type=no-encrypt", ALGORITHM, KEY_TEXT, TWEAK_TEXT]
)


@given(tokens=st.lists(TOKENS, max_size=5))
def test_the_strict_parser_accepts_exactly_the_documented_sets_of_tokens(
    tokens: list[bytes],
) -> None:
    names = sorted(token.partition(b"=")[0] for token in tokens)
    types = [token for token in tokens if token.startswith(b"type=")]
    once = len(names) == len(set(names)) and len(types) == 1
    rest = {name for name in names if name != b"type"}
    documented = (
        once
        and {
            b"type=user": rest == {b"algorithm", b"key", b"tweak"},
            b"type=cpu": b"algorithm" in rest,
            b"type=clear": not rest,
            b"type=no-encrypt": not rest,
        }[types[0]]
    )
    try:
        Kit(STRICT).read(b" ".join(tokens))
        accepted = True
    except InvalidArgument:
        accepted = False
    assert documented == accepted


@given(payload=st.binary(min_size=1, max_size=60))
def test_a_message_never_quotes_the_text(payload: bytes) -> None:
    secret = b"5ec7e7" * 5 + b"00"
    with pytest.raises(InvalidArgument) as refusal:
        Kit(POSTED).read(b"type=user kee=" + secret + b" " + payload)
    assert "5ec7e7" not in str(refusal.value)
