"""The parser of payload texts as a system of its own, which takes one token at a time (patch 10).

A call begins with a caller and a text's length; the text's tokens come one by one, each an action,
until the parser refuses one or the text ends and it decides. `documentation` holds the ghost that
says what should have been accepted.

Why these classes of tokens are enough for all texts of 1 … 1024 bytes. The parser splits a text at
blanks and tabs and looks at nothing else between tokens, so a text is its tokens, in order. Of a
token it compares the name and, for type and algorithm, the whole value with fixed strings: all
values that are none of those strings take the same path. Of a hexadecimal value it only ever uses
the length, compared with 32, and how many digits there are before the first other character; the
digits themselves are copied and never compared. So two texts whose tokens are in the same classes,
in the same order, get the same answer, make the same accesses, and leave the same part of the key
that each of them brings. The classes of a value are:

    user … no_encrypt   a type's name
    right     what the documentation gives: aes-xts-128, or 32 hexadecimal digits
    long      begins with a right value and goes on
    short     hexadecimal: not 32 characters, of which only the first convert (two or more, not 32)
    broken    hexadecimal: 32 characters, of which only the first convert
    garbage   wrong from its first byte on, and every value of an unknown token
    empty     nothing behind the =
    bare      not even the =

Of a type or an algorithm `short` and `broken` are two more values that are no known string. No
token is taken after a refusal, since none is looked at; at most four tokens are accepted, and the
fifth, if it comes, is unknown or repeated, so that every length of text beyond five tokens shows
nothing new. A NUL ends what the lenient parser sees; the strict one looks for it first. That the
text has one is chosen when the call begins.

What an earlier call has lost stays lost: the key service's system remembers it (`leaked`). Here
each call starts anew, as its locals and its payload structure do.
"""

from __future__ import annotations

from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import BOOL, Action, Interpretation, Parameter, Step, System, Term
from designs import Design
from model import documentation
from model.payloadstate import FAMILIES, FIELDS, PayloadState
from model.sorts import CONTROL, HELD, KIND, LENGTH, NUL, PREPARSED, STAGE, TOKEN, VALUE

REQUIRED = {
    "user": ("algorithm", "key", "tweak"),
    "cpu": ("algorithm",),
    "clear": (),
    "no_encrypt": (),
}
"""Type to the other tokens without which the parser refuses it."""

ENTROPY = ("key", "tweak")
"""What a payload of type cpu may bring beyond what it must."""


def payload_parser(design: Design, interpretation: Interpretation) -> System:
    """The system of a design's parser, under a finite or any other interpretation."""
    text = (Parameter("token", TOKEN), Parameter("value", VALUE))
    call = (Parameter("capable", BOOL), Parameter("length", LENGTH), Parameter("nul", BOOL))
    # The strict parser refuses a text with a NUL before it reads any of it.
    lenient = [Action("nul", (), nul)] if design.parser == "lenient" else []
    return System(
        name=design.name,
        interpretation=interpretation,
        families=(*FAMILIES, *documentation.FAMILIES),
        answers=PREPARSED,
        initially=_idle,
        actions=(
            Action("begin", call, begin),
            Action("take", text, take),
            *lenient,
            Action("end_of_text", (), end_of_text),
        ),
        view=lambda values: PayloadState(design, interpretation, values),
    )


