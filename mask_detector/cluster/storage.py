"""Files of local folders, S3, Google Cloud Storage and HDFS: listed, read and written alike.

An address is a local path or ``s3://BUCKET/KEY``, ``gs://BUCKET/KEY``, ``hdfs://HOST:PORT/PATH``.
Credentials come from the environment or from the machine's role, never from an address.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from mask_detector.cluster.s3_listing import s3_entries
from mask_detector.errors import FileError, PhotoError, UserFacingError
from mask_detector.files import is_system_file, make_folder, write_bytes
from mask_detector.images import read_bytes
from mask_detector.video.addresses import local_path

Result = TypeVar("Result")

SCHEMES = ("s3", "gs", "hdfs")

_TRIES = 5
_FIRST_WAIT_S = 0.5
_CONNECT_S, _REQUEST_S = 10, 60
_COPIED_BYTES = 4_000_000
# What AWS answers where trying again changes nothing.
_PERMANENT = re.compile(
    "ACCESS_DENIED|NO_SUCH_|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|"
    "INVALID_CLIENT_TOKEN|EXPIRED|PERMANENT_REDIRECT|HTTP status 40[134]",
    re.IGNORECASE,
)


def scheme_of(address: str) -> str | None:
    """The address's scheme, None for a local path."""
    match = re.match(r"([a-zA-Z][\w+.-]*)://", address)
    return match[1].lower() if match else None


def full_address(address: str) -> str:
    """The address as every process understands it: local paths absolute, no slash at the end.

    Raises:
        UserFacingError: of an unknown kind, or with credentials in it.
    """
    address = local_path(address)
    scheme = scheme_of(address)
    if scheme is None:
        return os.path.abspath(address)  # noqa: PTH100 - Path.absolute keeps ".."
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise UserFacingError(f"{scheme}:// is not supported: use a local path, {known}")
    rest = address.partition("://")[2]
    if "@" in rest.split("/")[0]:
        raise UserFacingError(
            f"{scheme}://***@{rest.rpartition('@')[2]}: leave credentials out of addresses, they "
            "are read from the environment or from the machine's role"
        )
    return f"{scheme}://{rest.rstrip('/')}"


def join(folder: str, *names: str) -> str:
    """The address of something in a folder."""
    return "/".join((folder.rstrip("/"), *names))


def file_system(address: str) -> tuple[Any, str]:
    """The ``pyarrow.fs.FileSystem`` of a remote address, and its path there."""
    scheme, _, rest = address.partition("://")
    host = rest.split("/")[0]
    path = rest if scheme != "hdfs" else rest[len(host) :]
    return _connected(scheme, host), path


@lru_cache
def _connected(scheme: str, host: str) -> Any:
    from pyarrow import fs  # slow to load

    if scheme == "gs":
        return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_REQUEST_S))
    if scheme == "hdfs":
        name, _, port = host.partition(":")
        return fs.HadoopFileSystem(name or "default", int(port or 0))
    variables = os.environ
    endpoint = variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL")
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(host)
    return fs.S3FileSystem(
        region=region or "us-east-1",
        endpoint_override=endpoint,
        connect_timeout=_CONNECT_S,
        request_timeout=_REQUEST_S,
    )


def is_transient(error: OSError) -> bool:
    """Whether trying again may help: 503, time-outs, dropped connections."""
    lasting = FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError
    return not isinstance(error, lasting) and not _PERMANENT.search(str(error))


def retried(action: Callable[[], Result], sleep: Callable[[float], None] = time.sleep) -> Result:
    """What ``action`` returns, tried again with growing waits while its error is transient.

    Raises:
        OSError: it fails for good, or has failed ``_TRIES`` times.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return action()
        except OSError as error:
            if attempt == _TRIES or not is_transient(error):
                raise
            # Up to half more, so that many processes do not come back at the same time.
            sleep(_FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(1, 1.5))
    raise AssertionError("unreachable")


def reason(error: OSError) -> str:
    """Why it failed, in short: the libraries' texts hold whole requests."""
    text = error.strerror or str(error)
    aws = re.search(r"AWS Error (\w+)", text)
    if aws:
        return aws[1].lower().replace("_", " ")
    return re.sub(r"\s+", " ", text).split(". Detail:")[0][:120]


