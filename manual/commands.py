"""What the reference says of the commands and their options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from manual.markdown import code, plain, table
from mktme import cli


def page() -> str:
    """Every command with its arguments and options."""
    whole: Any = typer.main.get_command(cli.app)
    parts = [
        "# Commands\n",
        "`mktme COMMAND --help` prints the same. Options of the program itself stand before the"
        " command.\n",
        "## Before the command\n",
        table(("option", "default", "meaning"), _options(whole)),
    ]
    for name, command in whole.commands.items():
        parts += [f"## {name}\n", *_told(name, command)]
    return "\n".join(parts)


def _told(name: str, command: Any) -> Iterator[str]:
    about, _, example = inspect.cleandoc(command.help or "").replace("\b", "").partition("Example:")
    yield code(" ".join(["mktme", name, "[OPTIONS]", *_arguments(command)])) + "\n"
    yield plain(about.strip()) + "\n"
    yield f"```sh\n{example.strip()}\n```\n"
    arguments = [
        [code(_metavar(p)), plain(p.help or "")]
        for p in command.params
        if p.param_type_name == "argument"
    ]
    if arguments:
        yield table(("argument", "meaning"), arguments)
    rows = list(_options(command))
    if rows:
        yield table(("option", "default", "meaning"), rows)


def _arguments(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            yield _metavar(parameter)


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _options(command: Any) -> Iterator[list[str]]:
    for parameter in command.params:
        if parameter.param_type_name != "option" or parameter.name == "help":
            continue
        spelled = ", ".join(parameter.opts)
        takes = "" if parameter.is_flag else f" {parameter.metavar or 'VALUE'}"
        yield [code(spelled + takes), code(_default(parameter)), plain(parameter.help or "")]


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.is_flag or value in (None, ()) or callable(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
