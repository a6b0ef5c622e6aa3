"""The explorer in a browser: a page, what it is told, and a search that can be given up.

All work is done in one thread, as Z3 bears no other. A call on a machine that was read before takes
a fraction of a second. Another machine takes some seconds, in which nobody else is answered; one
that would take longer is refused at once (`world`). A search has a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import resources
from typing import Final, TypeVar

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from designs import DesignError
from mktme.explore.guard import Guard, refusal
from mktme.explore.listening import LOOPBACK, listening
from mktme.explore.opening import Opening, opened
from mktme.explore.paths import Path, PathError, path_from_text
from mktme.explore.shelf import Shelf
from mktme.explore.sought import COMMAND, GRACE_SECONDS, Found, Sought, sent
from mktme.explore.view import Going, view_of
from mktme.traces.recorded import RecordedCall, RecordError
from model import ScopeError
from properties import PropertyError

REFUSED: Final = (DesignError, PathError, PropertyError, RecordError, ScopeError)
"""What somebody else's words can be refused for: a status 400 with the words."""

FILES: Final = {
    "explore.html": ("mktme.explore", "static/explore.html", "text/html"),
    "explore.css": ("mktme.explore", "static/explore.css", "text/css"),
    "icon.svg": ("mktme.explore", "static/icon.svg", "image/svg+xml"),
    **{
        f"{name}.js": ("mktme.explore", f"static/{name}.js", "text/javascript")
        for name in ("explore", "head", "lamps", "memory", "offers", "page", "run")
    },
    "viewer.js": ("mktme.viewer", "viewer.js", "text/javascript"),
    "viewer.css": ("mktme.viewer", "viewer.css", "text/css"),
}
"""Everything that a page loads: its package, its place there, and its type."""

GARBAGE_MAX: Final = 100_000
"""How many objects may be left over by answers until some of them are collected."""

Asked = TypeVar("Asked", bound=BaseModel)


class Explorer:
    """The answers to a page's requests."""

    def __init__(self, first: str, shelf: Shelf | None = None) -> None:
        """`first`: the path that a page begins with that names none."""
        self._first = first
        self._shelf = shelf or Shelf()
        self._searching = asyncio.Lock()
        self._files = {name: _read(name) for name in FILES}

    def app(self, token: str, port: int) -> Guard:
        """The application, behind its guard."""
        routes = [
            Route("/", self.page),
            Route("/static/{name}", self.file),
            Route("/api/first", self.first),
            Route("/api/view", self.view, methods=["POST"]),
            Route("/api/open", self.open, methods=["POST"]),
            Route("/api/nearest", self.nearest, methods=["POST"]),
        ]
        handlers = {HTTPException: _http_refusal, Exception: _error}
        return Guard(Starlette(routes=routes, exception_handlers=handlers), token, port)

    async def page(self, _request: Request) -> Response:
        """The page itself, which is the same for everybody."""
        return Response(self._files["explore.html"], media_type="text/html")

    async def file(self, request: Request) -> Response:
        """A script, a style sheet or the icon."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404, f"there is no {name}")
        return Response(self._files[name], media_type=FILES[name][2])

    async def first(self, _request: Request) -> Response:
        """The path to begin with."""
        return _json(json.dumps({"path": self._first}))

    async def view(self, request: Request) -> Response:
        """What is to be seen where a path leads."""

        def seen(going: Going) -> str:
            path = path_from_text(going.path)
            if going.then is not None:
                call = going.then
                path = path.then(RecordedCall(call.action, tuple(call.arguments.items())))
            session, notice = self._shelf.gone(path, going.as_far)
            return view_of(session, notice).model_dump_json()

        return await _answered(request, Going, seen)

    async def open(self, request: Request) -> Response:
        """The path of a counterexample."""

        def found(given: Opening) -> str:
            session, _ = self._shelf.gone(opened(given))
            return json.dumps({"path": str(session.path)})

        return await _answered(request, Opening, found)

    async def nearest(self, request: Request) -> Response:
        """The nearest violation from where a path leads. Who breaks the connection ends it."""
        question = await _asked(request, Sought)
        if isinstance(question, Response):
            return question
        if self._searching.locked():
            return refusal(429, "another search is still going on")
        async with self._searching:
            return await _sought(request, question)


async def _asked(request: Request, kind: type[Asked]) -> Asked | Response:
    """What a request asks, or why it is none."""
    body = await request.body()
    try:
        return kind.model_validate_json(body)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return refusal(400, f"{where}: {first['msg']}" if where else first["msg"])


async def _answered(
    request: Request, kind: type[Asked], answer: Callable[[Asked], str]
) -> Response:
    asked = await _asked(request, kind)
    if isinstance(asked, Response):
        return asked
    try:
        return _json(answer(asked))
    except REFUSED as refused:
        return refusal(400, str(refused))
    finally:
        _collect()


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


async def _http_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, error.detail)


async def _error(_request: Request, error: Exception) -> Response:
    traceback.print_exception(error)
    return refusal(500, f"an error of this program: {type(error).__name__}")


async def _sought(request: Request, question: Sought) -> Response:
    """The answer of a process that seeks, which is killed when nobody waits for it any more."""
    seconds = question.seconds
    async with _process() as process:
        answer = asyncio.ensure_future(process.communicate(sent(question).encode()))
        deadline = asyncio.get_running_loop().time() + seconds + GRACE_SECONDS
        while not answer.done():
            await asyncio.wait({answer}, timeout=0.2)
            if await request.is_disconnected():
                return refusal(499, "the search was given up")
            if asyncio.get_running_loop().time() > deadline:
                words = f"nothing was found within {seconds:g} seconds, and the search was ended"
                return _json(Found(what="not-found", words=words).model_dump_json())
        said, _ = await answer
    found = json.loads(said) if said else {"error": "the search ended without an answer"}
    return refusal(400, found["error"]) if "error" in found else _json(json.dumps(found))


@asynccontextmanager
async def _process() -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _read(name: str) -> bytes:
    package, place, _ = FILES[name]
    return resources.files(package).joinpath(place).read_bytes()


# Serving


def serve(path: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the explorer until Ctrl-C. `ready` hears its address, with the token and the path.

    Raises ServerError, and what reading the path raises.
    """
    shelf = Shelf()
    session, _ = shelf.gone(path)
    view_of(session)  # now, so that the first page need not wait for what is compiled on first use
    with listening(port) as found, _no_collections_elsewhere():
        bound: int = found.getsockname()[1]
        token = secrets.token_urlsafe(24)
        app = Explorer(str(path), shelf).app(token, bound)
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, lifespan="off", ws="none",
            server_header=False, timeout_graceful_shutdown=1, loop="asyncio",
        )  # fmt: skip
        ready(f"http://{LOOPBACK}:{bound}/?token={token}#{path}")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[found])


@contextmanager
def _no_collections_elsewhere() -> Iterator[None]:
    """No thread of a library collects garbage while Z3 is at work in this one."""
    gc.collect()
    gc.freeze()  # what is there now stays, and need not be looked at again
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _collect() -> None:
    """Between two answers nobody is at work, and much that was made for the last is left over."""
    if gc.get_count()[0] > GARBAGE_MAX:
        gc.collect()
