"""The file formats of photos as people have them: what Pillow leaves to us when it opens one.

Phones, scanners, editors and messengers write files that are whole but not quite to the letter:
a JPEG without its last two bytes, a PNG with a novel in it, a TIFF of floats. What cannot be read
is named: a video, a camera's raw file, a web page that was saved as a picture.
"""

from __future__ import annotations

import importlib
import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, features
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from mask_detector.errors import PhotoError

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "PPM", "GIF", "AVIF")  # JPEG has MPO, too

_ANIMATED_FORMATS = ("PNG", "WEBP", "GIF", "AVIF")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_PHOTO_STARTS = rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP"
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Chunks of a PNG that change its pixels, besides the critical ones with their upper-case names.
_PNG_CHUNKS = (b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT")

# The entry of an AVIF's or HEIC's table of contents for its EXIF.
_AVIF_EXIF_ITEM = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)

# Entropy-coded data that decodes to something: it shows in the picture where data is missing.
_JPEG_END, _JPEG_NOISE = b"\xff\xd9", bytes(range(0x51, 0xF1, 7)) * 32

# Tags of TIFF: https://www.loc.gov/preservation/digital/formats/content/tiff_tags.shtml
_SUBFILE_TYPE, _SAMPLE_FORMAT, _DNG_VERSION = 254, 339, 50706
_REDUCED_OR_MASK = 0b101  # a smaller copy of another page, a transparency mask
_WHITES_OF_16_BITS = (255, 1023, 4095, 16383, 65535)
_UNSIGNED = (None, 1, (1,))

_VIDEO = "this is a video: detect_mask_video.py --source reads it"
_ANIMATION = "this is an animation: detect_mask_video.py --source reads it"
_RAW = "this is a camera's raw file: convert it to JPEG or TIFF first"
_PDF = "this is a PDF document: save its pages as pictures first"
_ARCHIVE = "this is an archive: unpack it and name the folder"
_POINTER = "this is a Git LFS pointer, not the photo: run git lfs pull"
_WEB_PAGE = "this is a web page, not a photo: download the picture itself"
_OTHER_FILES = (
    (rb"FUJIFILMCCD-RAW|IIRO|IIRS|MMOR|IIU\0|....ftypcrx ", _RAW),
    (rb"....(ftyp|moov|mdat|wide|free)|RIFF....AVI |\x1aE\xdf\xa3|FLV\x01|OggS|0&\xb2u", _VIDEO),
    (rb"\0\0\x01[\xb3\xba]|G.{187}G", _VIDEO),  # MPEG
    (rb"%PDF", _PDF),
    (rb"PK\x03\x04|7z\xbc\xaf|Rar!|\x1f\x8b", _ARCHIVE),
    (rb"version https://git-lfs", _POINTER),
    (rb"(?i)\s*<(!doctype html|html)", _WEB_PAGE),
)

_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
_TURNS_BY_90 = (5, 6, 7, 8)

# Pillow warns of odd metadata, and above 89 megapixels; above twice that it refuses, which is
# what we want. A warning would print two lines of source code.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def open_photo(data: bytes) -> Image.Image:
    """Open a photo, at its first full page, without decoding its pixels yet.

    Raises:
        PhotoError: an animation, a raw file, or a format that is known but cannot be read.
        Exception: of whatever kind Pillow's plugins raise on damaged or unknown data.
    """
    formats = (*_FORMATS, "HEIF") if _is_heic(data) else _FORMATS
    if data[:4] in _TIFF_STARTS and data[8:10] == b"CR":  # Canon's CR2
        raise PhotoError(_RAW)
    try:
        photo = Image.open(io.BytesIO(_without_odd_parts(data)), formats=formats)
    except Image.UnidentifiedImageError:
        raise PhotoError(_what_else(data)) from None
    if photo.format in _ANIMATED_FORMATS and getattr(photo, "is_animated", False):
        raise PhotoError(_ANIMATION)
    if _is_reduced(photo) and (page := next(full_pages(photo), None)) is not None:
        photo.seek(page)
    if _tag(photo, _DNG_VERSION) or _is_reduced(photo):
        raise PhotoError(_RAW)  # all that can be read of it is a preview
    return photo


def _is_heic(data: bytes) -> bool:
    """Whether the photo is HEIC: what reads it is loaded, or a PhotoError says what is missing."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in _HEIC_BRANDS:
        try:
            pillow_heif = importlib.import_module("pillow_heif")  # only where there is a HEIC photo
        except ImportError:
            message = "this is a HEIC photo: to read it, run pip install pillow-heif"
            raise PhotoError(message) from None
        pillow_heif.register_heif_opener()
    elif brand in _AVIF_BRANDS and not features.check("avif"):
        raise PhotoError("this is an AVIF photo, which this build of Pillow cannot read")
    return brand in _HEIC_BRANDS


def _without_odd_parts(data: bytes) -> bytes:
    """The file without what keeps Pillow from opening it, though the pixels are fine.

    Of a PNG that is long or damaged texts and profiles, of an AVIF damaged EXIF: it turns by its
    own property, not by EXIF's.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS + _HEIC_BRANDS:
        return _AVIF_EXIF_ITEM.sub(rb"\1skip", data)
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    kept, start = [data[:8]], 8
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        name = data[start + 4 : start + 8]
        if name[:1].isupper() or (name in _PNG_CHUNKS and _has_right_checksum(data[start:end])):
            kept.append(data[start:end])
        start = end
    kept.append(data[start:])
    return b"".join(kept)


