"""What a run is to process: folders, single files, and lists of them, read as streams."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from mask_detector.cluster import storage
from mask_detector.cluster.manifest import Entry
from mask_detector.errors import UserFacingError
from mask_detector.images import is_photo
from mask_detector.photos.formats import starts_like_a_photo

FILM_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".3gp", ".wmv", ".flv", ".mjpeg", ".mjpg",
)  # fmt: skip
"""File names with these endings are taken for videos (in any letter case)."""

_COLUMNS = ("image", "path", "uri", "url", "key")
_BATCH_ROWS = 10_000


def find_entries(images: Iterable[str], lists: Iterable[str], output: str) -> Iterator[Entry]:
    """The photos and videos that a run is to process, as a stream.

    Args:
        images: folders, with all their sub-folders, and files.
        lists: files that name photos, see :func:`listed_in`.
        output: where results go; what is there is left out of folders.

    Raises:
        UserFacingError: something is missing or cannot be read.
    """
    seen = Seen()
    for root in outermost([storage.full_address(each) for each in images]):
        try:
            if storage.is_folder(root):
                found = _in_folder(root, output)
            elif storage.exists(root):
                found = iter([entry_for(root)])
            else:
                raise UserFacingError(f"{root}: there is no such file or folder")
            for entry in found:
                if lists:  # without them, nothing is listed twice
                    seen.add(entry.image)
                yield entry
        except OSError as error:
            raise UserFacingError(f"{root}: cannot be read ({storage.reason(error)})") from None
    for each in lists:
        try:
            yield from map(entry_for, filter(seen.add, listed_in(storage.full_address(each))))
        except (OSError, ValueError, EOFError) as error:
            why = storage.reason(error) if isinstance(error, OSError) else error
            raise UserFacingError(f"{each}: this list cannot be read ({why})") from None


class Seen:
    """Which addresses were there already, kept in a temporary file: they may be millions."""

    def __init__(self) -> None:
        # Without a name, SQLite makes a file of its own and deletes it at the end.
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8000"):  # KiB
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, address: str) -> bool:
        """Remember an address; whether it is new."""
        digest = hashlib.blake2b(address.encode(errors="surrogateescape"), digest_size=16).digest()
        done = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,))
        return done.rowcount == 1


def outermost(roots: Sequence[str]) -> list[str]:
    """The addresses, without those that are named twice or lie in another one."""
    kept: list[str] = []
    for root in dict.fromkeys(roots):
        parents = {other for other in roots if root.startswith(f"{other}/")}
        if not parents:
            kept.append(root)
    return kept


def entry_for(address: str) -> Entry:
    """A file of the manifest; what is no video by its name is taken for a photo."""
    return Entry(address, _is_film(address))


def _is_film(address: str) -> bool:
    return address.lower().endswith(FILM_SUFFIXES)


def _in_folder(root: str, output: str) -> Iterator[Entry]:
    local = storage.scheme_of(root) is None
    folders = [root]  # those that are not listed yet
    while folders:
        for address, is_folder in storage.listed(folders.pop()):
            if address == output:
                continue
            if is_folder:
                folders.append(address)
            elif _is_film(address):
                yield Entry(address, film=True)
            elif is_photo(Path(address)) or (
                local and Path(address).is_file() and starts_like_a_photo(Path(address))
            ):
                yield Entry(address)


def listed_in(address: str) -> Iterator[str]:
    """The addresses that a list names, without holding them all.

    A list is a text file with one a line (relative paths start at the current folder), a Parquet
    file with a column ``image``, ``path``, ``uri``, ``url`` or ``key``, or the ``manifest.json``
    of an S3 Inventory (CSV or Parquet).

    Raises:
        OSError, ValueError: it cannot be read, or is of another kind.
    """
    if address.endswith(".parquet"):
        rows = _parquet_rows(address, _COLUMNS)
        yield from (storage.full_address(row[0]) for row in rows if row[0])
    elif address.endswith(".json"):
        yield from _inventory(address)
    else:
        with closing(io.TextIOWrapper(_stream(address), encoding="utf-8-sig")) as lines:
            for line in lines:
                if line.strip():
                    yield storage.full_address(line.strip("\r\n"))


def _stream(address: str) -> Any:
    """The file, to be read from its beginning."""
    if storage.scheme_of(address) is None:
        return Path(address).open("rb")
    files, path = storage.file_system(address)
    return storage.retried(lambda: files.open_input_stream(path, compression=None))


def _parquet_rows(
    address: str, choices: Sequence[str], also: Sequence[str] = ()
) -> Iterator[list[str]]:
    """Of each row the first of the columns that is there, and the columns ``also``."""
    from pyarrow import parquet

    if storage.scheme_of(address) is None:
        file = parquet.ParquetFile(address)
    else:
        files, path = storage.file_system(address)
        file = parquet.ParquetFile(storage.retried(lambda: files.open_input_file(path)))
    with file:
        names = [name for name in choices if name in file.schema_arrow.names][:1]
        if not names:
            raise ValueError(f"it has no column {' or '.join(choices)}")
        for batch in file.iter_batches(_BATCH_ROWS, columns=[*names, *also]):
            columns = [batch.column(name).to_pylist() for name in (*names, *also)]
            yield from map(list, zip(*columns, strict=True))


def _inventory(address: str) -> Iterator[str]:
    """The objects of an S3 Inventory."""
    try:
        inventory = json.loads(storage.read(address))
        kind, files = inventory["fileFormat"], [each["key"] for each in inventory["files"]]
        bucket = inventory["destinationBucket"].rpartition(":")[2]
        columns = [name.strip().lower() for name in inventory["fileSchema"].split(",")]
        key_at = columns.index("key") if kind == "CSV" else 0
        bucket_at = columns.index("bucket") if kind == "CSV" else 1
    except (KeyError, TypeError, ValueError):
        raise ValueError("this is not the manifest.json of an S3 Inventory") from None
    for key in files:
        # Beside its manifest the inventory may have been copied to a local folder.
        part = f"s3://{bucket}/{key}"
        if storage.scheme_of(address) is None:
            part = os.path.join(os.path.dirname(address), os.path.basename(key))  # noqa: PTH118, PTH119, PTH120
        if kind == "CSV":
            with (
                closing(_stream(part)) as packed,
                gzip.open(packed, "rt", encoding="utf-8", newline="") as lines,
            ):
                for row in csv.reader(lines):
                    yield f"s3://{row[bucket_at]}/{unquote_plus(row[key_at])}"
        elif kind == "Parquet":
            for name, source in _parquet_rows(part, ["key"], ["bucket"]):
                yield f"s3://{source}/{name}"
        else:
            raise ValueError(f"inventories as {kind} are not supported: use CSV or Parquet")
