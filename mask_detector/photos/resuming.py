"""Go on where an earlier run ended, however it ended.

A photo is done when its record is in the JSON lines and its picture in its place. A run that is
killed may have written one and not the other: records are written to their files first, then it is
noted whose the picture is, then the picture is put into its place. Rows that are missing in the CSV
are made from the JSON lines.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mask_detector.errors import FileError
from mask_detector.files import STANDARD_STREAM, delete_forgotten, write_bytes
from mask_detector.photos.paths import Photo, is_file
from mask_detector.photos.planning import Results
from mask_detector.photos.processing import ProcessedPhoto
from mask_detector.photos.sources import CROPS, PICTURES, PictureSources
from mask_detector.records import Records, csv_header, face_rows
from mask_detector.text_files import csv_line, drop_half_line, encoded, harmless_cell


class EarlierRun:
    """What earlier runs have done. While it is open, no other run does what is left.

    Attributes:
        left: the photos that are not done.
        done: how many are; None where none is skipped.

    Args:
        photos: all photos of this run, with the names of their pictures.
        results: what this run is to write.
        skip_done: whether to skip what is done; False processes every photo.

    Raises:
        FileError: another run is at work on the same results, or they cannot be read.
    """

    def __init__(self, photos: Sequence[Photo], results: Results, skip_done: bool) -> None:
        self.left, self.done = list(photos), 0 if skip_done else None
        self._crops_folder = results.crops
        self._pictures = PictureSources(results.output, PICTURES, begin=skip_done)
        self._crops = PictureSources(results.crops, CROPS, begin=skip_done)
        self._json, self._csv = _file(results.json), _file(results.csv)
        self._digests: dict[str, bytes] = {}
        self._faces: dict[str, int] = {}  # of photos that did not fail
        self._labels: dict[str, frozenset[str]] = {}  # of the same photos
        self._found: set[str] = set()  # of those among them that are skipped
        self._locks = ExitStack()
        if not skip_done:
            return
        with self._locks:
            for path in _lock_files(results):
                self._locks.enter_context(_lock(path))
            for folder in {photo.picture.parent for photo in photos if photo.picture}:
                delete_forgotten(folder)
            self._read_records()
            self._skip_done(photos)
            self._locks = self._locks.pop_all()

    def _read_records(self) -> None:
        same: dict[frozenset[str], frozenset[str]] = {}  # one object for all that are equal
        for record in _records(self._json):
            name = record["image"]
            self._digests[name] = _digest(record)
            self._faces.pop(name, None)
            if isinstance(record.get("faces"), list):
                self._faces[name] = len(record["faces"])
                labels = _labels(record)
                self._labels[name] = same.setdefault(labels, labels)

    def _skip_done(self, photos: Sequence[Photo]) -> None:
        done: list[Photo] = []
        self.left = []
        for photo in photos:
            (done if self._is_done(photo) else self.left).append(photo)
        self.done = len(done)
        self._found.update(*(self._labels.get(photo.name, ()) for photo in done))
        self._note(done)

    def _note(self, photos: Sequence[Photo]) -> None:
        self._pictures.note((photo, photo.picture) for photo in photos)
        if (folder := self._crops_folder) is not None:
            self._crops.note((photo, photo.crops and folder / photo.crops) for photo in photos)

    def _is_done(self, photo: Photo) -> bool:
        if photo.problem is not None:
            return False
        if self._json is not None and photo.name not in self._faces:
            return False
        return photo.picture is None or is_file(photo.picture)

    def is_new(self, record: Mapping[str, Any]) -> bool:
        """Whether the photo has no such record yet: one that fails again is not added again."""
        return self._digests.get(record["image"]) != _digest(record)

    def found(self, labels: Iterable[str]) -> bool:
        """Whether a photo that is skipped has a face with one of these labels in its record."""
        return not self._found.isdisjoint(labels)

    def store(self, photo: Photo, processed: ProcessedPhoto, records: Records) -> None:
        """Write the photo's record and put its picture into its place.

        In this order nothing is lost, whenever the run is killed: a picture is there only where
        its record is in the files. A reader of standard output finds it there.

        Raises:
            FileError: something cannot be written.
        """
        if self.is_new(processed.record):
            records.write_to_files(processed.record)
        if "error" not in processed.record:
            self._note([photo])
        processed.put_picture()
        records.write_to_stream(processed.record)

    def complete_csv(self, classes: Sequence[str]) -> None:
        """Let the CSV hold a row for each face of the photos that are done, and none of the rest.

        Args:
            classes: the model's class names.

        Raises:
            FileError: the CSV cannot be read or written, or has other columns.
        """
        if self.done is None or self._csv is None:
            return
        expected = {photo.name: 0 for photo in self.left} | self._faces
        cells = {_cell(name): faces for name, faces in expected.items()}
        try:
            _repair(self._csv, cells, _records(self._json), classes)
        except (OSError, ValueError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"{self._csv}: cannot be continued ({reason})") from None

    def __enter__(self) -> EarlierRun:
        return self

    def __exit__(self, *exception: object) -> None:
        self._locks.close()


def _file(name: str | None) -> Path | None:
    return None if name in (None, STANDARD_STREAM) else Path(str(name))


def _labels(record: Mapping[str, Any]) -> frozenset[str]:
    """The labels of a photo's faces, ``unsure`` among them."""
    counts = record.get("counts")
    items = counts.items() if isinstance(counts, dict) else ()
    return frozenset(label for label, faces in items if faces)


