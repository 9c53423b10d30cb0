"""Files of local folders, S3, Google Cloud Storage and HDFS: listed, read and written alike.

What an address is stands in :mod:`mask_detector.cluster.addresses`.
"""

from __future__ import annotations

import errno
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from mask_detector.cluster.addresses import join, scheme_of
from mask_detector.cluster.s3_listing import s3_keys
from mask_detector.errors import FileError, PhotoError
from mask_detector.files import PendingFile, is_system_file, make_folder, write_bytes
from mask_detector.images import MOST_BYTES, read_bytes

Result = TypeVar("Result")

_TRIES = 5
_FIRST_WAIT_S = 0.5
_CONNECT_S, _REQUEST_S = 10, 60
_COPIED_BYTES = 4_000_000
_PROBE_BYTES = 65_536
# What AWS answers where trying again changes nothing.
_PERMANENT = re.compile(
    "ACCESS_DENIED|NO_SUCH_|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|"
    "INVALID_CLIENT_TOKEN|EXPIRED|PERMANENT_REDIRECT|HTTP status 40[134]|not found|Unable to load",
    re.IGNORECASE,
)


def file_system(address: str) -> tuple[Any, str]:
    """The ``pyarrow.fs.FileSystem`` of a remote address, and its path there.

    Raises:
        OSError: it cannot be reached, or has no such names.
    """
    scheme, _, rest = address.partition("://")
    host = rest.split("/")[0]
    if scheme == "hdfs":
        return retried(lambda: _connected(scheme, host)), rest[len(host) :] or "/"
    if "//" in f"{rest}/":
        raise OSError("names with two slashes in a row, or with one at the end, are not supported")
    return retried(lambda: _connected(scheme, host)), rest


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
        allow_delayed_open=True,  # one request for an object that is written at once, not three
    )


def is_transient(error: OSError) -> bool:
    """Whether trying again may help: 503, time-outs, dropped connections."""
    lasting = FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)  # where a video is copied to
    return not (isinstance(error, lasting) or full or _PERMANENT.search(str(error)))


def retried(action: Callable[[], Result], sleep: Callable[[float], None] = time.sleep) -> Result:
    """What ``action`` returns, tried again with growing waits while its error is transient.

    Raises:
        OSError: it fails for good, has failed ``_TRIES`` times, or raised a ValueError.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return action()
        except ValueError as error:  # of pyarrow, for names that it refuses
            raise OSError(str(error)) from None
        except OSError as error:
            if attempt == _TRIES or not is_transient(error):
                raise
            # Up to half more, so that many processes do not come back at the same time.
            sleep(_FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(1, 1.5))
    raise AssertionError("unreachable")


def reason(error: Exception) -> str:
    """Why it failed, in short: the libraries' texts hold whole requests, with their passwords."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    aws = re.search(r"AWS Error (\w+)", text)
    if aws:
        return aws[1].lower().replace("_", " ")
    short = re.sub(r"\s+", " ", text).split(". Detail:")[0]
    return re.sub(r"//[^/@ ]*@", "//***@", short)[:120]


def read_photo_bytes(address: str) -> bytes:
    """What is in a photo's file.

    Raises:
        PhotoError: it is missing, larger than any photo or cannot be read, in the words of the
            photo script.
    """
    if scheme_of(address) is None:
        return read_bytes(address)
    try:
        return read(address, MOST_BYTES)
    except FileNotFoundError:
        raise PhotoError(f"{address}: there is no such file") from None
    except OSError as error:
        raise PhotoError(f"{address}: the file cannot be read ({reason(error)})") from None


def read(address: str, most_bytes: int | None = None) -> bytes:
    """What is in a file.

    Raises:
        OSError: it is missing (FileNotFoundError), or cannot be read.
        PhotoError: it is a remote file with more than ``most_bytes``.
    """
    if scheme_of(address) is None:
        return retried(Path(address).read_bytes)
    files, path = file_system(address)

    def whole() -> bytes:
        # Not as a stream, which asks S3 for each quarter of a megabyte.
        with files.open_input_file(path) as file:
            if most_bytes is not None and file.size() > most_bytes:
                raise PhotoError(f"{address}: {file.size() / 1e9:.1f} GB are too many for a photo")
            return bytes(file.read())

    return retried(whole)


