"""The page: one HTML file with everything inside, and a policy that lets it load nothing else.

Script and style sheet are named by their hashes in that policy, so that no text of the data could
become a script, even if a template forgot to escape it.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import importlib.metadata
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.costs import Costs
from conformance.lockstep import ground
from designs import KNOBS, Design
from mktme import costs, viewer
from mktme.differences import Difference
from mktme.judge import Cell
from mktme.report import environment, standing
from mktme.report.answers import KINDS, Answer, answer_of
from mktme.report.chart import chart
from mktme.report.grids import Grid, grids
from mktme.report.packed import packed, script_text
from mktme.traces.document import Document
from mktme.traces.telling import document_of
from model import Scope
from properties import KNOWN_PROPERTIES

TALLY: Final = {
    "any-size": "proved, any size",
    "scope": "proved, this scope",
    "violated": "violated",
    "price": "violated as a price",
    "bounded": "bounded",
    "vacuous": "vacuous",
    "unknown": "unknown",
    "na": "do not apply",
}
"""What the number of answers of each kind is called."""


@dataclasses.dataclass(frozen=True)
class Results:
    """What a page is made of. `facts` are pairs of a name and a text about how it was made;
    `pairs_scope` says in which scope the pairs of designs were searched, and how far.
    """

    cells: Sequence[Cell]
    scope: Scope
    measured: Sequence[Costs] = ()
    pairs: Sequence[Difference] = ()
    facts: Sequence[tuple[str, str]] = ()
    pairs_scope: str = ""

    @property
    def designs(self) -> list[Design]:
        """Those judged, in the order of the cells."""
        return list({cell.design.name: cell.design for cell in self.cells}.values())

    @property
    def properties(self) -> list[str]:
        """The ids of those judged by, in the order of the catalogue."""
        judged = {cell.property_id for cell in self.cells}
        return [id_ for id_ in KNOWN_PROPERTIES if id_ in judged]


def documents_of(results: Results) -> dict[str, Document]:
    """The counterexamples, by the place of their answer."""
    return {
        f"{cell.design.name}/{cell.property_id}": document_of(
            cell,
            results.scope,
            ground(cell.design, results.scope, KNOWN_PROPERTIES[cell.property_id].system),
        )
        for cell in results.cells
        if cell.trace is not None
    }


def page(results: Results) -> str:
    """The page's text. Raises ValueError where there is no cell to show."""
    if not results.cells:
        raise ValueError("a page needs cells")
    documents = documents_of(results)
    numbers = {place: number for number, place in enumerate(documents)}
    answers = [
        answer_of(cell, results.scope, numbers.get(f"{cell.design.name}/{cell.property_id}"))
        for cell in results.cells
    ]
    style = viewer.STYLE + _text("page.css")
    script = viewer.SCRIPT + _text("report.js")
    context = {
        **_matrix(results, answers),
        **_costs(results),
        "documents": list(documents.values()),
        "pairs": {(pair.allowing, pair.refusing): pair for pair in results.pairs},
        "pairs_scope": results.pairs_scope,
        "knobs": list(KNOBS.values()),
        "environment": environment.grid(results.facts, results.scope),
        "engines": environment.engines(results.cells),
        "data": Markup(script_text(packed(documents.values()))),
        "style": _inside("style", style),
        "script": _inside("script", script),
        "policy": policy(style, script),
        "version": importlib.metadata.version("mktme"),
    }
    return templates().get_template("report.html").render(context)


def _matrix(results: Results, answers: Sequence[Answer]) -> dict[str, Any]:
    """What the head of the page, the matrix and the answers are made of."""
    designs, properties = results.designs, results.properties
    known = {answer.place: answer for answer in answers}
    counted = Counter(answer.kind for answer in answers)
    holding = Counter(a.cell.design.name for a in answers if a.kind in ("any-size", "scope"))
    judged = Counter(answer.cell.design.name for answer in answers)
    return {
        "title": _title(len(designs), len(properties)),
        "lead": (
            "Designs of a kernel memory-encryption key service (Linux MKTME, 2018), each judged by"
            " each property: a proof that a second checker confirmed, or a shortest counterexample"
            f" that replays on a running implementation. Scope: {results.scope}."
        ),
        "tally": [(kind, counted[kind]) for kind in KINDS if counted[kind]],
        "tally_words": TALLY,
        "kinds": KINDS,
        "shown": [kind for kind in KINDS if counted[kind]],
        "designs": designs,
        "properties": {id_: KNOWN_PROPERTIES[id_] for id_ in properties},
        "rows": [(id_, [known.get(f"{d.name}/{id_}") for d in designs]) for id_ in properties],
        "sums": [(holding[design.name], judged[design.name]) for design in designs],
        "answers": answers,
        "first": next((answer for answer in answers if answer.trace is not None), None),
    }


def _costs(results: Results) -> dict[str, Any]:
    """What the chart and the tables of costs are made of; nothing where nothing was measured."""
    rows = standing.standings(results.cells, results.measured)
    tables: list[Grid] = list(grids(costs.tables(results.measured)))
    return {
        "standings": standing.grid_of(rows) if rows else None,
        "chart": Markup(chart(rows)) if rows else "",
        "costs": tables,
        "costs_legend": costs.legend(results.measured) if rows else [],
    }


def _title(designs: int, properties: int) -> str:
    judged = "1 design" if designs == 1 else f"{designs} designs"
    by = "1 property" if properties == 1 else f"{properties} properties"
    return f"{judged} judged by {by}"


# Templates


def templates() -> Environment:
    """The templates of this package: all is escaped, and nothing unknown is silently empty."""
    loaded = Environment(
        loader=PackageLoader("mktme.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loaded.filters["capitalised"] = lambda text: text[:1].upper() + text[1:]
    loaded.filters["lemmas"] = lambda number: "1 lemma" if number == 1 else f"{number} lemmas"
    loaded.filters["pair_place"] = lambda pair: f"pair/{pair.allowing}/{pair.refusing}"
    loaded.filters["wrapped"] = wrapped
    return loaded


def wrapped(name: str) -> Markup:
    """A name that may be broken where its parts meet."""
    text = str(escape(name))
    for sign in "-_,=":
        text = text.replace(sign, f"{sign}<wbr>")
    return Markup(text)


def _text(name: str) -> str:
    return files("mktme.report").joinpath("templates", name).read_text(encoding="utf-8")


def _inside(tag: str, text: str) -> Markup:
    """Our own script or style sheet. Raises ValueError if it would end its element."""
    if f"</{tag}" in text.lower():
        raise ValueError(f"a text inside {tag} has its end")
    return Markup(text)


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this script and this style sheet, and nothing from anywhere."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