def _digest(record: Mapping[str, Any]) -> bytes:
    """Equal for equal records: those of a million photos would take a gigabyte."""
    return blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=12).digest()


def _records(path: Path | None) -> Iterator[dict[str, Any]]:
    """The whole records of a file of JSON lines; of a photo the newest is the last."""
    if path is None or not path.is_file():
        return
    lines = records = 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                lines += line.endswith("\n")  # a crash may have left a half one
                with suppress(ValueError, RecursionError):
                    record = json.loads(line)
                    if isinstance(record, dict) and isinstance(record.get("image"), str):
                        records += 1
                        yield record
    except OSError as error:
        raise FileError(f"{path}: the earlier records cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        lines, records = 1, 0
    if lines and not records:
        raise FileError(f"{path}: these are no JSON lines of photos, name another file")


def _cell(name: str) -> str:
    """A photo's name as its rows have it."""
    return encoded(str(harmless_cell(name))).decode()


def _repair(
    path: Path,
    expected: Mapping[str, int],
    records: Iterator[dict[str, Any]],
    classes: Sequence[str],
) -> None:
    """Replace the rows of photos that have too many or too few.

    Args:
        expected: how many rows the photos must have; those of others stay as they are.
        records: what the rows are made from.
    """
    if path.exists() and not path.is_file():
        return  # a device
    drop_half_line(path)
    header = [_cell(name) for name in csv_header(classes)]
    found = Counter(row[0] if len(row) == len(header) else None for row in _rows(path, header))
    wrong = {cell for cell, rows in expected.items() if found[cell] != rows}
    if not wrong and not found[None]:
        return
    lines = [
        csv_line(row, as_it_is=True)
        for row in _rows(path, header)
        if len(row) == len(header) and row[0] not in wrong
    ]
    made: dict[str, str] = {}
    for record in records:
        if (cell := _cell(record["image"])) in wrong:
            try:
                made[cell] = "".join(csv_line(row) for row in face_rows(record, classes))
            except (KeyError, TypeError, AttributeError):
                message = f"the record of {record['image']} is not as this program writes it"
                raise ValueError(message) from None
    write_bytes(path, encoded("".join([csv_line(header), *lines, *made.values()])))


def _rows(path: Path, header: list[str]) -> Iterator[list[str]]:
    """The rows below the header; none where there is no file yet."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        if next(rows, header) != header:
            raise FileError(f"{path}: this CSV has other columns, name another file")
        yield from rows


def _lock_files(results: Results) -> list[Path]:
    """A hidden file beside each result: two runs may share one of them only."""
    files = [path for path in map(_file, (results.json, results.csv)) if path is not None]
    if results.output is not None:
        files.append(results.output / "pictures" if results.output.is_dir() else results.output)
    locks = {
        path.with_name(f".{path.name}.lock"): None
        for path in files
        if path.is_file() or not path.exists()
    }
    return [lock for lock in locks if os.access(lock.parent, os.W_OK)]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock of the operating system, which lets go of it when a process is killed."""
    from filelock import FileLock, Timeout  # slow to load, and only for this

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
        if not path.exists():  # the run that held it has just ended
            lock.release()
            raise Timeout(str(path))
    except Timeout:
        name = path.with_name(path.name.removeprefix(".").removesuffix(".lock"))
        raise FileError(
            f"{name}: another run with --skip-done is at work here, wait until it ends"
        ) from None
    except (OSError, NotImplementedError):
        yield  # a file system without locks
        return
    try:
        yield
    finally:
        # While it is held: afterwards it could be another run's. Windows allows it only then.
        if os.name != "nt":
            path.unlink(missing_ok=True)
        lock.release()
