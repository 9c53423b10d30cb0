"""The manifest of a run: what is to be processed, cut into shards once and for all.

``manifest/part-000000.parquet`` names the photos of shard 0 (or its one video), and so on;
``manifest/complete.json``, written last, says how many there are. The cuts stay as they are
when the input changes: a shard's results belong to its names, whenever they are made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from mask_detector.cluster import addresses, storage, tables
from mask_detector.errors import FileError

_FIRST_SIZE, _LARGEST_SIZE = 32, 1000
_WAIT_S, _POLL_S = 3600.0, 1.0
_SHARE = 32  # while a manifest grows, a shard has at most 1 / _SHARE of it


@dataclass(frozen=True)
class Entry:
    """A photo or a video of the manifest.

    Attributes:
        image: its address, which is its name in the records.
        film: whether it is a video.
    """

    image: str
    film: bool = False


@dataclass(frozen=True)
class Manifest:
    """What a finished manifest holds.

    Attributes:
        shards: how many shards there are, numbered from 0.
        photos, films: how many are in them.
    """

    shards: int
    photos: int
    films: int

    @property
    def entries(self) -> int:
        """Photos and videos."""
        return self.photos + self.films


def part_name(number: int) -> str:
    """The name of a shard's files, in ``manifest`` and in ``records``."""
    return f"part-{number:06}.parquet"


def part_number(name: str) -> int | None:
    """The shard that a file belongs to, None for any other file."""
    digits = name.removeprefix("part-").removesuffix(".parquet")
    return int(digits) if digits.isdigit() and name == part_name(int(digits)) else None


def read_manifest(output: str) -> Manifest | None:
    """The manifest of a run, None while it is not complete.

    Raises:
        FileError: it cannot be read.
    """
    address = addresses.join(output, "manifest", "complete.json")
    try:
        return Manifest(**json.loads(storage.read(address)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"{address}: cannot be read ({storage.reason(error)})") from None
    except (ValueError, TypeError):
        raise FileError(f"{address}: not as this program writes it, use another output") from None


def wait_for_manifest(output: str) -> Manifest:
    """The manifest of a run, once another process has completed it.

    Raises:
        FileError: it cannot be read, or has not grown for an hour.
    """
    shards, since = 0, time.monotonic()
    while (manifest := read_manifest(output)) is None:
        if time.monotonic() - since > _WAIT_S:
            now = len(_shards_in(output, "manifest"))
            if now <= shards:
                raise FileError(
                    f"{output}: no manifest after {_WAIT_S / 60:.0f} minutes in which it has not "
                    "grown: is part 0 (or N) of --shard K/N running?"
                )
            shards, since = now, time.monotonic()
        time.sleep(_POLL_S)
    return manifest


def write_manifest(output: str, entries: Iterable[Entry], shard_size: int | None) -> Manifest:
    """Write the manifest of a run, shard by shard as the entries come.

    Args:
        entries: photos and videos; each video becomes a shard of its own.
        shard_size: photos in a shard; None begins with few, so that a small run uses all
            processors, and takes more as the manifest grows.

    Raises:
        FileError: it cannot be written.
    """
    shards = photos = films = 0
    waiting: list[Entry] = []

    def write(shard: list[Entry]) -> None:
        nonlocal shards
        _write_shard(output, shards, shard)
        shards += 1

    for entry in entries:
        if entry.film:
            films += 1
            write([entry])
            continue
        photos += 1
        waiting.append(entry)
        if len(waiting) >= (shard_size or _growing_size(photos)):
            write(waiting)
            waiting = []
    if waiting:
        write(waiting)
    manifest = Manifest(shards, photos, films)
    if shards:
        text = json.dumps(asdict(manifest))
        storage.write(addresses.join(output, "manifest", "complete.json"), text.encode())
    return manifest


def _growing_size(photos: int) -> int:
    return min(max(_FIRST_SIZE, photos // _SHARE), _LARGEST_SIZE)


def _write_shard(output: str, number: int, shard: list[Entry]) -> None:
    import pyarrow as pa

    columns = pa.schema([("image", pa.string()), ("film", pa.bool_())])
    data = tables.encoded(tables.as_table(map(asdict, shard), columns))
    storage.write(addresses.join(output, "manifest", part_name(number)), data)


def read_shard(output: str, number: int) -> list[Entry]:
    """The photos of a shard, or its one video.

    Raises:
        FileError: it cannot be read.
    """
    table = tables.read_table(addresses.join(output, "manifest", part_name(number)))
    return [Entry(**row) for row in tables.read_rows(table)]


def done_shards(output: str) -> set[int]:
    """The shards whose records are there.

    Raises:
        FileError: the records' folder cannot be read.
    """
    return _shards_in(output, "records")


def _shards_in(output: str, name: str) -> set[int]:
    folder = addresses.join(output, name)
    try:
        return set(_numbers(folder))
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise FileError(f"{folder}: cannot be read ({storage.reason(error)})") from None


def _numbers(folder: str) -> Iterator[int]:
    for address, is_folder in storage.listed(folder):
        number = part_number(address.rpartition("/")[2])
        if number is not None and not is_folder:
            yield number
