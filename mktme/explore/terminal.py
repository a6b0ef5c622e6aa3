"""The explorer in a terminal: a line at a time, with completion where somebody types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Final

import pydantic
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.document import Document
from rich.console import Console, RenderableType
from rich.text import Text

from designs import DesignError, nearest
from mktme.explore import drawn
from mktme.explore.paths import Path, PathError, path_from_text, shortened
from mktme.explore.session import Session, machine_of
from mktme.explore.sought import COMMAND, GRACE_SECONDS, SECONDS_MAX, Found, Sought, sent
from mktme.explore.typed import (
    COMMANDS,
    call_from_line,
    completions,
    going,
    numbered,
    require_plain,
    undone,
)
from mktme.traces.recorded import RecordedCall, RecordError
from mktme.traces.terminal import grid, panels
from model import ScopeError
from properties import PropertyError

_REFUSED: Final = (DesignError, PathError, PropertyError, RecordError, ScopeError)


class Terminal:
    """A session that lines are typed to. `answer` gives what a line leads to, as parts to print."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._taken_back: list[RecordedCall] = []

    def answer(self, line: str) -> Iterator[RenderableType]:
        """Do what a line says. What it refuses is said, and leaves the session as it is."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        try:
            if word in COMMANDS:
                require_plain(word, rest.strip())
                done: Callable[[str], Iterator[RenderableType]] = getattr(self, f"_{word}")
                yield from done(rest.strip())
            else:
                yield from self._made(self._meant(line.strip()))
        except _REFUSED as refusal:
            yield Text(str(refusal), style="red")

    def _meant(self, line: str) -> RecordedCall:
        if not line.isdecimal():
            return call_from_line(self.session.offers(), line)
        known = numbered(self.session.offers())
        number = int(line) if len(line) < 10 else 0  # what is longer is no number of a call
        if not 1 <= number <= len(known):
            raise PathError(f"there is no call {shortened(line)}; `calls` has 1 to {len(known)}")
        return known[number - 1][0]

    def _made(self, *calls: RecordedCall) -> Iterator[RenderableType]:
        for call in calls:
            self.session.make(call)
            self._taken_back.clear()
            yield from drawn.last_call(self.session)
        yield from panels(self.session.frame())

    def _calls(self, _rest: str) -> Iterator[RenderableType]:
        for number, (call, words) in enumerate(numbered(self.session.offers()), 1):
            yield Text(f"{number:4} {words}").append(f"   {call.said()}", style="dim")

    def _undo(self, rest: str) -> Iterator[RenderableType]:
        left = max(0, len(self.session.trace) - undone(rest))
        taken = self.session.path.calls[left:]
        self.session.undo(len(taken))
        self._taken_back += reversed(taken)
        yield from drawn.last_call(self.session)

    def _redo(self, _rest: str) -> Iterator[RenderableType]:
        if not self._taken_back:
            raise PathError("nothing was taken back")
        *left, call = self._taken_back
        yield from self._made(call)
        self._taken_back = left

    def _lamps(self, _rest: str) -> Iterator[RenderableType]:
        yield drawn.lamps(self.session.lamps())

    def _why(self, rest: str) -> Iterator[RenderableType]:
        lamps = {lamp.property: lamp for lamp in self.session.lamps()}
        if rest not in lamps:
            raise PathError(f"no lamp {rest!r}{nearest(rest, lamps)}")
        yield from drawn.why(lamps[rest])

    def _jump(self, rest: str) -> Iterator[RenderableType]:
        if rest not in self.session.world.claims:
            raise PathError(f"no lamp {rest!r}{nearest(rest, self.session.world.claims)}")
        found = sought(Sought(path=str(self.session.path), property=rest))
        yield Text(found.words)
        if found.path:
            yield from self._made(*path_from_text(found.path).calls[len(self.session.trace) :])

    def _show(self, _rest: str) -> Iterator[RenderableType]:
        yield from drawn.last_call(self.session)
        yield from map(grid, self.session.frame().panels)

    def _bytes(self, _rest: str) -> Iterator[RenderableType]:
        if not self.session.regions():
            yield Text("this system has no memory to look at")
        yield from drawn.regions(self.session.regions())

    def _link(self, _rest: str) -> Iterator[RenderableType]:
        yield Text(str(self.session.path))

    def _go(self, rest: str) -> Iterator[RenderableType]:
        path = going(rest)
        is_other = machine_of(path) != machine_of(self.session.path)
        session = Session(path) if is_other else self.session
        session.go(path)
        self.session = session
        self._taken_back.clear()
        yield from self._show("")

    def _help(self, _rest: str) -> Iterator[RenderableType]:
        yield Text("A call is such as: instantiate kind=user bytes=A fails[1]")
        for name, said in COMMANDS.items():
            yield Text(f"{name:6} {said}")


def sought(question: Sought) -> Found:
    """The nearest violation, sought in a process that Ctrl-C ends. Raises PathError."""
    try:
        done = subprocess.run(
            COMMAND,
            input=sent(question),
            capture_output=True,
            text=True,
            timeout=question.seconds + GRACE_SECONDS,
            check=False,
        )
        return Found.model_validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        words = f"nothing was found within {SECONDS_MAX:g} seconds, and the search was ended"
        return Found(what="not-found", words=words)
    except KeyboardInterrupt:
        return Found(what="not-found", words="the search was given up")
    except pydantic.ValidationError:
        raise PathError(f"the search ended without an answer: {done.stdout.strip()}") from None


class _Completer(Completer):
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def get_completions(self, document: Document, _event: object) -> Iterator[Completion]:
        """How the line can go on."""
        before = document.text_before_cursor
        word = before.split(" ")[-1]
        for whole, said in completions(self._terminal.session, before):
            yield Completion(whole, start_position=-len(word), display_meta=said)


def converse(path: Path, out: Console) -> None:
    """Read lines until the end, or until somebody quits; completion where they are typed.

    Raises what reading the path raises.
    """
    session = Session(path)
    session.go(path)
    terminal = Terminal(session)
    _say(out, terminal._show(""))
    ask = _asking(terminal)
    while (line := ask()) is not None and line.strip() != "quit":
        _say(out, terminal.answer(line))


def _say(out: Console, parts: Iterator[RenderableType]) -> None:
    for part in parts:
        out.print(part)


def _asking(terminal: Terminal) -> Callable[[], str | None]:
    """Where lines come from: somebody's keyboard, or a file."""
    if not sys.stdin.isatty():
        return lambda: sys.stdin.readline() or None
    prompt: PromptSession[str] = PromptSession(completer=_Completer(terminal))

    def ask() -> str | None:
        path = terminal.session.path
        while True:
            try:
                return prompt.prompt(f"{path.design.name} [{len(path.calls)}]> ")
            except KeyboardInterrupt:  # the line is given up, as in a shell
                continue
            except EOFError:
                return None

    return ask
