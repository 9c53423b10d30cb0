"""One photo from its file, or from memory, to its record and its pictures.

photo = process_photo(Path("a.jpg"), "a.jpg", MaskDetector.load())
print(photo.record["counts"])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mask_detector.crops import crop_with_margin
from mask_detector.drawing import draw_faces
from mask_detector.errors import UserFacingError
from mask_detector.faces import Face, Faces, count_faces
from mask_detector.files import PendingFile, make_folder, prepare_file
from mask_detector.images import (
    decode_again,
    decode_photo,
    decode_reduced,
    encode_photo,
    photo_pixels,
    read_bytes,
    write_photo,
)
from mask_detector.photos.contact_sheet import ContactSheet
from mask_detector.photos.metadata import exif_for_picture
from mask_detector.photos.parallel import PixelBudget
from mask_detector.photos.paths import Photo
from mask_detector.privacy import hide_faces
from mask_detector.records import error_record, photo_record
from mask_detector.wording import faces_in_words

DEFAULT_MEGAPIXELS = 160
"""Larger photos are refused unless another limit is given; few cameras have more."""

_CROP_MARGIN = 0.2
_PIXELS_AT_A_TIME = 144_000_000  # twelve of 12 megapixels: about 2 GB


class Detector(Protocol):
    """A :class:`~mask_detector.MaskDetector`, or a pool of them."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the model's order."""

    @property
    def least_side(self) -> int | None:
        """The longer side in pixels of photos for ``detect_reduced``; None for all of them."""

    def detect(self, image: np.ndarray) -> Faces:
        """The faces in a picture: uint8 BGR, shape (H, W, 3)."""

    def detect_reduced(
        self, image: np.ndarray, factor: int, read_whole: Callable[[], np.ndarray]
    ) -> Faces:
        """The faces in a photo that was decoded smaller by a factor."""


@dataclass
class ProcessedPhoto:
    """What was found in a photo.

    Attributes:
        record: a :func:`~mask_detector.records.photo_record`, or an ``error_record``.
        faces: the faces found, N = 0 for none.
        image: uint8 BGR, shape (H, W, 3), upright, faces hidden where asked; None if it failed.
        picture: its annotated picture, written, but not yet in its place.
    """

    record: dict[str, Any]
    faces: Faces = field(default_factory=Faces)
    image: np.ndarray | None = None
    picture: PendingFile | None = None

    def put_picture(self) -> None:
        """Put the annotated picture, if there is one, into its place.

        Raises:
            FileError: it cannot be put there.
        """
        if self.picture is not None:
            self.picture.put()


@dataclass(frozen=True)
class PictureOptions:
    """Which photos are accepted, what is hidden and drawn in their pictures, and where crops go.

    Attributes:
        blur: faces to hide, one of ``privacy.BLUR_CHOICES``.
        blur_style: how, one of ``privacy.BLUR_STYLES``.
        no_boxes: draw neither boxes nor captions.
        crops: folder for the faces of photos that have a name for them.
        keep_metadata: whether annotated pictures have the EXIF of their photos.
        max_megapixels: larger photos are refused.
    """

    blur: str = "none"
    blur_style: str = "blur"
    no_boxes: bool = False
    crops: Path | None = None
    keep_metadata: bool = False
    max_megapixels: float = DEFAULT_MEGAPIXELS

    @property
    def max_pixels(self) -> int:
        """The same limit in pixels."""
        return round(self.max_megapixels * 1e6)


def process_photo(
    source: Path | bytes,
    name: str,
    detector: Detector,
    options: PictureOptions = PictureOptions(),
    frame: int = 0,
    keep_image: bool = True,
) -> ProcessedPhoto:
    """Read a photo, detect its faces and hide those that must not be seen; writes nothing.

    Args:
        source: the photo's file, or what is in it.
        name: the photo's name in its record.
        options: which photos are accepted and which faces are hidden.
        frame: which page of a TIFF, one of ``images.photo_pages``.
        keep_image: whether ``image`` of the result is wanted. Without, a JPEG is decoded only as
            large as the detector needs it.
    """
    try:
        data = source if isinstance(source, bytes) else read_bytes(source)
        if keep_image or detector.least_side is None:
            image, factor = decode_photo(data, options.max_pixels, frame), 1
            faces = detector.detect(image)
        else:
            image, factor = decode_reduced(data, detector.least_side, options.max_pixels, frame)
            faces = detector.detect_reduced(image, factor, lambda: decode_again(data))
    except UserFacingError as error:
        return ProcessedPhoto(error_record(name, error))
    height, width = (factor * side for side in image.shape[:2])
    record = photo_record(name, width, height, faces, count_faces(faces, detector.classes))
    if not keep_image:
        return ProcessedPhoto(record, faces)
    hide_faces(image, faces, options.blur, options.blur_style)
    return ProcessedPhoto(record, faces, image)


def photo_processor(
    detector: Detector,
    options: PictureOptions,
    sheet: ContactSheet | None = None,
    window: bool = False,
) -> Callable[[Photo], ProcessedPhoto]:
    """A function that processes a photo and writes its pictures; threads may share it.

    Large photos are processed one at a time, small ones together: what a photo takes of memory
    grows with its pixels.

    Args:
        sheet: where each photo is added, small.
        window: whether the annotated image is shown; without, it is not kept.
    """
    budget = PixelBudget(_PIXELS_AT_A_TIME)

    def process(photo: Photo) -> ProcessedPhoto:
        try:
            photo.check()
            data = read_bytes(photo.path)
            pixels = photo_pixels(data, photo.frame)
            with budget.hold(pixels if pixels <= options.max_pixels else 0):
                keep = bool(photo.picture or options.crops or sheet or window)
                processed = process_photo(data, photo.name, detector, options, photo.frame, keep)
                if processed.image is not None:
                    exif = exif_for_picture(data) if options.keep_metadata else None
                    _write_pictures(photo, processed, processed.image, exif)
                if not window:
                    processed.image = None
                return processed
        except UserFacingError as error:
            return ProcessedPhoto(error_record(photo.name, error))

    def _write_pictures(
        photo: Photo, processed: ProcessedPhoto, image: np.ndarray, exif: bytes | None
    ) -> None:
        faces = processed.faces
        if options.crops and photo.crops:
            write_crops(image, faces, options.crops, photo.crops)
        if sheet:
            words = faces_in_words(processed.record["counts"])
            sheet.add(image, faces, photo.name, words, boxes=not options.no_boxes)
        if not options.no_boxes and (photo.picture or window):
            draw_faces(image, faces)  # only now: crops and tiles have no captions
        if photo.picture:
            prepare_file(photo.picture)
            processed.picture = PendingFile(photo.picture, encode_photo(photo.picture, image, exif))

    return process


def write_crops(image: np.ndarray, faces: Sequence[Face], folder: Path, name: Path) -> None:
    """Write each face, with a fifth around it, as ``FOLDER/CLASS/NAME_1.jpg`` and so on.

    Args:
        image: uint8 BGR, shape (H, W, 3), without anything drawn into it.
        faces: N = 0 writes nothing.
        name: the photo's own, its sub-folders included.

    Raises:
        FileError: a file or folder cannot be written.
    """
    for number, face in enumerate(faces, start=1):
        path = folder / face.counted_as / f"{name}_{number}.jpg"
        make_folder(path.parent)
        write_photo(path, crop_with_margin(image, face.box, _CROP_MARGIN))
