"""What the reference says of knobs and of the designs that have a name."""

from __future__ import annotations

from collections.abc import Iterator

from designs import DESIGNS, KNOBS, Design, prices
from manual.markdown import code, plain, table


def knobs_page() -> str:
    """Every knob with its values."""
    posture = "A *posture* is what the thread argued about: each value is somebody's position."
    detail = "A *detail* is what a careful author would repair without changing the position."
    parts = [
        "# Knobs\n",
        "A design is a setting for every knob. The first value of a knob is the one that was"
        f" posted. {posture} {detail} The last value of a detail is the repaired one.\n",
        "On a command line a knob is set behind a design's name:"
        " `rfc-v2,teardown=keep_last_lead`. Settings that contradict each other are refused.\n",
    ]
    for kind in ("posture", "detail"):
        parts.append(f"## {kind.capitalize()}\n")
        for knob in (knob for knob in KNOBS.values() if knob.kind == kind):
            parts.append(f"### {code(knob.name)}\n")
            parts.append(f"Source: {plain(knob.source)}.\n")
            rows = [
                [code(value) + (" (posted)" if value == knob.posted else ""), plain(meaning)]
                for value, meaning in knob.meanings.items()
            ]
            parts.append(table(("value", "meaning"), rows))
    return "\n".join(parts)


def designs_page() -> str:
    """Every named design with its postures and prices."""
    parts = [
        "# Named designs\n",
        "The two posted designs have every detail as posted. The others have every detail repaired,"
        " so that what is broken in them is what their posture costs. `mktme list designs` prints"
        " the first table; [knobs](knobs.md) says what the settings mean.\n",
        table(
            ("design", "posture that is not as posted", "details"),
            [
                [code(name), ", ".join(map(code, _posture(design))) or "none", _details(design)]
                for name, design in DESIGNS.items()
            ],
        ),
        "## Prices\n",
        "What each design gives up by its posture: a violation that no repaired detail removes.\n",
    ]
    for name, design in DESIGNS.items():
        parts.append(f"### {code(name)}\n")
        parts.append("\n".join(_prices(design)) + "\n")
    return "\n".join(parts)


def _posture(design: Design) -> Iterator[str]:
    for knob in KNOBS.values():
        value = design.settings()[knob.name]
        if knob.kind == "posture" and value != knob.posted:
            yield f"{knob.name}={value}"


def _details(design: Design) -> str:
    details = [knob for knob in KNOBS.values() if knob.kind == "detail"]
    if all(design.settings()[knob.name] == knob.posted for knob in details):
        return "as posted"
    if all(design.settings()[knob.name] == knob.repaired for knob in details):
        return "repaired"
    return "some repaired"


def _prices(design: Design) -> Iterator[str]:
    by_sentence: dict[str, list[str]] = {}
    for claim, sentence in prices(design).items():
        by_sentence.setdefault(sentence, []).append(claim)
    for sentence, claims in by_sentence.items():
        linked = ", ".join(f"[{claim}](properties.md#{claim})" for claim in claims)
        yield f"* {linked}: {plain(sentence)}."
