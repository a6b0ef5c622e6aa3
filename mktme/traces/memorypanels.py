"""How memory is drawn: the pages of VMAs, and user keys that lie about where nobody keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from checker.systems.reading import Reading
from mktme.traces.document import Panel
from mktme.traces.drawing import Moment, Place, known_key, named, panel
from model import words
from model.sorts import BYTES


def memory(run: Sequence[Moment]) -> Panel:
    """For each VMA: what it is encrypted with, and its page."""
    reading = run[-1].reading
    columns = [
        ("encrypted with", ""),
        ("page", ""),
        ("written under", ""),
        ("opened by", ""),
    ]
    looks = (_encrypted, _page, _written, _opened)
    rows = [
        (str(vma), [partial(look, vma=vma) for look in looks])
        for vma in range(reading.size("uses", 0))
    ]
    return panel(run, ("memory", "Memory", "VMA"), columns, rows)


def _over(reading: Reading, family: str, *at: int) -> tuple[tuple[int, ...], ...]:
    """The positions of a family that begin with some."""
    return tuple((*at, n) for n in range(reading.size(family, len(at))))


def _shown(reading: Reading, family: str, *at: int) -> tuple[str, ...]:
    return tuple(named(reading, family, *where) for where in _over(reading, family, *at))


def _encrypted(moment: Moment, vma: int) -> Place:
    reading = moment.reading
    slots = [
        words.slot_name(k, p) for k, p in words.slots(reading) if words.uses(reading, vma, k, p)
    ]
    astray = reading.is_true("astray", vma) and bool(slots)
    said = ", ".join(slots) + (", not its named key's" if astray else "")
    shows = (*_shown(reading, "uses", vma), named(reading, "astray", vma))
    return Place(said or "–", mark="stale" if astray else None, shows=shows)


def _page(moment: Moment, vma: int) -> Place:
    """Where a VMA's page lies, and what can be read of it."""
    reading = moment.reading
    package = words.page_of(reading, vma)
    shows = _shown(reading, "page", vma)
    if package is None:
        left = [n for _, n in _over(reading, "left", vma) if reading.is_true("left", vma, n)]
        shows += _shown(reading, "left", vma)
        return Place(f"freed, on package {left[0]}" if left else "–", shows=shows)
    others = [n for _, n in _over(reading, "shares", vma) if reading.is_true("shares", vma, n)]
    said = [f"on package {package}"]
    said += [f"shared with VMA {other}" for other in others]
    said.append("reads back" if reading.is_true("intact", vma) else "does not read back")
    if reading.is_true("plain", vma):
        said.append("plaintext in DRAM")
    shows += tuple(named(reading, f, vma) for f in ("intact", "plain"))
    return Place(", ".join(said), shows=shows)


def _written(moment: Moment, vma: int) -> Place:
    """Under which key a page was last stored."""
    reading = moment.reading
    labels = reading.grounding.finite.labels(BYTES)
    positions = [n for _, n in _over(reading, "written", vma)]
    under = [labels[n] for n in positions if reading.is_true("written", vma, n)]
    shows = _shown(reading, "written", vma)
    if not under:
        return Place("–", shows=shows)
    return Place(words.material(under[0]), known_key(under[0]), shows=shows)


def _opened(moment: Moment, vma: int) -> Place:
    """Which KeyIDs of its package decrypt a page."""
    reading = moment.reading
    opens = [n for _, n in _over(reading, "opens", vma) if reading.is_true("opens", vma, n)]
    said = ", ".join(words.keyid_name(n) for n in opens)
    return Place(said or "–", shows=_shown(reading, "opens", vma))


def lying_about(run: Sequence[Moment]) -> Panel:
    """User keys in memory that nobody means to keep."""
    reading = run[-1].reading
    labels = reading.grounding.finite.labels(BYTES)
    rows = []
    for position in range(len(BYTES.constants), len(labels)):
        looks = [partial(_lies, family=f, at=position) for f in ("struct_residue", "leaked")]
        rows.append((f"{labels[position]} {known_key(labels[position])}", looks))
    columns = [("programming structure", "freed"), ("payload structure", "never freed")]
    return panel(run, ("lying-about", "User keys that lie about", "key"), columns, rows)


def _lies(moment: Moment, family: str, at: int) -> Place:
    reading = moment.reading
    shows = (named(reading, family, at),)
    if not reading.is_true(family, at):
        return Place("–", shows=shows)
    return Place("holds it", holds_key=True, mark="residual", shows=shows)
