"""Names of sources: which are network addresses, and how they are shown without passwords."""

from __future__ import annotations

import argparse
import os
import re
from urllib.parse import unquote, urlsplit

_SECRET_NAME = (
    r"[^=&;#/?]{0,40}(?:(?:pas|pwd|psw|token|secret|key|auth|cred)[^=&;#/?]{0,40}"
    r"|pw|sid|sig|signature)="
)
_SECRET_PARAMETER = re.compile(rf"(?i)([?&;]{_SECRET_NAME})[^&;#]*")

# Some cameras want them in the path: /user=admin_password=abc_channel=1_stream=0.sdp
_SECRET_IN_PATH = re.compile(rf"(?i)([/_]{_SECRET_NAME})(?:(?!_[a-z]+=\d)[^/&;#?])*")

_WITH_SCHEME = re.compile(r"(.*?\b[a-zA-Z][\w+.-]*://)(.*)", re.DOTALL)


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


def without_password(text: str) -> str:
    """A source, a receiver or a message as it may be shown: without passwords and tokens.

    >>> without_password("rtsp://me:secret@door/1?token=abc")
    'rtsp://me:***@door/1?token=***'
    >>> without_password("rtsp://token@door/user=me_password=abc_channel=1")
    'rtsp://***@door/user=me_password=***_channel=1'
    """
    if address := _WITH_SCHEME.fullmatch(text):
        scheme, rest = address.groups()
        # Up to the last @, for passwords in which nobody escaped an @ or a slash; not from a port
        # on. Without a colon it is a token, or a name: nobody can tell.
        rest = re.sub(r"(?s)^([^/:@]*):(?!\d+(?:/|$)).*@", r"\1:***@", rest)
        rest = re.sub(r"^[^/?#:@]*@", "***@", rest)
        text = scheme + _SECRET_IN_PATH.sub(r"\1***", rest)
    return _SECRET_PARAMETER.sub(r"\1***", text)


def check_address(address: str) -> None:
    """Check the host and port of an address, for argparse's ``type``.

    What is said shows no part of the address: where a ``/``, ``?`` or ``#`` in a password is not
    escaped, the password's beginning stands where a port should.

    Raises:
        argparse.ArgumentTypeError: there is no host, or the port is none.
    """
    try:
        parts = urlsplit(address)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(
            "the address has no valid host and port (1 to 65535): in a password write "
            "%2F for /, %3F for ?, %23 for # and %40 for @"
        )
