"""What every JSON object that a command prints has in common: a format's name and a version."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """A JSON object with these keys and no others; each is always there, and null if it says so.

    A key that is added or means something else makes a new version of the object that has it.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )

    def written(self) -> str:
        """The object as JSON, one key a line."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)


def schema_of(shape: type[Shape]) -> dict[str, Any]:
    """The JSON Schema of such an object, as it is written."""
    schema = shape.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
