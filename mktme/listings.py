"""Decides how designs, properties, knobs and a script's commands are listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from checker import Property
from designs import KNOBS, Design
from designs.knobs import Knob
from mktme.simulation import expectations, vocabulary
from mktme.simulation.language import FORMS
from properties.catalogue import PROGRESS


def designs(named: Mapping[str, Design]) -> Table:
    """The named designs."""
    table = Table("design", "posture that is not as posted", "details", header_style="bold")
    for name, design in named.items():
        changed = [
            f"{knob.name}={getattr(design, knob.name)}"
            for knob in KNOBS.values()
            if knob.kind == "posture" and getattr(design, knob.name) != knob.posted
        ]
        details = "as posted" if design.on_release == "keep" else "repaired"
        table.add_row(name, ", ".join(changed) or "none", details)
    return table


def properties(claims: Mapping[str, Property]) -> Table:
    """The claims."""
    table = Table(header_style="bold")
    table.add_column("property", no_wrap=True)
    for heading in ("kind", "statement", "source"):
        table.add_column(heading)
    for claim in claims.values():
        kind = PROGRESS.get(claim.id, claim.kind)
        table.add_row(claim.id, kind, claim.sentence, claim.source)
    return table


def knobs(catalogue: Mapping[str, Knob]) -> Table:
    """The decisions that make a design."""
    table = Table("knob", "kind", "value", "meaning", "source", header_style="bold")
    for knob in catalogue.values():
        for number, (value, meaning) in enumerate(knob.meanings.items()):
            first = number == 0
            table.add_row(
                knob.name if first else "",
                knob.kind if first else "",
                f"{value} (posted)" if first else value,
                meaning,
                knob.source if first else "",
            )
        table.add_section()
    return table


def commands() -> Iterator[Table]:
    """What a line of a script may say: its commands, the words in them, and what it may expect."""
    table = Table("command", "meaning", header_style="bold")
    for form in FORMS.values():
        # What stands in capitals is in the next table, what is in brackets may be left out.
        table.add_row(Text(form.usage), Text(form.meaning))
    yield table
    table = Table("word", "meaning", header_style="bold")
    for word, meaning in {**vocabulary.SIGNS, **vocabulary.WORDS}.items():
        table.add_row(Text(word), Text(meaning))
    yield table
    table = Table("expectation", "met if", header_style="bold")
    for expectation, meaning in expectations.MEANINGS.items():
        table.add_row(Text(expectation), Text(meaning))
    yield table
