"""What is claimed of a payload's text: where it holds, where not, and which faults break it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import z3
from mutants import Mutant, as_if, changed, without
from payload_runs import Text, faulty_parser, judged, parser_of

from checker import Action, Step, System, cone_of_influence, reaches_premise
from checker.answers.trace import first_violation
from checker.systems.property import Property
from conformance import replay
from designs import DESIGNS, design_from_text, prices
from mktme.judge import what_broke
from model import Scope
from model.payloads import nul
from model.payloadstate import PayloadState
from model.sorts import CONTROL, HELD, PREPARSED, STAGE, TOKEN
from properties import PROPERTIES, claims_about
from properties.payload import PAYLOAD_AS_DOCUMENTED, PAYLOAD_IN_BOUNDS

FIXED = "rfc-v2-fixed"
CLAIMS = (PAYLOAD_AS_DOCUMENTED.id, PAYLOAD_IN_BOUNDS.id)
USER = ("type=user", "algorithm=right", "key=right", "tweak=right")

# design, property, word, length or depth, states
FOUND = [
    ("rfc-v2", PAYLOAD_AS_DOCUMENTED, "VIOLATED", 4, 235),
    ("rfc-v2-savekeys", PAYLOAD_AS_DOCUMENTED, "VIOLATED", 4, 235),
    ("rfc-v2-fixed", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("rfc-v2-savekeys-fixed", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("no-hotplug", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("cpu-keys-only", PAYLOAD_AS_DOCUMENTED, "VIOLATED", 6, 121),
    ("per-package", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("wrapped-vault", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("resupply", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("rfc-v2,parser=strict", PAYLOAD_AS_DOCUMENTED, "PROVED", 6, 121),
    ("rfc-v2-fixed,parser=lenient", PAYLOAD_AS_DOCUMENTED, "VIOLATED", 4, 235),
    ("cpu-keys-only,parser=lenient", PAYLOAD_AS_DOCUMENTED, "VIOLATED", 4, 235),
    ("rfc-v2", PAYLOAD_IN_BOUNDS, "VIOLATED", 1, 4),
    ("rfc-v2-fixed", PAYLOAD_IN_BOUNDS, "PROVED", 6, 46),
    ("cpu-keys-only", PAYLOAD_IN_BOUNDS, "PROVED", 5, 45),
    ("rfc-v2,parser=strict", PAYLOAD_IN_BOUNDS, "PROVED", 6, 46),
    ("rfc-v2-fixed,parser=lenient", PAYLOAD_IN_BOUNDS, "VIOLATED", 1, 4),
]

cells = pytest.mark.parametrize(
    ("design", "claim", "word", "depth", "states"),
    FOUND,
    ids=[f"{design}: {claim.id}" for design, claim, *_ in FOUND],
)


@cells
def test_a_claim_holds_or_is_violated_as_listed(
    design: str, claim: Property, word: str, depth: int, states: int
) -> None:
    verdict = judged(parser_of(design), claim)
    assert (word, depth, states) == (verdict.word, verdict.depth, verdict.states)


@pytest.mark.parametrize(
    ("design", "claim"),
    [
        pytest.param(design, claim, id=f"{design}: {claim.id}")
        for design, claim, word, *_ in FOUND
        if word == "VIOLATED"
    ],
)
def test_every_violation_replays(design: str, claim: Property) -> None:
    trace = judged(parser_of(design), claim).trace
    assert trace is not None
    replayed = replay(design_from_text(design), Scope(), parser_of(design), claim, trace)
    assert "" == replayed.disagreement
    assert [step.answer for step in trace.steps] == [step.answer for step in replayed.steps]


def test_the_catalogue_lists_the_claim_on_acceptance_and_not_the_part_of_in_bounds() -> None:
    assert (PAYLOAD_AS_DOCUMENTED,) == claims_about("payload")
    assert PAYLOAD_IN_BOUNDS.id not in PROPERTIES
    assert ("payload", "payload") == (PAYLOAD_AS_DOCUMENTED.system, PAYLOAD_IN_BOUNDS.system)


@pytest.mark.parametrize("design", DESIGNS)
def test_refusing_documented_payloads_is_the_price_of_refusing_user_keys(design: str) -> None:
    expected = DESIGNS[design].user_keys == "refused"
    assert expected == (PAYLOAD_AS_DOCUMENTED.id in prices(DESIGNS[design]))


# Premises


@pytest.mark.parametrize(
    ("claim", "steps"), [(PAYLOAD_AS_DOCUMENTED, 3), (PAYLOAD_IN_BOUNDS, 2)], ids=CLAIMS
)
@pytest.mark.parametrize("design", [FIXED, "rfc-v2", "cpu-keys-only"])
def test_a_premise_is_reachable(design: str, claim: Property, steps: int) -> None:
    ground = parser_of(design).property(claim)
    cone = cone_of_influence(parser_of(design).system, ground)
    assert steps == reaches_premise(cone, ground, 3)


@pytest.mark.parametrize(
    ("claim", "action"),
    [(PAYLOAD_AS_DOCUMENTED, "end_of_text"), (PAYLOAD_IN_BOUNDS, "take")],
    ids=CLAIMS,
)
def test_without_what_it_speaks_about_a_claim_is_vacuous(claim: Property, action: str) -> None:
    assert "VACUOUS" == judged(faulty_parser(FIXED, without(action)), claim).word


# Faulty parsers


def early_refusal(old: PayloadState, choice: Any, right: Step) -> Step:
    """A text is refused as soon as it asks for a user key, whatever else it says."""
    asks = right.effect["kind"] == old.named(CONTROL, "user")
    return dataclasses.replace(
        right, answer=z3.If(asks, old.named(PREPARSED, "EINVAL"), right.answer)
    )


def unchecked_caller(old: PayloadState, choice: Any, right: Step) -> Step:
    """The caller's capability is not looked at: a payload is accepted as the call begins."""
    accepted = z3.And(z3.Not(choice.capable), choice.nul)
    return dataclasses.replace(
        right, answer=z3.If(accepted, old.named(PREPARSED, "ok"), right.answer)
    )


