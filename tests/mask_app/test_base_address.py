"""Pages are told where the server is; nothing else is changed."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message
from waiting import run_apart

from mask_app.base_address import BaseAddress

PAGE = f"<!DOCTYPE html><html><head><title>t</title></head>{'<p>words</p>' * 100}</html>"
BROWSER = {"accept": "text/html,*/*", "accept-encoding": "gzip"}


def answered(answer: Response, headers: dict[str, str]) -> tuple[Message, bytes]:
    """Start and body of the answer to a request with these headers, by a server that compresses."""

    async def page(request: Request) -> Response:
        return answer

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    middleware = [Middleware(BaseAddress), Middleware(GZipMiddleware)]
    app = Starlette(routes=[Route("/video", page)], middleware=middleware)
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/video", "query_string": b""}
    run_apart(app({**scope, "headers": pairs}, receive, send))
    return sent[0], b"".join(message["body"] for message in sent[1:])


def test_a_page_has_the_script_before_all_others() -> None:
    start, body = answered(Response(PAGE, media_type="text/html"), BROWSER)
    before, _, after = body.partition(b"<script>window.__streamlit")
    assert before.endswith(b"<head>")
    assert after.endswith(b"</html>")
    assert dict(start["headers"])[b"content-length"] == str(len(body)).encode()


@pytest.mark.parametrize(
    ("answer", "headers"),
    [
        (Response(PAGE, media_type="text/plain"), BROWSER),
        (Response(PAGE, 404, media_type="text/html"), BROWSER),
        (Response(PAGE, media_type="text/html"), {"accept": "*/*"}),
        (Response(status_code=204), BROWSER),
    ],
)
def test_other_answers_stay_as_they_are(answer: Response, headers: dict[str, str]) -> None:
    start, body = answered(answer, headers)
    assert start["status"] == answer.status_code
    assert body == answer.body