def begin(old: PayloadState, choice: Any) -> Step:
    """A process hands a payload to the kernel, which checks caller and length and copies the text.

    The posted copy reads `length + 1` bytes of a source that has `length`. The strict parser reads
    what there is, and refuses a text with a NUL before it looks at any token.
    """
    # DECIDE
    in_bounds = choice.length == old.named(LENGTH, "within")
    copies = z3.And(choice.capable, in_bounds)
    reads = z3.And(copies, z3.Or(old.is_lenient, z3.Not(choice.nul)))
    # GUARD
    is_empty = choice.length == old.named(LENGTH, "zero")
    guard = z3.And(z3.Not(old.is_stage("reading")), z3.Implies(is_empty, z3.Not(choice.nul)))
    # EFFECT
    new = Effect(old)
    new.set("stage", True, to=old.named(STAGE, "reading"))
    new.set("kind", True, to=old.named(CONTROL, "empty"))
    for field in FIELDS.values():
        new.set(field, True, to=old.named(HELD, "nothing"))
    new.set("nul", True, to=z3.If(choice.nul, old.named(NUL, "ahead"), old.named(NUL, "none")))
    new.set("source_overread", True, to=z3.And(copies, old.is_lenient))
    new.set("mask_overrun", True, to=False)
    documentation.note_call(new, old, choice)
    _refuse(new, old, z3.Not(reads))
    refusal = z3.If(choice.capable, old.named(PREPARSED, "EINVAL"), old.named(PREPARSED, "EACCES"))
    return Step(guard, z3.If(reads, old.named(PREPARSED, "reading"), refusal), new.cases())


def take(old: PayloadState, choice: Any) -> Step:
    """The parser takes the next token: numbers it, sets its bit in the mask, converts its value."""
    token, value = choice.token, choice.value
    # DECIDE
    known = _is_known(old, token, value)
    first = z3.And(known, z3.Not(old.seen[token]))
    accepted = z3.And(first, _converts(old, token, value))
    # GUARD
    guard = z3.And(
        old.is_stage("reading"),
        old.nul != old.named(NUL, "passed"),
        _is_written(old, token, value),
    )
    # EFFECT
    new = Effect(old)
    new.set("mask_overrun", z3.And(old.is_lenient, z3.Not(known)), to=True)
    new.set("seen", lambda t: z3.And(accepted, t == token), to=True)
    for name in KIND.values:
        of_kind = z3.And(token == old.named(TOKEN, "type"), value == old.named(VALUE, name))
        new.set("kind", z3.And(accepted, of_kind), to=old.named(CONTROL, name))
    for name, field in FIELDS.items():
        its = z3.And(first, token == old.named(TOKEN, name))
        new.set(field, its, to=_converted(old, value))
    documentation.note_token(new, old, choice)
    _refuse(new, old, z3.Not(accepted))
    answer = z3.If(accepted, old.named(PREPARSED, "reading"), old.named(PREPARSED, "EINVAL"))
    return Step(guard, answer, new.cases())


def nul(old: PayloadState, _choice: Any) -> Step:
    """The text goes on behind a NUL; the parser reads a C string, and sees none of it."""
    guard = z3.And(old.is_stage("reading"), old.nul == old.named(NUL, "ahead"))
    new = Effect(old)
    new.set("nul", True, to=old.named(NUL, "passed"))
    return Step(guard, old.named(PREPARSED, "reading"), new.cases())


def end_of_text(old: PayloadState, _choice: Any) -> Step:
    """No token is left: the parser decides whether those it has make a payload."""
    # DECIDE
    is_payload = z3.Or([_makes(old, name) for name in KIND.values])
    is_refused_user = z3.And(old.is_kind("user"), old.design.user_keys == "refused")
    accepted = z3.And(is_payload, z3.Not(is_refused_user))
    # GUARD
    guard = z3.And(old.is_stage("reading"), old.nul != old.named(NUL, "ahead"))
    # EFFECT
    new = Effect(old)
    new.set("stage", True, to=old.named(STAGE, "accepted"))
    _forget(new, old, z3.BoolVal(True))
    _refuse(new, old, z3.Not(accepted))
    answer = z3.If(accepted, old.named(PREPARSED, "ok"), old.named(PREPARSED, "EINVAL"))
    return Step(guard, answer, new.cases())


