"""The refusal of a run that no script can make."""

from __future__ import annotations

from mktme.traces.recorded import RecordError


class Inexpressible(RecordError):
    """What the language of scripts has no words for."""

    def __init__(self, fact: str) -> None:
        super().__init__(f"no script can say this: {fact}")
