"""How a property that a user has written becomes one like those of the catalogue.

What a user writes may be wrong in ways that ours is not. So each function of theirs is called with
care: whatever it raises, and whatever it gives that is no formula, is a refusal that names the
place in the user's file.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import z3

from checker.systems.finite import Finite, OutOfTime
from checker.systems.grounding import Grounding
from checker.systems.property import Kind, Premise, Property
from checker.systems.reading import Reading
from checker.systems.system import ModelError, Term
from designs import DESIGNS, KNOBS, Design, nearest
from model import Scope, State, key_service, words
from properties.catalogue import KNOWN_PROPERTIES, SETTINGS_OF_OWN

TRIED_IN = Scope(2, 1, 1, 1, 1, 1)
"""Where a property is read once as it is added, so that a mistake in it is told at once."""


class OwnError(ValueError):
    """Something of a user's that makes no sense; the message names the file and the line."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of a user's file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def place_in(file: str, error: BaseException, otherwise: int) -> Place:
    """The innermost line of a file that an error came through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return Place(file, (lines or [None])[-1] or otherwise)


def add(claim: Property, settings: Mapping[str, str], place: Place) -> None:
    """Make a user's property known, for designs with these settings. Raises OwnError."""
    for knob, value in settings.items():
        if knob not in KNOBS:
            raise OwnError(f"{place}: unknown knob {knob!r}{nearest(knob, KNOBS)}")
        if value not in (known := KNOBS[knob].values):
            raise OwnError(f"{place}: unknown value {value!r} of {knob}{nearest(value, known)}")
    if claim.id in KNOWN_PROPERTIES:
        raise OwnError(f"{place}: there is a property {claim.id!r} already")
    for key in ("sentence", "source"):
        if not isinstance(getattr(claim, key), str) or not getattr(claim, key).strip():
            raise OwnError(f"{place}: property {claim.id!r} has no {key}")
    guarded = _guarded(claim, place)
    _require_readable(guarded, settings, place)
    KNOWN_PROPERTIES.add(claim.id, guarded)
    SETTINGS_OF_OWN[claim.id] = dict(settings)


def forget_all() -> None:
    """Leave the catalogue's properties only."""
    KNOWN_PROPERTIES.forget_own()
    SETTINGS_OF_OWN.clear()


def in_default_words(_reading: Reading, at: Mapping[str, int], _call: Mapping[str, str]) -> str:
    """Where a property is false: its variables, named after what they mostly stand for here."""
    if not at:
        return "the property is false"
    return f"the property is false for {' and '.join(_named(n, i) for n, i in at.items())}"


_SORTS: Mapping[str, Callable[[int], str]] = {
    **dict.fromkeys("pq", "package {}".format),
    **dict.fromkeys("kj", words.keyid_name),
    **dict.fromkeys("xy", "key object {}".format),
    **dict.fromkeys("vw", "VMA {}".format),
    **dict.fromkeys("c", "CPU {}".format),
}


def _named(name: str, position: int) -> str:
    say = _SORTS.get(name)
    return say(position) if say else f"{name} at {position}"


def _guarded(claim: Property, place: Place) -> Property:
    what = f"of property {claim.id!r}"
    return dataclasses.replace(
        claim,
        formula=_formula(claim.formula, f"the formula {what}", place),
        premise=Premise(
            claim.premise.kind,
            _formula(claim.premise.formula, f"the premise {what}", place),
        ),
        explain=_words(claim.explain, f"what explains {what[3:]}", place),
    )


def _called(function: Any, arguments: tuple[Any, ...], what: str, place: Place) -> Any:
    """What a user's function gives. What it raises becomes OwnError, but for a time that is up."""
    try:
        return function(*arguments)
    except (OutOfTime, OwnError):
        raise
    except Exception as error:
        at = place_in(place.file, error, place.line)
        said = str(error) or type(error).__name__
        raise OwnError(f"{at}: {what} cannot be read: {said}{_remedy(said)}") from error


def _remedy(said: str) -> str:
    """What to write instead, where that is plain from what Z3 or a state said."""
    if "concrete Boolean" in said:
        return " Write And, Or, Not and Implies of z3 for Python's and, or, not and if."
    if (name := re.match(r"no family or parameter '(\w+)'", said)) is not None:
        methods = [method for method in vars(State) if not method.startswith("_")]
        close = difflib.get_close_matches(name[1], methods, n=1)
        return f"; of the methods that a state has, {close[0]} is the nearest" if close else ""
    return ""


def _formula(function: Any, what: str, place: Place) -> Callable[[Any], Term]:
    if not callable(function):
        raise OwnError(f"{place}: {what} is no function, but {_kind(function)}")
    written = _written(function, place)

    @functools.wraps(function)
    def formula(state: Any) -> Term:
        found = _called(function, (state,), what, written)
        if not z3.is_bool(found):
            raise OwnError(f"{written}: {what} gives no Boolean term, but {_kind(found)}")
        return found

    return formula


def _words(function: Any, what: str, place: Place) -> Callable[..., str]:
    if not callable(function):
        raise OwnError(f"{place}: {what} is no function, but {_kind(function)}")
    written = _written(function, place)

    @functools.wraps(function)
    def explain(*given: Any) -> str:
        found = _called(function, given, what, written)
        if not isinstance(found, str):
            raise OwnError(f"{written}: {what} gives no text, but {_kind(found)}")
        return found

    return explain


def _written(function: Any, place: Place) -> Place:
    """Where a function is written, if that is in the user's file."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename != place.file:
        return place
    return Place(place.file, code.co_firstlineno)


def _kind(value: Any) -> str:
    if z3.is_expr(value):
        return f"a term of sort {value.sort()}"
    return f"a Python {type(value).__name__}"


def _require_readable(claim: Property, settings: Mapping[str, str], place: Place) -> None:
    """Read it once for a design that it speaks of, so that a mistake in it is told at once."""
    design = _of_settings(settings, place)
    try:
        grounding = Grounding(key_service(design, Finite(TRIED_IN.sizes(design))))
        grounding.property(claim)
    except ModelError as error:
        raise OwnError(f"{place}: {error}") from error


def _of_settings(settings: Mapping[str, str], place: Place) -> Design:
    """A named design with these settings, or the posted one changed to have them."""
    for design in DESIGNS.values():
        if settings.items() <= design.settings().items():
            return design
    try:
        return Design(name="posted").but(**settings)
    except ValueError as error:
        raise OwnError(f"{place}: no design has these settings: {error}") from error


def claim_of(
    id_: str,
    kind: Kind,
    sentence: str,
    formula: Callable[[Any], Term],
    premise: Premise,
    explain: Callable[..., str] | None,
    source: str,
) -> Property:
    """A property of the key service."""
    return Property(id_, kind, sentence, formula, premise, explain or in_default_words, source)
