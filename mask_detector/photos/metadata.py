"""EXIF for annotated pictures: what describes a photo, and nothing that shows more than they do.

A camera keeps small copies of the photo in its EXIF, in which no face is hidden; they are left out,
and so is what only the maker can read.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

# Tags of the main directory that do not describe how a file stores its pixels.
_KEPT = (
    Base.ImageDescription, Base.Make, Base.Model, Base.XResolution, Base.YResolution,
    Base.ResolutionUnit, Base.Software, Base.DateTime, Base.Artist, Base.Copyright, Base.Rating,
    Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
)  # fmt: skip
_LEFT_OUT = (Base.MakerNote, Base.ExifInteroperabilityOffset)
_LONGEST_BYTES = 16


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
            # Only notes of makers, known or not, have long values of bytes; previews are in them.
            is_note = isinstance(value, bytes) and len(value) > _LONGEST_BYTES
            if tag not in _LEFT_OUT and not is_note and one.tobytes():
                writable[tag] = value
        except Exception:  # of whatever kind the value provokes
            continue
    return writable