def read_photo_bytes(address: str) -> bytes:
    """What is in a photo's file.

    Raises:
        PhotoError: it is missing or cannot be read, in the words of the photo script.
    """
    if scheme_of(address) is None:
        return read_bytes(address)
    try:
        return read(address)
    except FileNotFoundError:
        raise PhotoError(f"{address}: there is no such file") from None
    except OSError as error:
        raise PhotoError(f"{address}: the file cannot be read ({reason(error)})") from None


def read(address: str) -> bytes:
    """What is in a file.

    Raises:
        OSError: it is missing (FileNotFoundError), or cannot be read.
    """
    if scheme_of(address) is None:
        return retried(Path(address).read_bytes)
    files, path = file_system(address)

    def whole() -> bytes:
        with files.open_input_stream(path, compression=None) as stream:
            return bytes(stream.read())

    return retried(whole)


def download(address: str, target: Path) -> None:
    """Copy a remote file to a local one, without holding it.

    Raises:
        OSError: it is missing, or cannot be read.
    """
    files, path = file_system(address)

    def copy() -> None:
        with (
            files.open_input_stream(path, compression=None) as stream,
            target.open("wb") as file,
        ):
            while part := stream.read(_COPIED_BYTES):
                file.write(part)

    retried(copy)


def write(address: str, data: bytes) -> None:
    """Write a file as a whole: it is there with all its content, or not at all.

    Raises:
        FileError: it cannot be written.
    """
    if scheme_of(address) is None:
        make_folder(Path(address).parent)
        write_bytes(address, data)
        return
    files, path = file_system(address)

    def put() -> None:
        if address.startswith("hdfs:"):  # what is half written is visible there
            hidden = f"{path}.{os.urandom(8).hex()}.part"
            with files.open_output_stream(hidden, compression=None) as stream:
                stream.write(data)
            files.move(hidden, path)
            return
        with files.open_output_stream(path, compression=None) as stream:
            stream.write(data)  # object stores show an object once it is whole

    try:
        if address.startswith("hdfs:"):
            retried(lambda: files.create_dir(path.rpartition("/")[0]))
        retried(put)
    except OSError as error:
        raise FileError(f"{address}: cannot write there ({reason(error)})") from None


def listed(folder: str) -> Iterator[tuple[str, bool]]:
    """What is in a folder, sub-folders not opened: (address, whether it is a folder).

    Local folders and those of S3 are streamed; left out are files of the system, linked folders,
    pipes and devices.

    Raises:
        OSError: it is missing or cannot be read.
    """
    if scheme_of(folder) is None:
        with os.scandir(folder) as entries:
            for entry in entries:
                folder_there = entry.is_dir()
                if is_system_file(Path(entry.name)) or (entry.is_symlink() and folder_there):
                    continue
                # Pipes and devices could keep a run waiting for ever; broken links are reported.
                if folder_there or entry.is_file() or not os.path.exists(entry.path):  # noqa: PTH110
                    yield entry.path, folder_there
        return
    if scheme_of(folder) == "s3":
        found = s3_entries(folder, _CONNECT_S, _REQUEST_S, _TRIES)
        yield from (each for each in found if not is_system_file(Path(each[0])))
        return
    from pyarrow.fs import FileSelector, FileType

    files, path = file_system(folder)
    for info in retried(lambda: files.get_file_info(FileSelector(path, recursive=False))):
        if not is_system_file(Path(info.base_name)):
            yield join(folder, info.base_name), info.type == FileType.Directory


def is_folder(address: str) -> bool:
    """Whether there is a folder at the address (for object stores: names that begin with it)."""
    if scheme_of(address) is None:
        return Path(address).is_dir()
    from pyarrow.fs import FileType

    files, path = file_system(address)
    return bool(retried(lambda: files.get_file_info(path)).type == FileType.Directory)


def exists(address: str) -> bool:
    """Whether there is a file at the address."""
    if scheme_of(address) is None:
        return Path(address).is_file()
    from pyarrow.fs import FileType

    files, path = file_system(address)
    return bool(retried(lambda: files.get_file_info(path)).type == FileType.File)
