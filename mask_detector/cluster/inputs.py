"""What a run is to process: folders, single files, and lists of them, read as streams."""

from __future__ import annotations

import csv
import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mask_detector.cluster import addresses, storage
from mask_detector.cluster.lists import is_inventory, listed_in
from mask_detector.cluster.manifest import Entry
from mask_detector.errors import FileError, UserFacingError
from mask_detector.images import is_photo
from mask_detector.photos.formats import starts_like_a_photo

FILM_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".3gp", ".wmv", ".flv", ".mjpeg", ".mjpg",
)  # fmt: skip
"""File names with these endings are taken for videos (in any letter case)."""

RESULT_FOLDERS = ("manifest", "records", "pictures")
"""What a run makes in its output."""

_LIST_ERRORS = (OSError, ValueError, EOFError, csv.Error, zlib.error)


def find_entries(images: Iterable[str], lists: Iterable[str], output: str) -> Iterator[Entry]:
    """The photos and videos that a run is to process, each once, as a stream.

    Args:
        images: folders, with all their sub-folders, and files.
        lists: files that name photos, see :func:`~mask_detector.cluster.lists.listed_in`.
        output: where results go; what is there is left out of folders.

    Raises:
        UserFacingError: something is missing or cannot be read.
    """
    roots = list(dict.fromkeys(map(addresses.full_address, images)))
    lists = list(dict.fromkeys(map(addresses.full_address, lists)))
    results = tuple(addresses.join(output, name, "") for name in RESULT_FOLDERS)
    # Without lists and folders in folders nothing is named twice.
    seen = Seen() if lists or overlap(roots) else None
    for root in roots:
        yield from _new(seen, _under(root, results))
    for each in lists:
        yield from _new(seen, _in_list(each, results))


def _new(seen: Seen | None, entries: Iterator[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if seen is None or seen.add(entry.image))


def _under(root: str, results: tuple[str, ...]) -> Iterator[Entry]:
    try:
        if storage.is_folder(root):
            yield from _in_folder(root, results)
        elif storage.exists(root):
            yield entry_for(root)
        else:
            raise UserFacingError(f"{root}: there is no such file or folder")
    except OSError as error:
        where = getattr(error, "filename", None) or root
        raise UserFacingError(f"{where}: cannot be read ({storage.reason(error)})") from None


def _in_list(address: str, results: tuple[str, ...]) -> Iterator[Entry]:
    try:
        for each in listed_in(address):
            # Nobody has chosen what is in an inventory: it is taken like a folder.
            if not is_inventory(address):
                yield entry_for(each)
            elif not _is_system_object(each) and (entry := _by_name(each, results)):
                yield entry
    except _LIST_ERRORS as error:
        why = storage.reason(error)
        raise UserFacingError(f"{address}: this list cannot be read ({why})") from None


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
        try:
            done = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,))
        except sqlite3.Error as error:
            raise FileError(
                f"a temporary file cannot be written ({error}): let TMPDIR name a folder with "
                "room for 50 bytes for each photo"
            ) from None
        return done.rowcount == 1


def overlap(roots: Sequence[str]) -> bool:
    """Whether one of the addresses lies in another one."""
    known = set(roots)
    return any(not known.isdisjoint(_parents(root)) for root in roots)


def _parents(address: str) -> Iterator[str]:
    """The folders that an address lies in; a few that are none, such as "s3:", do no harm."""
    while address != "/" and "/" in address:
        address = address.rpartition("/")[0] or "/"
        yield address


def entry_for(address: str) -> Entry:
    """A file of the manifest; what is no video by its name is taken for a photo."""
    return Entry(address, _is_film(address))


def _is_film(address: str) -> bool:
    return address.lower().endswith(FILM_SUFFIXES)


def _in_folder(root: str, results: tuple[str, ...]) -> Iterator[Entry]:
    local = addresses.scheme_of(root) is None
    folders = [root]  # those that are not listed yet
    while folders:
        for address, is_folder in storage.listed(folders.pop()):
            if is_folder:
                if not f"{address}/".startswith(results):
                    folders.append(address)
            elif entry := _by_name(address, results):
                yield entry
            elif local and Path(address).is_file() and starts_like_a_photo(Path(address)):
                yield Entry(address)


def _by_name(address: str, results: tuple[str, ...]) -> Entry | None:
    """A file of a folder; None where its name is that of no photo or video, or it is a result."""
    film = _is_film(address)
    wanted = (film or is_photo(Path(address))) and not address.startswith(results)
    return Entry(address, film) if wanted else None


def _is_system_object(address: str) -> bool:
    return storage.is_system_name(address.removeprefix("s3://").partition("/")[2])
