"""Whether a run's files are whole: each check gives a sentence for each fault."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import av.error

from mask_detector.errors import UserFacingError
from mask_detector.images import PHOTO_SUFFIXES, read_photo
from mask_detector.models.model_file import read_model


def json_records(path: Path, faults: list[str]) -> list[dict[str, Any]]:
    """The records of a file of JSON lines; every line must end and be JSON."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and not text.endswith("\n"):
        faults.append(f"{path.name}: the last line is cut off")
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            records.append(json.loads(line))
        except ValueError:
            faults.append(f"{path.name}: line {number} is not JSON")
    return records


def csv_rows(path: Path, faults: list[str]) -> list[dict[str, str]]:
    """The rows of a CSV file below its header; every row must have every cell."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and not text.endswith("\n"):
        faults.append(f"{path.name}: the last row is cut off")
    rows = list(csv.DictReader(text.splitlines()))
    if any(None in row or None in row.values() for row in rows):
        faults.append(f"{path.name}: a row has too many or too few cells")
    return rows


def pictures(folder: Path, faults: list[str]) -> int:
    """Decode every picture of a folder and its sub-folders; gives how many there are."""
    count = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix in PHOTO_SUFFIXES and not path.name.startswith("."):
            count += 1
            try:
                read_photo(path)
            except UserFacingError as error:
                faults.append(str(error))
    return count


def recorded_frames(path: Path, faults: list[str]) -> int | None:
    """Decode a recording; gives the number of its frames, None where there is no recording."""
    if not path.exists():
        return None
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (av.error.FFmpegError, IndexError) as error:
        faults.append(f"{path.name}: it cannot be played ({error})")
        return 0


def models(paths: Iterable[Path], faults: list[str]) -> None:
    """Every one of the model files that is there must be whole, and one must be there."""
    there = [path for path in paths if path.exists()]
    if not there:
        faults.append("no model is left")
    for path in there:
        try:
            if read_model(path).compiled is None:
                faults.append(f"{path.name}: it has no compiled network")
        except UserFacingError as error:
            faults.append(str(error))


def temporary_files(folder: Path) -> list[Path]:
    """Files that were written beside their place and not renamed: their names begin with a dot."""
    return [path for path in folder.rglob(".*") if path.is_file()]


def once_each(records: list[dict[str, Any]], rows: list[dict[str, str]], photos: int) -> list[str]:
    """Faults where the records of a completed folder do not have each photo and face once."""
    faults = []
    times = Counter(record["image"] for record in records if "faces" in record)
    if len(times) != photos or set(times.values()) != {1}:
        faults.append(
            f"{len(times)} of {photos} photos have records, {sum(times.values())} records"
        )
    faces = {record["image"]: len(record["faces"]) for record in records if "faces" in record}
    listed = Counter(row["image"] for row in rows)
    wrong = [name for name, count in faces.items() if listed[name] != count]
    if wrong:
        faults.append(f"{len(wrong)} photos have other faces in the CSV than in the JSON lines")
    return faults
