"""What is written about pictures and frames: JSON lines, and CSV with one row a face.

    with JsonLines("-") as lines:
        lines.write(photo_record("a.jpg", 640, 480, faces, count_faces(faces, classes)))

The formats have their one home here; photos and video write the same faces.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mask_detector.errors import FileError
from mask_detector.faces import Face
from mask_detector.text_files import TextFile, csv_line

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
    """Why a photo could not be processed."""
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


class JsonLines:
    """Writes records as JSON, one a line, each flushed as a whole: a crash leaves whole lines.

    Args:
        path: a file, or ``-`` for standard output.
        append: go on after the lines of an earlier run; otherwise the first record replaces them.

    Raises:
        FileError: the file cannot be written.
    """

    def __init__(self, path: str | Path, append: bool = False) -> None:
        self._text = TextFile(path, append)

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record.

        Raises:
            FileError: it cannot be written, or holds a number that JSON has no word for.
        """
        try:
            line = json.dumps(record, allow_nan=False)
        except ValueError as error:
            raise FileError(f"{self._text.path}: a record cannot be JSON ({error})") from None
        self._text.write(f"{line}\n")

    @property
    def is_stream(self) -> bool:
        """Whether the lines go to standard output."""
        return self._text.is_stream

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *exception: object) -> None:
        self._text.close()


class CsvRows:
    """Writes rows of a CSV with a header.

    Args:
        path: a file, or ``-`` for standard output.
        header: the columns' names.
        append: go on after the rows of an earlier run; otherwise the first ``write`` replaces them.

    Raises:
        FileError: the file cannot be written.
    """

    def __init__(self, path: str | Path, header: Sequence[str], append: bool = False) -> None:
        self._text = TextFile(path, append)
        self._header = csv_line(header) if self._text.is_new else ""
        if not self._text.replaces:
            try:
                self.write([])
            except FileError:
                self.close()
                raise

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows, all in one piece; the header comes first, even if there are no rows."""
        text = self._header + "".join(map(csv_line, rows))
        if text:
            self._text.write(text)
            self._header = ""

    @property
    def is_stream(self) -> bool:
        """Whether the rows go to standard output."""
        return self._text.is_stream

    def close(self) -> None:
        """Close the file."""
        self._text.close()


def csv_header(classes: Sequence[str], columns: Sequence[str] = PHOTO_COLUMNS) -> list[str]:
    """The names of the columns that :func:`face_rows` fills."""
    return [*columns, *_FACE_COLUMNS, *classes]


def face_rows(
    record: Mapping[str, Any], classes: Sequence[str], columns: Sequence[str] = PHOTO_COLUMNS
) -> Iterator[list[Any]]:
    """A row for each face of a :func:`photo_record` or :func:`frame_record`, numbered from 1.

    Args:
        classes: the model's class names; each has a column with its probability.
        columns: ``PHOTO_COLUMNS`` or ``FRAME_COLUMNS``: what of a record comes before the face.
    """
    about = [record.get(column, "") for column in columns]
    for number, face in enumerate(record.get("faces", ()), start=1):
        unsure = "yes" if face.get("unsure") else "no"
        found = [face.get("track", ""), *face["box"], face["score"], face["label"]]
        probabilities = [face["probabilities"].get(name, "") for name in classes]
        yield [*about, number, *found, unsure, *probabilities]


class CsvFaces:
    """Writes one row a face; a photo or frame without faces has none.

    Args:
        path: a file, or ``-`` for standard output.
        classes: the model's class names; each has a column with its probability.
        columns: ``PHOTO_COLUMNS`` or ``FRAME_COLUMNS``: what of a record comes before the face.
        append: go on after the rows of an earlier run; otherwise the first record replaces them.

    Raises:
        FileError: the file cannot be written.
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
        self._rows = CsvRows(path, csv_header(classes, columns), append)

    @property
    def is_stream(self) -> bool:
        """Whether the rows go to standard output."""
        return self._rows.is_stream

    def write(self, record: Mapping[str, Any]) -> None:
        """Write the faces of a :func:`photo_record` or :func:`frame_record`, numbered from 1."""
        self._rows.write(face_rows(record, self._classes, self._columns))

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
        append: go on after the records of an earlier run; otherwise the first one replaces them.
        columns: ``PHOTO_COLUMNS`` or ``FRAME_COLUMNS``.

    Raises:
        FileError: a file cannot be written.
    """

    def __init__(
        self,
        json_path: str | Path | None,
        csv_path: str | Path | None,
        classes: Sequence[str],
        append: bool = False,
        columns: Sequence[str] = PHOTO_COLUMNS,
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
        self.write_to_files(record)
        self.write_to_stream(record)

    def write_to_files(self, record: Mapping[str, Any]) -> None:
        """Write one record to what is a file."""
        for writer in self._writers:
            if not writer.is_stream:
                writer.write(record)

    def write_to_stream(self, record: Mapping[str, Any]) -> None:
        """Write one record to standard output, if that is wanted."""
        for writer in self._writers:
            if writer.is_stream:
                writer.write(record)

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()
