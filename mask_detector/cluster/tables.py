"""Tables: from rows, to Parquet files and back.

Before pyarrow converts Python objects it imports pandas where that is installed, which takes a
process a quarter of a second. Its JSON reader needs no pandas.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from mask_detector.cluster import storage
from mask_detector.errors import FileError

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 1000


def as_table(rows: Iterable[Mapping[str, Any]], columns: pa.Schema) -> pa.Table:
    """The rows as a table, made in batches: those of a long video are many.

    Args:
        rows: values that JSON has, by column; what a row lacks is null, what no column is named
            after is left out.
    """
    import pyarrow as pa

    remaining, parts = iter(rows), []
    while some := list(islice(remaining, _BATCH_ROWS)):
        parts.append(_part(some, columns))
    return pa.concat_tables(parts) if parts else pa.Table.from_batches([], columns)


def _part(rows: list[Mapping[str, Any]], columns: pa.Schema) -> pa.Table:
    from pyarrow import json as arrow_json

    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    data = lines.encode(errors="replace")  # half surrogates have no place in UTF-8
    return arrow_json.read_json(
        io.BytesIO(data),
        arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
        arrow_json.ParseOptions(columns, unexpected_field_behavior="ignore"),
    )


def encoded(table: pa.Table, metadata: Mapping[bytes, bytes] | None = None) -> bytes:
    """The table as a Parquet file, with names and values in its footer."""
    from pyarrow import parquet

    data = io.BytesIO()
    if metadata:
        table = table.replace_schema_metadata(dict(metadata))
    parquet.write_table(table, data, compression="zstd")
    return data.getvalue()


def read_metadata(address: str) -> dict[bytes, bytes]:
    """The names and values in a Parquet file's footer; the rows are not read.

    Raises:
        FileError: it is missing, damaged or cannot be read.
    """
    from pyarrow import parquet

    def footer() -> dict[bytes, bytes]:
        with storage.opened(address) as file:
            return parquet.ParquetFile(file).metadata.metadata or {}

    try:
        return storage.retried(footer)
    except (OSError, ValueError) as error:
        raise FileError(f"{address}: cannot be read ({storage.reason(error)})") from None


def read_table(address: str) -> pa.Table:
    """The table in a Parquet file.

    Raises:
        FileError: it is missing, damaged or cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(pa.BufferReader(storage.read(address))) as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise FileError(f"{address}: cannot be read ({storage.reason(error)})") from None


def read_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table of plain columns."""
    columns = [column.to_pylist() for column in table.columns]
    for values in zip(*columns, strict=True):
        yield dict(zip(table.column_names, values, strict=True))
