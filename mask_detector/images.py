"""Photos in and out: one way to read them upright, one way to write them whole."""

from __future__ import annotations

import io
import itertools
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mask_detector import files
from mask_detector.errors import PhotoError
from mask_detector.photos.formats import (
    deep_grey,
    full_pages,
    has_deep_grey,
    is_turned_by_90,
    load_pixels,
    open_photo,
    reduce_jpeg,
    upright_turn,
)
from mask_detector.photos.metadata import picture_with_exif

logger = logging.getLogger(__name__)

PHOTO_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".mpo", ".png", ".webp", ".bmp",
    ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".heic", ".heif", ".hif", ".avif",
)  # fmt: skip
"""File names with these endings are taken for photos (in any letter case)."""

PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".png", ".webp", ".bmp", ".dib",
    ".tif", ".tiff", ".ppm", ".pnm",
)  # fmt: skip
"""Pictures can be written with these endings (in any letter case)."""

MOST_MEGAPIXELS = 178
"""Pillow refuses larger photos."""

_JPEG_SUFFIXES = (".jfif", ".jif", ".pjpeg", ".pjp")  # OpenCV does not know these names

_SUFFIXES_WITHOUT_EXIF = (".bmp", ".dib", ".ppm", ".pnm")
_BAND_PIXELS = 250_000
_MOST_PAGES = 1000
MOST_BYTES = 1_500_000_000  # 178 megapixels of four channels with 16 bits
_LONGEST_REASON = 120


def is_photo(path: Path) -> bool:
    """Whether the file's name says that it is a photo (hidden files are none)."""
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")


def read_photo(path: str | Path) -> np.ndarray:
    """Read a photo as it is meant to be seen.

    Returns:
        uint8 BGR, shape (H, W, 3): EXIF orientation applied, grey repeated over three
        channels, transparency laid over white, 16 bits scaled to 8.

    Raises:
        PhotoError: the file is missing, unreadable, empty, damaged, too large or no photo.
    """
    data = read_bytes(path)
    try:
        return decode_photo(data)
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from None


def read_bytes(path: str | Path) -> bytes:
    """What is in a photo's file.

    Raises:
        PhotoError: the file is missing, unreadable, no file or larger than any photo.
    """
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            raise PhotoError(f"{path}: this is a device, not a photo")
        if status.st_size > MOST_BYTES:
            raise PhotoError(f"{path}: {status.st_size / 1e9:.1f} GB are too many for a photo")
        return path.read_bytes()
    except FileNotFoundError:
        raise PhotoError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise PhotoError(f"{path}: this is a folder, not a photo") from None
    except OSError as error:
        raise PhotoError(f"{path}: the file cannot be read ({error.strerror})") from None


def decode_photo(data: bytes, max_pixels: int | None = None, frame: int = 0) -> np.ndarray:
    """Decode a photo from memory; otherwise the same as :func:`read_photo`.

    Args:
        max_pixels: refuse larger photos before decoding them; Pillow's own limit of
            179 megapixels holds in any case.
        frame: which page of a TIFF, one of :func:`photo_pages`.
    """
    return decode_reduced(data, None, max_pixels, frame)[0]


def decode_reduced(
    data: bytes, least_side: int | None, max_pixels: int | None = None, frame: int = 0
) -> tuple[np.ndarray, int]:
    """Decode a photo, a JPEG smaller than it is where that saves time.

    Args:
        least_side: the longer side in pixels that must be left; None decodes all of it.
        max_pixels, frame: as for :func:`decode_photo`.

    Returns:
        The photo as from :func:`decode_photo`, its sides divided by a factor; and the factor:
        1, 2, 4 or 8.
    """
    with _photo_errors(), _opened(data, frame) as photo:
        if max_pixels is not None and photo.width * photo.height > max_pixels:
            raise PhotoError(
                f"{photo.width} x {photo.height} is too large a photo, "
                f"at most {max_pixels / 1e6:g} megapixels are accepted"
            )
        width = photo.width
        if least_side is not None:
            reduce_jpeg(photo, least_side)
        pixels = load_pixels(photo, data)
        factor = 1 if least_side is None else width // pixels.width
        return _upright_bgr(pixels), factor


def decode_again(data: bytes) -> np.ndarray:
    """Decode all of a JPEG that :func:`decode_reduced` has decoded without finding damage.

    OpenCV takes two thirds of Pillow's time and gives the same pixels, but would say nothing of
    what is missing.
    """
    with _photo_errors(), _opened(data, 0) as photo:
        if photo.format == "JPEG" and photo.mode == "RGB":
            flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
            if image is not None and image.shape[:2] == photo.size[::-1]:
                return upright_turn(photo)(image)
        return _upright_bgr(load_pixels(photo, data))


def photo_pixels(data: bytes, frame: int = 0) -> int:
    """Width times height of a photo, from its header; 0 where that cannot be read."""
    try:
        with _photo_errors(), _opened(data, frame) as photo:
            return photo.width * photo.height
    except PhotoError:
        return 0


