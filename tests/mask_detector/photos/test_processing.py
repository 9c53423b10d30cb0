from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from mask_detector.faces import Face, Faces
from mask_detector.photos.contact_sheet import ContactSheet
from mask_detector.photos.paths import Photo
from mask_detector.photos.processing import (
    PictureOptions,
    photo_processor,
    process_photo,
    write_crops,
)


def face(*box: int, mask: float = 0.9, unsure: bool = False) -> Face:
    return Face(box, 0.9, {"with_mask": mask, "without_mask": 1 - mask}, unsure)


class Detector:
    """Finds one face in every photo."""

    classes = ("with_mask", "without_mask")
    least_side = None

    def detect(self, image: np.ndarray) -> Faces:
        return Faces([face(4, 4, 24, 24)])


def photo(width: int = 48, height: int = 32, make: str | None = None) -> bytes:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    if make:
        exif[Base.Make] = make
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(stream, "PNG", exif=exif.tobytes())
    return stream.getvalue()


def test_a_photo_from_memory_or_from_its_file(here) -> None:
    Path("a.png").write_bytes(photo())
    one = process_photo(photo(), "a.png", Detector())
    other = process_photo(Path("a.png"), "a.png", Detector())
    assert one.record == other.record
    assert one.record["image"] == "a.png"
    assert (one.record["width"], one.record["height"]) == (32, 48)
    assert one.record["counts"] == {"with_mask": 1, "without_mask": 0}
    np.testing.assert_array_equal(one.image, other.image)
    assert list(here.iterdir()) == [here / "a.png"], "nothing is written"


def test_faces_are_hidden() -> None:
    clear, hidden = (
        process_photo(photo(), "a", Detector(), PictureOptions(blur=blur, blur_style="solid"))
        for blur in ("none", "all")
    )
    assert (clear.image[14, 14] != hidden.image[14, 14]).any()


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (b"", "the file is empty"),
        (Path("none.jpg"), "there is no such file"),
        (photo(1100, 1000), "1100 x 1000 is too large a photo, at most 1 megapixels are accepted"),
    ],
)
def test_a_failure_is_a_record(source, error) -> None:
    failed = process_photo(source, "none.jpg", Detector(), PictureOptions(max_megapixels=1))
    assert failed.record == {"image": "none.jpg", "error": error}
    assert (failed.faces, failed.image) == ([], None)


def test_pictures_wait_for_their_place(here) -> None:
    Path("a.png").write_bytes(photo(make="a camera"))
    a = Photo(Path("a.png"), Path("a.png"), picture=Path("out/deep/a.png"), crops=Path("a"))
    sheet = ContactSheet(Path("sheet.png"), 1)
    options = PictureOptions(crops=Path("faces"), keep_metadata=True)
    processed = photo_processor(Detector(), options, sheet)(a)
    assert processed.image is None, "only a window needs it"
    assert not a.picture.exists()
    processed.put_picture()
    assert [str(path) for path in Path("out").rglob("*.*")] == ["out/deep/a.png"]
    assert cv2.imread("faces/with_mask/a_1.jpg").shape == (28, 28, 3)
    with Image.open(a.picture) as picture:
        assert picture.size == (32, 48)
        assert picture.getexif()[Base.Make] == "a camera"
        assert picture.getexif()[Base.Orientation] == 1


def test_no_metadata_unless_it_is_asked_for(here) -> None:
    Path("a.png").write_bytes(photo(make="a camera"))
    a = Photo(Path("a.png"), Path("a.png"), picture=Path("b.png"))
    processed = photo_processor(Detector(), PictureOptions(), window=True)(a)
    processed.put_picture()
    assert processed.image.shape == (48, 32, 3)
    with Image.open("b.png") as picture:
        assert not picture.getexif()


def test_a_problem_known_beforehand(here) -> None:
    bad = Photo(Path("a"), Path("a"), name="https://host/a", problem="this is an address")
    record = photo_processor(Detector(), PictureOptions())(bad).record
    assert record == {"image": "https://host/a", "error": "this is an address"}


def test_crops_stay_inside_the_picture(here) -> None:
    image = np.zeros((100, 80, 3), np.uint8)
    faces = [face(0, 0, 20, 40), face(60, 50, 80, 100, mask=0.1), face(30, 30, 40, 40, unsure=True)]
    write_crops(image, faces, Path("faces"), Path("deep/photo.v2"))
    shapes = {str(p): cv2.imread(str(p)).shape[:2] for p in Path("faces").rglob("*.*")}
    assert shapes == {
        "faces/with_mask/deep/photo.v2_1.jpg": (48, 24),
        "faces/without_mask/deep/photo.v2_2.jpg": (60, 24),
        "faces/unsure/deep/photo.v2_3.jpg": (14, 14),
    }