def forgotten_repeat(old: PayloadState, choice: Any, right: Step) -> Step:
    """A repeated algorithm= is let through."""
    again = z3.And(old.has_seen("algorithm"), choice.token == old.named(TOKEN, "algorithm"))
    lets = z3.And(again, right.answer == old.named(PREPARSED, "EINVAL"))
    reads_on = {
        "stage": old.named(STAGE, "reading"),
        "kind": old.kind,
        "data_key": old.data_key,
        "tweak_key": old.tweak_key,
        "nul": old.nul,
    }
    effect = dict(right.effect)
    for family, value in reads_on.items():
        effect[family] = z3.If(lets, value, effect.get(family, getattr(old, family)))
    seen = effect["seen"]
    effect["seen"] = lambda t: z3.If(lets, old.seen[t], seen(t))
    answer = z3.If(lets, old.named(PREPARSED, "reading"), right.answer)
    return Step(right.guard, answer, effect)


def no_end(old: PayloadState, _choice: Any, right: Step) -> Step:
    """A text that is refused at its end gets no answer."""
    refused = right.answer == old.named(PREPARSED, "EINVAL")
    return dataclasses.replace(
        right, answer=z3.If(refused, old.named(PREPARSED, "reading"), right.answer)
    )


def looks_for_no_nul(system: System) -> System:
    """The strict parser begins as the lenient one does, which comes to the NUL later."""
    begins = as_if("begin", parser="lenient")(system)
    return dataclasses.replace(begins, actions=(*begins.actions, Action("nul", (), nul)))


FAULTS: list[tuple[str, Property, Mutant, int, str]] = [
    (
        "the end minds no extra token",
        PAYLOAD_AS_DOCUMENTED,
        as_if("end_of_text", parser="lenient"),
        4,
        "a payload of type=clear with algorithm= is accepted, although it is not documented",
    ),
    (
        "a value may be too long",
        PAYLOAD_AS_DOCUMENTED,
        as_if("take", parser="lenient"),
        5,
        "a payload of type=cpu with algorithm=, key= is accepted,"
        " although key= goes on behind its 32 digits",
    ),
    (
        "a NUL is not looked for",
        PAYLOAD_AS_DOCUMENTED,
        looks_for_no_nul,
        4,
        "a payload of type=clear is accepted, although a NUL and more bytes follow",
    ),
    (
        "user keys are refused",
        PAYLOAD_AS_DOCUMENTED,
        as_if("end_of_text", user_keys="refused"),
        6,
        "a payload of type=user with algorithm=, key=, tweak= is refused,"
        " although it is documented",
    ),
    (
        "user keys are refused too early",
        PAYLOAD_AS_DOCUMENTED,
        changed("take", early_refusal),
        2,
        "the call ends before its text does, although a documented one may begin like this",
    ),
    (
        "a caller is believed",
        PAYLOAD_AS_DOCUMENTED,
        changed("begin", unchecked_caller),
        1,
        "the call ends before its text does, although a documented one may begin like this",
    ),
    (
        "a repeated token is let through",
        PAYLOAD_AS_DOCUMENTED,
        changed("take", forgotten_repeat),
        5,
        "a payload of type=cpu with algorithm= is accepted,"
        " although no documented one has all of its tokens",
    ),
    (
        "a refusal is not told",
        PAYLOAD_AS_DOCUMENTED,
        changed("end_of_text", no_end),
        2,
        "",
    ),
    (
        "the copy reads one byte more",
        PAYLOAD_IN_BOUNDS,
        as_if("begin", parser="lenient"),
        1,
        "the copy of the text reads one byte past its source",
    ),
    (
        "an unknown token has a bit",
        PAYLOAD_IN_BOUNDS,
        as_if("take", parser="lenient"),
        2,
        "bit -1 of the token mask is tested and set, for a token that has no number",
    ),
]

