"""The options that several commands share: how each is spelled, and what its help says."""

from __future__ import annotations

from typing import Annotated

import typer

from checker import Limits
from mktme import completing
from mktme.baseline import SHIPPED
from mktme.orders import (
    ENGINE_NAMES,
    LIMITS,
    Orders,
    bytes_from_text,
    engine_from_text,
    folder_from_text,
)
from mktme.results.output import FORMATS
from mktme.traces import forms
from model import LIMITS as SIZES


def _range(bound: str) -> str:
    least, greatest = SIZES[bound]
    return f"{least} to {greatest}"


DesignArgument = Annotated[
    str,
    typer.Argument(
        metavar="DESIGN[,knob=value…]",
        help="A named design, with knobs changed.",
        autocompletion=completing.design,
    ),
]
DesignsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DESIGN[,knob=value…]",
        help="Designs; all named ones if none.",
        autocompletion=completing.design,
    ),
]
PropertyArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROPERTY", help="The property's id.", autocompletion=completing.property_
    ),
]
PropertiesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PROPERTY",
        help="Properties; all if none.",
        autocompletion=completing.property_,
    ),
]
MutantsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MUTANT", help="Mutants; all if none.", autocompletion=completing.mutant
    ),
]
PropertyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--property",
        metavar="PROPERTY",
        help="Judge this property (repeatable).",
        autocompletion=completing.property_,
    ),
]
Packages = Annotated[int, typer.Option(help=f"Packages, {_range('packages')}.")]
Cpus = Annotated[int, typer.Option(help=f"CPUs in each package, {_range('cpus')}.")]
KeyIds = Annotated[int, typer.Option("--keyids", help=f"Usable KeyIDs, {_range('keyids')}.")]
Values = Annotated[int, typer.Option(help=f"Distinct user keys, {_range('values')}.")]
Vmas = Annotated[int, typer.Option("--vmas", help=f"Encrypted mappings, {_range('vmas')}.")]
Threads = Annotated[int, typer.Option(help=f"Operations in flight, {_range('threads')}.")]
Histories = Annotated[
    int, typer.Option(help="From how many histories of each state, 1 or 2.", min=1, max=2)
]
StatesMax = Annotated[int, typer.Option(help="Distinct states explored, at most.", min=1)]
DepthMax = Annotated[int, typer.Option(help="Steps of a bounded search, at most.", min=0)]
SecondsMax = Annotated[
    float, typer.Option(help="Seconds for each answer, up to a week.", min=0.1, max=604_800.0)
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="ENGINE",
        help=f"Who answers: {', '.join(ENGINE_NAMES)}.",
        autocompletion=completing.engine,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Memory for each exploration, such as 512M or 8G."),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Keep what was explored here, and resume from it."),
]
Certificates = Annotated[
    str | None, typer.Option(metavar="DIR", help="Write the certificate of each proof here.")
]
ExecutorName = Annotated[
    str,
    typer.Option(
        "--executor",
        metavar="EXECUTOR",
        help="Where the work is done: processes, processes:NUMBER, or dask://HOST:PORT.",
    ),
]
TraceForm = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORM",
        help=f"The form: {', '.join((forms.AS_TEXT, *forms.FORMS))}.",
        autocompletion=completing.form,
    ),
]
TraceFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write what --as asks for to this file."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help=f"The format: {', '.join(FORMATS)}.",
        autocompletion=completing.format_,
    ),
]
OutputFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the answer here, and print none."),
]
Expect = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help=f"Fail if any cell is not as this baseline says; {SHIPPED!r} is the one that comes"
        " with the program.",
        autocompletion=completing.baseline,
    ),
]
WriteExpect = Annotated[
    str | None,
    typer.Option("--write-expect", metavar="FILE", help="Write what is found as a baseline."),
]

STATES_MAX = LIMITS.states_max or 0
DEPTH_MAX = LIMITS.depth_max
SECONDS_MAX = LIMITS.seconds_max or 0.0


def orders_of(
    states_max: int,
    depth_max: int,
    seconds_max: float,
    engine: str,
    memory: str | None,
    checkpoint: str | None,
    certificates: str | None,
) -> Orders:
    """What these options ask for. Raises OrderError."""
    limits = Limits(
        states_max,
        depth_max,
        seconds_max,
        None if memory is None else bytes_from_text(memory),
        None if checkpoint is None else folder_from_text(checkpoint, "checkpoints"),
    )
    return Orders(limits, engine_from_text(engine), certificates is not None)
