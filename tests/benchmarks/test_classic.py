"""The classic recipe: what the peer does with the face detector's answer, step by step."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from benchmarks.classic import ClassicDetector
from face_detector import weights
from mask_detector.models import legacy

WIDTH, HEIGHT = 120, 80


class Network:
    """Stands for the SSD: gives rows of score, x1, y1, x2, y2 in shares of the photo."""

    def __init__(self, *rows: tuple[float, ...]) -> None:
        self.rows = rows

    def setInput(self, blob: np.ndarray) -> None:
        assert blob.shape == (1, 3, 300, 300)

    def forward(self) -> np.ndarray:
        rows = [[0, 1, *row] for row in self.rows]
        return np.array(rows, np.float32).reshape(1, 1, -1, 7)


class Model:
    """Stands for the Keras model: keeps what it is shown, calls all that is red masked."""

    def predict(self, batch: np.ndarray, **options: object) -> np.ndarray:
        self.batch = batch
        masked = batch[..., 0].mean(axis=(1, 2)) / 255
        return np.stack([masked, 1 - masked], axis=1)


def detector_seeing(*rows: tuple[float, ...]) -> ClassicDetector:
    detector = ClassicDetector.__new__(ClassicDetector)
    detector.confidence = 0.5
    detector._network, detector._model = Network(*rows), Model()
    return detector


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="none"),
        pytest.param([(0.5, 0.1, 0.1, 0.5, 0.5)], id="a score of 0.5 is not above it"),
        pytest.param([(0.9, 1.1, 0.1, 1.3, 0.5)], id="outside"),
        pytest.param([(0.9, 0.5, 0.1, 0.2, 0.5)], id="inverted"),
    ],
)
def test_no_faces(photo, rows):
    assert detector_seeing(*rows).detect(photo) == []


def test_boxes_are_cut_as_the_peer_cuts_them(photo):
    detector = detector_seeing((0.9, 0.105, 0.13, 0.5, 0.5), (0.8, -0.2, -0.1, 1.4, 1.2))
    faces = detector.detect(photo)
    # Cut to whole pixels, and the last column and row are lost.
    assert [face.box for face in faces] == [(12, 10, 60, 40), (0, 0, 119, 79)]
    assert [face.score for face in faces] == pytest.approx([0.9, 0.8])


def test_crops_are_squeezed_rgb(photo):
    detector = detector_seeing((0.9, 0.1, 0.1, 0.5, 0.5), (0.8, 0, 0, 1, 1))
    detector.detect(photo)
    crops = [photo[8:40, 12:60], photo[0:79, 0:119]]
    expected = [cv2.resize(crop[..., ::-1].copy(), (224, 224)) for crop in crops]
    np.testing.assert_array_equal(detector._model.batch, expected)
    assert detector._model.batch.dtype == np.float32


def test_first_output_is_the_mask(photo):
    photo[:] = (0, 0, 255)  # red: the model above calls it masked
    (face,) = detector_seeing((0.9, 0.1, 0.1, 0.5, 0.5)).detect(photo)
    assert face.probabilities == {"with_mask": 1.0, "without_mask": 0.0}


@pytest.mark.skipif(
    not (weights.folder() / legacy.CLASSIC_MODEL.name).exists(),
    reason="the classic model has not been fetched: python -m benchmarks.classic --image PHOTO",
)
def test_script_on_a_photo(run_script, examples):
    result = run_script("benchmarks.classic", "--image", examples / "example_02.jpg", timeout=400)
    assert result.returncode == 0, result.stderr
    faces = json.loads(result.stdout)["faces"]
    assert len(faces) >= 1
    assert all(sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3) for face in faces)


def test_script_on_no_photo(run, tmp_path):
    result = run("benchmarks.classic", "--image", tmp_path / "none.jpg")
    assert result.returncode == 2
    assert "none.jpg: cannot be read as a photo" in result.stderr
