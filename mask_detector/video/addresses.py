"""Names of sources: which are network addresses, and how they are shown without passwords."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

_SECRET_PARAMETER = re.compile(
    r"(?i)([?&;][^=&;#]*(?:pass|pwd|token|secret|key|auth)[^=&;#]*=)[^&;#]*"
)


def is_address(source: str) -> bool:
    """Whether the source is a network address rather than a camera or a file."""
    return re.match(r"(?!file:)[a-zA-Z][\w+.-]+://", source, re.IGNORECASE) is not None


def local_path(source: str) -> str:
    """The name of a file, also where it is given as ``file:///home/me/a%20film.mp4``."""
    if not re.match(r"file://", source, re.IGNORECASE):
        return source
    path = urlsplit(source).path
    if os.name == "nt":  # drive letters and backslashes
        from urllib.request import url2pathname  # 10 ms, which every photo's start would pay

        return url2pathname(path)
    return unquote(path)


def without_password(source: str) -> str:
    """The source as it may be shown: without its password.

    >>> without_password("rtsp://me:secret@door/1?token=abc")
    'rtsp://me:***@door/1?token=***'
    """
    # Up to the last @, for passwords in which nobody escaped an @ or a slash; not from a port on.
    source = re.sub(r"^(\w[\w+.-]*://[^/:@]*):(?!\d+(?:[/?#]|$)).*@", r"\1:***@", source)
    return _SECRET_PARAMETER.sub(r"\1***", source)
