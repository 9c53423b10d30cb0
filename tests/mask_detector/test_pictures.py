"""What the library takes for a picture, and what it says of anything else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ExifTags, Image

from mask_detector.errors import PhotoError
from mask_detector.images import read_photo
from mask_detector.pictures import as_bgr


@pytest.mark.parametrize("name", ["example_01.png", "example_03.jpg"])
def test_paths_and_pillow_s_pictures_are_what_read_photo_gives(examples, name):
    wanted = read_photo(examples / name)
    np.testing.assert_array_equal(as_bgr(examples / name), wanted)
    np.testing.assert_array_equal(as_bgr(str(examples / name)), wanted)
    with Image.open(examples / name) as picture:
        np.testing.assert_array_equal(as_bgr(picture), wanted)
    assert as_bgr(wanted) is wanted


@pytest.mark.parametrize(
    ("mode", "colour", "bgr"),
    [
        ("RGB", (1, 2, 3), (3, 2, 1)),
        ("L", 7, (7, 7, 7)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (9, 9, 9, 0), (255, 255, 255)),
        ("I;16", 65535, (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_pillow_s_modes(mode, colour, bgr):
    image = as_bgr(Image.new(mode, (4, 2), colour))
    assert image.shape == (2, 4, 3)
    assert image.dtype == np.uint8
    assert (image == bgr).all()


def test_pillow_s_pictures_are_turned_as_their_exif_says():
    picture = Image.new("RGB", (4, 2))
    picture.getexif()[ExifTags.Base.Orientation] = 6
    assert as_bgr(picture).shape == (4, 2, 3)


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (None, "got None: cv2.imread returns None"),
        (3, "got int"),
        (b"\xff\xd8", r"got bytes: open .* PIL.Image.open"),
        ([1, 2], "got list: "),
        (iter(()), "got .*iterator: put several pictures into a list"),
        ({}, "got dict"),
        (np.float32(1), "got float32"),
        (np.zeros((4, 4, 3)), r"got float64 \(4, 4, 3\): values 0 to 1 become"),
        (np.zeros((4, 4, 3), np.uint16), r"got uint16 .*257"),
        (np.zeros((4, 4, 3), bool), "got bool .*astype"),
        (np.zeros((4, 4, 3), object), "got object"),
    ],
)
def test_other_kinds_are_type_errors(picture, sentence):
    with pytest.raises(TypeError, match=f"^photo: expected a .*uint8 BGR array.*{sentence}"):
        as_bgr(picture, "photo")


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((4, 4), "COLOR_GRAY2BGR"),
        ((4, 4, 1), "COLOR_GRAY2BGR"),
        ((4, 4, 4), "COLOR_BGRA2BGR"),
        ((2, 4, 4, 3), "list"),
        ((3, 4, 5), "transpose"),
        ((4, 4, 2), r"got uint8 \(4, 4, 2\)$"),
        ((), r"got uint8 \(\)$"),
        ((0, 4, 3), "no pixels"),
        ((4, 0, 3), "no pixels"),
    ],
)
def test_other_shapes_are_value_errors(shape, sentence):
    with pytest.raises(ValueError, match=rf"^image: expected .*\(H, W, 3\).*{sentence}"):
        as_bgr(np.zeros(shape, np.uint8))


def test_photos_that_cannot_be_read_are_photo_errors(tmp_path):
    with pytest.raises(PhotoError, match="no such file"):
        as_bgr(tmp_path / "none.jpg")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PhotoError):
        as_bgr(str(tmp_path / "cut.png"))
    with pytest.raises(PhotoError, match="damaged"):
        as_bgr(Image.new("RGB", (0, 4)))
