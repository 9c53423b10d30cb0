"""The page for photos: drop some, see who wears a mask, take the results along."""

from __future__ import annotations

import dataclasses
import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st

from mask_app import config, models, widgets
from mask_app.settings import Settings
from mask_detector.detector import Face, Faces, count_faces, is_unsure
from mask_detector.drawing import draw_faces
from mask_detector.errors import PhotoError
from mask_detector.images import PHOTO_SUFFIXES, decode_photo
from mask_detector.photos.planning import unique_paths
from mask_detector.privacy import hide_faces
from mask_detector.records import CsvFaces, JsonLines, error_record, photo_record
from mask_detector.wording import counts_in_words

_SHOWN_SIDE = 1280  # pixels of the longer side on the page; downloads have all of them
_A_PAGE = 8
_JPEG_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
_EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "example_01.png"


@dataclass(frozen=True)
class Looked:
    """A photo that has been looked at.

    Attributes:
        name: the file's name, made unique among the photos shown.
        data: the file.
        small: JPEG of the photo, small enough for the page.
        scale: size of the small one, the photo's own being 1.
        faces: every face down to the lowest score that a visitor can ask for.
        error: why it could not be looked at; there are no faces then.
    """

    name: str
    data: bytes
    small: bytes = b""
    scale: float = 1.0
    width: int = 0
    height: int = 0
    faces: tuple[Face, ...] = ()
    error: str | None = None

    def chosen(self, settings: Settings) -> Faces:
        """The faces as a visitor's settings want them; the others are candidates to hide."""
        faces = [
            dataclasses.replace(
                face, unsure=is_unsure(list(face.probabilities.values()), settings.unsure)
            )
            for face in self.faces
        ]
        confident = [face for face in faces if face.score >= settings.confidence]
        return Faces(confident, [face for face in faces if face.score < settings.confidence])


