"""Photos as the app shows them: processed, drawn, and as files to download.

Independent of Streamlit.
"""

from __future__ import annotations

import dataclasses
import io
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mask_app.settings import Settings
from mask_app.wording import drawn_names
from mask_detector.drawing import draw_faces
from mask_detector.errors import PhotoError
from mask_detector.faces import Face, Faces, count_faces, is_unsure
from mask_detector.images import decode_photo, photo_pixels
from mask_detector.photos.parallel import PixelBudget
from mask_detector.photos.planning import unique_paths
from mask_detector.privacy import hide_faces
from mask_detector.records import CsvFaces, JsonLines, error_record, photo_record
from mask_detector.wording import named

_SHOWN_SIDE = 1280  # pixels of the longer side on the page; downloads have all of them
_JPEG_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
_LONGEST_JPEG = 65_500  # pixels of a side that OpenCV encodes
_LONGEST_NAME = 60  # characters, of up to four bytes each: file systems allow 255 bytes
# Windows refuses these in names, with the controls and the marks that reverse what follows them.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069<>:"|?*]')
# Of the photos of all visitors that are in memory at the same time: about a gigabyte.
_budget = PixelBudget(60_000_000)
_COMMAND = re.compile(r": detect_mask_video\.py .*")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class PhotoResult:
    """A photo and its faces.

    Attributes:
        name: the file's name, safe to use as one.
        data: the file's content.
        frame: which page of a TIFF it is, one of ``images.photo_pages``.
        small: JPEG of the photo, small enough for the page.
        scale: size of the small one, the photo's own being 1.
        width: of the photo, in pixels.
        height: of the photo, in pixels.
        faces: every face down to the lowest score that a visitor can choose.
        error: why the photo could not be processed; there are no faces then.
    """

    name: str
    data: bytes
    frame: int = 0
    small: bytes = b""
    scale: float = 1.0
    width: int = 0
    height: int = 0
    faces: tuple[Face, ...] = ()
    error: str | None = None

    def chosen_faces(self, settings: Settings) -> Faces:
        """The faces as the settings ask for them; those with lower scores are candidates."""
        faces = [
            dataclasses.replace(
                face, unsure=is_unsure(list(face.probabilities.values()), settings.unsure)
            )
            for face in self.faces
        ]
        confident = [face for face in faces if face.score >= settings.confidence]
        return Faces(confident, [face for face in faces if face.score < settings.confidence])

    @property
    def suffix(self) -> str:
        """``.jpg``, or ``.png`` for a picture that is longer than a JPEG can be."""
        return ".jpg" if max(self.width, self.height) <= _LONGEST_JPEG else ".png"

    def drawn(self, settings: Settings) -> bytes:
        """The photo in its own size, with boxes and captions, as ``suffix`` says.

        Raises:
            PhotoError: it cannot be decoded again, as where memory is short.
        """
        faces = self.chosen_faces(settings)
        with _budget.hold(photo_pixels(self.data, self.frame)):
            image = decode_photo(self.data, frame=self.frame)
            hide_faces(image, faces, settings.blur)
            with named(drawn_names(settings.language)):
                return _encoded(draw_faces(image, faces), self.suffix)

    def drawn_small(self, settings: Settings, marked: int | None = None) -> bytes:
        """JPEG of the small photo, with boxes and numbered captions.

        Args:
            settings: the visitor's.
            marked: index of the chosen face that gets a frame; None marks no face.
        """
        image = decode_photo(self.small)
        height, width = image.shape[:2]
        faces = self.chosen_faces(settings).scaled(self.scale, width, height)
        hide_faces(image, faces, settings.blur)
        numbered = [
            dataclasses.replace(face, track=number) for number, face in enumerate(faces, start=1)
        ]
        with named(drawn_names(settings.language)):
            draw_faces(image, numbered)
        if marked is not None and marked < len(faces):
            _draw_frame(image, faces[marked].box)
        return _encoded(image)


