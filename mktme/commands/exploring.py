"""The command that lets somebody make a design's calls by hand."""

from __future__ import annotations

import atexit
import dataclasses
import html
import os
import pathlib
import tempfile
import threading
import webbrowser
from typing import Annotated

import typer

from designs import design_from_text
from mktme import completing, options, statuses
from mktme.commands.asking import console
from mktme.explore.opening import path_of
from mktme.explore.paths import DESIGN, Path, path_from_text
from mktme.explore.session import Session
from mktme.explore.view import view_of
from mktme.orders import OrderError
from mktme.traces.finding import IDENTITY, record_from_argument
from model import Scope

Where = Annotated[
    str,
    typer.Argument(
        metavar="[DESIGN[,knob=value…]|PATH|ADDRESS|TRACE|FILE]",
        help="A design, a path, an explorer's address, a trace's identity, or a file with a trace.",
        autocompletion=completing.beginning,
    ),
]
System = Annotated[
    str, typer.Option(metavar="SYSTEM", help="locks or payload; the key service if none is named.")
]
Port = Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes any.", min=0, max=65535)]


def explore(
    where: Where = DESIGN,
    text: Annotated[bool, typer.Option("--text", help="In the terminal, not a browser.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
    port: Port = 0,
    system: System = "",
    packages: options.Packages = 2,
    cpus: options.Cpus = 2,
    keyids: options.KeyIds = 2,
    values: options.Values = 2,
    vmas: options.Vmas = 2,
    threads: options.Threads = 2,
    as_json: options.AsJson = False,
) -> int:
    """Make calls by hand, and see what each property says to them and what lies in memory.

    Serves a page to this machine's browsers until Ctrl-C, which is how it ends, with status 0. An
    address that somebody shared is opened where it leads. With --json, what is to be seen there is
    printed once.

    Example: mktme explore rfc-v2,savekeys=on
    """
    if text and as_json:
        raise OrderError("--text talks in the terminal, --json prints once: one of them at a time")
    path = _path(where, system, Scope(packages, cpus, keyids, values, vmas, threads))
    # The terminal's and the server's libraries take time to load, and no other command needs them.
    if as_json:
        session = Session(path)
        session.go(path)
        print(view_of(session).written())
    elif text:
        from mktme.explore.terminal import converse

        converse(path, console())
    else:
        from mktme.explore.server import serve

        serve(path, port, lambda address: _ready(address, opens=not no_open))
    return statuses.HOLDS


def _path(where: str, system: str, scope: Scope) -> Path:
    """Where to begin: system and scope are those of a path or a file, if it is one.

    Raises OrderError where they are asked for beside one.
    """
    is_path = "://" in where or "=" in where.partition(",")[0]
    is_trace = os.path.isfile(where) or IDENTITY.fullmatch(where.lower()) is not None
    if (is_path or is_trace) and (system or scope != Scope()):
        raise OrderError(f"{where!r} says system and scope itself: leave the options out")
    if is_trace:
        return path_of(record_from_argument(where))
    if is_path:
        return path_from_text(where)
    named = path_from_text(f"system={system}") if system else Path(design_from_text(DESIGN))
    return dataclasses.replace(named, design=design_from_text(where), scope=scope)


def _ready(address: str, opens: bool) -> None:
    print(f"{address}\nCtrl-C ends it.", flush=True)
    if opens:
        # A thread, for a browser may take its time, or be one in this very terminal.
        threading.Thread(target=webbrowser.open, args=(_hidden(address),), daemon=True).start()


def _hidden(address: str) -> str:
    """The address of a file that leads to an address, and that nobody else may read.

    What a browser is started with, every user of this machine can see, the token with it.
    """
    descriptor, name = tempfile.mkstemp(prefix="mktme-explore-", suffix=".html")
    atexit.register(os.unlink, name)
    goes = html.escape(f"0; url={address}", quote=True)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="{goes}">')
    return pathlib.Path(name).as_uri()
