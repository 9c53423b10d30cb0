"""Rows of the results: one a photo, or one a processed frame of a video.

The columns are those of the JSON lines (:mod:`mask_detector.records`); ``frame`` and ``time_s``
are null for photos. Where ``error`` is not null, the columns of what was found are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mask_detector.cluster import tables

if TYPE_CHECKING:
    import pyarrow as pa

_FILM_COLUMNS = ("frame", "time_s")


def schema(classes: Sequence[str]) -> pa.Schema:
    """The columns of ``records/``.

    Args:
        classes: the model's class names.
    """
    import pyarrow as pa

    face = pa.struct(
        [
            ("box", pa.list_(pa.int32())),  # x1, y1, x2, y2 in pixels of the upright picture
            ("score", pa.float64()),
            ("label", pa.string()),
            ("probabilities", pa.struct([(name, pa.float64()) for name in classes])),
            ("unsure", pa.bool_()),
        ]
    )
    counts = [(name, pa.int32()) for name in dict.fromkeys((*classes, "unsure"))]
    return pa.schema(
        [
            ("image", pa.string()),
            ("frame", pa.int64()),
            ("time_s", pa.float64()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("faces", pa.list_(face)),
            ("counts", pa.struct(counts)),
            ("error", pa.string()),
        ]
    )


def as_table(records: Iterable[Mapping[str, Any]], columns: pa.Schema) -> pa.Table:
    """The records as a table."""
    return tables.as_table(map(_as_row, records), columns)


def _as_row(record: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(record)
    if "faces" in row:
        row["faces"] = [{"unsure": False, **face} for face in row["faces"]]
        row["counts"] = {"unsure": 0, **row["counts"]}
    return row


def as_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a row was made from; for a frame ``image`` is called ``source``."""
    if row["error"] is not None:
        return {"image": row["image"], "error": row["error"]}
    of_film = row["frame"] is not None
    record: dict[str, Any] = {"source" if of_film else "image": row["image"]}
    record |= {name: row[name] for name in _FILM_COLUMNS if of_film}
    record |= {name: row[name] for name in ("width", "height") if not of_film}
    record["faces"] = [
        {name: value for name, value in face.items() if name != "unsure" or value}
        for face in row["faces"]
    ]
    counts = row["counts"].items()
    record["counts"] = {name: count for name, count in counts if name != "unsure" or count}
    return record


def failed_rows(table: pa.Table) -> int:
    """How many rows have an error."""
    return int(len(table) - table.column("error").null_count)


def total_counts(table: pa.Table) -> Counter[str]:
    """The faces of all rows by label."""
    totals: Counter[str] = Counter()
    for field, values in _members(table.column("counts")):
        totals[field] = sum(filter(None, values.to_pylist()))
    return totals


def _members(column: pa.ChunkedArray) -> Iterator[tuple[str, pa.ChunkedArray]]:
    for index, field in enumerate(column.type):
        yield field.name, column.flatten()[index]
