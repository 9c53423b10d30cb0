"""Photos as the app shows and packs them."""

from __future__ import annotations

import io
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mask_app.photos import results
from mask_app.photos.results import PhotoResult, as_zip, process, safe_name, with_unique_names
from mask_app.settings import Settings
from mask_detector.faces import Face
from mask_detector.images import decode_photo
from mask_detector.photos.parallel import PixelBudget

SETTINGS = Settings("yunet", 0.5, 0.1, "none")


def noise_png() -> bytes:
    image = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def face(score: float, unmasked: float) -> Face:
    probabilities = {"with_mask": 1 - unmasked, "without_mask": unmasked}
    return Face((50, 40, 90, 90), score, probabilities)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("", "photo"),
        ("me.jpg", "me.jpg"),
        ("../../etc/cron.d/me.jpg", "me.jpg"),
        ("C:\\Users\\me.jpg", "me.jpg"),
        ("/", "photo"),
        ("..", "photo"),
        ("a\x1b[2J\n\x9b.jpg", "a_[2J__.jpg"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("con.jpg", "_con.jpg"),
        ('a<b>:"|?*.jpg', "a_b______.jpg"),
        ("u\u0308ber.jpg", "\u00fcber.jpg"),
        ("\udcff.jpg", "?.jpg"),
        ("x" * 300 + ".jpeg", "x" * 50 + ".jpeg"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_are_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe.replace("?", "_")
    assert safe_name(safe_name(name)) == safe_name(name)


def test_names_in_a_zip_are_safe_and_unique() -> None:
    names = ["a/me.jpg", "b\\me.jpg", "ME.jpg", "../me.jpg", "\x1b.jpg"]
    photos = [process(name, noise_png(), lambda image: [], 1) for name in names]
    with zipfile.ZipFile(
        io.BytesIO(b"".join(as_zip(with_unique_names(photos), SETTINGS)))
    ) as archive:
        names = archive.namelist()
    assert len({name.casefold() for name in names}) == len(photos)
    assert not any(part in name for name in names for part in ("/", "\\", "..", "\x1b"))


def test_no_photo_keeps_the_others_from_a_zip() -> None:
    """One is longer than a JPEG can be, one cannot be decoded a second time."""
    wide = cv2.imencode(".png", np.zeros((2, 65_501, 3), np.uint8))[1].tobytes()
    photos = [
        process(name, data, lambda image: [], 1) for name, data in (("w", wide), ("a", noise_png()))
    ]
    photos.insert(0, replace(photos[1], name="b", data=b"damaged"))
    with zipfile.ZipFile(io.BytesIO(b"".join(as_zip(photos, SETTINGS)))) as archive:
        assert archive.namelist() == ["b_error.txt", "w_mask.png", "a_mask.jpg"]
        assert decode_photo(archive.read("w_mask.png")).shape == (2, 65_501, 3)


@pytest.mark.parametrize(
    ("score", "unmasked", "blur", "hidden"),
    [
        (0.9, 0.9, "none", False),
        (0.9, 0.9, "without_mask", True),
        (0.9, 0.1, "without_mask", False),
        (0.9, 0.55, "without_mask", True),
        (0.9, 0.1, "all", True),
        (0.3, 0.9, "without_mask", True),
        (0.3, 0.1, "all", True),
    ],
)
def test_blurring_hides_doubtful_faces_too(
    score: float, unmasked: float, blur: str, hidden: bool
) -> None:
    photo = process("a.png", noise_png(), lambda image: [face(score, unmasked)], 1)
    settings = replace(SETTINGS, blur=blur)
    inside = (slice(60, 80), slice(60, 80))
    original = decode_photo(photo.data)[inside]
    for drawn in (photo.drawn(settings), photo.drawn_small(settings)):
        assert (decode_photo(drawn)[inside].std() < original.std() / 2) == hidden


def test_a_photo_that_is_too_large_has_an_error() -> None:
    photo = process("a.png", noise_png(), lambda image: [], megapixels=0)
    assert photo.error is not None
    assert "too large" in photo.error
    assert PhotoResult("a.png", b"").chosen_faces(SETTINGS) == []


@pytest.mark.parametrize(("large", "at_once"), [(False, 2), (True, 1)])
def test_large_photos_are_processed_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, large: bool, at_once: int
) -> None:
    if large:
        monkeypatch.setattr(results, "_budget", PixelBudget(30_000))
    inside: list[int] = []
    most: list[int] = []
    both = threading.Barrier(at_once)

    def detect(image: np.ndarray) -> list[Face]:
        inside.append(1)
        both.wait(60)
        most.append(len(inside))
        both.wait(60)
        inside.pop()
        return []

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda name: process(name, noise_png(), detect, 1), ["a.png", "b.png"]))
    assert max(most) == at_once
