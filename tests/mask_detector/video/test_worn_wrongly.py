"""A film in which a mask slides from the nose to the chin, seen with the model of three classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mask_detector.detector import MaskDetector
from mask_detector.images import read_photo
from mask_detector.training.drawn.masks import draw_mask
from mask_detector.video.sources import Frame
from mask_detector.video.watching import Watch

RATE = 25
IN_TIME_S = 0.5

# Seconds, how far the mask has slid down in distances between the eyes, and what is right then.
STAGES = (
    (0.8, 0.0, "with_mask"),
    (1.0, 0.6, "incorrect_mask"),
    (1.0, 1.6, "without_mask"),
)
SLIDING_FRAMES = 4


class Film:
    """A source that is no file."""

    name = "a mask that slides"
    live = False


def frames(photo: np.ndarray, landmarks: np.ndarray, style: str) -> Iterator[tuple[Frame, str]]:
    """The film's frames, each with the label that is right in it."""
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    number, last = 0, STAGES[0][1]
    for seconds, slid, label in STAGES:
        drawn: dict[float, np.ndarray] = {}
        for step in range(round(seconds * RATE)):
            place = last + (slid - last) * min(1.0, (step + 1) / SLIDING_FRAMES)
            if place not in drawn:
                moved = landmarks + np.array([0, place * eyes])
                drawn[place] = draw_mask(photo, moved, style, np.random.default_rng(4))
            yield Frame(drawn[place], number, number / RATE), label
            number += 1
        last = slid


@pytest.mark.parametrize("style", ["surgical", "black"])
def test_a_mask_that_slides_down_is_followed(repository: Path, examples: Path, style: str) -> None:
    detector = MaskDetector.load(
        repository / "mask_detector_3.model", "yunet", detector_size=320, thorough=False
    )
    photo = read_photo(examples / "example_03.jpg")
    landmarks = detector.face_detector.find(photo).landmarks
    assert landmarks is not None
    watch = Watch(Film(), 0, detector)
    since, stage = 0.0, ""
    for frame, label in frames(photo, landmarks[0].astype(float), style):
        if label != stage:
            since, stage = frame.time_s, label
        view = watch.update(frame, detector.detect_many([frame.image])[0])
        if frame.time_s - since >= IN_TIME_S:
            assert [face.counted_as for face in view.faces] == [label], frame.time_s
