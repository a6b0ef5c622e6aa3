"""The running parser does at every edge what the modelled one does, and a fault in it is met."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from payload_runs import Text, judged, parser_of

from conformance import Disagreement, replay
from conformance.owners import user_key
from conformance.payloadreplay import closed
from conformance.payloadwalk import payload_walk
from designs import DESIGNS, design_from_text
from impl import Kernel, KernelError, OutOfBounds
from impl.hardware.keytable import fingerprint
from impl.heap.slab import Object, Slab
from impl.service import parser as impl_parser
from impl.service.payload import Preparser, unpack
from model import Scope
from properties.payload import PAYLOAD_AS_DOCUMENTED

LENIENT, STRICT = 9340, 2130
EDGES = {
    **dict.fromkeys(DESIGNS, STRICT),
    "rfc-v2": LENIENT,
    "rfc-v2-savekeys": LENIENT,
    "rfc-v2,parser=strict": 2530,
}
"""Design to the transitions of its parser: every named one, and the posted one with the other."""

OTHERS = {
    "rfc-v2-savekeys,parser=strict": 2530,
    "rfc-v2-fixed,parser=lenient": 7740,
    "rfc-v2-savekeys-fixed,parser=lenient": 7740,
    "no-hotplug,parser=lenient": 7740,
    "cpu-keys-only,parser=lenient": 7700,
    "per-package,parser=lenient": 7740,
    "wrapped-vault,parser=lenient": 7740,
    "resupply,parser=lenient": 7740,
    "rfc-v2,user_keys=refused": 9300,
}
"""The other parser under every other name, and refused users with the posted one."""

ALWAYS = ("rfc-v2", "rfc-v2,parser=strict", "rfc-v2-fixed", "cpu-keys-only")
"""One design with each number of edges: what else has as many differs outside the parser."""


def walked(design: str) -> int:
    """How many edges the implementation was compared on. Raises Disagreement."""
    return sum(1 for _ in payload_walk(design_from_text(design)))


@pytest.mark.parametrize(
    "design",
    [pytest.param(text, marks=() if text in ALWAYS else pytest.mark.deep) for text in EDGES],
)
def test_every_edge_is_the_implementations(design: str) -> None:
    assert EDGES[design] == walked(design)


@pytest.mark.deep
@pytest.mark.parametrize("design", OTHERS)
def test_every_edge_under_another_posture_is_the_implementations(design: str) -> None:
    assert OTHERS[design] == walked(design)


@pytest.mark.parametrize("parser", ["lenient", "strict"])
def test_every_named_design_is_walked_with_both_parsers(parser: str) -> None:
    walked_over = [design_from_text(text) for text in (*EDGES, *OTHERS)]
    for design in DESIGNS.values():
        assert design.but(parser=parser) in walked_over


def test_a_run_that_stops_in_a_text_is_closed_there_and_others_are_left() -> None:
    text = Text("rfc-v2").begin(nul=True).take("type=clear")
    calls = closed(text.grounding, text.start, text.calls).steps
    assert ["begin", "take", "nul", "end_of_text"] == [step.call.action for step in calls]
    text.do("nul").end()
    assert text.trace == closed(text.grounding, text.start, text.calls)


# A fault in the implementation


Plant = Callable[[pytest.MonkeyPatch], None]


def extras_accepted(patch: pytest.MonkeyPatch) -> None:
    every = {
        command: set(b"type algorithm key tweak".split()) for command in impl_parser.DOCUMENTED
    }
    patch.setattr(impl_parser, "DOCUMENTED", every)


def text_kept(patch: pytest.MonkeyPatch) -> None:
    """A text buffer is freed without being cleared."""
    free = Slab.kfree_sensitive

    def faulty(self: Slab, found: Object) -> None:
        (self.kfree if found.holds == "text buffer" else functools.partial(free, self))(found)

    patch.setattr(Slab, "kfree_sensitive", faulty)


def structure_kept(patch: pytest.MonkeyPatch) -> None:
    """An accepted payload's structure is not freed."""
    patch.setattr(Preparser, "release", lambda *_: None)


def mask_overrun(patch: pytest.MonkeyPatch) -> None:
    take = impl_parser.Parser._take

    def faulty(self: impl_parser.Parser, token: bytes) -> None:
        self._events.append(OutOfBounds("token mask", -1))
        take(self, token)

    patch.setattr(impl_parser.Parser, "_take", faulty)


def no_capability_needed(patch: pytest.MonkeyPatch) -> None:
    preparse = Preparser.preparse

    def faulty(self: Preparser, payload: bytes, call: str, _capabilities: object = None) -> object:
        return preparse(self, payload, call, frozenset({"CAP_SYS_ADMIN"}))

    patch.setattr(Preparser, "preparse", faulty)


def short_keys_accepted(patch: pytest.MonkeyPatch) -> None:
    def convert(self: impl_parser.Parser, name: bytes, value: bytes) -> None:
        good = re.match(rb"(?:[0-9a-f]{2}){0,16}", value)
        self._store_key(name, bytes.fromhex(good.group().decode()).ljust(16, b"\0"))  # type: ignore[union-attr]

    patch.setattr(impl_parser.Parser, "_convert_hex", convert)


