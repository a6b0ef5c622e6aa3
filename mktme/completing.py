"""What a shell is offered where somebody presses the completion key.

Each function takes what stands before the cursor and gives what could stand there; the terminal
library keeps what begins like it, and speaks with each shell.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Final

import typer

from checker.exchange.formats import FORMATS as EXCHANGED
from conformance.mutants.catalogue import MUTANTS
from designs import KNOBS, KNOWN_DESIGNS
from mktme import listings, ownnames, published
from mktme.baseline import SHIPPED
from mktme.orders import ENGINE_NAMES
from mktme.results.output import FORMATS
from mktme.traces import forms, store
from properties import KNOWN_PROPERTIES

KNOWN: Final[Mapping[str, Iterable[str]]] = {
    "DESIGN": KNOWN_DESIGNS,
    "PROPERTY": KNOWN_PROPERTIES,
    "LIST": listings.TABLES,
    "OBJECT": published.SHAPES,
    "FORMAT": EXCHANGED,
}
"""The words that can stand where a command needs one, by what help calls it."""

Offers = Iterator[tuple[str, str]]
"""What could stand there, with what it means."""

SHELLS: Final = ("bash", "zsh", "fish")

TOLD_MAX: Final = 40
"""Of how many traces it is said what each is: a file is read for each, at every key."""

BASH: Final = "complete_bash"
"""How bash asks, in COMPLETE."""

COMPLETE: Final = "_MKTME_COMPLETE"
BEFORE: Final = "_MKTME_BEFORE"
"""What bash has cut off in front of the word that it wants completed (see `mend`)."""


def design(context: typer.Context, incomplete: str) -> Offers:
    """A named design; after a comma a knob that is not set yet; after its `=` a value.

    Where only one knob fits, its values are offered at once.
    """
    before = os.environ.get(BEFORE, "")
    for offer, meaning in _designs(before + incomplete, _own(context, "design")):
        yield offer.removeprefix(before), meaning


def _own(context: typer.Context, what: ownnames.Added) -> Iterable[str]:
    """What the files of `--with` add. None of them is run."""
    return ownnames.names_in(context.find_root().params.get("own") or (), what)


def _designs(typed: str, own: Iterable[str] = ()) -> Offers:
    head, comma, last = typed.rpartition(",")
    if not comma:
        for name in (*KNOWN_DESIGNS, *own):
            yield name, ""
        return
    is_set = {change.partition("=")[0] for change in head.split(",")[1:]}
    name, equals, _ = last.partition("=")
    fitting = [
        knob
        for knob in KNOBS.values()
        if knob.name not in is_set and (knob.name == name if equals else knob.name.startswith(name))
    ]
    for knob in fitting:
        if len(fitting) > 1:
            yield f"{head},{knob.name}=", f"{knob.kind}, {knob.source}"
            continue
        for value, meaning in knob.meanings.items():
            yield f"{head},{knob.name}={value}", meaning


def property_(context: typer.Context) -> Offers:
    """A property's id."""
    for claim in KNOWN_PROPERTIES.values():
        yield claim.id, claim.sentence
    for name in _own(context, "property"):
        yield name, ""


def trace(incomplete: str) -> Offers:
    """The identity of a counterexample that was found on this machine."""
    found = store.kept(incomplete)
    for identity, path in found.items():
        yield identity, _about(path) if len(found) <= TOLD_MAX else ""


def _about(path: Path) -> str:
    """Of what a kept trace is one; "" where its file does not say so."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return f"{record['design']} / {record['property']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def beginning(context: typer.Context, incomplete: str) -> Offers:
    """Where the explorer can begin: a design, or a trace of which a digit is there."""
    yield from design(context, incomplete)
    if incomplete:
        yield from trace(incomplete)


def shell() -> Offers:
    """A shell that can complete."""
    for name in SHELLS:
        yield name, ""


def mutant() -> Offers:
    """A mutant's id."""
    for one in MUTANTS.values():
        yield one.id, one.wrong


def engine() -> Offers:
    """An engine."""
    for name in ENGINE_NAMES:
        yield name, ""


def format_() -> Offers:
    """A format of results."""
    yield from FORMATS.items()


def exchange() -> Offers:
    """A format for other model checkers."""
    for name in EXCHANGED:
        yield name, ""


def form() -> Offers:
    """A form of a run."""
    for name in (forms.AS_TEXT, *forms.FORMS):
        yield name, ""


def list_() -> Offers:
    """What can be listed."""
    for name in listings.TABLES:
        yield name, ""


def shape() -> Offers:
    """What has a schema."""
    for name, known in published.SHAPES.items():
        yield name, (known.__doc__ or "").partition("\n")[0]


def baseline() -> Offers:
    """What is no file; the shell offers files by itself where nothing else fits."""
    yield SHIPPED, "the baseline that comes with the program"


WIDE: Final = "10000"
"""Columns of a terminal on which no meaning is broken: to fish each line is one offer."""


def mend(environment: MutableMapping[str, str]) -> None:
    """Mend what keeps a shell's question from being answered, if there is one.

    To bash `rfc-v2,savekeys=on` is three words. They are joined, and what bash has cut off in front
    of the word to complete is kept, for it wants only the rest.
    """
    if COMPLETE not in environment:
        return
    environment["COLUMNS"] = WIDE
    if environment[COMPLETE] == BASH and "COMP_CWORD" in environment:
        _join(environment)


def _join(environment: MutableMapping[str, str]) -> None:
    at = int(environment["COMP_CWORD"])
    words = [*environment.get("COMP_WORDS", "").split("\n")[: at + 1]]
    words += [""] * (at + 1 - len(words))
    *whole, last = _joined(words)
    before, equals, rest = last.rpartition("=")
    is_cut = bool(equals) and last != words[-1]
    environment[BEFORE] = before + equals if is_cut else ""
    environment["COMP_WORDS"] = "\n".join([*whole, rest if is_cut else last])
    environment["COMP_CWORD"] = str(len(whole))


def _joined(words: list[str]) -> list[str]:
    """A word after a comma's `=` belongs to what stands before it."""
    found: list[str] = []
    for word in words:
        is_value = found and "," in found[-1] and (word == "=" or found[-1].endswith("="))
        if is_value:
            found[-1] += word
        else:
            found.append(word)
    return found
