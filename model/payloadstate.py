"""What the parser of payload texts remembers of a call: its variables, and how they are read."""

from __future__ import annotations

from typing import Any

from checker.systems.system import BOOL, Enum, Family, Index, Interpretation, Term, Values
from designs import Design
from model.sorts import CONTROL, HELD, NUL, STAGE, TOKEN

FAMILIES = (
    Family("stage", (), STAGE, meaning="how far the call is, and how it ended"),
    Family("seen", (TOKEN,), BOOL, meaning="the token's bit in the mask"),
    Family("kind", (), CONTROL, meaning="the type read; of an accepted payload, its control word"),
    Family("data_key", (), HELD, meaning="payload structure: data key"),
    Family("tweak_key", (), HELD, meaning="payload structure: tweak key"),
    Family("nul", (), NUL, meaning="where the text has a NUL"),
    Family("source_overread", (), BOOL, meaning="a byte past the text's source was read"),
    Family("mask_overrun", (), BOOL, meaning="bit -1 of the token mask was tested and set"),
)

FIELDS = {"key": "data_key", "tweak": "tweak_key"}
"""Token to the field of the payload structure that its value is converted into."""


class PayloadState:
    """One state of the parser, as its actions and the properties read it."""

    def __init__(self, design: Design, interpretation: Interpretation, values: Values) -> None:
        self.design = design
        self.every = interpretation.every
        self._interpretation = interpretation
        self._values = values

    def __getattr__(self, family: str) -> Any:
        return getattr(self._values, family)

    def named(self, sort: Index | Enum, name: str) -> Term:
        """A named value of a sort, or a named token."""
        return self._interpretation.constant(sort, name)

    @property
    def is_lenient(self) -> bool:
        """Whether the parser is the posted one (a fact about the design, not a term)."""
        return self.design.parser == "lenient"

    def is_stage(self, name: str) -> Term:
        """Whether the latest call is at this stage."""
        return self.stage == self.named(STAGE, name)

    def has_seen(self, token: str) -> Term:
        """Whether the mask has the token's bit."""
        return self.seen[self.named(TOKEN, token)]

    def is_kind(self, name: str) -> Term:
        """Whether the parser has read this type."""
        return self.kind == self.named(CONTROL, name)