def reads_on(patch: pytest.MonkeyPatch) -> None:
    """An error is noticed only when the text has ended: what follows it is converted too."""
    take = impl_parser.Parser._take
    decide = impl_parser.Parser._decide

    def faulty(self: impl_parser.Parser, token: bytes) -> None:
        try:
            take(self, token)
        except impl_parser.ParseError as error:
            self.__dict__["late"] = error

    def decided(self: impl_parser.Parser) -> int:
        if "late" in self.__dict__:
            raise self.__dict__["late"]
        return decide(self)

    patch.setattr(impl_parser.Parser, "_take", faulty)
    patch.setattr(impl_parser.Parser, "_decide", decided)


FAULTS: list[tuple[str, Plant, str]] = [
    ("rfc-v2-fixed", extras_accepted, "preparse: the model answers EINVAL, the implementation ok"),
    ("rfc-v2", text_kept, "preparse: a part of key A lies in a freed text buffer"),
    ("rfc-v2-fixed", structure_kept, "preparse: an accepted payload's structure is never freed"),
    ("rfc-v2-fixed", mask_overrun, "preparse: mask_overrun: model no, implementation yes"),
    ("rfc-v2", no_capability_needed, "the model answers EACCES, the implementation EINVAL"),
    ("rfc-v2-fixed", short_keys_accepted, "the model answers EINVAL, the implementation ok"),
    ("rfc-v2", reads_on, "data_key: model nothing, implementation whole"),
]


@pytest.mark.parametrize(
    ("design", "plant", "told"), FAULTS, ids=[plant.__name__ for _, plant, _ in FAULTS]
)
def test_a_fault_in_the_running_parser_is_met(
    monkeypatch: pytest.MonkeyPatch, design: str, plant: Plant, told: str
) -> None:
    plant(monkeypatch)
    with pytest.raises(Disagreement, match=told):
        walked(design)


def test_a_counterexample_does_not_replay_on_a_parser_that_does_something_else() -> None:
    trace = judged(parser_of("rfc-v2"), PAYLOAD_AS_DOCUMENTED).trace
    assert trace is not None
    strict = design_from_text("rfc-v2,parser=strict")
    replayed = replay(strict, Scope(), parser_of("rfc-v2"), PAYLOAD_AS_DOCUMENTED, trace)
    assert not replayed.agrees
    assert "step 1, begin: preparse: source_overread: model yes, implementation no" == (
        replayed.disagreement
    )


def test_a_run_that_violates_nothing_does_not_replay_as_a_violation() -> None:
    text = Text("rfc-v2").begin().take("type=clear").end()
    replayed = replay(DESIGNS["rfc-v2"], Scope(), text.grounding, PAYLOAD_AS_DOCUMENTED, text.trace)
    assert "the implementation did the same, yet the property holds of it" == replayed.disagreement


def test_a_replay_shows_each_step_as_if_the_text_ended_there_and_no_digit_of_the_key() -> None:
    text = Text("rfc-v2").begin().take("type=clear", "key=right").end()
    replayed = replay(DESIGNS["rfc-v2"], Scope(), text.grounding, PAYLOAD_AS_DOCUMENTED, text.trace)
    assert replayed.agrees
    assert ["reading", "reading", "reading", "ok"] == [step.answer for step in replayed.steps]
    assert "if the text ended here: cannot add mktme key: there is no type= token" in (
        replayed.steps[0].refusal
    )
    assert "if the text ended here: accepted" == replayed.steps[1].refusal
    # The posted parser takes the data key along, and no tweak key: another fingerprint than A's.
    data_key_alone = fingerprint(user_key("A").data_key, bytes(16))
    said = f"CLEAR_KEY KeyID 1, its key fields hold {data_key_alone} -> PROG_SUCCESS"
    assert [f"CPU 0 of package 0: {said}"] == list(map(str, replayed.steps[3].executions))
    assert (
        "payload of 47 bytes: type=clear key=<32 digits of key A (1f34)>",
        "preparse and add_key: ok",
        "out of bounds: a byte past the source of the text was read",
    ) == replayed.observed


# Data independence: any text is in the classes of its tokens


KINDS = {b"user": "user", b"cpu": "cpu", b"clear": "clear", b"no-encrypt": "no_encrypt"}


def class_of(token: bytes) -> tuple[str, str]:
    """The model's name and value for a token, read off its bytes."""
    name, equals, value = token.partition(b"=")
    if name not in (b"type", b"algorithm", b"key", b"tweak"):
        return "unknown", "garbage"
    if not value:
        return name.decode(), "empty" if equals else "bare"
    if name == b"type":
        return "type", KINDS.get(value, "garbage")
    if name == b"algorithm":
        return "algorithm", "right" if value == b"aes-xts-128" else "garbage"
    converted = len(converted_from(value))
    if converted == 16:
        return name.decode(), "right" if len(value) == 32 else "long"
    if not converted:
        return name.decode(), "garbage"
    return name.decode(), "broken" if len(value) == 32 else "short"