def _idle(state: PayloadState) -> Term:
    """No call was made yet."""
    return z3.And(
        state.is_stage("before"),
        state.every(TOKEN, lambda t: z3.Not(state.seen[t])),
        state.is_kind("empty"),
        *(getattr(state, field) == state.named(HELD, "nothing") for field in FIELDS.values()),
        state.nul == state.named(NUL, "none"),
        z3.Not(state.source_overread),
        z3.Not(state.mask_overrun),
        documentation.is_blank(state),
    )


def _is_written(old: PayloadState, token: Term, value: Term) -> Term:
    """Which values a token may have: a type has names; of an unknown token one stands for all."""
    names_type = z3.Or([value == old.named(VALUE, name) for name in KIND.values])
    return z3.If(
        token == old.named(TOKEN, "type"),
        value != old.named(VALUE, "right"),
        z3.If(_is_option(old, token), z3.Not(names_type), value == old.named(VALUE, "garbage")),
    )


def _is_option(old: PayloadState, token: Term) -> Term:
    """One of the parser's tokens other than type."""
    return z3.Or([token == old.named(TOKEN, name) for name in ("algorithm", *FIELDS)])


def _is_known(old: PayloadState, token: Term, value: Term) -> Term:
    """Whether the token has a number; the kernel's match_token() finds none without a value."""
    is_named = z3.Or(token == old.named(TOKEN, "type"), _is_option(old, token))
    lacks_value = z3.Or(value == old.named(VALUE, "empty"), value == old.named(VALUE, "bare"))
    return z3.And(is_named, z3.Not(lacks_value))


def _converts(old: PayloadState, token: Term, value: Term) -> Term:
    """Whether a known token's value is accepted; what follows 32 digits is ignored as posted."""
    is_right = value == old.named(VALUE, "right")
    whole = z3.Or(is_right, z3.And(old.is_lenient, value == old.named(VALUE, "long")))
    is_type = z3.Or([value == old.named(VALUE, name) for name in KIND.values])
    return z3.If(
        token == old.named(TOKEN, "type"),
        is_type,
        z3.If(token == old.named(TOKEN, "algorithm"), is_right, whole),
    )


def _converted(old: PayloadState, value: Term) -> Term:
    """How much of a key a hexadecimal value leaves in the payload structure.

    Digits are converted straight into it, up to the first other character. The strict parser
    compares the length with 32 before it converts any.
    """
    part, whole = old.named(HELD, "part"), old.named(HELD, "whole")
    found = z3.If(value == old.named(VALUE, "broken"), part, old.named(HELD, "nothing"))
    if old.is_lenient:
        found = z3.If(value == old.named(VALUE, "short"), part, found)
        found = z3.If(value == old.named(VALUE, "long"), whole, found)
    return z3.If(value == old.named(VALUE, "right"), whole, found)


def _makes(old: PayloadState, kind: str) -> Term:
    """Whether the tokens make a payload of a type; only the strict parser minds extra ones."""
    required = [old.has_seen(token) for token in REQUIRED[kind]]
    extra = [
        old.has_seen(token)
        for token in ("algorithm", *FIELDS)
        if token not in REQUIRED[kind] and not (kind == "cpu" and token in ENTROPY)
    ]
    is_enough = z3.And(old.is_kind(kind), *required)
    return is_enough if old.is_lenient else z3.And(is_enough, z3.Not(z3.Or(extra)))


def _refuse(new: Effect, old: PayloadState, when: Term) -> None:
    """The call ends with an error; its payload structure is lost as it is, or cleared and freed."""
    new.set("stage", when, to=old.named(STAGE, "refused"))
    new.set("kind", when, to=old.named(CONTROL, "empty"))
    if old.design.parse_error == "frees_payload":
        for field in FIELDS.values():
            new.set(field, when, to=old.named(HELD, "nothing"))
    _forget(new, old, when)


def _forget(new: Effect, old: PayloadState, when: Term) -> None:
    """With the call end what it kept on its stack, and its copy of the text."""
    new.set("seen", lambda _: when, to=False)
    new.set("nul", when, to=old.named(NUL, "none"))
