"""What is in a shard's records, in short: how many photos, how many failed, which faces.

It stands in the footer of the shard's Parquet file, so that a run that goes on counts what was
done before without reading all records.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from mask_detector.cluster import addresses, tables
from mask_detector.cluster.manifest import part_name
from mask_detector.errors import FileError
from mask_detector.photos.parallel import in_parallel

KEY = b"face_mask_totals"
"""Its name in the footer."""

_READERS = 16  # at a time: a footer in S3 takes two requests


@dataclass(frozen=True)
class Totals:
    """What is in a shard, or in many.

    Attributes:
        entries: photos and videos.
        failed: rows with an error.
        counts: faces by label.
    """

    entries: int = 0
    failed: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def as_metadata(self) -> dict[bytes, bytes]:
        """For the footer."""
        return {KEY: json.dumps(vars(self)).encode()}


def total(parts: Iterable[Totals]) -> Totals:
    """The sums over shards.

    >>> total([Totals(2, 1, Counter(unsure=1)), Totals(3)])
    Totals(entries=5, failed=1, counts=Counter({'unsure': 1}))
    """
    entries = failed = 0
    counts: Counter[str] = Counter()
    for part in parts:
        entries, failed = entries + part.entries, failed + part.failed
        counts.update(part.counts)
    return Totals(entries, failed, counts)


def read_totals(output: str, shards: Iterable[int]) -> dict[int, Totals]:
    """What is in the shards of a run that are done.

    Raises:
        FileError: a file cannot be read, or is not one of a run.
    """
    return dict(in_parallel(lambda number: _read(output, number), shards, _READERS))


def _read(output: str, number: int) -> Totals:
    address = addresses.join(output, "records", part_name(number))
    try:
        there = json.loads(tables.read_metadata(address)[KEY])
        return Totals(int(there["entries"]), int(there["failed"]), Counter(there["counts"]))
    except (KeyError, TypeError, ValueError):
        raise FileError(
            f"{address}: not as this program writes it, delete it to process its photos again"
        ) from None
