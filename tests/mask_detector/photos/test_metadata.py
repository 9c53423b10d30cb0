from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from mask_detector.images import PICTURE_SUFFIXES, encode_photo
from mask_detector.photos.metadata import exif_for_picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged metadata

THUMBNAIL = b"\xff\xd8 a small copy of the photo \xff\xd9"
NOTE = b"a preview in the maker's notes"


def exif_of(data: bytes) -> Image.Exif:
    with Image.open(io.BytesIO(data)) as photo:
        return photo.getexif()


def photo(kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make], exif[Base.XResolution] = 6, "a camera", 72.0
    notes = {Base.MakerNote: NOTE, 0xEEEE: NOTE}  # one of a maker, one of nobody knows whom
    exif.get_ifd(IFD.Exif).update({Base.ISOSpeedRatings: 200, **notes})
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    exif.get_ifd(IFD.IFD1)[Base.JpegIFOffset] = 8
    stream = io.BytesIO()
    Image.new("RGB", (20, 10)).save(stream, kind, exif=exif.tobytes() + THUMBNAIL)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_describes_the_photo_is_kept(kind) -> None:
    data = photo(kind)
    assert THUMBNAIL in data and NOTE in data
    kept = exif_for_picture(data)
    assert THUMBNAIL not in kept and NOTE not in kept
    exif = Image.Exif()
    exif.load(kept)
    assert (exif[Base.Make], exif[Base.Orientation]) == ("a camera", 1)
    assert exif.get_ifd(IFD.Exif)[Base.ISOSpeedRatings] == 200
    assert exif.get_ifd(IFD.GPSInfo)[1] == "N"
    assert not exif.get_ifd(IFD.IFD1)


TITLE = "A holiday in the mountains".encode("utf-16-le") + b"\0\0"
COMMENT, METHOD = b"ASCII\0\0\0a long comment", b"ASCII\0\0\0HYBRID-FIX"


def with_texts(comment: bytes = COMMENT) -> bytes:
    exif = Image.Exif()
    exif[Base.XPTitle] = TITLE
    exif.get_ifd(IFD.Exif).update({Base.UserComment: comment, GPS.GPSProcessingMethod: NOTE})
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSProcessingMethod: METHOD, Base.UserComment: NOTE})
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "PNG", exif=exif)
    return stream.getvalue()


def test_long_texts_are_kept() -> None:
    exif = Image.Exif()
    exif.load(exif_for_picture(with_texts()))
    assert exif[Base.XPTitle] == TITLE
    assert dict(exif.get_ifd(IFD.Exif)) == {Base.UserComment: COMMENT}
    assert dict(exif.get_ifd(IFD.GPSInfo)) == {GPS.GPSProcessingMethod: METHOD}


@pytest.mark.parametrize(("suffix", "is_kept"), [(".jpg", False), (".png", True), (".webp", True)])
def test_more_than_a_jpeg_holds_is_left_out_and_said(suffix, is_kept, caplog) -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    data = encode_photo(Path(f"a{suffix}"), image, exif_for_picture(with_texts(bytes(70_000))))
    assert (Base.XPTitle in exif_of(data)) == is_kept
    assert ("written without EXIF" in caplog.text) != is_kept


def test_no_exif_is_none() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "JPEG")
    assert exif_for_picture(stream.getvalue()) is None
    assert exif_for_picture(b"no photo") is None


def test_a_tag_that_cannot_be_written_does_not_cost_the_others() -> None:
    entries = struct.pack("<HHHII", 2, Base.Make, 2, 4, int.from_bytes(b"cam\0", "little"))
    entries += struct.pack("<HHIIIii", Base.XResolution, 10, 1, 38, 0, -1, 0)
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + entries)
    exif = Image.Exif()
    exif.load(exif_for_picture(stream.getvalue()))
    assert dict(exif) == {Base.Make: "cam", Base.Orientation: 1}


def test_damaged_exif_never_ends_a_run() -> None:
    data, chance = photo(), random.Random(1)
    start, end = data.index(b"Exif"), data.index(THUMBNAIL)
    kept = 0
    for _ in range(200):
        mutant = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            mutant[chance.randrange(start, end)] = chance.choice((0, 1, 255, chance.randrange(256)))
        exif = exif_for_picture(bytes(mutant))
        kept += exif is not None
        assert exif is None or THUMBNAIL not in exif
    assert kept > 50


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_pictures_have_it_where_their_format_can(tmp_path, suffix) -> None:
    image = np.random.default_rng(1).integers(0, 255, (10, 20, 3), np.uint8)
    data = encode_photo(tmp_path / f"a{suffix}", image, exif_for_picture(photo()))
    with Image.open(io.BytesIO(data)) as written:
        assert written.size == (20, 10)
        if suffix not in (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp"):
            np.testing.assert_array_equal(np.asarray(written), image[..., ::-1])
    has_none = suffix in (".bmp", ".dib", ".ppm", ".pnm")
    assert exif_of(data).get(Base.Make) == (None if has_none else "a camera")
