"""Tell the pages in the browser where the server is.

Streamlit's own script (1.67) guesses: at ``/video`` it first asks for ``/video/_stcore/health``,
and the browser's console names two requests that fail. Every page of this app lies directly below
the app's address, whatever a proxy puts before it.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SCRIPT = (
    b"<script>window.__streamlit = "
    b"{BACKEND_BASE_URL: new URL('.', location.href).href, ...window.__streamlit};</script>"
)
_BEFORE = b"<head>"


class BaseAddress:
    """ASGI middleware that writes the script into each page that is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and the answer back; a page with the script."""
        if scope["type"] == "http" and scope["method"] == "GET":
            headers = Headers(scope=scope)
            if "text/html" in headers.get("accept", ""):  # somebody opens a page
                others = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
                scope, send = {**scope, "headers": others}, _Page(send)
        await self._app(scope, receive, send)


class _Page:
    """Sends an answer on; where it is a page, with the script."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = self._body.replace(_BEFORE, _BEFORE + _SCRIPT, 1)
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    kind = MutableHeaders(scope=start).get("content-type", "")
    return start["status"] == 200 and kind.startswith("text/html")
