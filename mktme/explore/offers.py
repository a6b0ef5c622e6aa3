"""What can be done now: the enabled calls of each action, as choices that a form can offer.

There may be very many calls of one action. Their arguments are offered one after the other, and of
each only what goes with those that were chosen before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from checker import Call, State, TraceStep, Variable
from checker.systems.reading import Reading
from conformance.owners import user_key
from mktme import words
from mktme.explore.world import World
from mktme.results.shape import Shape
from model import lockwords
from model.sorts import BYTES


class Choice(Shape):
    """A value of an argument: its label, and how it is said."""

    label: str
    words: str


class Argument(Shape):
    """An argument of an action, with the values that some enabled call has.

    `is_switch`: it is yes or no.
    """

    name: str
    words: str
    is_switch: bool
    choices: tuple[Choice, ...]


class Offer(Shape):
    """The enabled calls of an action, each the labels of its arguments in order, and its words.

    Arguments that no call gives another value than "no" are left out of `arguments` and `calls`.
    `usual` is the call, by its place, that is offered first: nothing fails, and nobody lacks what a
    call needs.
    """

    action: str
    title: str
    arguments: tuple[Argument, ...]
    calls: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    usual: int


TITLES: Final[Mapping[str, str]] = {
    "instantiate": "Add a key",
    "update": "Update a key",
    "extend": "Extend a key to a package",
    "destroy": "Destroy a key",
    "preparse_error": "Submit a malformed payload",
    "package_add": "Add a package",
    "cpu_startup": "Bring a CPU online",
    "cpu_teardown": "Take a CPU offline",
    "retry_clear": "Try again to clear a KeyID",
    "encrypt": "Encrypt a VMA",
    "unmap": "Unmap a VMA",
    "fork": "Fork a process",
    "write": "Write to a page",
    "migrate": "Move a page",
    "begin": "Begin",
    "take": "Take a token",
    "nul": "Meet a NUL",
    "end_of_text": "Meet the end of the text",
    "step": "Take a step",
    "queue": "Wait in the queue",
    "fail": "Let a PCONFIG fail",
}
"""What each action of the model is called on a button."""

_ARGUMENTS: Final[Mapping[str, str]] = {
    "key": "key object",
    "kind": "kind",
    "bytes": "user key",
    "keyid": "KeyID",
    "package": "package",
    "cpu": "CPU",
    "vma": "VMA",
    "child": "the child's VMA",
    "fails": "PCONFIG fails",
    "fails_at": "at KeyID",
    "wanted": "wanted",
    "answered": "the owner answers",
    "capable": "the caller has the capability",
    "nul": "a NUL lies in it",
    "length": "length",
}

_USUAL: Final[Mapping[str, str]] = {
    "capable": "yes",
    "wanted": "yes",
    "answered": "yes",
    "length": "within",
}
"""The value of an argument that is offered first; "no" of every other that can be."""

_LENGTHS: Final[Mapping[str, str]] = {
    "zero": "no bytes",
    "within": "within the limit",
    "above": "above the limit",
}


def offers(world: World, state: State) -> tuple[Offer, ...]:
    """Every enabled call, by action."""
    calls = world.machine.enabled(state)
    reading = Reading(world.grounding, state)
    return tuple(
        _offer(world, reading, action, list(group))
        for action, group in groupby(calls, key=lambda call: call.action)
    )


def _offer(world: World, reading: Reading, action: str, calls: Sequence[Call]) -> Offer:
    parameters = world.grounding.system.action(action).parameters
    varied = [
        place
        for place, parameter in enumerate(parameters)
        if {parameter.labels[call.values[place]] for call in calls} != {"no"}
    ]
    labels = [tuple(parameters[p].labels[c.values[p]] for p in varied) for c in calls]
    usual = [_USUAL.get(parameters[p].name.partition("[")[0], "no") for p in varied]
    return Offer(
        action=action,
        title=TITLES.get(action, action.replace("_", " ").capitalize()),
        arguments=tuple(_argument(parameters[p], {c.values[p] for c in calls}) for p in varied),
        calls=tuple(labels),
        words=tuple(
            words.call_in_words(reading, TraceStep(call, "", ()), world.system) for call in calls
        ),
        usual=max(
            range(len(labels)),
            key=lambda n: sum(a == b for a, b in zip(labels[n], usual, strict=True)),
        ),
    )


def _argument(parameter: Variable, values: set[int]) -> Argument:
    labels = [parameter.labels[value] for value in sorted(values)]
    is_switch = set(parameter.labels) == {"no", "yes"}
    return Argument(
        name=parameter.name,
        words=_named(parameter.name),
        is_switch=is_switch,
        choices=tuple(Choice(label=x, words=_said(parameter.name, x)) for x in labels),
    )


def _named(name: str) -> str:
    family, _, at = name.rstrip("]").partition("[")
    said = _ARGUMENTS.get(family, family.replace("_", " "))
    return f"{said} on package {at}" if at else said


def _said(name: str, label: str) -> str:
    if name == "bytes" and label not in BYTES.constants:
        return f"{label} ({user_key(label).fingerprint})"
    if name == "bytes":
        return {"zeros": "none"}.get(label, label)
    if name == "operation":
        return lockwords.OPERATIONS.get(label, label)
    if name == "length":
        return _LENGTHS.get(label, label)
    return label.replace("_", "-") if name == "kind" else label.replace("_", " ")
