"""Pictures of what was detected."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mask_detector.video.canvas import Canvas, CanvasOptions
from mask_detector.video.captures import SourceOptions
from mask_detector.video.sources import Frame, Source
from mask_detector.video.tracking import TrackedFace
from mask_detector.video.view import View
from mask_detector.video.zones import parse_zone


def view_of(image: np.ndarray, source: int = 0, time_s: float = 0.0) -> View:
    """An unmasked face on the lower left of a picture."""
    height, width = image.shape[:2]
    box = (width // 10, height * 6 // 10, width * 3 // 10, height * 8 // 10)
    probabilities = {"with_mask": 0.2, "without_mask": 0.8}
    face = TrackedFace(box, 0.9, probabilities, track=1, decided="without_mask")
    counts = {"with_mask": 0, "without_mask": 1}
    return View(source, "camera", True, Frame(image, 0, time_s), [face], [], counts, counts)


def red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 2] > 200) & (picture[..., 1] < 50) & (picture[..., 0] < 50)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_picture_has_its_box_where_the_face_is(mirror: bool) -> None:
    image = np.full((400, 600, 3), 128, np.uint8)
    image[:, 590:] = 255
    canvas = Canvas([Source("0", SourceOptions())], CanvasOptions(mirror=mirror))
    assert not canvas.started
    picture = canvas.draw([view_of(image, time_s=1.5)])
    assert canvas.started
    assert canvas.time_s == 1.5
    right, left = red(picture)[240:320, 420:540].sum(), red(picture)[240:320, 60:180].sum()
    here, there = (right, left) if mirror else (left, right)
    assert here > 300
    assert there == 0
    assert picture[390, 5].tolist() == [255 if mirror else 128] * 3


def test_boxes_and_counts_can_be_left_out() -> None:
    source, image = Source("0", SourceOptions()), np.full((400, 600, 3), 128, np.uint8)
    drawn = {}
    for boxes in (True, False):
        for counts in (True, False):
            canvas = Canvas([source], CanvasOptions(no_boxes=not boxes, no_counts=not counts))
            drawn[boxes, counts] = canvas.draw([view_of(image.copy())]) != image
    assert not drawn[False, False].any()
    assert drawn[True, False][240:320].any() and not drawn[True, False][:40].any()
    assert drawn[False, True][:40].any() and not drawn[False, True][100:].any()
    assert (drawn[True, True] == (drawn[True, False] | drawn[False, True])).all()


def test_labels_may_have_other_names() -> None:
    pictures = []
    for names in ((), (("without_mask", "Ohne Maske"),)):
        canvas = Canvas([Source("0", SourceOptions())], CanvasOptions(names=names))
        pictures.append(canvas.draw([view_of(np.full((400, 600, 3), 128, np.uint8))]))
    assert (pictures[0] != pictures[1]).any()


def test_a_recording_does_not_depend_on_the_machine_s_speed() -> None:
    image, pictures = np.full((400, 600, 3), 128, np.uint8), []
    for pause in (0.0, 0.05):
        canvas = Canvas([Source("0", SourceOptions())])
        for number in range(3):
            time.sleep(pause)
            picture = canvas.draw([view_of(image.copy(), time_s=number)])
        pictures.append(picture)
    assert (pictures[0] == pictures[1]).all()


def test_zones_are_drawn() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    zone = parse_zone("0.5,0.5,1,0.5,1,1,0.5,1")
    canvas = Canvas([Source("0", SourceOptions())], CanvasOptions([zone]))
    assert canvas.draw([view_of(image)])[100, 150].min() > 200


def test_several_sources_are_tiled_and_a_missing_one_says_so() -> None:
    canvas = Canvas([Source(name, SourceOptions()) for name in "012"])
    first = canvas.draw([view_of(np.full((360, 640, 3), 90, np.uint8), source=1)])
    assert first.shape == (720, 1280, 3)
    assert first[340, 1120].tolist() == [90] * 3
    assert first[340:360, 10:60].max() > 0  # "no picture" in the first tile's corner
    kept = first.copy()
    second = canvas.draw([view_of(np.full((360, 640, 3), 50, np.uint8), source=0)])
    assert second[340, 480].tolist() == [50] * 3
    assert second[340, 1120].tolist() == [90] * 3
    assert np.array_equal(first, kept)  # it may be on its way into a file
