"""Who may ask: only a page that this program served to the person who started it.

Another page in the same browser, or one that has given itself our address (DNS rebinding), can send
requests here too. So every request must name this host, and bring the token of this run, in the
address at first and in a cookie from then on; what is sent must come from this origin. Whatever is
answered may load nothing from elsewhere.
"""

from __future__ import annotations

import hmac
import json
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX: Final = 65_536
"""Bytes of a request at most."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""What every answer carries."""


def refusal(status: int, error: str) -> Response:
    """An answer that is one line of JSON."""
    line = json.dumps({"error": error}, ensure_ascii=False) + "\n"
    return Response(line, status_code=status, media_type="application/json")


WITHOUT_TOKEN: Final = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>mktme explore: no token of this run</title>
  </head>
  <body>
    <main>
      <h1>This address has no token of this run</h1>
      <p>Open the address that <code>mktme explore</code> printed, or give this one to the program
      to go where it leads: <code>mktme explore 'ADDRESS'</code>.</p>
    </main>
  </body>
</html>
"""
"""What somebody reads who opens an address of an earlier run, or one without its token."""


class Guard:
    """Lets through what comes from our own page, and refuses the rest in one line of JSON.

    Only who comes with a browser and without the token reads it as a page.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"mktme-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        begins = scope["path"] == "/" and self._is_token(given)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.update(HEADERS)
                if begins:
                    kept = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
                    answer.append("Set-Cookie", kept)
            await send(message)

        refused = self._refused(scope["method"], headers, begins)
        app = refused or self._app
        await app(scope, receive, guarded)

    def _refused(self, method: str, headers: Headers, begins: bool) -> Response | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return refusal(403, "this is no host of mktme explore")
        if not begins and not self._is_token(self._of_cookie(headers)):
            if "text/html" in headers.get("accept", ""):
                return Response(WITHOUT_TOKEN, status_code=403, media_type="text/html")
            said = "open the address that mktme explore printed; it has this run's token"
            return refusal(403, said)
        if method in ("GET", "HEAD"):
            return None
        if headers.get("origin", "") != f"http://{host}":
            return refusal(403, "the request comes from another page")
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return refusal(415, "a request has the content type application/json")
        if not headers.get("content-length", "").isdecimal():
            return refusal(411, "a request says how long it is")
        if int(headers["content-length"]) > BODY_MAX:
            return refusal(413, f"a request has at most {BODY_MAX} bytes")
        return None

    def _of_cookie(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return found.value if found else ""

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())
