"""Decides which command the words of a line are, and which word is which parameter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from designs import nearest
from mktme.simulation.forms import GROUPED, Command, Form, Parameter
from mktme.simulation.kinds import KINDS
from mktme.simulation.language import FORMS
from mktme.simulation.values import BadLine, Word


def command(words: Sequence[Word]) -> tuple[Command, dict[str, Word]]:
    """Read the words of a command; gives the word of each parameter too. Raises BadLine."""
    found = _form_of(words)
    taken = dict(_assigned(found, words[found.name.count(" ") + 1 :]))
    missing = [p for p in found.parameters if not p.is_optional and p.name not in taken]
    if missing:
        raise BadLine(f"{found.name} lacks {_named(missing[0])}; usage: {found.usage}")
    values: dict[str, Any] = {}
    for parameter in found.parameters:
        word = taken.get(parameter.name)
        if not parameter.kind:
            values[parameter.name] = word is not None
        else:
            values[parameter.name] = None if word is None else _value(found, parameter, word)
    return Command(found, values), taken


def _form_of(words: Sequence[Word]) -> Form:
    first = words[0].text
    if first not in GROUPED:
        if first in FORMS:
            return FORMS[first]
        known = dict.fromkeys(name.split()[0] for name in FORMS)
        if any(
            word.text.rpartition("=")[1] and word.text.rpartition("=")[2] in {*known, ""}
            for word in words[:2]
        ):
            raise BadLine("the = after a variable's name stands alone, with spaces around it")
        raise BadLine(f"unknown command{_quoted(first)}{_near(first, known)}")
    known = {name.split()[1]: None for name in FORMS if name.startswith(f"{first} ")}
    if len(words) == 1:
        raise BadLine(f"{first} what? known: {', '.join(known)}")
    second = words[1].text
    if second not in known:
        raise BadLine(f"unknown {first} command{_quoted(second)}{_near(second, known)}")
    return FORMS[f"{first} {second}"]


def _assigned(found: Form, words: Sequence[Word]) -> Iterator[tuple[str, Word]]:
    """Which word is which parameter. Raises BadLine."""
    options, placed, seen = found.options(), found.placed(), set()
    for word in words:
        name, equals, value = word.text.partition("=")
        is_option = (
            not word.is_quoted and name in options and bool(equals) == options[name].is_option
        )
        if is_option:
            if name in seen:
                raise BadLine(f"{found.name} has {_named(options[name])} twice")
            seen.add(name)
            yield name, Word(value, word.raw, word.is_quoted) if equals else word
        elif placed:
            yield placed.pop(0).name, word
        else:
            quoted = "" if found.has_secret else f" {word.quoted}"
            raise BadLine(f"{found.name} does not take the word{quoted}; usage: {found.usage}")


def _value(found: Form, parameter: Parameter, word: Word) -> Any:
    try:
        return KINDS[parameter.kind](word.text)
    except ValueError as fact:
        quoted = "" if found.has_secret else f" {word.quoted}"
        raise BadLine(f"{_named(parameter)}{quoted} of {found.name} {fact}") from None


def _named(parameter: Parameter) -> str:
    return f"{parameter.name}=" if parameter.is_option else parameter.name.upper()


def _quoted(command: str) -> str:
    """What stands where a command belongs; it may be a payload whose command was forgotten."""
    is_plain = re.fullmatch(r"[\w-]{1,20}", command)
    return f" {command!r}" if is_plain else " (not shown, for it may be a payload)"


def _near(command: str, known: Iterable[str]) -> str:
    return nearest(command[:20], known)