def displayed_size(data: bytes) -> tuple[int, int]:
    """Width and height of a photo as :func:`decode_photo` gives it, from its header.

    Raises:
        PhotoError: the header cannot be read.
    """
    with _photo_errors(), _opened(data, 0) as photo:
        width, height = photo.size
        # The size of a TIFF is already that of the turned photo.
        is_turned = photo.format != "TIFF" and is_turned_by_90(photo)
        return (height, width) if is_turned else (width, height)


def photo_pages(photo_file: Path | bytes) -> list[int]:
    """The frames of a photo that are pages of their own: [0], or more for a TIFF of many pages.

    Args:
        photo_file: the file, or its content.

    Raises:
        PhotoError: there are more than a thousand.
    """
    try:
        source = io.BytesIO(photo_file) if isinstance(photo_file, bytes) else photo_file
        with _photo_errors(), Image.open(source, formats=("TIFF",)) as photo:
            pages = list(itertools.islice(full_pages(photo), _MOST_PAGES + 1))
    except (PhotoError, OSError):
        return [0]  # whatever is wrong is reported when the photo is read
    if len(pages) > _MOST_PAGES:
        name = "" if isinstance(photo_file, bytes) else f"{photo_file}: "
        raise PhotoError(f"{name}more than {_MOST_PAGES:,} pages are not accepted")
    return pages or [0]


@contextmanager
def _photo_errors() -> Iterator[None]:
    """Turn whatever a decoder raises into a PhotoError: files are damaged in countless ways."""
    try:
        yield
    except PhotoError:
        raise
    except Image.DecompressionBombError:
        raise PhotoError("the photo has more than 179 megapixels, make it smaller first") from None
    except MemoryError:
        raise PhotoError("the photo is too large for this machine's memory") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        raise PhotoError(f"the photo is damaged ({reason})") from None


@contextmanager
def _opened(data: bytes, frame: int) -> Iterator[Image.Image]:
    if not data:
        raise PhotoError("the file is empty")
    with open_photo(data) as photo:
        if frame:
            photo.seek(frame)
        yield photo


def from_pillow(picture: Image.Image) -> np.ndarray:
    """A Pillow picture of any mode as :func:`read_photo` gives photos.

    Raises:
        PhotoError: its file is damaged, or it has no pixels.
    """
    with _photo_errors():
        picture.load()
        return _upright_bgr(picture)


def _upright_bgr(photo: Image.Image) -> np.ndarray:
    # Only now, because Pillow turns a TIFF itself while it loads the pixels.
    turn = upright_turn(photo)
    if has_deep_grey(photo):
        return turn(cv2.cvtColor(deep_grey(photo), cv2.COLOR_GRAY2BGR))
    image = np.empty((photo.height, photo.width, 3), np.uint8)
    # In bands of rows: a photo of 100 megapixels takes 0.4 GB, and a copy as much again. Bands of
    # a megabyte reuse the same memory; fresh pages cost more than the conversion.
    rows = max(1, _BAND_PIXELS // photo.width)
    for top in range(0, photo.height, rows):
        bottom = min(top + rows, photo.height)
        band = photo if rows >= photo.height else photo.crop((0, top, photo.width, bottom))
        if photo.has_transparency_data:
            band = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", band.size, "white"), band)
        band = band if band.mode == "RGB" else band.convert("RGB")
        cv2.cvtColor(np.asarray(band), cv2.COLOR_RGB2BGR, dst=image[top:bottom])
    return turn(image)


def check_picture_name(path: Path) -> None:
    """Raise PhotoError where a name's ending is not that of a picture we can write."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        endings = ", ".join(PICTURE_SUFFIXES)
        raise PhotoError(f"{path}: pictures have one of these endings: {endings}")


def write_photo(path: str | Path, image: np.ndarray) -> None:
    """Write a BGR picture beside its final place, then rename it there.

    Raises:
        PhotoError: the name's ending is no photo format, or that format takes no picture as large.
        FileError: the folder cannot be written to.
    """
    files.write_bytes(path, encode_photo(Path(path), image))


def encode_photo(path: Path, image: np.ndarray, exif: bytes | None = None) -> bytes:
    """A picture, uint8 BGR, shape (H, W, 3), as a file of that name holds it.

    Args:
        exif: as ``metadata.exif_for_picture`` gives it. BMP and PPM hold none; more than a JPEG
            holds (64 kB) is left out, and the log says so.

    Raises:
        PhotoError: the name's ending is no photo format, or that format takes no picture as large.
    """
    check_picture_name(path)
    suffix = path.suffix.lower()
    if exif is not None and suffix not in _SUFFIXES_WITHOUT_EXIF:
        try:
            return picture_with_exif(suffix, image, exif)
        except (OSError, ValueError) as error:  # too large a picture fails below once more
            logger.warning("%s: written without EXIF (%s)", path, error)
    try:
        encoded, data = cv2.imencode(".jpg" if suffix in _JPEG_SUFFIXES else suffix, image)
    except cv2.error:
        encoded = False
    if not encoded:
        height, width = image.shape[:2]
        raise PhotoError(f"{path}: {width} x {height} is too large for this format, use .png")
    return data.tobytes()
