"""Addresses of inputs and results: a local path, or a name in S3, Google Cloud Storage or HDFS.

    s3://BUCKET/KEY    gs://BUCKET/KEY    hdfs://HOST:PORT/PATH

Credentials come from the environment or from the machine's role, never from an address: addresses
are written into results and messages.
"""

from __future__ import annotations

import os
import re

from mask_detector.errors import UserFacingError
from mask_detector.video.addresses import local_path

# What stands between "://" and the next slash; an HDFS without a host is that of its settings.
_BUCKET, _HOST = re.compile(r"\w[\w.-]*"), re.compile(r"([\w.-]+(:\d+)?)?")
_FIRST_PARTS = {"s3": _BUCKET, "gs": _BUCKET, "hdfs": _HOST}
_KEY_PARAMETER = re.compile(
    r"[?&;](access_?key|secret|session_?token|password|awsaccesskeyid|signature"
    r"|x-\w+-(credential|signature|security-token))[\w-]*=",
    re.IGNORECASE,
)


def scheme_of(address: str) -> str | None:
    """The address's scheme, None for a local path."""
    match = re.match(r"([a-zA-Z][\w+.-]*)://", address)
    return match[1].lower() if match else None


def full_address(address: str) -> str:
    """The address as every process understands it: local paths absolute, no slash at the end.

    Raises:
        UserFacingError: of an unknown kind, without a bucket, or with credentials in it. The text
            names nothing of an address that may hold credentials.
    """
    address = local_path(address)
    scheme = scheme_of(address)
    if scheme is None:
        return os.path.abspath(address)  # noqa: PTH100 - Path.absolute keeps ".."
    if scheme not in _FIRST_PARTS:
        known = ", ".join(f"{each}://" for each in _FIRST_PARTS)
        raise UserFacingError(f"{scheme}:// is not supported: use a local path, {known}")
    rest = address.partition("://")[2]
    first = rest.split("/")[0]
    # A secret may hold slashes: a colon without a port is enough to tell that there is one.
    if "@" in first or _KEY_PARAMETER.search(rest) or not _FIRST_PARTS[scheme].fullmatch(first):
        form = "hdfs://HOST:PORT/PATH" if scheme == "hdfs" else f"{scheme}://BUCKET/KEY"
        raise UserFacingError(
            f"an address with {scheme}:// is not of the form {form}: leave credentials out of "
            "addresses, they are read from the environment or from the machine's role"
        )
    return f"{scheme}://{rest.rstrip('/')}"


def join(folder: str, *names: str) -> str:
    """The address of something in a folder."""
    bare = folder if folder.endswith("://") else folder.rstrip("/")
    return "/".join((bare, *names))
