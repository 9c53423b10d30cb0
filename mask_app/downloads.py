"""Files that visitors take along: links to files that are made when the browser fetches them.

``st.download_button`` keeps a file only until two scripts of any session have run (Streamlit
1.67): a live page, which runs a fragment twice a second, takes it away before a slow browser has
fetched it. A link here stays the same while its page is drawn again, and its file is not kept in
memory: large ones go out part by part.
"""

from __future__ import annotations

import base64
import html
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mask_detector.errors import UserFacingError

Content = bytes | Path | Iterable[bytes]
"""A whole file, where it lies, or its parts."""

MOST_LINKS = 64
"""Of one session; older ones give nothing any more."""

_FOLDER = "download"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _File:
    """A file that may be fetched.

    Attributes:
        make: gives its content, in a thread of the server.
        name: as the browser saves it.
        mime: its type, such as ``text/csv``.
    """

    make: Callable[[], Content]
    name: str
    mime: str


_files: dict[str, _File] = {}  # of all sessions, by their secret addresses


class Links:
    """One session's links: a secret address for each, kept while its page is drawn again."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, str] = OrderedDict()

    def put(self, key: str, file: _File) -> str:
        """The address of a file; ``key`` distinguishes it from the session's other files."""
        address = self._addresses.setdefault(key, secrets.token_urlsafe(24))
        self._addresses.move_to_end(key)
        _files[address] = file
        while len(self._addresses) > MOST_LINKS:
            _files.pop(self._addresses.popitem(last=False)[1])
        return f"{_FOLDER}/{address}"

    def close(self) -> None:
        """Forget all of them."""
        for address in self._addresses.values():
            _files.pop(address, None)
        self._addresses.clear()


def link(
    label: str, make: Callable[[], Content], name: str, mime: str, icon: str, key: str
) -> None:
    """Draw a link to a file that looks like a button.

    Args:
        label: in the visitor's language.
        make: gives the file's content. It should hold only what the session keeps anyway, and
            must not use Streamlit: it runs outside the session's script.
        name: of the file.
        mime: its type, such as ``text/csv``.
        icon: name of a Material symbol.
        key: distinguishes it from the session's other files.
    """
    address = _links().put(key, _File(make, name, mime))
    sign = f'<span aria-hidden="true">{icon}</span>'
    words = html.escape(label)
    st.html(
        f'<a class="file" href="{address}" download="{html.escape(name)}">{sign}{words}</a>',
        width="content",
    )


@st.cache_resource(scope="session", show_spinner=False, on_release=Links.close)
def _links() -> Links:
    return Links()


async def _answer(request: Request) -> Response:
    """A file, or in words why there is none."""
    file = _files.get(request.path_params["address"])
    if file is None:
        return PlainTextResponse("This file is no longer there.", 404)
    try:
        content = await run_in_threadpool(file.make)
    except (UserFacingError, OSError, ValueError):
        logger.exception("%s could not be made", file.name)
        return PlainTextResponse("This file could not be made.", 500)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if isinstance(content, Path):
        if not content.is_file():
            return PlainTextResponse("This file is no longer there.", 404)
        return FileResponse(content, headers=headers, media_type=file.mime)
    if isinstance(content, bytes):
        return Response(content, headers=headers, media_type=file.mime)
    return StreamingResponse(content, headers=headers, media_type=file.mime)


ROUTE = Route(f"/{_FOLDER}/{{address}}", _answer, methods=["GET"])
"""Where the files are, for the server."""


@lru_cache(maxsize=1)
def _component() -> Any:
    return st.components.v2.component(
        "mask_download",
        js="""
export default function ({ data, parentElement }) {
  if (parentElement.handed) return;
  parentElement.handed = true;
  const bytes = Uint8Array.from(atob(data.content), (char) => char.charCodeAt(0));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type: data.type }));
  link.download = data.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
""",
    )


def hand_over(content: bytes, name: str, mime: str) -> None:
    """Let the browser save a file that took time to make; called in the run that made it.

    Args:
        content: of the file, up to some megabytes.
        name: of the file.
        mime: its type, such as ``application/pdf``.
    """
    data = {"content": base64.b64encode(content).decode(), "name": name, "type": mime}
    _component()(data=data, key=f"download_{name}")
