"""Decides how what there is (designs, properties, knobs, …) is listed for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from checker import Property
from conformance.mutants.catalogue import MUTANTS
from conformance.mutants.fault import Mutant
from designs import KNOBS, KNOWN_DESIGNS, Design
from designs.knobs import Knob
from mktme import listed
from mktme.results.output import FORMATS
from mktme.simulation import expectations, vocabulary
from mktme.simulation.language import FORMS
from mktme.statuses import ORDER
from properties import KNOWN_PROPERTIES


def designs(named: Mapping[str, Design]) -> Table:
    """The named designs."""
    table = Table("design", "posture that is not as posted", "details", header_style="bold")
    for name, design in named.items():
        changed = [f"{knob}={value}" for knob, value in listed.posture(design).items()]
        table.add_row(name, ", ".join(changed) or "none", listed.details(design))
    return table


def properties(claims: Mapping[str, Property]) -> Table:
    """The claims."""
    table = Table(header_style="bold", show_lines=True)
    table.add_column("property", overflow="fold")
    table.add_column("statement, kind and source")
    for claim in claims.values():
        said = Text.assemble(claim.sentence, "\n", (f"{listed.kind(claim)}; {claim.source}", "dim"))
        table.add_row(claim.id, said)
    return table


def knobs(catalogue: Mapping[str, Knob]) -> Table:
    """The decisions that make a design."""
    table = Table(header_style="bold")
    for heading in ("knob, kind and source", "value"):
        table.add_column(heading, overflow="fold")
    table.add_column("meaning")
    for knob in catalogue.values():
        about = Text.assemble(knob.name, "\n", (f"{knob.kind}; {knob.source}", "dim"))
        for value, meaning in knob.meanings.items():
            is_posted = value == knob.posted
            table.add_row(
                about if is_posted else "", f"{value}\n(posted)" if is_posted else value, meaning
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


def mutants(known: Mapping[str, Mutant]) -> Table:
    """The single faults that `mktme mutants` plants."""
    table = Table(header_style="bold")
    table.add_column("mutant", no_wrap=True)
    for heading in ("layer", "what is wrong"):
        table.add_column(heading)
    for mutant in known.values():
        table.add_row(mutant.id, mutant.layer, mutant.wrong)
    return table


def meanings(heading: str, known: Mapping[str, str]) -> Table:
    """Words or numbers, each with its meaning."""
    table = Table(header_style="bold")
    table.add_column(heading, no_wrap=True)
    table.add_column("meaning")
    for word, meaning in known.items():
        table.add_row(word, Text(meaning))
    return table


TABLES: Final[Mapping[str, Callable[[], Iterable[RenderableType]]]] = {
    "designs": lambda: [designs(KNOWN_DESIGNS)],
    "properties": lambda: [properties(KNOWN_PROPERTIES)],
    "knobs": lambda: [knobs(KNOBS)],
    "commands": commands,
    "mutants": lambda: [mutants(MUTANTS)],
    "verdicts": lambda: [meanings("verdict", listed.VERDICT_WORDS)],
    "formats": lambda: [meanings("format", FORMATS)],
    "statuses": lambda: [meanings("status", listed.STATUSES), Text(ORDER)],
}
"""What can be listed, by name, as it is shown."""
