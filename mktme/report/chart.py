"""The chart of cost against properties: a line for each design, a panel for each kind of figure.

It is drawn in colours that stand for roles. They become classes, so that the page's style sheet
colours the chart, in light and in dark, and no element carries a style of its own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from mktme.report.standing import NONE, Standing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SVG: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"

ROLES: Final[Mapping[str, str]] = {
    "#010101": "ink",
    "#020202": "muted",
    "#030303": "line",
    "#040404": "any-size",
    "#050505": "scope",
    "#060606": "price",
    "#070707": "violated",
    "#080808": "other",
    "#090909": "cost",
    "#0a0a0a": "cost-light",
    "#0b0b0b": "on-bar",
}
"""The colours in which it is drawn, and the class that each becomes."""

COLOURS: Final = {role: colour for colour, role in ROLES.items()}

SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mktme",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
}
"""Text stays text, and the same figures give the same file."""

DESCRIPTION: Final = (
    "For each design, from the one of which most properties hold: how many properties are proved"
    " for any size, proved in this scope, violated as the price of the posture, and violated"
    " otherwise; how many PCONFIGs adding, updating and releasing a key take; how many readable"
    " bytes of a user key lie in kernel memory while it is in use and after its release; and how"
    " many keys the machine can hold after booting and at worst. The table below has the figures."
)


def chart(standings: Sequence[Standing], name: str = "chart") -> str:
    """The chart as an `svg` element. `name` begins the names of its title and description."""
    # Takes a second to import, which no other command needs.
    import matplotlib
    from matplotlib.figure import Figure

    rows = sorted(standings, key=lambda one: one.holds)
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(10.4, 0.9 + 0.34 * len(rows)), layout="constrained")
        panels = figure.subplots(1, 4, sharey=True, width_ratios=[4, 1.4, 1.9, 1.4])
        for panel, draw in zip(panels, (_answers, _requests, _bytes, _keyids), strict=True):
            draw(panel, rows)
            _plain(panel)
        panels[0].set_yticks(range(len(rows)), [row.design for row in rows])
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return classed(file.getvalue(), name)


def _plain(panel: Axes) -> None:
    """No frame and no scale: each bar says its figure."""
    panel.spines[:].set_visible(False)
    panel.set_xticks([])
    panel.tick_params(length=0, colors=COLOURS["ink"])
    panel.axvline(0, color=COLOURS["line"], linewidth=1)


SIGNS: Final = {"any-size": "∞", "scope": "✓", "price": "§", "violated": "✗", "other": "–"}
"""What tells the kinds of answers apart where colours do not."""

BESIDE_MIN: Final = 0.06
"""The part of the panel's width in which a sign and its number fit side by side."""


def _answers(panel: Axes, rows: Sequence[Standing]) -> None:
    proved = "properties: ∞ proved for any size, ✓ in this scope,"
    panel.set_title(
        f"{proved}\n§ violated as a price, ✗ otherwise, – other", loc="left", color=COLOURS["muted"]
    )
    most = max(row.answers.total() for row in rows)
    for at, row in enumerate(rows):
        start = 0
        other = row.answers.total() - sum(row.answers[kind] for kind in SIGNS)
        for kind in SIGNS:
            number = other if kind == "other" else row.answers[kind]
            if number:
                _answer(panel, at, start, (kind, number), number / most)
            start += number
    panel.set_xlim(0, most)


def _answer(panel: Axes, at: int, start: int, what: tuple[str, int], part: float) -> None:
    """One kind of answer and how many they are; `part` is the part of the width that it takes."""
    kind, number = what
    panel.barh(at, number, left=start, height=0.72, color=COLOURS[kind], edgecolor="none")
    between, size = (" ", None) if part >= BESIDE_MIN else ("\n", 7)
    panel.text(
        start + number / 2,
        at,
        f"{SIGNS[kind]}{between}{number}",
        ha="center",
        va="center",
        fontsize=size,
        linespacing=1.0,
        color=COLOURS["on-bar"],
    )


def _requests(panel: Axes, rows: Sequence[Standing]) -> None:
    panel.set_title("PCONFIGs: add,\nupdate, release", loc="left", color=COLOURS["muted"])
    _bars(panel, rows, lambda row: row.requests, "cost", 0, 0.72)


def _bytes(panel: Axes, rows: Sequence[Standing]) -> None:
    panel.set_title(
        "readable key bytes:\nin use / after release", loc="left", color=COLOURS["muted"]
    )
    _bars(panel, rows, lambda row: row.in_use, "cost", 0.18, 0.34)
    _bars(panel, rows, lambda row: row.released, "cost-light", -0.18, 0.34)


def _keyids(panel: Axes, rows: Sequence[Standing]) -> None:
    panel.set_title("keys it can hold:\nat boot / at worst", loc="left", color=COLOURS["muted"])
    _bars(panel, rows, lambda row: row.keyids[0], "cost", 0.18, 0.34)
    _bars(panel, rows, lambda row: row.keyids[1], "cost-light", -0.18, 0.34)


def _bars(
    panel: Axes,
    rows: Sequence[Standing],
    figure: Callable[[Standing], int | None],
    role: str,
    above: float,
    height: float,
) -> None:
    """A bar for each design that has the figure, with the figure at its end."""
    most = max(1, *(figure(row) or 0 for row in rows), round(panel.get_xlim()[1] / 1.25))
    for at, row in enumerate(rows):
        value = figure(row)
        panel.barh(at + above, value or 0, height=height, color=COLOURS[role], edgecolor="none")
        said = NONE if value is None else f"{value}"
        panel.text((value or 0) + most * 0.03, at + above, said, va="center", color=COLOURS["ink"])
    panel.set_xlim(0, most * 1.25)


# From colours to classes


def classed(text: str, name: str) -> str:
    """The drawing as an element of a page: roles for colours, and words for who sees none."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        _class(element)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("class", "drawing")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    title = ElementTree.Element(f"{{{SVG}}}title", {"id": f"{name}-title"})
    title.text = "Cost against properties"
    described = ElementTree.Element(f"{{{SVG}}}desc", {"id": f"{name}-description"})
    described.text = DESCRIPTION
    root.insert(0, described)
    root.insert(0, title)
    return ElementTree.tostring(root, encoding="unicode")


_KEPT: Final = ("text-anchor", "stroke-width", "opacity", "fill-opacity")
"""What an element may have besides a colour, as an attribute."""


def _class(element: ElementTree.Element) -> None:
    """Turn an element's style into classes and attributes."""
    style = element.attrib.pop("style", "")
    said = dict(part.strip().split(": ", 1) for part in style.split(";") if ": " in part)
    classes = [
        f"{what}-{ROLES[said[what]]}" for what in ("fill", "stroke") if said.get(what) in ROLES
    ]
    if element.tag == f"{{{SVG}}}path" and "fill" not in said:
        classes.append("fill-none")
    if said.get("fill") == "none":
        classes.append("fill-none")
    if classes:
        element.set("class", " ".join(classes))
    # Older releases of the library say `font: 9px …`, newer ones `font-size: 9px`.
    size = re.search(r"([\d.]+)px", said.get("font-size", said.get("font", "")))
    if size:
        element.set("font-size", size[1])
    for name in _KEPT:
        if name in said:
            element.set(name, said[name])
