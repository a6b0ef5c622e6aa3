"""What is said of a page that was written, for programs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mktme.results.shape import Shape


class Reported(Shape):
    """What `mktme report` wrote."""

    format: Literal["mktme-report"] = "mktme-report"
    version: Literal[1] = 1
    page: str = Field(description="The file with the page.")
    picture: str | None = Field(description="The file with the matrix as a picture.")
    answers: int = Field(description="Cells of the matrix.")
    counterexamples: int = Field(description="Those of them that can be stepped through.")
    bytes: int = Field(description="Size of the page.")
