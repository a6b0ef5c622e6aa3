"""What the documentation allows as a payload: a ghost beside the parser, which never reads it.

RFC v2 patch 01 describes the payloads of a key, and `DOCUMENTED` lists every one of them. The ghost
notes what the call's text says, token by token, in variables of its own; whether the text is, or
can still become, a documented payload is judged by the list alone. So the parser of `payloads`,
with its mask, its order of checks and its conversions, meets a second reading and not itself.

The specification's silences are read so: the bounds on caller and length belong to the documented
interface, and a text with a NUL in it is no documented payload, wherever a reader of C strings
would stop.
"""

from __future__ import annotations

from typing import Any

import z3

from checker.systems.effect import Effect
from checker.systems.system import BOOL, Family, Term
from model.sorts import CONTROL, KIND, LENGTH, TOKEN, VALUE

DOCUMENTED: tuple[tuple[str, frozenset[str]], ...] = (
    ("user", frozenset({"algorithm", "key", "tweak"})),
    ("cpu", frozenset({"algorithm"})),
    ("cpu", frozenset({"algorithm", "key"})),
    ("cpu", frozenset({"algorithm", "tweak"})),
    ("cpu", frozenset({"algorithm", "key", "tweak"})),
    ("clear", frozenset()),
    ("no_encrypt", frozenset()),
)
"""Every documented payload: its type, and the tokens beside it, each once and in any order."""

OTHERS = ("algorithm", "key", "tweak")
"""The tokens that may stand beside `type=`."""

FAMILIES = (
    Family("asked", (), CONTROL, ghost=True, meaning="the type that the text asks for"),
    Family("written", (TOKEN,), BOOL, ghost=True, meaning="the text has the token, as documented"),
    Family("spoilt", (), BOOL, ghost=True, meaning="the call has what no documented one has"),
)


def is_blank(state: Any) -> Term:
    """Nothing was noted yet."""
    return z3.And(
        state.asked == state.named(CONTROL, "empty"),
        state.every(TOKEN, lambda t: z3.Not(state.written[t])),
        z3.Not(state.spoilt),
    )


def note_call(new: Effect, old: Any, choice: Any) -> None:
    """A call begins: only a capable caller, a length in bounds and no NUL can be documented."""
    in_bounds = choice.length == old.named(LENGTH, "within")
    new.set("asked", True, to=old.named(CONTROL, "empty"))
    new.set("written", lambda t: z3.BoolVal(True), to=False)
    new.set("spoilt", True, to=z3.Not(z3.And(choice.capable, in_bounds, z3.Not(choice.nul))))


def note_token(new: Effect, old: Any, choice: Any) -> None:
    """The text has one more token: a documented one it may have once, and no other."""
    token, value = choice.token, choice.value
    documented = _is_documented_token(old, token, value)
    new.set("spoilt", z3.Or(z3.Not(documented), old.written[token]), to=True)
    new.set("written", lambda t: z3.And(documented, t == token), to=True)
    for name in KIND.values:
        asks = z3.And(token == old.named(TOKEN, "type"), value == old.named(VALUE, name))
        new.set("asked", asks, to=old.named(CONTROL, name))


def is_documented(state: Any) -> Term:
    """Whether the call's text, if it ends here, is a documented payload."""
    exactly = [
        z3.And(
            state.asked == state.named(CONTROL, kind),
            *(
                state.written[state.named(TOKEN, name)] == z3.BoolVal(name in beside)
                for name in OTHERS
            ),
        )
        for kind, beside in DOCUMENTED
    ]
    return z3.And(z3.Not(state.spoilt), z3.Or(exactly))


def can_be_documented(state: Any) -> Term:
    """Whether the text, if it goes on or ends here, can be a documented payload."""
    within = [
        z3.And(
            z3.Or(state.asked == state.named(CONTROL, kind), z3.Not(_has_type(state))),
            *(
                z3.Not(state.written[state.named(TOKEN, name)])
                for name in OTHERS
                if name not in beside
            ),
        )
        for kind, beside in DOCUMENTED
    ]
    return z3.And(z3.Not(state.spoilt), z3.Or(within))


def _has_type(state: Any) -> Term:
    return state.asked != state.named(CONTROL, "empty")


def _is_documented_token(state: Any, token: Term, value: Term) -> Term:
    """`type=` with a type's name, or another token with the value that the documentation gives."""
    names_type = z3.Or([value == state.named(VALUE, name) for name in KIND.values])
    beside = z3.Or([token == state.named(TOKEN, name) for name in OTHERS])
    return z3.Or(
        z3.And(token == state.named(TOKEN, "type"), names_type),
        z3.And(beside, value == state.named(VALUE, "right")),
    )
