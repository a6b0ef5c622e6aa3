"""Tokens of the model become bytes of their class, and are shown without any digit of a key."""

from __future__ import annotations

import re

import pytest

from conformance.payloadtexts import (
    HIDDEN,
    KEY,
    call_of,
    continuations,
    token_in_words,
    token_text,
)

BEGUN = {"capable": "yes", "length": "within", "nul": "no"}
DIGITS = KEY.data_key.hex()

TEXTS = {
    ("type", "user"): "type=user",
    ("type", "cpu"): "type=cpu",
    ("type", "clear"): "type=clear",
    ("type", "no_encrypt"): "type=no-encrypt",
    ("type", "long"): "type=user00",
    ("type", "short"): "type=us",
    ("type", "broken"): "type=usxx",
    ("type", "garbage"): "type=????",
    ("type", "empty"): "type=",
    ("type", "bare"): "type",
    ("algorithm", "right"): "algorithm=aes-xts-128",
    ("algorithm", "short"): "algorithm=aes-x",
    ("key", "right"): f"key={DIGITS}",
    ("key", "long"): f"key={DIGITS}00",
    ("key", "short"): f"key={DIGITS[:20]}",
    ("key", "broken"): f"key={DIGITS[:20]}{'x' * 12}",
    ("key", "garbage"): f"key={'?' * 32}",
    ("key", "bare"): "key",
    ("tweak", "right"): f"tweak={KEY.tweak_key.hex()}",
    ("unknown", "garbage"): "colour=blue",
}


@pytest.mark.parametrize(("name", "value"), TEXTS)
def test_a_token_has_the_text_of_its_class(name: str, value: str) -> None:
    assert TEXTS[name, value].encode() == token_text(name, value)


def test_what_is_shown_of_a_token_has_no_four_digits_of_a_key_but_the_fingerprint() -> None:
    shown = [token_in_words(name, value) for name, value in TEXTS]
    for said in shown:
        rest = said.replace(KEY.fingerprint, "")
        for part in (KEY.data_key.hex(), KEY.tweak_key.hex()):
            assert not any(part[at : at + 4] in rest for at in range(29))
    assert f"key=<32 digits of key A ({KEY.fingerprint})>" in shown
    assert "type=clear" in shown
    assert "type=usxx" in shown


def test_classes_of_one_token_are_shown_apart() -> None:
    for name in ("key", "tweak"):
        values = ("right", "long", "short", "broken", "garbage", "empty", "bare")
        assert len(values) == len({token_in_words(name, value) for value in values})


def test_a_text_is_its_tokens_with_blanks_between() -> None:
    call = call_of(BEGUN, [("type", "clear"), ("unknown", "garbage")])
    assert (b"type=clear colour=blue", True) == (call.text, call.capable)
    assert b" " == call_of(BEGUN, []).text


@pytest.mark.parametrize(("length", "expected"), [("zero", 0), ("within", 10), ("above", 1025)])
def test_a_text_that_is_refused_as_it_begins_is_a_documented_one_of_that_length(
    length: str, expected: int
) -> None:
    call = call_of(BEGUN | {"length": length}, [], is_refused=True)
    assert expected == len(call.text)
    assert call.text.rstrip() in (b"", b"type=clear")


def test_behind_a_nul_lies_what_no_parser_accepts() -> None:
    call = call_of(BEGUN | {"nul": "yes"}, [("type", "clear")])
    assert b"type=clear" + HIDDEN == call.text
    assert re.fullmatch(rb"\0 \w+=\w+", HIDDEN)


def test_a_call_shows_nothing_of_its_text() -> None:
    assert "PayloadCall(capable=True)" == repr(call_of(BEGUN, [("key", "right")]))


@pytest.mark.parametrize(
    ("tokens", "missing"),
    [
        ([("type", "user")], ["algorithm", "key", "tweak"]),
        ([("key", "short")], ["type", "algorithm", "tweak"]),
        ([("type", "clear"), ("unknown", "garbage")], []),
    ],
)
def test_a_text_is_continued_by_what_it_lacks_or_by_what_no_parser_knows(
    tokens: list[tuple[str, str]], missing: list[str]
) -> None:
    completed, unknown = continuations(tokens)
    assert missing == [name for name, _ in completed]
    assert [("unknown", "garbage")] == unknown
