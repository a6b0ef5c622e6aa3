"""Decides what is written for other model checkers, and writes it: whole, or not at all."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from checker.exchange.formats import FORMATS, Format
from checker.exchange.naming import identifier
from checker.exchange.nodes import NotWritable
from checker.exchange.subject import Subject
from checker.systems.asking import without_collections
from checker.systems.cone import cone_of_influence
from checker.systems.property import Property
from conformance.lockstep import ground
from designs import Design, nearest
from mktme.results import output
from mktme.results.shape import Shape
from model import Scope
from properties import not_applicable


class ExportError(ValueError):
    """What cannot be exported, or not to there; the message says why, and what is known."""


def format_from_text(text: str) -> Format:
    """The format of that name. Raises ExportError."""
    if text not in FORMATS:
        raise ExportError(f"unknown format {text!r}{nearest(text, FORMATS)}")
    return FORMATS[text]


def name_for(design: Design, claim: Property) -> str:
    """What a file of a cell is called where nobody says it: a name in every format."""
    return identifier(f"{design.name}_{claim.id}")


def texts(
    design: Design, claim: Property, scope: Scope, form: Format, name: str, depth: int
) -> Mapping[str, str]:
    """The texts of a cell by the endings of their files' names. Raises ExportError.

    `name` is what the files are called but for that, and `depth` how far a bounded search goes.
    """
    excluded = not_applicable(design, claim)
    if excluded is not None:
        raise ExportError(f"{claim.id} does not apply to {design.name} ({excluded})")
    with without_collections():
        grounding = ground(design, scope, claim.system)
        grounded = grounding.property(claim)
        cone = cone_of_influence(grounding.system, grounded)
        sizes = ", ".join(f"{name}={size}" for name, size in dataclasses.asdict(scope).items())
        about = [
            f"Design: {design.name}",
            f"Property: {claim.id}: {claim.sentence}",
            f"Scope: {sizes}",
            f"Of the {len(grounding.system.variables)} variables of the system these are the"
            f" {len(cone.variables)} that the property depends on.",
            f"Written by mktme {importlib.metadata.version('mktme')}.",
        ]
        try:
            return form.write(Subject(cone, grounded, about, name, depth))
        except NotWritable as refusal:
            raise ExportError(str(refusal)) from None


def on_one_stream(written: Mapping[str, str], form: Format, name: str) -> str:
    """All texts as one. What follows a TLA+ module's end is not read as part of it."""
    others = [
        f"\nFor a file {name}{ending} beside it:\n\n{text}"
        for ending, text in written.items()
        if ending != form.ending
    ]
    return "".join([written[form.ending], *others])


def about_others(
    written: Mapping[str, str], form: Format, path: Path | None, name: str
) -> list[str]:
    """A line for each text beside the main one: the file that it is in, or where else it is."""
    others = [ending for ending in written if ending != form.ending]
    if path is not None:
        return [
            f"{path.name} needs {path.with_suffix(one)}, which is written too" for one in others
        ]
    return [
        f"{name}{one} is no file yet: it stands below the end of {name}{form.ending}, and"
        f" -o {name}{form.ending} writes both"
        for one in others
    ]


def target_from_text(text: str, form: Format) -> Path:
    """The file of that path, which may not be there yet. Raises ExportError, OrderError."""
    path = output.file_from_text(text)
    if form.ending == ".tla" and path.suffix != form.ending:
        raise ExportError(f"cannot write {text!r}: a TLA+ module's file has a name like it, M.tla")
    for ending in form.beside:
        output.file_from_text(str(path.with_suffix(ending)))
    return path


def write(path: Path, written: Mapping[str, str], form: Format) -> list[Path]:
    """Write the main text to the path, and then the others beside it. Raises NotWritten."""
    targets = {
        path if ending == form.ending else path.with_suffix(ending): text
        for ending, text in written.items()
    }
    for target, text in targets.items():
        output.write(target, text)
    return list(targets)


class Exported(Shape):
    """What `mktme export` wrote: `files` by name; `text` of each where none was written."""

    format: Literal["mktme-export"] = "mktme-export"
    version: Literal[1] = 1
    design: str
    property: str
    to: str
    files: dict[str, str | None]
