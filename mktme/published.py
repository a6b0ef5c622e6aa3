"""Which JSON objects have a documented shape, and under what name `mktme schema` prints it.

`mktme simulate --json` prints such an object for each line of a script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mktme.baseline import Baseline
from mktme.conforming import Conformance
from mktme.differing import Differences
from mktme.explore.view import View
from mktme.exports import Exported
from mktme.listed import Listing
from mktme.mutation import Mutants
from mktme.payloads import Parsed
from mktme.proofs import Lemmas
from mktme.report.reported import Reported
from mktme.results.shape import Shape
from mktme.results.shapes import Results
from mktme.simulation.told import Told
from mktme.traces.document import Document
from mktme.traces.outcome import Outcome
from mktme.verified import Certificates

SHAPES: Final[Mapping[str, type[Shape]]] = {
    "results": Results,
    "baseline": Baseline,
    "lemmas": Lemmas,
    "differ": Differences,
    "replay": Outcome,
    "conform": Conformance,
    "explore": View,
    "mutants": Mutants,
    "certificates": Certificates,
    "payload": Parsed,
    "list": Listing,
    "simulate": Told,
    "export": Exported,
    "report": Reported,
    "trace": Document,
}
