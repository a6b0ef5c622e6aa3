"""What there is to report once cells are judged, whatever the format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.costs import Costs
from mktme.judge import Cell
from mktme.results.shapes import Comparison
from model import Scope


@dataclasses.dataclass(frozen=True)
class Report:
    """Cells, the scope they were judged in, and what was done beside judging them.

    `certificates` has the files that were written, by design and property, and `folder` where;
    `measured` what the designs cost; `comparison` what a baseline says of the cells.
    """

    cells: Sequence[Cell]
    scope: Scope
    certificates: Mapping[tuple[str, str], Path] = dataclasses.field(default_factory=dict)
    folder: str = ""
    measured: Sequence[Costs] = ()
    comparison: Comparison | None = None

    def certificate_of(self, cell: Cell) -> Path | None:
        """The file with the cell's certificate; None where none was written."""
        return self.certificates.get((cell.design.name, cell.property_id))

    def designs(self) -> list[str]:
        """The names of the designs, in the order in which they were judged."""
        return list(dict.fromkeys(cell.design.name for cell in self.cells))
