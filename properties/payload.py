"""Payload texts: are exactly the documented ones accepted, and is every access within bounds?

Both claims speak about the system `payload`, the parser of payload texts.
"""

from __future__ import annotations

from collections.abc import Mapping

import z3

from checker.systems.property import Premise, Property, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term
from model import documentation
from model.documentation import can_be_documented, is_documented
from model.payloadstate import PayloadState
from model.sorts import TOKEN

SYSTEM = "payload"


def _is_as_documented(step: Transition) -> Term:
    """Accepted at the end of a documented text; refused before it only if there can be none."""
    accepted = step.answer == step.answers("ok")
    refused = z3.And(z3.Not(accepted), step.answer != step.answers("reading"))
    if step.action == "end_of_text":
        return z3.And(accepted == is_documented(step.new), refused != accepted)
    return z3.And(z3.Not(accepted), z3.Implies(refused, z3.Not(can_be_documented(step.new))))


def _ends_as_documented(step: Transition) -> Term:
    """A documented payload was read to its end."""
    if step.action != "end_of_text":
        return z3.BoolVal(False)
    return is_documented(step.old)


def _explain_decision(reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    if call:  # only a call's beginning and a token have choices
        return "the call ends before its text does, although a documented one may begin like this"
    beside = [name for name in documentation.OTHERS if _is_true_of(reading, "seen", name)]
    payload = f"a payload of type={reading('kind').replace('_', '-')}"
    if beside:
        payload += f" with {', '.join(f'{name}=' for name in beside)}"
    if _is_documented_in(reading):
        return f"{payload} is refused, although it is documented"
    if reading("nul") == "passed":
        return f"{payload} is accepted, although a NUL and more bytes follow"
    longer = [name for name in beside if not _is_true_of(reading, "written", name)]
    if longer:
        return f"{payload} is accepted, although {longer[0]}= goes on behind its 32 digits"
    if reading.is_true("spoilt"):
        return f"{payload} is accepted, although no documented one has all of its tokens"
    return f"{payload} is accepted, although it is not documented"


def _is_documented_in(reading: Reading) -> bool:
    written = {name for name in documentation.OTHERS if _is_true_of(reading, "written", name)}
    listed = (reading("asked"), frozenset(written)) in documentation.DOCUMENTED
    return listed and not reading.is_true("spoilt")


def _is_true_of(reading: Reading, family: str, token: str) -> bool:
    return reading.is_true(family, TOKEN.constants.index(token))


PAYLOAD_AS_DOCUMENTED = Property(
    id="payload-as-documented",
    kind="step",
    sentence="Exactly the documented payloads are accepted.",
    formula=_is_as_documented,
    premise=Premise("step", _ends_as_documented),
    explain=_explain_decision,
    source="RFC v2 patch 01 documents the payloads, patch 10 parses them",
    system=SYSTEM,
)


def reads_within_source(state: PayloadState) -> Term:
    """The copy of the call's text has read no byte past its source."""
    return z3.Not(state.source_overread)


def stays_within_mask(state: PayloadState) -> Term:
    """The parser has tested and set no bit outside the token mask."""
    return z3.Not(state.mask_overrun)


def _is_in_bounds(step: Transition) -> Term:
    """What the step itself accesses: the source when the call begins, the mask at each token."""
    if step.action == "begin":
        return reads_within_source(step.new)
    if step.action == "take":
        return stays_within_mask(step.new)
    return z3.BoolVal(True)


def _takes_unknown_token(step: Transition) -> Term:
    """The text of a call was copied, and has a token that the parser does not know."""
    if step.action != "take":
        return z3.BoolVal(False)
    return step.parameters.token == step.old.named(TOKEN, "unknown")


def _explain_access(_reading: Reading, _at: Mapping[str, int], call: Mapping[str, str]) -> str:
    if "token" in call:
        return "bit -1 of the token mask is tested and set, for a token that has no number"
    return "the copy of the text reads one byte past its source"


PAYLOAD_IN_BOUNDS = Property(
    id="in-bounds-of-payload",
    kind="step",
    sentence=(
        "Reading a payload's text accesses neither its source nor the token mask out of bounds."
    ),
    formula=_is_in_bounds,
    premise=Premise("step", _takes_unknown_token),
    explain=_explain_access,
    source="RFC v2 patch 10, preparse and its token mask",
    system=SYSTEM,
)
"""The parser's part of `in-bounds`; the catalogue does not list it by itself."""
