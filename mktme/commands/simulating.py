"""The command that runs a script on a simulated machine."""

from __future__ import annotations

from typing import Annotated

import typer

from mktme import completing, statuses
from mktme.simulation import simulate as simulation
from mktme.simulation import told


def simulate(
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT|-", help="A script, or - for standard input.")
    ],
    design: Annotated[
        str | None,
        typer.Option(
            metavar="DESIGN[,knob=value…]",
            help="The design; rfc-v2 if none is given.",
            autocompletion=completing.design,
        ),
    ] = None,
    shows: Annotated[
        list[str] | None,
        typer.Option(
            "--show", metavar="tables", help="Key tables after each line that changes them."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each line.")] = False,
) -> int:
    """Run a script on a simulated machine and print the answer of each line.

    The whole script is read before its first line runs. `mktme list commands` shows the language.
    Key bytes in payloads appear as fingerprints; texts and descriptions are shown as they are.

    Example: mktme simulate examples/rfc-demo-program.sim --show tables
    """
    for what in shows or ():
        if what != "tables":
            raise typer.BadParameter(f"unknown thing to show {what!r}; known: tables")
    read = simulation.read(script)
    chosen = simulation.chosen(read, design)
    ran = simulation.Simulation(read, chosen, shows_tables=bool(shows))
    for one in ran.run():
        for line in told.json_lines(one) if as_json else told.lines_of(one):
            print(line, flush=True)
    return statuses.INCONCLUSIVE if ran.is_open else statuses.HOLDS
