"""Photos in and out: one way to read them upright, one way to write them whole."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from mask_detector import files
from mask_detector.errors import PhotoError

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
"""File names with these endings are taken for photos (in any letter case)."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", "GIF")
_ANIMATED_FORMATS = ("PNG", "WEBP", "GIF")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")

# Pillow warns above 89 megapixels and refuses above twice that: the refusal is what we want.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


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
    path = Path(path)
    try:
        return decode_photo(path.read_bytes())
    except FileNotFoundError:
        raise PhotoError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise PhotoError(f"{path}: this is a folder, not a photo") from None
    except OSError as error:
        raise PhotoError(f"{path}: the file cannot be read ({error.strerror})") from None
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from None


def decode_photo(data: bytes, max_pixels: int | None = None) -> np.ndarray:
    """Decode a photo from memory; otherwise the same as :func:`read_photo`.

    Args:
        max_pixels: refuse larger photos before decoding them; Pillow's own limit of
            179 megapixels holds in any case.
    """
    if not data:
        raise PhotoError("the file is empty")
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        raise PhotoError("HEIC and AVIF photos are not supported, convert it to JPEG or PNG first")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as photo:
            if max_pixels is not None and photo.width * photo.height > max_pixels:
                raise PhotoError(
                    f"{photo.width} x {photo.height} is too large a photo, "
                    f"at most {max_pixels / 1e6:.0f} megapixels are accepted"
                )
            if photo.format in _ANIMATED_FORMATS and getattr(photo, "is_animated", False):
                raise PhotoError("animated pictures are not supported, use the video script")
            return _upright_bgr(photo)
    except Image.DecompressionBombError:
        raise PhotoError("the photo has more than 179 megapixels, make it smaller first") from None
    except Image.UnidentifiedImageError:
        raise PhotoError("this is not a photo, or of a kind that is not supported") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        # Pillow's decoders report damage with any of these.
        raise PhotoError(f"the photo is damaged ({error})") from None
    except MemoryError:
        raise PhotoError("the photo is too large for this machine's memory") from None


def _upright_bgr(photo: Image.Image) -> np.ndarray:
    photo = ImageOps.exif_transpose(photo)
    if photo.mode.startswith("I"):  # 16-bit grey: 0..65535
        grey = np.asarray(photo).astype(np.float32) / 257
        return cv2.cvtColor(grey.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    if photo.has_transparency_data:
        photo = photo.convert("RGBA")
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo)
    return cv2.cvtColor(np.asarray(photo.convert("RGB")), cv2.COLOR_RGB2BGR)


def check_picture_name(path: Path) -> None:
    """Raise PhotoError where a name's ending is not that of a picture we can write."""
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        endings = ", ".join(PHOTO_SUFFIXES)
        raise PhotoError(f"{path}: pictures have one of these endings: {endings}")


def write_photo(path: str | Path, image: np.ndarray) -> None:
    """Write a BGR picture beside its final place, then rename it there.

    Raises:
        PhotoError: the name's ending is no photo format, or that format takes no picture as large.
        FileError: the folder cannot be written to.
    """
    path = Path(path)
    check_picture_name(path)
    try:
        encoded, data = cv2.imencode(path.suffix, image)
    except cv2.error:
        encoded = False
    if not encoded:
        height, width = image.shape[:2]
        raise PhotoError(f"{path}: {width} x {height} is too large for this format, use .png")
    files.write_bytes(path, data.tobytes())
