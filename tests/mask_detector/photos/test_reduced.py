"""Large JPEGs are decoded smaller where only their faces' boxes and labels are wanted."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from mask_detector.crops import crop_sides
from mask_detector.detector import MaskDetector
from mask_detector.errors import PhotoError
from mask_detector.images import decode_again, decode_photo, decode_reduced
from mask_detector.photos.paths import Photo
from mask_detector.photos.processing import PictureOptions, photo_processor, process_photo


def encoded(picture: Image.Image, orientation: int = 1, kind: str = "JPEG", **options) -> bytes:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    stream = io.BytesIO()
    picture.save(stream, kind, exif=exif.tobytes(), **options)
    return stream.getvalue()


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    across = Image.linear_gradient("L").resize((width, height))
    down = across.transpose(Image.Transpose.ROTATE_180)
    return Image.merge("RGB", (across, down, across)).convert(mode)


@pytest.mark.parametrize(
    ("size", "least_side", "factor"),
    [
        ((800, 600), 100, 8),
        ((800, 600), 101, 4),
        ((600, 800), 400, 2),
        ((800, 600), 401, 1),
        ((801, 600), 100, 1),  # no whole number of pixels would be left
        ((804, 600), 100, 4),
        ((800, 600), None, 1),
    ],
)
def test_factor(size, least_side, factor) -> None:
    image, found = decode_reduced(encoded(gradient(*size)), least_side)
    assert found == factor
    assert image.shape == (size[1] // factor, size[0] // factor, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("mode", "progressive"), [("RGB", True), ("L", False), ("CMYK", False)])
def test_pixels_are_those_of_the_whole_photo(orientation, mode, progressive) -> None:
    data = encoded(gradient(320, 240, mode), orientation, quality=95, progressive=progressive)
    whole = decode_photo(data)
    reduced, factor = decode_reduced(data, 100)
    assert factor == 2
    half = cv2.resize(whole, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert abs(reduced.astype(int) - half).mean() < 1.5
    assert np.array_equal(decode_again(data), whole)


def test_other_formats_stay_as_they_are() -> None:
    assert decode_reduced(encoded(gradient(320, 240), kind="PNG"), 10)[1] == 1


@pytest.mark.parametrize("max_pixels", [None, 50_000])
def test_damage_and_limits_are_found_as_before(max_pixels) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise))
    data = data if max_pixels else data[: len(data) // 2]
    with pytest.raises(PhotoError, match="too large a photo" if max_pixels else "damaged"):
        decode_reduced(data, 20, max_pixels)


def test_a_jpeg_without_its_end_is_whole() -> None:
    image, factor = decode_reduced(encoded(gradient(320, 240))[:-2], 20)
    assert image.shape[1] * factor == 320


@pytest.fixture(scope="module")
def detector(model: Path) -> MaskDetector:
    return MaskDetector.load(model, "yunet", detector_size=320, threads=1)


def enlarged(examples: Path, name: str, width: int, orientation: int = 1) -> bytes:
    with Image.open(examples / name) as photo:
        height = round(photo.height * width / photo.width / 16) * 16
        return encoded(photo.convert("RGB").resize((width, height)), orientation, quality=90)


@pytest.mark.parametrize("orientation", [1, 6])
def test_boxes_and_labels_are_those_of_the_whole_photo(detector, examples, orientation) -> None:
    data = enlarged(examples, "example_01.png", 1600)
    if orientation == 6:  # stored lying on its side, shown upright
        with Image.open(io.BytesIO(data)) as photo:
            turned = photo.transpose(Image.Transpose.ROTATE_90)
            data = encoded(turned, orientation, quality=95)
    whole = process_photo(data, "a", detector).record
    reduced = process_photo(data, "a", detector, keep_image=False)
    assert reduced.image is None
    assert len(whole["faces"]) == 4
    for key in ("width", "height", "counts"):
        assert reduced.record[key] == whole[key]
    pixel = 1600 / 320  # of the picture that the detector sees
    pairs = zip(
        *(sorted(e["faces"], key=lambda f: f["box"]) for e in (reduced.record, whole)), strict=True
    )
    for one, other in pairs:
        assert abs(np.subtract(one["box"], other["box"])).max() <= pixel
        assert one["label"] == other["label"]


@pytest.mark.parametrize(
    ("name", "width", "wholes"), [("example_08.jpg", 1600, 1), ("example_01.png", 1280, 0)]
)
def test_only_small_faces_are_cut_from_the_whole_photo(
    detector, examples, name, width, wholes
) -> None:
    data = enlarged(examples, name, width)
    calls = []
    image, factor = decode_reduced(data, detector.least_side)
    faces = detector.detect_reduced(
        image, factor, lambda: (calls.append(factor), decode_photo(data))[1]
    )
    assert calls == [2] * wholes
    whole = detector.detect(decode_photo(data))
    assert abs(len(faces) - len(whole)) <= 1
    assert faces[0].label == whole[0].label
    card = detector.classifier.card
    crops = crop_sides([face.box for face in faces], card.margin, card.square) / factor
    assert crops.min() < (card.input_size / 2 if wholes else card.input_size)


@pytest.mark.parametrize("with_picture", [False, True])
def test_pictures_are_written_at_full_size(detector, examples, tmp_path, with_picture) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(enlarged(examples, "example_01.png", 1600))
    target = tmp_path / "out.jpg"
    photo = Photo(path, Path("a.jpg"), picture=target if with_picture else None)
    processed = photo_processor(detector, PictureOptions())(photo)
    processed.put_picture()
    assert processed.record["width"] == 1600
    assert target.exists() == with_picture
    if with_picture:
        assert cv2.imread(str(target)).shape[1] == 1600


def test_thorough_searches_see_the_whole_photo(model) -> None:
    assert MaskDetector.load(model, "yunet").least_side is None
