"""How calls and changes of the locks' system are said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from checker.systems.reading import Reading
from model import lockwords
from model.lockpaths import Request

Labels = Mapping[str, str]

START = "boot; no thread runs an operation"


def _begin(_reading: Reading, labels: Labels) -> str:
    return f"thread {labels['thread']} begins {lockwords.OPERATIONS[labels['operation']]}"


def _step(reading: Reading, labels: Labels) -> str:
    """What the thread does until it can be suspended again."""
    place = lockwords.place_of(reading, int(labels["thread"]))
    if place is None:
        raise ValueError(f"thread {labels['thread']} is idle and makes no step")
    does = _DOES[place.request.does](place.request)
    return f"thread {labels['thread']} {does}{_then(reading, place.onwards)}"


def _queue(reading: Reading, labels: Labels) -> str:
    thread = int(labels["thread"])
    return f"thread {thread} queues for {lockwords.awaited(reading, thread)}"


def _fail(reading: Reading, labels: Labels) -> str:
    place = lockwords.place_of(reading, int(labels["thread"]))
    if place is None:
        raise ValueError(f"thread {labels['thread']} is idle and executes no PCONFIG")
    return f"PCONFIG fails for thread {labels['thread']}{_then(reading, place.failed)}"


def _then(reading: Reading, arrival: str) -> str:
    """That a lock is given back on arriving at a place, and that an operation has no place left."""
    place = reading.grounding.old.table.places.get(arrival)
    if place is None:
        return " and returns"
    given = place.request.does == "give"
    return f" and gives {lockwords.LOCKS[place.request.lock]} back" if given else ""


_DOES: Mapping[str, Callable[[Request], str]] = {
    "look": lambda request: "looks without a lock",
    "execute": lambda request: "executes PCONFIG",
    "retry": lambda request: "executes PCONFIG again",
    "take": lambda request: f"takes {lockwords.LOCKS[request.lock]}",
    "read": lambda request: f"takes {lockwords.LOCKS[request.lock]} for reading",
    "give": lambda request: "goes on",
}

CALLS: Mapping[str, Callable[[Reading, Labels], str]] = {
    "begin": _begin,
    "step": _step,
    "queue": _queue,
    "fail": _fail,
}
"""The words for each action; `reading` is the state before."""

CHANGES: Mapping[str, Callable[[tuple[int, ...], str, Reading], str]] = {
    "may_fail": lambda at, new, _: "no other programming fails",
}
"""The words for what changes beside what the panels show."""