def page(settings: Settings) -> None:
    """Draw the page."""
    st.header("Photos", anchor=False)
    limits = config.limits()
    uploads = st.file_uploader(
        "Drop photos here or choose them",
        type=[suffix.removeprefix(".") for suffix in PHOTO_SUFFIXES],
        accept_multiple_files=True,
        max_upload_size=limits.photo_megabytes,
        help="They are looked at on the computer that runs this page, kept in memory alone, "
        "and gone when you close it.",
    )
    if len(uploads) > limits.photos:
        st.warning(f"Only the first {limits.photos} photos are looked at.", icon="⚠️")
        uploads = uploads[: limits.photos]
    files = [(upload.file_id, upload.name, upload.getvalue()) for upload in uploads]
    if not files:
        if not st.toggle("Show me an example"):
            return
        files = [("example", _EXAMPLE.name, _EXAMPLE.read_bytes())]

    looked = _look_at(files, settings.detector, limits.photo_megapixels)
    good = [photo for photo in looked if photo.error is None]
    faces = [face for photo in good for face in photo.chosen(settings)]
    classes = models.model().card.classes
    if good:
        widgets.count_tiles(count_faces(faces, classes), classes)
        _downloads(looked, settings, classes)
    shown = looked
    if len(looked) > _A_PAGE:
        pages = -(-len(looked) // _A_PAGE)
        number = st.segmented_control(
            "Photos, page", range(1, pages + 1), default=1, required=True, key="photos_page"
        )
        shown = looked[(number - 1) * _A_PAGE : number * _A_PAGE]
    for photo in shown:
        show(photo, settings, classes)


def _look_at(
    files: Sequence[tuple[str, str, bytes]], detector: str, megapixels: int
) -> list[Looked]:
    """Look at the new ones among the files; the others are remembered for the session."""
    seen: dict[tuple[str, str], Looked] = st.session_state.setdefault("photos", {})
    wanted = {(file_id, detector): (name, data) for file_id, name, data in files}
    for forgotten in seen.keys() - wanted.keys():
        del seen[forgotten]
    new = [key for key in wanted if key not in seen]
    if new:
        mask_detector = models.photo_detector(detector)
        bar = st.progress(0.0)
        for done, key in enumerate(new):
            bar.progress(done / len(new), f"Looking at photo {done + 1} of {len(new)}…")
            seen[key] = look(*wanted[key], mask_detector.detect, megapixels)
        bar.empty()
    photos = [seen[key] for key in wanted]
    names = unique_paths(Path(photo.name) for photo in photos)
    return [
        dataclasses.replace(photo, name=str(name))
        for photo, name in zip(photos, names, strict=True)
    ]


def look(
    name: str, data: bytes, detect: Callable[[np.ndarray], list[Face]], megapixels: int
) -> Looked:
    try:
        image = decode_photo(data, max_pixels=megapixels * 1_000_000)
    except PhotoError as error:
        return Looked(name, data, error=str(error))
    height, width = image.shape[:2]
    scale = min(1.0, _SHOWN_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = _jpeg(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    return Looked(name, data, small, scale, width, height, tuple(detect(image)))


def show(photo: Looked, settings: Settings, classes: Sequence[str]) -> None:
    with st.container(border=True):
        if photo.error is not None:
            st.error(f"**{photo.name}**: {photo.error}.", icon="🚫")
            return
        faces = photo.chosen(settings)
        words = counts_in_words(count_faces(faces, classes), "no faces")
        st.markdown(f"**{photo.name}**: {words}")
        # On a phone one comes below the other: first what people came for.
        after, before = st.columns(2)
        after.image(_drawn_small(photo, faces, settings), "Result", alt=f"{photo.name}: {words}")
        if settings.blur == "none":
            before.image(photo.small, "Original", alt=f"{photo.name} as it was uploaded")
        else:
            before.caption("The original is not shown while faces are blurred.")
        if faces:
            widgets.face_table(faces)
        else:
            st.info(
                "No face was found. A face must be at least about 10 pixels high, "
                "and not turned away.",
                icon="🔍",
            )


def _downloads(looked: Sequence[Looked], settings: Settings, classes: Sequence[str]) -> None:
    with st.container(horizontal=True):
        st.download_button(
            "Pictures (zip)",
            lambda: _zip(looked, settings),
            "masks.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/photo_library:",
        )
        st.download_button(
            "Table (CSV)",
            lambda: _table(looked, settings, classes),
            "masks.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/table:",
        )
        st.download_button(
            "Data (JSON)",
            lambda: _lines(looked, settings, classes),
            "masks.jsonl",
            "application/jsonl",
            on_click="ignore",
            icon=":material/data_object:",
        )


def _zip(looked: Sequence[Looked], settings: Settings) -> bytes:
    """All results in the photos' own sizes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for photo in looked:
            if photo.error is None:
                drawn = _drawn(decode_photo(photo.data), photo.chosen(settings), settings)
                archive.writestr(f"{photo.name}_mask.jpg", _jpeg(drawn))
    return buffer.getvalue()


def _records(
    looked: Sequence[Looked], settings: Settings, classes: Sequence[str]
) -> list[dict[str, Any]]:
    records = []
    for photo in looked:
        if photo.error is not None:
            records.append(error_record(photo.name, PhotoError(photo.error)))
            continue
        faces = photo.chosen(settings)
        counts = count_faces(faces, classes)
        records.append(photo_record(photo.name, photo.width, photo.height, faces, counts))
    return records


def _table(looked: Sequence[Looked], settings: Settings, classes: Sequence[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.csv"
        with CsvFaces(path, classes) as rows:
            for record in _records(looked, settings, classes):
                rows.write(record)
        return path.read_bytes()


def _lines(looked: Sequence[Looked], settings: Settings, classes: Sequence[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.jsonl"
        with JsonLines(path) as lines:
            for record in _records(looked, settings, classes):
                lines.write(record)
        return path.read_bytes()


def _drawn_small(photo: Looked, faces: Faces, settings: Settings) -> bytes:
    image = decode_photo(photo.small)
    height, width = image.shape[:2]
    return _jpeg(_drawn(image, faces.scaled(photo.scale, width, height), settings))


def _drawn(image: np.ndarray, faces: Faces, settings: Settings) -> np.ndarray:
    return draw_faces(hide_faces(image, faces, settings.blur), faces)


def _jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, _JPEG_QUALITY)[1].tobytes()
