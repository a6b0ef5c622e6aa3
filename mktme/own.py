"""What a user may add: own designs and own properties, written in a file that `--with` names.

Such a file is Python. It calls `design` and `property` of this module; everything else that a
formula needs is here too, or in `z3`. `ownfiles` loads it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from checker.systems.property import Kind, Premise, Transition
from checker.systems.reading import Reading
from checker.systems.system import Term
from designs import KNOWN_DESIGNS, Design, DesignError, design_from_text
from model import State, words
from model.sorts import BYTES, CPU, KEY, KEYID, PACKAGE, VMA
from properties import own as claims
from properties.own import OwnError, Place

__all__ = [
    "BYTES",
    "CPU",
    "KEY",
    "KEYID",
    "PACKAGE",
    "VMA",
    "OwnError",
    "Reading",
    "State",
    "Term",
    "Transition",
    "design",
    "property",
    "words",
]

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a name may be: it stands in texts between commas, and names files."""

_KINDS: Final = ("state", "step")


def design(name: str, base: str = "rfc-v2", **knobs: str) -> Design:
    """Add a design: a known one with some knobs set otherwise, under a name of its own.

    `base` is as on a command line, `NAME[,knob=value…]`. Raises OwnError.
    """
    place = _caller()
    _require_name(name, "design", place)
    if name in KNOWN_DESIGNS:
        raise OwnError(f"{place}: there is a design {name!r} already")
    try:
        changed = design_from_text(base).but(**knobs)
    except DesignError as error:
        raise OwnError(f"{place}: {error}") from error
    made = Design(**changed.settings(), name=name)
    KNOWN_DESIGNS.add(name, made)
    return made


def property(
    name: str,
    sentence: str,
    formula: Callable[[Any], Term],
    premise: Callable[[Any], Term],
    *,
    kind: Kind = "state",
    premise_of: Kind | None = None,
    explain: Callable[..., str] | None = None,
    source: str = "own",
    where: Mapping[str, str] | None = None,
) -> None:
    """Add a property of the key service.

    `formula` is what must be so of every reachable `State` (`kind` "state"), or of every
    `Transition` ("step"). `premise` is what must be reachable for it to say anything: of the same
    kind, unless `premise_of` says otherwise. `explain(reading, at, call)` says a violation in
    words: the state read, the formula's variables by name with their positions, the last call's
    arguments. `where` are settings of knobs, if it speaks only of designs that have them. Raises
    OwnError.
    """
    place = _caller()
    _require_name(name, "property", place)
    for given in (kind, premise_of or kind):
        if given not in _KINDS:
            raise OwnError(f"{place}: unknown kind {given!r}; known: {', '.join(_KINDS)}")
    asked = Premise(premise_of or kind, premise)
    claim = claims.claim_of(name, kind, sentence, formula, asked, explain, source)
    claims.add(claim, where or {}, place)


def _require_name(name: str, what: str, place: Place) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise OwnError(
            f"{place}: {name!r} is no name for a {what}; known: letters, digits, and after the"
            " first of them - _ ."
        )


def _caller() -> Place:
    """Where the function that asks was called from."""
    frame = sys._getframe(2)
    return Place(frame.f_code.co_filename, frame.f_lineno)
