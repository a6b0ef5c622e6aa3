"""Decides how mutants are tried side by side, and how it is shown what noticed each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Literal

from pydantic import Field
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from conformance.mutants.catalogue import Tried, tried
from mktme import statuses
from mktme.executors import side_by_side
from mktme.results.shape import Shape


def all_tried(ids: Sequence[str], pool: Executor, done: Callable[[str], None]) -> list[Tried]:
    """Try mutants side by side; they come in the order asked for. `done` hears of each at once."""
    calls = [functools.partial(tried, id) for id in ids]
    return side_by_side(pool, calls, lambda one: done(one.id))


def status(found: Sequence[Tried]) -> int:
    """The status of `mktme mutants`: a fault that nobody notices must have an explanation."""
    is_explained = all(one.is_explained for one in found)
    return statuses.HOLDS if is_explained else statuses.DISAGREE


def told(found: Sequence[Tried]) -> Iterator[RenderableType]:
    """A row for each mutant, why survivors survive, and how many there are of each sort."""
    table = Table(header_style="bold")
    table.add_column("mutant, and what is wrong", overflow="fold")
    table.add_column("layer", no_wrap=True)
    table.add_column("killed by", overflow="fold")
    for one in found:
        kill = one.kill
        by = f"{kill.killer}, after {kill.after:,} {kill.unit}" if kill else "nobody"
        said = Text.assemble((one.id, "bold"), "\n", one.mutant.wrong)
        table.add_row(said, one.mutant.layer, by)
    yield table
    for one in found:
        if one.kill is None:
            yield Text(f"{one.id} survives: {one.mutant.survives or 'nobody has said why'}")
    yield Text(_counted(found))


def _counted(found: Sequence[Tried]) -> str:
    killed = sum(one.kill is not None for one in found)
    explained = sum(one.kill is None and one.is_explained for one in found)
    counted = f"{_mutants(len(found))}: {killed} killed"
    others = {
        "survives|survive for a reason": explained,
        "survives|survive unexplained": len(found) - killed - explained,
    }
    for words, number in others.items():
        verbs, _, how = words.partition(" ")
        one, many = verbs.split("|")
        counted += f", {number} {one if number == 1 else many} {how}" if number else ""
    return f"{counted}."


def _mutants(number: int) -> str:
    return f"{number} mutant" if number == 1 else f"{number} mutants"


class Mutated(Shape):
    """One mutant; what only a killed one has is null for a survivor."""

    id: str
    layer: str
    where: str = Field(description="The function or action with the fault.")
    wrong: str = Field(description="The fault, in words.")
    design: str
    scope: str
    killed_by: str | None = Field(description="The check that noticed it.")
    after: int | None = Field(description="How much of `unit` it took.")
    unit: str | None
    told: str | None = Field(description="What the check said of it.")
    survives: str | None = Field(description="Why a survivor is no surprise.")
    seconds: float


class Mutants(Shape):
    """What `mktme mutants --json` prints."""

    format: Literal["mktme-mutants"] = "mktme-mutants"
    version: Literal[1] = 1
    mutants: list[Mutated]


def record(found: Sequence[Tried]) -> Mutants:
    """One object for each mutant, in the order asked for."""
    return Mutants(mutants=[_result(one) for one in found])


def _result(one: Tried) -> Mutated:
    mutant, kill = one.mutant, one.kill
    return Mutated(
        id=mutant.id,
        layer=mutant.layer,
        where=mutant.fault.where,
        wrong=mutant.wrong,
        design=mutant.design,
        scope=str(mutant.scope),
        killed_by=kill.killer if kill else None,
        after=kill.after if kill else None,
        unit=kill.unit if kill else None,
        told=kill.told if kill else None,
        survives=None if kill else mutant.survives or None,
        seconds=round(one.seconds, 3),
    )