def opened(address: str, as_stream: bool = False) -> Any:
    """A file to read from wherever one likes, as a context manager.

    Args:
        as_stream: from its beginning only; more is fetched at a time than is asked for.

    Raises:
        OSError: it is missing (FileNotFoundError), or cannot be read.
    """
    if scheme_of(address) is None:
        return Path(address).open("rb")
    files, path = file_system(address)
    stream = partial(files.open_input_stream, path, compression=None)
    return retried(stream if as_stream else partial(files.open_input_file, path))


def download(address: str, target: Path) -> None:
    """Copy a remote file to a local one, without holding it.

    Raises:
        OSError: it is missing, or cannot be read.
    """
    files, path = file_system(address)

    def copy() -> None:
        with files.open_input_stream(path, compression=None) as stream, target.open("wb") as file:
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
    try:
        _put(address, data)
    except OSError as error:
        raise FileError(f"{address}: cannot write there ({reason(error)})") from None


def check_writable(address: str) -> None:
    """Raise FileError where a local file could not be written, rather than after long work.

    Of other places nobody can tell without leaving a file there.
    """
    if scheme_of(address) is None:
        make_folder(Path(address).parent)
        PendingFile(address, bytes(_PROBE_BYTES))  # which is never put there


def _put(address: str, data: bytes) -> None:
    files, path = file_system(address)
    folder = path.rpartition("/")[0]

    def put() -> None:
        with files.open_output_stream(path, compression=None) as stream:
            stream.write(data)  # object stores show an object once it is whole

    def put_beside() -> None:  # what is half written is visible in HDFS
        hidden = f"{folder}/.{os.urandom(8).hex()}.part"
        with files.open_output_stream(hidden, compression=None) as stream:
            stream.write(data)
        if exists(address):  # it cannot be renamed to a name that is taken
            files.delete_file(path)
        files.move(hidden, path)

    if address.startswith("hdfs:"):
        retried(lambda: files.create_dir(folder))
        retried(put_beside)
    else:
        retried(put)


def listed(folder: str) -> Iterator[tuple[str, bool]]:
    """What is in a folder: (address, whether it is a folder that is to be listed, too).

    Left out are files of the system, and of local folders links to folders, pipes and devices.
    Object stores have no folders: all files come at once, those of sub-folders too. Local folders
    and S3 are streamed.

    Raises:
        OSError: it is missing or cannot be read.
    """
    scheme = scheme_of(folder)
    if scheme is None:
        yield from _listed_locally(folder)
    elif scheme == "hdfs":
        for info in _infos(folder, recursive=False):
            if not is_system_file(Path(info.base_name)):
                yield join(folder, info.base_name), info.type.name == "Directory"
    else:
        for name in _object_names(folder):
            if not is_system_name(name):
                yield f"{folder}/{name}", False


def is_system_name(name: str) -> bool:
    """Whether one of the parts of a name is a file or a folder of the system."""
    return any(is_system_file(Path(part)) for part in name.split("/"))


def _listed_locally(folder: str) -> Iterator[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            folder_there = entry.is_dir()
            if is_system_file(Path(entry.name)) or (entry.is_symlink() and folder_there):
                continue
            # Pipes and devices could keep a run waiting for ever; broken links are reported.
            if folder_there or entry.is_file() or not os.path.exists(entry.path):  # noqa: PTH110
                yield entry.path, folder_there


def _object_names(folder: str) -> Iterator[str]:
    if scheme_of(folder) == "s3":
        yield from s3_keys(folder, _CONNECT_S, _REQUEST_S, _TRIES)
        return
    # Not folder by folder: pyarrow finds only folders that have an object of their own.
    start = len(folder.partition("://")[2]) + 1
    yield from (info.path[start:] for info in _infos(folder, recursive=True) if info.is_file)


def _infos(folder: str, recursive: bool) -> list[Any]:
    from pyarrow.fs import FileSelector

    files, path = file_system(folder)
    return list(retried(lambda: files.get_file_info(FileSelector(path, recursive=recursive))))


def is_folder(address: str) -> bool:
    """Whether there is a folder at the address (for object stores: names that begin with it)."""
    return Path(address).is_dir() if scheme_of(address) is None else _type(address) == "Directory"


def exists(address: str) -> bool:
    """Whether there is a file at the address."""
    return Path(address).is_file() if scheme_of(address) is None else _type(address) == "File"


def _type(address: str) -> str:
    files, path = file_system(address)
    return str(retried(lambda: files.get_file_info(path)).type.name)
