"""Requests to web addresses that hold a user and a password; videos that are fetched whole."""

from __future__ import annotations

import base64
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from http.client import HTTPException, InvalidURL
from typing import IO
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from mask_detector.errors import SourceError
from mask_detector.video.addresses import without_password

USER_AGENT = "mask-detector"


def request_to(
    address: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Request:
    """A request; ``user:password@`` becomes basic authorization, which no redirect passes on."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    request = Request(
        parts._replace(netloc=host).geturl(), data, {"User-Agent": USER_AGENT, **(headers or {})}
    )
    if parts.username:
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(word.encode()).decode()}"
        request.add_unredirected_header("Authorization", authorization)
    return request


def words_of(error: Exception) -> str:
    """What an error says; the text of an ``InvalidURL`` would show a part of the address."""
    return "the address is not valid" if isinstance(error, InvalidURL) else str(error)


class TemporaryVideo:
    """A file without a name that is gone once nobody refers to it, for PyAV, which closes none."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        weakref.finalize(self, file.close)


def fetch(address: str, stall_s: float | None) -> TemporaryVideo:
    """Download a recorded video into a temporary file.

    Some servers give a file only from its beginning to its end (``python -m http.server``), and
    an MP4 whose index is at its end cannot be read in that order.

    Raises:
        SourceError: the server does not say how long the file is, or it cannot be read whole.
    """
    name, file = without_password(address), tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with urlopen(request_to(address), timeout=stall_s) as answer:
            length = answer.headers.get("Content-Length")
            if length is None:
                raise SourceError(f"{name}: its index is at its end, which never comes")
            shutil.copyfileobj(answer, file)
        if file.tell() != int(length):
            raise SourceError(f"{name}: the connection broke after {file.tell()} of {length} bytes")
        file.seek(0)
        return TemporaryVideo(file)
    except (OSError, ValueError, HTTPException) as error:
        file.close()
        raise SourceError(f"{name}: it cannot be downloaded ({words_of(error)})") from None
    except SourceError:
        file.close()
        raise
