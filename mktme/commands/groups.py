"""The options that several commands share, together: scope, judging, and where answers go."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from mktme import baseline, expecting, options
from mktme.baseline import Baseline
from mktme.commands.asking import on_stderr
from mktme.commands.grouped import Group
from mktme.judge import Cell
from mktme.orders import Orders
from mktme.results import output
from mktme.results.output import Output
from mktme.results.shapes import Comparison
from model import Scope


def _scope(
    packages: options.Packages = 2,
    cpus: options.Cpus = 2,
    keyids: options.KeyIds = 2,
    values: options.Values = 2,
    vmas: options.Vmas = 2,
    threads: options.Threads = 2,
) -> Scope:
    return Scope(packages, cpus, keyids, values, vmas, threads)


@dataclasses.dataclass(frozen=True)
class Judging:
    """How cells are judged, on what, and where certificates are kept, if they are."""

    orders: Orders
    executor: str
    certificates: str | None


def _judging(
    states_max: options.StatesMax = options.STATES_MAX,
    depth_max: options.DepthMax = options.DEPTH_MAX,
    seconds_max: options.SecondsMax = options.SECONDS_MAX,
    engine: options.Engine = "auto",
    memory: options.Memory = None,
    checkpoint: options.Checkpoint = None,
    certificates: options.Certificates = None,
    executor: options.ExecutorName = "processes",
) -> Judging:
    orders = options.orders_of(
        states_max, depth_max, seconds_max, engine, memory, checkpoint, certificates
    )
    return Judging(orders, executor, certificates)


@dataclasses.dataclass(frozen=True)
class Answering:
    """Where the answer goes, what it is compared with, and where it is kept as a baseline."""

    output: Output
    expect: str | None
    expected: Baseline | None
    write_expect: Path | None

    def require_scope(self, scope: Scope) -> None:
        """Before anything is judged. Raises BaselineError where the baseline is of another one."""
        if self.expect is not None and self.expected is not None:
            expecting.require_scope(self.expect, self.expected, scope)

    def compared(self, cells: Sequence[Cell]) -> Comparison | None:
        """What the baseline says of the cells; None if there is none."""
        if self.expect is None or self.expected is None:
            return None
        return expecting.compared(self.expect, self.expected, cells)

    def keep(self, cells: Sequence[Cell], scope: Scope) -> None:
        """Write the baseline that the cells make, if that was asked for. Raises NotWritten.

        Answers that contradict each other make none; the status says so already.
        """
        if self.write_expect is None:
            return
        if any(cell.disagrees for cell in cells):
            on_stderr(["no baseline is written, for the checkers disagree"])
        else:
            output.write(self.write_expect, baseline.of(cells, scope).written() + "\n")


def _answering(
    format_: options.Format = None,
    as_json: options.AsJson = False,
    file: options.OutputFile = None,
    expect: options.Expect = None,
    write_expect: options.WriteExpect = None,
) -> Answering:
    return Answering(
        output.output_from_text(format_, as_json, file),
        expect,
        None if expect is None else baseline.read(expect),
        None if write_expect is None else output.file_from_text(write_expect),
    )


ScopeOptions = Annotated[Scope, Group(_scope)]
JudgingOptions = Annotated[Judging, Group(_judging)]
AnsweringOptions = Annotated[Answering, Group(_answering)]