faults = pytest.mark.parametrize(
    ("fault", "claim", "mutant", "length", "told"), FAULTS, ids=[row[0] for row in FAULTS]
)


@faults
def test_a_faulty_parser_breaks_the_claim_and_does_not_replay(
    fault: str, claim: Property, mutant: Mutant, length: int, told: str
) -> None:
    del fault
    grounding = faulty_parser(FIXED, mutant)
    verdict = judged(grounding, claim)
    assert ("VIOLATED", length) == (verdict.word, verdict.depth)
    assert verdict.trace is not None
    if told:
        assert told == what_broke(grounding, claim, verdict.trace)
    replayed = replay(design_from_text(FIXED), Scope(), grounding, claim, verdict.trace)
    assert re.match(r"step \d, [a-z_]+: ", replayed.disagreement)


# What a run violates


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (("type=clear", "key=right"), "type=clear with key= is accepted, although it is not"),
        (
            ("type=no_encrypt", "tweak=long"),
            "type=no-encrypt with tweak= is accepted, although tweak=",
        ),
        (("type=cpu", "algorithm=right", "key=long"), "is accepted, although key= goes on behind"),
        (
            ("type=user", "algorithm=right", "key=long", "tweak=long"),
            "key= goes on behind its 32 digits",
        ),
    ],
)
def test_the_posted_parser_accepts_what_is_not_documented(
    tokens: tuple[str, ...], told: str
) -> None:
    text = Text("rfc-v2").begin().take(*tokens).end()
    ground = text.grounding.property(PAYLOAD_AS_DOCUMENTED)
    assert len(tokens) + 2 == first_violation(text.grounding.system, ground, text.trace)
    assert told in what_broke(text.grounding, PAYLOAD_AS_DOCUMENTED, text.trace)


def test_a_nul_hides_what_follows_from_the_posted_parser() -> None:
    text = Text("rfc-v2").begin(nul=True).take(*USER).do("nul").end()
    ground = text.grounding.property(PAYLOAD_AS_DOCUMENTED)
    assert 7 == first_violation(text.grounding.system, ground, text.trace)
    assert "a NUL and more bytes follow" in what_broke(
        text.grounding, PAYLOAD_AS_DOCUMENTED, text.trace
    )


@pytest.mark.parametrize("token", ["unknown=garbage", "key=empty", "type=bare"])
def test_the_mask_is_left_at_the_token_that_has_no_number(token: str) -> None:
    text = Text("rfc-v2").begin().take(token)
    ground = text.grounding.property(PAYLOAD_IN_BOUNDS)
    assert 1 == first_violation(text.grounding.system, ground, text.trace)
    assert "yes" == text("mask_overrun")
    assert "token mask" in what_broke(text.grounding, PAYLOAD_IN_BOUNDS, text.trace)


def test_the_two_accesses_are_claims_that_stand_apart() -> None:
    """A parser that copies well and still sets bit -1 violates the one and not the other."""
    mixed = faulty_parser("rfc-v2", as_if("begin", parser="strict"))
    trace = judged(mixed, PAYLOAD_IN_BOUNDS).trace
    assert trace is not None
    assert ["begin", "take"] == [step.call.action for step in trace.steps]


def test_a_documented_payload_is_no_violation() -> None:
    for design in ("rfc-v2", FIXED):
        text = Text(design).begin().take(*USER).end()
        ground = text.grounding.property(PAYLOAD_AS_DOCUMENTED)
        assert "ok" == text.answer
        assert None is first_violation(text.grounding.system, ground, text.trace)


def test_what_a_structure_holds_has_no_part_in_either_claim() -> None:
    for claim in (PAYLOAD_AS_DOCUMENTED, PAYLOAD_IN_BOUNDS):
        ground = parser_of(FIXED).property(claim)
        cone = {v.name for v in cone_of_influence(parser_of(FIXED).system, ground).variables}
        assert not {"data_key", "tweak_key"} & cone
    assert ("nothing", "part", "whole") == HELD.values
