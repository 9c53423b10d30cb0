"""Lists of photos and videos: text, Parquet, and inventories of S3, read as streams.

for address in listed_in("s3://inventories/archive/2024-05-01/manifest.json"):
    ...
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import unquote_plus

from mask_detector.cluster import addresses, storage
from mask_detector.errors import UserFacingError

_COLUMNS = ("image", "path", "uri", "url", "key")
_BATCH_ROWS = 10_000

# Columns of an S3 Inventory, by their names in its CSV and in its Parquet files.
_INVENTORY_COLUMNS = {
    "bucket": "bucket",
    "key": "key",
    "islatest": "is_latest",
    "isdeletemarker": "is_delete_marker",
}


def listed_in(address: str) -> Iterator[str]:
    """The addresses that a list names, without holding them all.

    A list is a text file with one a line (relative paths start at the current folder), a Parquet
    file with a column ``image``, ``path``, ``uri``, ``url`` or ``key``, or the ``manifest.json``
    of an S3 Inventory (CSV or Parquet).

    Raises:
        OSError, ValueError, EOFError, zlib.error, csv.Error: it cannot be read, or is of another
            kind.
        UserFacingError: an address in it is refused.
    """
    if is_inventory(address):
        yield from _inventory(address)
    elif address.endswith(".parquet"):
        for number, name in enumerate(_parquet_names(address), start=1):
            if name:
                yield _full(name, f"{address}, row {number}")
    else:
        with closing(
            io.TextIOWrapper(storage.opened(address, as_stream=True), encoding="utf-8-sig")
        ) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _full(line.strip("\r\n"), f"{address}, line {number}")


def is_inventory(address: str) -> bool:
    """Whether a list is the ``manifest.json`` of an S3 Inventory, by its name."""
    return address.endswith(".json")


def _full(name: str, where: str) -> str:
    try:
        return addresses.full_address(name)
    except UserFacingError as error:
        raise UserFacingError(f"{where}: {error}") from None


def _parquet_names(address: str) -> Iterator[str]:
    """The first column that may hold addresses and holds text."""
    with _parquet_file(address) as file:
        texts = _text_columns(file)
        names = [name for name in _COLUMNS if name in texts][:1]
        if not names:
            raise ValueError(f"it has no column {' or '.join(_COLUMNS)} of strings")
        for row in _parquet_rows(file, names):
            yield row[names[0]]


@contextmanager
def _parquet_file(address: str) -> Iterator[Any]:
    from pyarrow import parquet

    with storage.opened(address) as file:
        yield parquet.ParquetFile(file)


def _text_columns(file: Any) -> list[str]:
    from pyarrow import types

    def is_text(kind: Any) -> bool:
        if types.is_dictionary(kind):
            kind = kind.value_type
        return bool(types.is_string(kind) or types.is_large_string(kind))

    return [column.name for column in file.schema_arrow if is_text(column.type)]


def _parquet_rows(file: Any, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    try:
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(names)):
            columns = [batch.column(name).to_pylist() for name in names]
            yield from (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    except pa.ArrowException as error:  # not all of them are a ValueError or an OSError
        raise ValueError(storage.reason(error)) from None


def _inventory(address: str) -> Iterator[str]:
    """The objects of an S3 Inventory; of their versions the newest, unless it is deleted."""
    try:
        inventory = json.loads(storage.read(address))
        kind = inventory["fileFormat"]
        parts = [str(each["key"]) for each in inventory["files"]]
        bucket = inventory["destinationBucket"].rpartition(":")[2]
        columns = [name.strip().lower() for name in inventory["fileSchema"].split(",")]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("this is not the manifest.json of an S3 Inventory") from None
    if kind not in ("CSV", "Parquet"):
        raise ValueError(f"inventories as {kind} are not supported: use CSV or Parquet")
    for key in parts:
        part = f"s3://{bucket}/{key}"
        if addresses.scheme_of(address) is None:
            # Beside its manifest the inventory may have been copied to a local folder.
            part = os.path.join(os.path.dirname(address), os.path.basename(key))  # noqa: PTH118, PTH119, PTH120
        rows = _csv_objects(part, columns) if kind == "CSV" else _parquet_objects(part)
        for row in rows:
            if _is_there(row):
                yield f"s3://{row['bucket']}/{row['key']}"


def _csv_objects(part: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of one file of an inventory, by the names of the Parquet files' columns."""
    names = [_INVENTORY_COLUMNS.get(name, name) for name in columns]
    with (
        closing(storage.opened(part, as_stream=True)) as packed,
        gzip.open(packed, "rt", encoding="utf-8", newline="") as lines,
    ):
        for number, values in enumerate(csv.reader(lines), start=1):
            if not values:
                continue
            row = dict(zip(names, values, strict=False))
            if not {"bucket", "key"} <= row.keys():
                raise ValueError(f"line {number} of {part} has no bucket or no key")
            yield row | {"key": unquote_plus(row["key"])}


def _parquet_objects(part: str) -> Iterator[dict[str, Any]]:
    with _parquet_file(part) as file:
        there = [name for name in _INVENTORY_COLUMNS.values() if name in file.schema_arrow.names]
        if not {"bucket", "key"} <= set(there) & set(_text_columns(file)):
            raise ValueError(f"{part} has no columns bucket and key of strings")
        yield from _parquet_rows(file, there)


def _is_there(row: Mapping[str, Any]) -> bool:
    latest, deleted = row.get("is_latest", True), row.get("is_delete_marker", False)
    named = bool(row["bucket"] and row["key"])
    return named and str(latest).lower() != "false" and str(deleted).lower() != "true"
