"""Whether a document in a file tells of its run what is so: it is made again and compared.

A record by itself tells nothing beyond its run. Whatever else stands in a file must be what the run
comes to, for it is what a reader of the file sees: a changed answer would be believed. Only how it
is worded is not compared, as a later version may word it better, and the file shall still be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mktme.traces.again import made_again
from mktme.traces.content import content, shown
from mktme.traces.recorded import Record, RecordError
from mktme.traces.telling import told_of_run

OF_A_CALL: Final = frozenset({"action", "arguments"})
"""What a record has of a call."""

WORDED: Final = frozenset(
    (
        *("sentence", "source", "start", "price", "words", "who", "refusal", "changes"),
        *("facts", "variables", "causes", "observed", "disagreement"),
        *("title", "corner", "columns", "head", "text", "was"),
    )
)
"""What is said in words for people; all else is said by names, numbers and fingerprints."""

NOT_OF_THE_RUN: Final = "is_least"
"""How long somebody searched does not follow from the run."""


def require_told(given: Mapping[str, Any], record: Record) -> None:
    """Raise RecordError where an object tells of the record's run what is not so.

    The object is one that the record was read from. Where model and implementation disagree now,
    nothing is compared: whoever makes the run says that they do.
    """
    of_record = frozenset(content(record))
    if set(given) <= of_record and all(set(call) <= OF_A_CALL for call in given["calls"]):
        return
    made = made_again(record)
    if made.disagreement:
        return
    if made.broken_at != len(made.trace):
        fact = f"the run does not violate {record.property_id} in the end"
        raise RecordError(f"it tells what is broken, and {fact}")
    right = told_of_run(record, made.grounding, made.trace, made.replay).model_dump(mode="json")
    if type(given.get(NOT_OF_THE_RUN)) is bool:
        right[NOT_OF_THE_RUN] = given[NOT_OF_THE_RUN]
    # What the record was read from is held to the identity, and may leave arguments out.
    right |= {name: given[name] for name in of_record - {"calls"}}
    for call, said in zip(right["calls"], given["calls"], strict=True):
        call["arguments"] = said["arguments"]
    for difference in _differences(given, right, ""):
        raise RecordError(difference)


def _differences(given: Any, right: Any, at: str) -> Iterator[str]:
    """What is different, in the order in which a document is read; no deeper than the right one."""
    if type(given) is not type(right):
        yield f"{at} is {shown(given)}, and {shown(right)} in the record's run"
    elif isinstance(right, dict):
        place = f"{at}." if at else ""
        for name, expected in right.items():
            if name in WORDED:
                continue
            if name not in given:
                yield f"{place}{name} is missing"
            else:
                yield from _differences(given[name], expected, f"{place}{name}")
        more = [name for name in given if name not in right]
        yield from (f"{at or 'a document'} has no {shown(name)}" for name in more)
    elif isinstance(right, list):
        for number, (one, expected) in enumerate(zip(given, right, strict=False)):
            yield from _differences(one, expected, f"{at}[{number}]")
        if len(given) != len(right):
            yield f"{at} has {len(given)} parts, and {len(right)} in the record's run"
    elif given != right:
        yield f"{at} is {shown(given)}, and {shown(right)} in the record's run"
