"""What the reference says of the properties."""

from __future__ import annotations

from collections.abc import Iterator

from checker import Property
from designs import DESIGNS, prices
from manual.markdown import code, plain, table
from properties import PROPERTIES, limited_to_scopes, not_applicable
from properties.catalogue import PROGRESS

SYSTEMS = {
    "": "the key service with its machine and memory",
    "payload": "the parser of payload texts",
    "locks": "threads against locks",
}
"""The systems that a property may speak about, by the name that it gives."""


def page() -> str:
    """Every property."""
    parts = [
        "# Properties\n",
        "A *state* property is judged in every reachable state, a *step* property on every"
        " transition. Each says what it is about, and has a premise: something that must be"
        " reachable for it to say anything. `mktme list properties` prints the table.\n",
        table(
            ("property", "kind", "statement"),
            [
                [f"[{claim.id}](#{claim.id})", _kind(claim), plain(claim.sentence)]
                for claim in PROPERTIES.values()
            ],
        ),
    ]
    for claim in PROPERTIES.values():
        parts.append(f"## {claim.id}\n")
        parts.append(f"{plain(claim.sentence)}\n")
        parts.append("\n".join(_facts(claim)) + "\n")
    return "\n".join(parts)


def _kind(claim: Property) -> str:
    return PROGRESS.get(claim.id, claim.kind)


def _facts(claim: Property) -> Iterator[str]:
    yield f"* Kind: {_kind(claim)}."
    yield f"* It speaks of {SYSTEMS[claim.system]}."
    yield f"* Source: {plain(claim.source)}."
    yield from _grouped(
        "Does not apply to",
        {name: said for name, d in DESIGNS.items() if (said := not_applicable(d, claim))},
    )
    yield from _grouped(
        "Proved for scopes only, of",
        {name: said for name, d in DESIGNS.items() if (said := limited_to_scopes(d, claim))},
    )
    yield from _grouped(
        "A price of",
        {name: said for name, d in DESIGNS.items() if (said := prices(d).get(claim.id))},
    )


def _grouped(what: str, found: dict[str, str]) -> Iterator[str]:
    """A line for each reason, with the designs that it concerns."""
    for reason in dict.fromkeys(found.values()):
        names = ", ".join(code(name) for name, said in found.items() if said == reason)
        yield f"* {what} {names}: {plain(reason)}."