def _has_right_checksum(chunk: bytes) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _what_else(data: bytes) -> str:
    """What a file is that cannot be opened as a photo."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS + _AVIF_BRANDS:
        return "the photo is damaged, or of a kind of HEIC or AVIF that is not supported"
    for pattern, sentence in _OTHER_FILES:
        if re.match(pattern, data[:1024], re.DOTALL):
            return sentence
    return "this is not a photo, or of a kind that is not supported: convert it to JPEG or PNG"


def _orientation(photo: Image.Image) -> int:
    """How the photo must be turned, 1 to 8: all that is read of its EXIF."""
    try:
        return int(photo.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata leaves the pixels as they are
        return 1


def upright_turn(photo: Image.Image) -> Callable[[np.ndarray], np.ndarray]:
    """What turns the pixels of a photo as its EXIF says: an array (H, W, 3) to another one."""
    return _TURNS.get(_orientation(photo), lambda image: image)


def is_turned_by_90(photo: Image.Image) -> bool:
    """Whether width and height change places when the photo is turned."""
    return _orientation(photo) in _TURNS_BY_90


def starts_like_a_photo(path: Path) -> bool:
    """Whether a file holds a photo though its name does not say so, by its first bytes."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    if start[:4] in _TIFF_STARTS:
        return not path.suffix  # raw files of cameras are TIFFs, too, and have endings
    is_heif = start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS + _AVIF_BRANDS
    return is_heif or re.match(_PHOTO_STARTS, start, re.DOTALL) is not None


def full_pages(photo: Image.Image) -> Iterator[int]:
    """Frames of a TIFF that are pages: no smaller copies of others, no masks."""
    for frame in range(getattr(photo, "n_frames", 1)):
        photo.seek(frame)
        if not _is_reduced(photo):
            yield frame


def _is_reduced(photo: Image.Image) -> bool:
    kind = _tag(photo, _SUBFILE_TYPE)
    return isinstance(kind, int) and bool(kind & _REDUCED_OR_MASK)


def _tag(photo: Image.Image, number: int) -> Any:
    """The value of a TIFF's tag; None where it has none, or the photo is no TIFF."""
    return photo.tag_v2.get(number) if isinstance(photo, TiffImageFile) else None


def reduce_jpeg(photo: Image.Image, least_side: int) -> None:
    """Have a JPEG decoded at half, a quarter or an eighth of its size, where that is as large.

    Its decoder then leaves out the finest details before it computes pixels. Only factors that
    divide width and height are taken: then the reduced picture covers exactly the same.

    Args:
        photo: just opened; other formats stay as they are.
        least_side: the longer side in pixels that must be left.
    """
    if not isinstance(photo, JpegImageFile):
        return
    width, height = photo.size
    for factor in (8, 4, 2):
        divides = width % factor == 0 and height % factor == 0
        if divides and max(width, height) // factor >= least_side:
            photo.draft(None, (width // factor, height // factor))
            return


def load_pixels(photo: Image.Image, data: bytes) -> Image.Image:
    """Decode the pixels; a JPEG may lack its end marker if it lacks nothing else.

    Raises:
        Exception: of whatever kind Pillow's decoders raise on damaged data.
    """
    try:
        photo.load()
        return photo
    except Exception:
        if not getattr(photo, "tile", True):  # all is decoded: what failed is a TIFF's EXIF
            return photo
        if photo.format not in ("JPEG", "MPO"):
            raise
        # The decoder fills what is missing with grey and says nothing. So it gets two ends:
        # the pixels are the same after both only where none is missing.
        body = data.rstrip(b"\xff")
        ended, noisy = (
            Image.open(io.BytesIO(body + noise + _JPEG_END), formats=("JPEG",))
            for noise in (b"", _JPEG_NOISE)
        )
        if not np.array_equal(np.asarray(ended), np.asarray(noisy)):
            raise
        return ended


def has_deep_grey(photo: Image.Image) -> bool:
    """Whether the photo is grey with more than 8 bits, which Pillow would cut off at 255."""
    return photo.mode == "F" or photo.mode.startswith("I")


def deep_grey(photo: Image.Image) -> np.ndarray:
    """Grey values of more than 8 bits, or floats, brought to 8.

    Numbers of 16 bits may be from a camera with 10, 12 or 14, which leaves the highest unused.
    Nothing in a file of floats or of 32 bits says what is white: the likeliest range that holds
    the values is taken, 0 to 1, 255 or 65535, or else they are stretched.

    Returns:
        uint8, shape (H, W).
    """
    values = np.asarray(photo)
    if photo.mode == "I" and _tag(photo, _SAMPLE_FORMAT) in _UNSIGNED:
        values = values.view(np.uint32)  # Pillow takes them for signed
    finite = [row[np.isfinite(row)] for row in values]
    extremes = [end for row in finite if row.size for end in (row.min(), row.max())]
    black, white = _range(float(min(extremes)), float(max(extremes)), photo) if extremes else (0, 1)
    grey = np.empty(values.shape, np.uint8)
    for row, target in zip(values, grey, strict=True):
        with np.errstate(all="ignore"):  # infinities become black or white
            scaled = (row.astype(np.float32) - black) * (255 / (white - black))
        target[:] = np.nan_to_num(scaled, nan=0).clip(0, 255)
    return grey


def _range(lowest: float, highest: float, photo: Image.Image) -> tuple[float, float]:
    """The values that are black and white."""
    if photo.mode.startswith("I;16") or (photo.mode == "I" and photo.format in ("PNG", "PPM")):
        return 0, next(white for white in _WHITES_OF_16_BITS if highest <= white)
    whites = (1, 255, 65535) if photo.mode == "F" else (255, 65535)
    for white in whites:
        # Enlarging and sharpening make some values a little too low or too high.
        if -0.5 * white <= lowest and highest <= 1.5 * white and not 1.5 < highest <= 16:
            return 0, white
    return (min(lowest, 0), highest) if highest > min(lowest, 0) else (0, 1)
