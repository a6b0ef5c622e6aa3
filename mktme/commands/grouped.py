"""How options that belong together are written once: a command takes what they make, as one value.

A parameter of a command that is annotated with a `Group` stands for the parameters of the group's
function. On the command line there are those; the command gets what the function returns.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints


@dataclasses.dataclass(frozen=True)
class Group:
    """Stands in a parameter's annotation; `make` takes the options and returns the value."""

    make: Callable[..., Any]


def with_groups(command: Callable[..., int]) -> Callable[..., int]:
    """The command with the options of its groups in the place of each group."""
    parameters = [*_parameters(command)]
    groups = {parameter.name: group for parameter in parameters if (group := _group(parameter))}
    options = {name: [*_parameters(group.make)] for name, group in groups.items()}
    own = [parameter for parameter in parameters if parameter.name not in groups]
    shown = [*own, *(option for taken in options.values() for option in taken)]

    @functools.wraps(command)
    def run(**given: Any) -> int:
        values = {parameter.name: given[parameter.name] for parameter in own}
        for name, group in groups.items():
            values[name] = group.make(
                **{option.name: given[option.name] for option in options[name]}
            )
        return command(**values)

    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shown]
    run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return run


def _parameters(function: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """The parameters with their annotations read."""
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        yield parameter.replace(annotation=hints[parameter.name])


def _group(parameter: inspect.Parameter) -> Group | None:
    for mark in get_args(parameter.annotation)[1:]:
        if isinstance(mark, Group):
            return mark
    return None
