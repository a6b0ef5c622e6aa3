"""What there is to list, and how it is written for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from pydantic import Field

from checker import Property
from conformance.mutants.catalogue import MUTANTS
from designs import KNOBS, KNOWN_DESIGNS, Design
from mktme import statuses
from mktme.results.output import FORMATS
from mktme.results.shape import Shape
from mktme.results.shapes import VERDICTS
from mktme.simulation import expectations, vocabulary
from mktme.simulation.language import FORMS
from properties import KNOWN_PROPERTIES
from properties.catalogue import PROGRESS


class Entry(Shape):
    """One thing of a list. What a kind of thing does not have is null."""

    name: str = Field(description="What it is called where it can be typed.")
    meaning: str
    kind: str | None = None
    source: str | None = None
    values: dict[str, str] | None = Field(
        default=None,
        description="A design's knobs with their values; a knob's values with their meanings, the"
        " posted one first.",
    )


class Listing(Shape):
    """What `mktme list --json` prints."""

    format: Literal["mktme-list"] = "mktme-list"
    version: Literal[1] = 1
    what: str = Field(description="What was asked for, such as designs.")
    entries: list[Entry]


def posture(design: Design) -> dict[str, str]:
    """The postures in which a design is not as posted: knob to value."""
    return {
        knob.name: design.settings()[knob.name]
        for knob in KNOBS.values()
        if knob.kind == "posture" and design.settings()[knob.name] != knob.posted
    }


def details(design: Design) -> str:
    """Whether a named design has the details of the posted code; none has some of them only."""
    return "as posted" if design.on_release == "keep" else "repaired"


def kind(claim: Property) -> str:
    """What a property is judged of; where it is about infinite runs, what is checked instead."""
    return PROGRESS.get(claim.id, claim.kind)


def _designs() -> list[Entry]:
    return [
        Entry(
            name=name,
            meaning=", ".join(f"{knob}={value}" for knob, value in posture(design).items())
            or "posture as posted",
            kind=f"details {details(design)}",
            values=design.settings(),
        )
        for name, design in KNOWN_DESIGNS.items()
    ]


def _properties() -> list[Entry]:
    return [
        Entry(name=claim.id, meaning=claim.sentence, kind=kind(claim), source=claim.source)
        for claim in KNOWN_PROPERTIES.values()
    ]


def _knobs() -> list[Entry]:
    return [
        Entry(
            name=knob.name,
            meaning=f"as posted: {knob.meanings[knob.posted]}",
            kind=knob.kind,
            source=knob.source,
            values=dict(knob.meanings),
        )
        for knob in KNOBS.values()
    ]


def _mutants() -> list[Entry]:
    return [Entry(name=one.id, meaning=one.wrong, kind=one.layer) for one in MUTANTS.values()]


def _commands() -> list[Entry]:
    words = {**vocabulary.SIGNS, **vocabulary.WORDS}
    return [
        *(Entry(name=one.usage, meaning=one.meaning, kind="command") for one in FORMS.values()),
        *_meanings(words, "word"),
        *_meanings(expectations.MEANINGS, "expectation"),
    ]


def _meanings(known: Mapping[str, str], kind: str | None = None) -> list[Entry]:
    return [Entry(name=name, meaning=meaning, kind=kind) for name, meaning in known.items()]


VERDICT_WORDS: Final = {str(word): meaning for word, meaning in VERDICTS.items()}
STATUSES: Final = {str(status): meaning for status, meaning in statuses.MEANINGS.items()}

LISTS: Final[Mapping[str, Callable[[], list[Entry]]]] = {
    "designs": _designs,
    "properties": _properties,
    "knobs": _knobs,
    "commands": _commands,
    "mutants": _mutants,
    "verdicts": lambda: _meanings(VERDICT_WORDS),
    "formats": lambda: _meanings(FORMATS),
    "statuses": lambda: _meanings(STATUSES),
}
"""What can be listed, by name."""


def record(what: str) -> Listing:
    """A list by its name."""
    return Listing(what=what, entries=LISTS[what]())
