"""Files to take along: links that stay, and files that are made when they are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.types import Message
from waiting import run_apart

from mask_app.downloads import MOST_LINKS, ROUTE, Content, Links, _File


def fetched(address: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the answer to a request for a link."""

    async def receive() -> Message:
        return await asyncio.Future()  # the browser stays

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": f"/{address}", "query_string": b""}
    run_apart(Starlette(routes=[ROUTE])({**scope, "headers": []}, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def broken() -> bytes:
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("make", "status", "body"),
    [
        (lambda: b"", 200, b""),
        (lambda: b"whole", 200, b"whole"),
        (lambda: iter([b"in ", b"parts"]), 200, b"in parts"),
        (lambda: Path("/nowhere/a.csv"), 404, None),
        (broken, 500, None),
    ],
)
def test_a_file_is_made_when_it_is_fetched(
    make: Callable[[], Content], status: int, body: bytes | None
) -> None:
    links = Links()
    address = links.put("table", _File(make, "Ü b.csv", "text/csv"))
    for _ in range(2):
        found, headers, content = fetched(address)
        assert found == status
        if body is not None:
            assert content == body
            name = b"attachment; filename*=UTF-8''%C3%9C%20b.csv"
            assert headers[b"content-disposition"] == name
    links.close()
    assert fetched(address)[0] == 404


def test_a_file_on_disk_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"video")
    links = Links()
    assert fetched(links.put("a", _File(lambda: path, "a.mp4", "video/mp4")))[2] == b"video"
    links.close()


def test_a_link_stays_and_a_session_has_only_so_many() -> None:
    links = Links()
    first = links.put("table", _File(lambda: b"old", "a", "text/csv"))
    assert links.put("table", _File(lambda: b"new", "a", "text/csv")) == first
    assert fetched(first)[2] == b"new"
    for number in range(MOST_LINKS):
        links.put(str(number), _File(bytes, "a", "text/csv"))
    assert fetched(first)[0] == 404
    links.close()
