"""Measured skin tone: the angle of known colours, its correction for light, the script."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

from benchmarks import skin_tone
from benchmarks.accuracy_slices import read_slices
from face_detector import Detections
from mask_detector.training.annotations import read_annotations

BOX = np.array([100.0, 80, 200, 200])
LANDMARKS = BOX[:2] + skin_tone._USUAL_LANDMARKS * (BOX[2:] - BOX[:2])


def picture(skin: tuple[int, int, int], light=(1.0, 1.0, 1.0)) -> np.ndarray:
    """A face of one colour (BGR) with dark eyes under a white lamp."""
    image = np.full((300, 300, 3), 110.0)
    image[:60] = 243  # 0.9 in linear light
    image[80:200, 100:200] = skin
    image[118:128, 110:190] = 30
    linear = (image / 255) ** 2.2 * light
    return (linear ** (1 / 2.2) * 255).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("skin", "tone"),
    [
        ((180, 200, 235), "light"),
        ((110, 150, 190), "intermediate"),
        ((40, 60, 95), "dark"),
    ],
)
def test_angle_of_known_colours(skin, tone):
    lab = cv2.cvtColor(np.full((1, 1, 3), skin, np.float32) / 255, cv2.COLOR_BGR2Lab)[0, 0]
    expected = np.degrees(np.arctan2(lab[0] - 50, lab[2]))
    angle = skin_tone.typology_angle(picture(skin), BOX, LANDMARKS)
    assert angle == pytest.approx(expected, abs=3)
    assert skin_tone.tone_of(angle) == tone


@pytest.mark.parametrize("light", [(0.85, 1, 1.05), (0.5, 0.5, 0.5), (0.9, 0.8, 0.7)])
def test_light_is_corrected(light):
    skin = (110, 150, 190)
    white = skin_tone.typology_angle(picture(skin), BOX, LANDMARKS)
    other = skin_tone.typology_angle(picture(skin, light), BOX, LANDMARKS)
    assert other == pytest.approx(white, abs=8)


@pytest.mark.parametrize(
    ("image", "landmarks"),
    [
        (picture((120, 120, 120)), LANDMARKS),  # no colours
        (picture((150, 120, 60)), LANDMARKS),  # a blue mask over everything
        (picture((110, 150, 190)), LANDMARKS + 1000),  # outside the photo
        (picture((110, 150, 190)), np.ones((5, 2))),  # no size
    ],
)
def test_what_is_no_skin_is_not_measured(image, landmarks):
    angle = skin_tone.typology_angle(image, BOX, landmarks)
    assert np.isnan(angle) and skin_tone.tone_of(angle) is None


class Found:
    """A face detector that finds these faces."""

    def __init__(self, detections: Detections) -> None:
        self.detections = detections

    def find(self, image: np.ndarray) -> Detections:
        assert image.shape == (240, 240, 3)
        return self.detections


def test_landmarks_of_faces_that_are_not_found_are_where_they_usually_are():
    image = picture((110, 150, 190))
    nothing = Found(Detections.none(landmarks=True))
    assert skin_tone.find_landmarks(nothing, image, BOX) == pytest.approx(LANDMARKS)
    # The face is 100 pixels high in the middle of the crop of 240.
    boxes = np.array([[80, 70, 160, 170], [0, 0, 30, 30]], np.float32)
    points = np.full((2, 5, 2), 120, np.float32)
    found = Found(Detections(boxes, np.ones(2, np.float32), points))
    there = skin_tone.find_landmarks(found, image, BOX)
    assert there == pytest.approx(np.full((5, 2), (150, 140)))


def test_script_writes_slices(run, examples, tmp_path):
    output = tmp_path / "new" / "tones.csv"
    (photo,) = examples.glob("example_01.*")
    shutil.copy(photo, tmp_path)
    annotations = json.loads((examples / "annotations" / "faces.json").read_text())
    annotations["images"] = [i for i in annotations["images"] if i["file_name"] == photo.name]
    number = annotations["images"][0]["id"]
    annotations["annotations"] = [
        face for face in annotations["annotations"] if face["image_id"] == number
    ]
    (tmp_path / "faces.json").write_text(json.dumps(annotations))
    result = run(
        "benchmarks.skin_tone", "--images", tmp_path, "--annotations", tmp_path, "--output", output
    )
    assert result.returncode == 0, result.stderr
    photos, _ = read_annotations(tmp_path, tmp_path)
    slices, problems = read_slices([output], photos)
    assert problems == []
    tones = slices["measured skin tone"]
    assert set(tones) <= set(skin_tone.LOWEST_ANGLES)
    for tone, one in tones.items():
        assert f"{one.members[photos[0].path].sum()} {tone}" in result.stdout


def test_script_says_in_one_sentence_what_is_wrong(run, examples, tmp_path):
    result = run(
        "benchmarks.skin_tone",
        *("--images", examples, "--annotations", examples / "annotations"),
        *("--part", "test", "--output", tmp_path / "tones.csv"),
    )
    assert result.returncode == 2
    assert "--part test needs --groups" in result.stderr
