"""EXIF for annotated pictures: what describes a photo, and nothing that shows more than they do.

A camera keeps small copies of the photo in its EXIF, in which no face is hidden; they are left out,
and so is what only the maker can read.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

# Tags of the main directory that do not describe how a file stores its pixels.
_KEPT = (
    Base.ImageDescription, Base.Make, Base.Model, Base.XResolution, Base.YResolution,
    Base.ResolutionUnit, Base.Software, Base.DateTime, Base.Artist, Base.Copyright, Base.Rating,
    Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
)  # fmt: skip
# Texts that are kept as bytes.
_TEXTS: dict[IFD | None, tuple[int, ...]] = {
    None: (Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject),
    IFD.Exif: (Base.UserComment,),
    IFD.GPSInfo: (GPS.GPSProcessingMethod, GPS.GPSAreaInformation),
}
_LEFT_OUT = (Base.MakerNote, Base.ExifInteroperabilityOffset)
_LONGEST_BYTES = 16
_JPEG_QUALITY = 95  # OpenCV's default, with which pictures without EXIF are written


def exif_for_picture(data: bytes) -> bytes | None:
    """The EXIF of a photo, as the upright picture made of it may have it.

    Args:
        data: a photo's file, which ``images.decode_photo`` could read.

    Returns:
        EXIF as Pillow writes it, or None where the photo has none. Tags that are damaged, small
        copies of the photo and the maker's notes are left out; the orientation is upright.
    """
    try:
        with Image.open(io.BytesIO(data)) as photo:
            exif = photo.getexif()
        main = {tag: exif[tag] for tag in _KEPT if tag in exif}
        parts = {part: exif.get_ifd(part) for part in (IFD.Exif, IFD.GPSInfo)}
    except Exception:  # EXIF is damaged in countless ways, and the picture is more important
        return None
    described = _writable(main)
    parts = {part: _writable(tags, part) for part, tags in parts.items()}
    if not described and not any(parts.values()):
        return None
    kept = Image.Exif()
    kept.update(described)
    for part, tags in parts.items():
        if tags:
            kept.get_ifd(part).update(tags)
    kept[Base.Orientation] = 1
    return kept.tobytes()


def picture_with_exif(suffix: str, image: np.ndarray, exif: bytes) -> bytes:
    """A picture's file with EXIF.

    Args:
        suffix: the ending of its name in lower case; JPEG for all but PNG, WebP and TIFF.
        image: uint8 BGR, shape (H, W, 3).
        exif: as :func:`exif_for_picture` gives it.

    Raises:
        OSError, ValueError: the format takes no picture as large, or not as much EXIF.
    """
    kind = {".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}.get(suffix, "JPEG")
    options = {"quality": _JPEG_QUALITY} if kind == "JPEG" else {"lossless": True}
    stream = io.BytesIO()
    picture = Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    picture.save(stream, kind, exif=exif, **options)
    return stream.getvalue()


def _writable(tags: Mapping[Any, Any], part: IFD | None = None) -> dict[Any, Any]:
    """The tags that Pillow can write: one that it cannot would cost all the others.

    Args:
        part: the directory of EXIF that they belong to, the main one where None.
    """
    writable = {}
    for tag, value in tags.items():
        one = Image.Exif()
        (one if part is None else one.get_ifd(part))[tag] = value
        try:
            # Other long values of bytes are notes of makers, known or not; previews are in them.
            is_long = isinstance(value, bytes) and len(value) > _LONGEST_BYTES
            is_note = is_long and tag not in _TEXTS[part]
            if tag not in _LEFT_OUT and not is_note and one.tobytes():
                writable[tag] = value
        except Exception:  # of whatever kind the value provokes
            continue
    return writable
