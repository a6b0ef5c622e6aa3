"""How each answer of the matrix is told on the page: a word, a sign, a kind, and what is behind it.

The kind decides the colour, and nothing is said by colour alone: sign and word say the same.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Final

from mktme import render
from mktme.judge import Cell
from model import Scope
from properties import KNOWN_PROPERTIES, limited_to_scopes

KINDS: Final = {
    "any-size": ("✓", "proved for any number of packages, CPUs, KeyIDs, keys and VMAs"),
    "scope": ("✓", "proved, in every reachable state of this scope"),
    "violated": ("✗", "violated: so many steps has the shortest counterexample"),
    "price": (
        "✗",
        "violated, and § a price of the posture: no repaired detail removes the violation",
    ),
    "bounded": ("~", "holds to that depth, and was not checked beyond"),
    "vacuous": ("∅", "vacuous: what the property speaks about never happens"),
    "unknown": ("?", "unknown: no engine came to an end"),
    "na": ("–", "does not apply: the design's own setting excludes it"),
}
"""For each kind of answer its sign and its meaning."""

DISAGREES: Final = "! DISAGREES"

_WORDS: Final = {
    "HOLDS_TO": "bounded",
    "VACUOUS": "vacuous",
    "UNKNOWN": "unknown",
    "NOT_APPLICABLE": "na",
}

_PROOFS: Final = {
    "any-size": "An induction for any size.",
    "induction": "An induction in this scope.",
    "closed-set": "The set of all reachable states of this scope, which is closed and has no bad"
    " state.",
}


@dataclasses.dataclass(frozen=True)
class Answer:
    """A cell as the page shows it.

    `place` is what a link to it names, `word` what stands in the matrix behind `sign`. `trace` is
    the number of its counterexample among those of the page. `facts` are pairs of a name and a
    text. `commands` make the answer again.
    """

    cell: Cell
    kind: str
    word: str
    trace: int | None
    facts: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]

    @property
    def place(self) -> str:
        """The answer's name in links: one for each design and property, the same in every page."""
        return f"{self.cell.design.name}/{self.cell.property_id}"

    @property
    def sign(self) -> str:
        """The sign of its kind."""
        return KINDS[self.kind][0]

    @property
    def lemmas(self) -> Sequence[str]:
        """What a proof for any size rests on."""
        certificate = self.cell.verdict.certificate if self.cell.verdict else None
        return certificate.lemmas if certificate else ()

    @property
    def how(self) -> str:
        """What kind of proof it is; "" where nothing is proved."""
        certificate = self.cell.verdict.certificate if self.cell.verdict else None
        return _PROOFS[certificate.kind] if certificate else ""


def kind_of(cell: Cell) -> str:
    """The kind of an answer."""
    if cell.word == "PROVED":
        is_any = cell.verdict is not None and cell.verdict.extent == "any size"
        return "any-size" if is_any else "scope"
    if cell.word == "VIOLATED":
        return "price" if cell.price else "violated"
    return _WORDS[cell.word]


def answer_of(cell: Cell, scope: Scope, trace: int | None) -> Answer:
    """What the page shows of a cell; `trace` is the number of its counterexample."""
    kind = kind_of(cell)
    word = render.sign(cell).plain.removesuffix(DISAGREES).removesuffix(" §").strip()
    return Answer(
        cell=cell,
        kind=kind,
        word=word.removeprefix(KINDS[kind][0]).strip(),
        trace=trace,
        facts=tuple(_facts(cell)),
        commands=tuple(_commands(cell, scope)),
    )


def _facts(cell: Cell) -> list[tuple[str, str]]:
    """How the answer was found, in pairs."""
    facts = []
    verdict = cell.verdict
    if verdict is not None:
        facts.append(("found by", verdict.engine))
        if verdict.certificate is not None:
            facts.append(("second checker", verdict.certificate.confirmed))
        if render.counted(cell):
            unit = "classes of states" if verdict.reduced else "distinct states"
            facts.append((unit, f"{verdict.states:,}"))
        if verdict.extent != "any size" and verdict.word in ("PROVED", "HOLDS_TO"):
            facts.append(("depth", f"{verdict.depth}"))
            limited = limited_to_scopes(cell.design, KNOWN_PROPERTIES[cell.property_id])
            if limited:
                facts.append(("not for any size", limited))
    facts.append(("time", f"{cell.seconds:.1f} s"))
    return facts


def _commands(cell: Cell, scope: Scope) -> list[str]:
    which = f"{shlex.quote(cell.design.name)} {cell.property_id}"
    sizes = sizes_said(scope)
    if cell.word == "VIOLATED":
        return [f"mktme explain {which}{sizes}", f"mktme replay {cell.trace_id}"]
    if cell.word != "PROVED":
        return [f"mktme check {which}{sizes}"]
    commands = [f"mktme check {which}{sizes} --certificates proofs"]
    if kind_of(cell) == "any-size":
        commands.append(f"mktme lemmas {which}")
    return commands


def sizes_said(scope: Scope) -> str:
    """The options that ask for a scope, as far as it is not the usual one."""
    usual = Scope()
    return "".join(
        f" --{name} {getattr(scope, name)}"
        for name in ("packages", "cpus", "keyids", "values", "vmas", "threads")
        if getattr(scope, name) != getattr(usual, name)
    )