def converted_from(value: bytes) -> bytes:
    """The bytes that the leading pairs of digits among the first 32 characters stand for."""
    (digits,) = re.findall(rb"\A(?:[0-9a-fA-F]{2}){0,16}", value)
    return bytes.fromhex(digits.decode())


def is_documented(text: bytes) -> bool:
    """A third reading of the documentation: patterns over a text's bytes."""
    tokens = [token for token in re.split(rb"[ \t]+", text) if token]
    digits = rb"[0-9a-fA-F]{32}"
    cpu = [rb"algorithm=aes-xts-128", rb"type=cpu"]
    forms = [
        [rb"type=clear"],
        [rb"type=no-encrypt"],
        cpu,
        [*cpu, rb"key=" + digits],
        [*cpu, rb"tweak=" + digits],
        [*cpu, rb"key=" + digits, rb"tweak=" + digits],
        [rb"algorithm=aes-xts-128", rb"key=" + digits, rb"tweak=" + digits, rb"type=user"],
    ]
    return 1 <= len(text) <= 1024 and any(
        len(form) == len(tokens)
        and all(any(re.fullmatch(pattern, token) for token in tokens) for pattern in form)
        for form in forms
    )


def modelled(design: str, text: bytes) -> Text:
    """The model's run for a text, by the classes of its tokens, up to the end of the call."""
    length = "zero" if not text else "within" if len(text) <= 1024 else "above"
    visible, nul, _ = text.partition(b"\0")
    driven = Text(design).begin(length=length, nul=bool(nul))
    for token in filter(None, re.split(rb"[ \t]+", visible)):
        if driven.answer != "reading":
            break
        driven.take("=".join(class_of(token)))
    if driven.answer == "reading":
        driven = driven.do("nul") if nul else driven
        driven.end()
    return driven


def left_by(text: bytes, name: bytes, held: str) -> bytes:
    """The 16 bytes of a field of which the model says how much of the first such token it holds."""
    for token in re.split(rb"[ \t]+", text.partition(b"\0")[0]):
        if token.startswith(name + b"=") and held != "nothing":
            return converted_from(token[len(name) + 1 :]).ljust(16, b"\0")
    return bytes(16)


DIGITS = st.text("0123456789abcdefABCDEF", min_size=0, max_size=40).map(str.encode)
NEAR = st.one_of(
    st.sampled_from([b"type=" + kind for kind in KINDS]),
    st.sampled_from([b"algorithm=aes-xts-128"] * 3 + [b"algorithm=aes-xts-256", b"type=", b"key"]),
    st.binary(max_size=6),
    st.builds(
        lambda name, digits, rest: name + digits + rest,
        st.sampled_from([b"key=", b"tweak="]),
        st.one_of(DIGITS, st.just(b"0123456789abcdef" * 2)),
        st.sampled_from([b"", b"", b"", b"g", b"00", b"\n"]),
    ),
)
SEPARATORS = st.sampled_from([b" "] * 8 + [b"\t", b"  \t", b" \0", b"\0", b"\n", b" " * 1000])
TEXTS = st.lists(st.tuples(NEAR, SEPARATORS), max_size=6).map(
    lambda parts: b"".join(token + between for token, between in parts)
)


@pytest.mark.parametrize("design", ["rfc-v2", "rfc-v2-fixed", "rfc-v2,parser=strict"])
@given(text=TEXTS)
@example(text=b"type=clear".ljust(1024))
@example(text=b"type=clear".ljust(1025))
@example(text=b"type=user algorithm=aes-xts-128 key=" + b"0" * 32 + b" tweak=" + b"F" * 32)
@settings(max_examples=150, deadline=None)
def test_a_text_fares_as_the_classes_of_its_tokens_do(design: str, text: bytes) -> None:
    driven = modelled(design, text)
    kernel = Kernel(design_from_text(design), 1, 1, 1)
    try:
        material = kernel.preparse(text)
        answer = "ok"
    except KernelError as error:
        answer = error.name
        lost = [o for o in kernel.slab.objects() if o.live and o.holds == "payload structure"]
        raw = kernel.memory.read(lost[0].address, 36) if lost else bytes(36)
        material = unpack(raw)
    assert driven.answer == answer
    assert left_by(text, b"key", driven("data_key")) == material.data_key
    assert left_by(text, b"tweak", driven("tweak_key")) == material.tweak_key
    events = [OutOfBounds("payload text", len(text))] * (driven("source_overread") == "yes")
    events += [OutOfBounds("token mask", -1)] * (driven("mask_overrun") == "yes")
    assert events == kernel.events
    if "strict" in design or design == "rfc-v2-fixed":
        assert is_documented(text) == (answer == "ok")


@functools.lru_cache(maxsize=1)
def sampled() -> list[bytes]:
    return [b"type=clear", b"type=cpu algorithm=aes-xts-128", b"\ttype=no-encrypt "]


def test_the_third_reading_of_the_documentation_is_not_empty() -> None:
    assert [True] * 3 == [is_documented(text) for text in sampled()]
    assert not any(is_documented(text + b" key=00") for text in sampled())
