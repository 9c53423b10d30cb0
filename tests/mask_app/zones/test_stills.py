"""Pictures to draw zones on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_app.settings import Settings
from mask_app.zones.stills import first_frame, still_of

SETTINGS = Settings("yunet", 0.5, 0.1, "all")


@pytest.mark.parametrize("mirror", [False, True])
def test_a_large_picture_is_made_smaller_and_says_its_size(mirror: bool) -> None:
    image = np.zeros((400, 1920, 3), np.uint8)
    image[:, :960] = 255
    still = still_of(image, mirror)
    assert (still.width, still.height) == (1920, 400)
    shown = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (200, 960, 3)
    assert (shown[100, 100].max() < 10) == mirror


def test_the_first_frame_of_a_video_hides_who_is_to_be_hidden(examples: Path, model: Path) -> None:
    video = examples / "example_video.mp4"
    still = first_frame(video, SETTINGS, model, megapixels=1)
    assert still is not None
    assert (still.width, still.height) == (480, 360)
    shown = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    original = cv2.VideoCapture(str(video)).read()[1]
    details = [
        cv2.Laplacian(image, cv2.CV_32F)[120:170, 70:110].std() for image in (shown, original)
    ]
    assert details[0] < details[1] / 2


def test_a_file_without_pictures_has_no_still(tmp_path: Path, model: Path) -> None:
    (tmp_path / "letter.mp4").write_text("Dear all")
    assert first_frame(tmp_path / "letter.mp4", SETTINGS, model, megapixels=1) is None
