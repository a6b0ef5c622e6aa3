"""One request to the explorer's server, as its page makes it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from mktme.explore.server import Explorer
from mktme.explore.shelf import Shelf

PORT = 4711
TOKEN = "the-token-of-this-run"
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


def requested(
    method: str,
    where: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    shelf: Shelf | None = None,
) -> httpx.Response:
    """One request as the page makes it, but for headers that are given; None takes one away."""
    usual = {"Host": HOST, "Cookie": f"mktme-{PORT}={TOKEN}"}
    if method == "POST":
        usual |= {"Origin": ORIGIN, "Content-Type": "application/json"}
    sent = {name: value for name, value in (usual | (headers or {})).items() if value is not None}
    app = Explorer("design=rfc-v2", shelf).app(TOKEN, PORT)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            if isinstance(body, bytes):
                return await client.request(method, where, content=body, headers=sent)
            return await client.request(method, where, json=body, headers=sent)

    return asyncio.run(ask())