def process(
    name: str,
    data: bytes,
    detect: Callable[[np.ndarray], Sequence[Face]],
    megapixels: int,
    frame: int = 0,
) -> PhotoResult:
    """Detect the faces of an uploaded photo.

    Args:
        name: the file's name as it came.
        data: the file's content.
        detect: gives the faces of a picture, uint8 BGR, shape (H, W, 3).
        megapixels: larger photos are refused.
        frame: which page of a TIFF, one of ``images.photo_pages``.

    Returns:
        The photo; one that cannot be processed has its ``error``.
    """
    name = safe_name(name)
    try:
        with _budget.hold(photo_pixels(data, frame)):
            image = decode_photo(data, max_pixels=megapixels * 1_000_000, frame=frame)
            height, width = image.shape[:2]
            scale = min(1.0, _SHOWN_SIDE / max(width, height))
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = _encoded(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
            faces = tuple(detect(image))
            del image  # before another large photo is decoded
    except PhotoError as error:
        # Where the reason ends with a command, the app has a page for it.
        reason = _COMMAND.sub(": the page Video reads it", str(error))
        return PhotoResult(name, data, frame, error=reason)
    return PhotoResult(name, data, frame, small, scale, width, height, faces)


def safe_name(name: str) -> str:
    """What an uploaded file may be called on any computer: no folders, no control characters.

    >>> safe_name("../../etc/me.jpg"), safe_name("C:\\\\x\\\\con.jpg"), safe_name("")
    ('me.jpg', '_con.jpg', 'photo')
    """
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    name = name.encode("utf-8", "replace").decode("utf-8", "replace")  # lone surrogates
    name = _NOT_IN_NAMES.sub("_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > _LONGEST_NAME and dot and len(suffix) < 10:
        name = f"{stem[: _LONGEST_NAME - 10]}.{suffix}"
    name = name[:_LONGEST_NAME] or "photo"
    return f"_{name}" if _DEVICES.match(name) else name


def with_unique_names(photos: Iterable[PhotoResult]) -> list[PhotoResult]:
    """The photos, renamed where two have the same name."""
    photos = list(photos)
    names = unique_paths(Path(photo.name) for photo in photos)
    return [
        dataclasses.replace(photo, name=str(name))
        for photo, name in zip(photos, names, strict=True)
    ]


class _Parts(io.BytesIO):
    """The end of a file that is sent on part by part, to be written by ``zipfile``."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0

    def tell(self) -> int:
        return self._sent + super().tell()

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        before = self._sent if whence == io.SEEK_SET else 0
        return self._sent + super().seek(place - before, whence)

    def take(self) -> bytes:
        """What was written since the last call."""
        part = self.getvalue()
        self._sent += len(part)
        super().seek(0)
        self.truncate()
        return part


def as_zip(photos: Sequence[PhotoResult], settings: Settings) -> Iterator[bytes]:
    """The parts of a zip of all annotated photos in their own sizes: one photo is in memory."""
    parts = _Parts()
    with zipfile.ZipFile(parts, "w") as archive:
        for photo in photos:
            if photo.error is not None:
                continue
            try:
                archive.writestr(f"{photo.name}_mask{photo.suffix}", photo.drawn(settings))
            except PhotoError as error:  # the others are sent all the same
                archive.writestr(f"{photo.name}_error.txt", f"{error}\n")
            yield parts.take()
    yield parts.take()


def as_csv(photos: Sequence[PhotoResult], settings: Settings, classes: Sequence[str]) -> bytes:
    """The file that ``detect_mask_image.py --csv`` writes: a row per face."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.csv"
        with CsvFaces(path, classes) as rows:
            for record in _records(photos, settings, classes):
                rows.write(record)
        return path.read_bytes()


def as_json_lines(
    photos: Sequence[PhotoResult], settings: Settings, classes: Sequence[str]
) -> bytes:
    """The file that ``detect_mask_image.py --json`` writes: a line per photo."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.jsonl"
        with JsonLines(path) as lines:
            for record in _records(photos, settings, classes):
                lines.write(record)
        return path.read_bytes()


def _records(
    photos: Sequence[PhotoResult], settings: Settings, classes: Sequence[str]
) -> list[dict[str, Any]]:
    records = []
    for photo in photos:
        if photo.error is not None:
            records.append(error_record(photo.name, PhotoError(photo.error)))
            continue
        faces = photo.chosen_faces(settings)
        counts = count_faces(faces, classes)
        records.append(photo_record(photo.name, photo.width, photo.height, faces, counts))
    return records


def _draw_frame(image: np.ndarray, box: Sequence[int]) -> None:
    """Draw a frame around a face's box that is seen on every background."""
    x1, y1, x2, y2 = box
    for distance, colour, thickness in ((7, (0, 0, 0), 9), (7, (255, 255, 255), 5)):
        corners = (x1 - distance, y1 - distance), (x2 + distance, y2 + distance)
        cv2.rectangle(image, *corners, colour, thickness)


def _encoded(image: np.ndarray, suffix: str = ".jpg") -> bytes:
    options = _JPEG_QUALITY if suffix == ".jpg" else []
    return cv2.imencode(suffix, image, options)[1].tobytes()
