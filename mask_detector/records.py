"""What is written about pictures and frames: JSON lines, and CSV with one row a face.

    with JsonLines("-") as lines:
        lines.write(photo_record("a.jpg", 640, 480, faces, count_faces(faces, classes)))

The formats have their one home here; photos and video write the same faces.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from mask_detector.detector import Face
from mask_detector.errors import UserFacingError
from mask_detector.files import STANDARD_STREAM, standard_output

PHOTO_COLUMNS = ("image", "width", "height")
FRAME_COLUMNS = ("source", "frame", "time_s")
_FACE_COLUMNS = ("face", "track", "x1", "y1", "x2", "y2", "score", "label", "unsure")


def photo_record(
    path: str | Path, width: int, height: int, faces: Iterable[Face], counts: Mapping[str, int]
) -> dict[str, Any]:
    """What was found in a photo of ``width`` x ``height`` pixels as displayed."""
    return {
        "image": str(path),
        "width": width,
        "height": height,
        "faces": [face.as_json() for face in faces],
        "counts": dict(counts),
    }


def error_record(path: str | Path, error: Exception) -> dict[str, Any]:
    """Why a photo could not be looked at."""
    return {"image": str(path), "error": str(error).removeprefix(f"{path}: ")}


def frame_record(
    frame: int,
    time_s: float,
    faces: Iterable[Face],
    counts: Mapping[str, int],
    source: str | None = None,
) -> dict[str, Any]:
    """What was found in a frame of a video.

    Args:
        frame: its number, from 0.
        time_s: its place in the video, in seconds from the start.
        source: which of several sources it came from; left out of the record where None.
    """
    return {
        **({} if source is None else {"source": source}),
        "frame": frame,
        "time_s": round(time_s, 3),
        "faces": [face.as_json() for face in faces],
        "counts": dict(counts),
    }


class _Text:
    """A text file, or standard output for ``-``, written in whole lines that arrive at once."""

    def __init__(self, path: str | Path, append: bool) -> None:
        self.path = path
        self.is_new = True
        self._file: IO[str]
        if str(path) == STANDARD_STREAM:
            self._file = standard_output()
            return
        try:
            if append:
                self.is_new = _drop_half_line(Path(path)) == 0
            # An undecodable byte of a file's name is written as \udcXX rather than fatal.
            self._file = Path(path).open(  # noqa: SIM115, close() closes it
                "a" if append else "w", encoding="utf-8", errors="backslashreplace", newline=""
            )
        except OSError as error:
            raise UserFacingError(f"{path}: cannot write there ({error.strerror})") from None

    def write(self, text: str) -> None:
        """Write lines, each with its end, in one piece."""
        try:
            self._file.write(text)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UserFacingError(f"{self.path}: cannot write ({error.strerror})") from None

    def close(self) -> None:
        if self._file is not sys.stdout:
            # Every line was flushed: what fails here has failed, and been told, in write().
            with suppress(OSError):
                self._file.close()


def _drop_half_line(path: Path) -> int:
    """Cut what follows a file's last line end, left by a crash; returns the bytes that stay."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
    return whole


class JsonLines:
    """Writes records as JSON, one a line, each flushed as a whole: a crash leaves whole lines.

    Args:
        path: a file, or ``-`` for standard output.
        append: go on after the lines of an earlier run instead of replacing them.

    Raises:
        UserFacingError: the file cannot be written.
    """

    def __init__(self, path: str | Path, append: bool = False) -> None:
        self._text = _Text(path, append)

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record."""
        self._text.write(json.dumps(record) + "\n")

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *exception: object) -> None:
        self._text.close()


class CsvRows:
    """Writes rows of a CSV with a header.

    Args:
        path: a file, or ``-`` for standard output.
        header: the columns' names.
        append: go on after the rows of an earlier run instead of replacing them.

    Raises:
        UserFacingError: the file cannot be written.
    """

    def __init__(self, path: str | Path, header: Sequence[str], append: bool = False) -> None:
        self._text = _Text(path, append)
        if self._text.is_new:
            self.write([header])

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows, all in one piece."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        if text.tell():
            self._text.write(text.getvalue())

    def close(self) -> None:
        """Close the file."""
        self._text.close()


class CsvFaces:
    """Writes one row a face; a photo or frame without faces has none.

    Args:
        path: a file, or ``-`` for standard output.
        classes: the model's class names; each has a column with its probability.
        columns: ``PHOTO_COLUMNS`` or ``FRAME_COLUMNS``: what of a record comes before the face.
        append: go on after the rows of an earlier run instead of replacing them.

    Raises:
        UserFacingError: the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        classes: Sequence[str],
        columns: Sequence[str] = PHOTO_COLUMNS,
        append: bool = False,
    ) -> None:
        self._classes = tuple(classes)
        self._columns = tuple(columns)
        self._rows = CsvRows(path, [*self._columns, *_FACE_COLUMNS, *self._classes], append)

    def write(self, record: Mapping[str, Any]) -> None:
        """Write the faces of a :func:`photo_record` or :func:`frame_record`, numbered from 1."""
        about = [record.get(column, "") for column in self._columns]
        self._rows.write(
            [*about, number, *self._face_values(face)]
            for number, face in enumerate(record.get("faces", ()), start=1)
        )

    def _face_values(self, face: Mapping[str, Any]) -> list[Any]:
        unsure = "yes" if face.get("unsure") else "no"
        probabilities = [face["probabilities"].get(name, "") for name in self._classes]
        found = [face.get("track", ""), *face["box"], face["score"], face["label"]]
        return [*found, unsure, *probabilities]

    def __enter__(self) -> CsvFaces:
        return self

    def __exit__(self, *exception: object) -> None:
        self._rows.close()


class Records:
    """Writes each record everywhere it is wanted: as JSON lines, as CSV, or nowhere.

    Args:
        json_path: a file, ``-`` for standard output, None for no JSON lines.
        csv_path: the same for CSV.
        classes: the model's class names.
        columns: ``PHOTO_COLUMNS`` or ``FRAME_COLUMNS``.
        append: go on after the records of an earlier run instead of replacing them.

    Raises:
        UserFacingError: a file cannot be written.
    """

    def __init__(
        self,
        json_path: str | Path | None,
        csv_path: str | Path | None,
        classes: Sequence[str],
        columns: Sequence[str] = PHOTO_COLUMNS,
        append: bool = False,
    ) -> None:
        self._writers: list[JsonLines | CsvFaces] = []
        with ExitStack() as opened:
            if json_path is not None:
                self._writers.append(opened.enter_context(JsonLines(json_path, append)))
            if csv_path is not None:
                csv_faces = CsvFaces(csv_path, classes, columns, append)
                self._writers.append(opened.enter_context(csv_faces))
            self._close = opened.pop_all().close

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record."""
        for writer in self._writers:
            writer.write(record)

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()
