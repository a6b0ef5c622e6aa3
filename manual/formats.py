"""What the reference says of the files that the program writes: tables made from its schemas.

Of ITF and VCD, which others have defined, it says what a trace has in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from manual.markdown import code, prose, table
from mktme.published import SHAPES
from mktme.traces import itf, vcd
from mktme.traces.document import Document


def page() -> str:
    """A section for each format, with a table for each kind of object in it."""
    parts = [
        "# Formats\n",
        "Every table of the program's own formats is made from the JSON Schema. An object has no"
        " fields beside these, and all of those without a default. Keys appear as fingerprints"
        " only.\n",
    ]
    for name, model in models().items():
        schema = model.model_json_schema()
        parts += [f"## {name}\n", _about(schema), *_objects(name, schema)]
        text = json.dumps(schema, indent=2, ensure_ascii=False)
        parts += [f'<details markdown="1"><summary>JSON Schema of {name}</summary>\n']
        parts += [f"```json\n{text}\n```\n", "</details>\n"]
    parts += _of_others()
    return "\n".join(parts)


def _of_others() -> Iterator[str]:
    """The formats of traces that others have defined: what stands in them beside the states."""
    yield from ("## ITF\n", _paragraphs(itf.__doc__))
    rows = [[code(name), code(type_)] for name, type_ in itf.TYPES.items()]
    yield table(("variable", "type"), [*rows, ["each family of the model", ""]])
    yield from ("## VCD\n", _paragraphs(vcd.__doc__))


def _paragraphs(docstring: str | None) -> str:
    return "\n\n".join(map(prose, (docstring or "").strip().split("\n\n"))) + "\n"


def models() -> Mapping[str, type[BaseModel]]:
    """The documented formats by name."""
    return {"trace": Document, **SHAPES}


def _objects(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield _fields(schema)
    for kind, inner in schema.get("$defs", {}).items():
        yield f"### {kind} (in {name})\n"
        yield _about(inner)
        yield _fields(inner)


def _about(schema: Mapping[str, Any]) -> str:
    return prose(schema.get("description", "")) + "\n"


def _fields(schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return code(_type(schema)) + "\n"
    rows = []
    for field, what in schema["properties"].items():
        default = f"default {json.dumps(what['default'])}" if "default" in what else ""
        rows.append([code(field), code(_type(what)), prose(what.get("description", default))])
    return table(("field", "type", "meaning"), rows)


def _type(what: Mapping[str, Any]) -> str:
    if "$ref" in what:
        return str(what["$ref"]).rpartition("/")[2]
    if "const" in what:
        return json.dumps(what["const"])
    if "enum" in what:
        return " or ".join(map(json.dumps, what["enum"]))
    if "anyOf" in what:
        return " or ".join(map(_type, what["anyOf"]))
    if what.get("type") == "array":
        return _list(what)
    if what.get("type") == "object":
        inner = what.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, dict) else "object"
    return str(what.get("type", "any"))


def _list(what: Mapping[str, Any]) -> str:
    if "prefixItems" in what:
        return f"[{', '.join(map(_type, what['prefixItems']))}]"
    return f"list of {_type(what.get('items', {}))}"
