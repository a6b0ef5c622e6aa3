"""A payload's counterexample is told token by token, and shows no digit of a key."""

from __future__ import annotations

import io

import pytest
from payload_runs import Text, parser_of
from rich.console import Console

from checker import Limits
from checker.systems.reading import Reading
from conformance.payloadtexts import KEY
from designs import design_from_text
from mktme import proving, words
from mktme.judge import Cell, judge
from mktme.kept import keep
from mktme.orders import Orders
from mktme.results import objects
from mktme.results.report import Report
from mktme.traces.telling import document_of
from mktme.traces.terminal import explanation
from mktme.verify import verify
from model import Scope
from properties import PROPERTIES

CLAIM = PROPERTIES["payload-as-documented"]


def cell(design: str, **orders: bool) -> Cell:
    return judge(design_from_text(design), CLAIM, Scope(), Orders(**orders))


def printed(parts: object) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    for part in parts:  # type: ignore[attr-defined]
        console.print(part)
    return console.export_text()


def changes(text: Text, before: Text) -> list[str]:
    now, then = (Reading(t.grounding, t.state) for t in (text, before))
    return words.changes_in_words(text.grounding, then, now, "payload")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, "begin a payload"),
        ({"capable": False}, "begin a payload without the capability"),
        ({"length": "zero"}, "begin a payload of no bytes"),
        ({"length": "above"}, "begin a payload of more than 1024 bytes"),
        ({"nul": True}, "begin a payload with a NUL in it"),
    ],
)
def test_a_calls_beginning_is_told(choice: dict[str, object], expected: str) -> None:
    text = Text("rfc-v2").begin(**choice)
    (step,) = text.trace.steps
    said = words.call_in_words(Reading(text.grounding, text.start), step, "payload")
    assert expected == said


def test_a_trace_is_told_in_one_line_with_a_refusal_and_without_the_steps_that_answer_nothing() -> (
    None
):
    text = Text("rfc-v2").begin(nul=True).take("type=cpu", "key=short")
    assert (
        f"before the first payload; begin a payload with a NUL in it; take type=cpu;"
        f" take key=<20 digits of key A ({KEY.fingerprint})> (EINVAL)"
    ) == words.trace_in_words(text.grounding, text.trace, "payload")
    text = Text("rfc-v2").begin(nul=True).do("nul").end()
    assert words.trace_in_words(text.grounding, text.trace, "payload").endswith(
        "a NUL, with more bytes behind it; end the text (EINVAL)"
    )


def test_what_a_token_leaves_in_memory_is_told() -> None:
    begun = Text("rfc-v2").begin()
    said = changes(Text("rfc-v2").begin().take("tweak=right"), begun)
    assert ["the payload structure holds all of the tweak key of key A (1f34)"] == said
    lost = changes(Text("rfc-v2").begin().take("key=broken"), begun)
    assert [
        "the payload structure holds the first bytes of the data key of key A (1f34)",
        "it is never freed, with the first bytes of the data key of key A (1f34) in it",
        "no documented payload is like this",
    ] == lost


def test_accesses_out_of_bounds_are_told() -> None:
    begun = Text("rfc-v2").begin()
    assert ["a byte past the source of the text is read"] == changes(begun, Text("rfc-v2"))
    assert [
        "bit -1 of the token mask is tested and set",
        "no documented payload is like this",
    ] == changes(Text("rfc-v2").begin().take("unknown=garbage"), begun)


def test_the_posted_parsers_counterexample_is_explained_and_replayed() -> None:
    found = cell("rfc-v2")
    assert found.verdict is not None
    assert ("VIOLATED", 235, None) == (found.word, found.verdict.states, found.price)
    said = printed(explanation(document_of(found, Scope(), parser_of("rfc-v2"))))
    for line in (
        "rfc-v2 violates payload-as-documented, in 4 steps",
        "0. before the first payload",
        "1. begin a payload",
        "2. take type=clear",
        "3. take algorithm=aes-xts-128",
        "4. end the text → ok",
        "   kernel: if the text ended here: accepted",
        "   payload of 32 bytes: type=clear algorithm=aes-xts-128",
        "The implementation did the same, and violates payload-as-documented too.",
    ):
        assert line in said.splitlines()


def test_refusing_user_keys_is_told_as_a_price_and_without_the_key() -> None:
    found = cell("cpu-keys-only")
    assert "a documented payload of type=user is refused" == found.price
    said = printed(explanation(document_of(found, Scope(), parser_of("cpu-keys-only"))))
    assert f"take key=<32 digits of key A ({KEY.fingerprint})>\n" in said
    written = objects.text(Report([found], Scope()))
    for part in (KEY.data_key.hex(), KEY.tweak_key.hex()):
        for at in range(0, 24, 2):
            assert part[at : at + 8] not in said + written
    (result,) = objects.record(Report([found], Scope())).results
    assert (6, True) == (result.length, result.replayed)


def test_a_proof_has_a_certificate_that_is_confirmed_from_its_file(tmp_path) -> None:
    found = cell("rfc-v2-fixed", certificates=True)
    (path,) = keep([found], str(tmp_path)).values()
    assert "closed-set: 121 states" in str(verify(path))


def test_where_an_induction_gets_stuck_the_parsers_table_is_shown() -> None:
    tried = proving.proof(design_from_text("rfc-v2"), CLAIM.id, Limits(), discovers=False)
    said = printed(proving.told(tried))
    assert "The induction gets stuck" in said
    assert "documented so far" in said
