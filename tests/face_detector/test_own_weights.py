"""Our own weights of both detectors: opened by OpenCV alone, and no worse on the examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_detector import DETECTORS, load, ssd
from face_detector.detections import iou
from face_detector.training import caffe_file
from face_detector.training.onnx_file import convolutions, read_weights
from face_detector.weights import ORIGINAL, SSD_MASKED, YUNET_MASKED
from face_detector.yunet import read_model

PHOTOS = [f"example_{number:02}.{'png' if number == 1 else 'jpg'}" for number in range(1, 9)]


def test_opencv_opens_yunet_without_any_code_of_ours(examples: Path) -> None:
    image = cv2.imread(str(examples / "example_01.png"))
    height, width = image.shape[:2]
    _, faces = cv2.FaceDetectorYN.create(str(YUNET_MASKED), "", (width, height), 0.5).detect(image)
    assert faces.shape == (4, 15)


def test_opencv_opens_the_ssd_without_any_code_of_ours(repository: Path, examples: Path) -> None:
    folder = repository / "face_detector"
    network = cv2.dnn.readNetFromCaffe(
        str(folder / "deploy.prototxt"), str(folder / "ssd_masked.caffemodel")
    )
    image = cv2.imread(str(examples / "example_01.png"))
    network.setInput(cv2.dnn.blobFromImage(image, 1.0, (300, 300), (104.0, 177.0, 123.0)))
    assert (network.forward()[0, 0, :, 2] > 0.5).sum() == 4


def test_layers_of_the_ssd_are_the_originals() -> None:
    ours, original = (
        {name: array.shape for name, array in caffe_file.read_weights(model).items()}
        for model in (SSD_MASKED.read_bytes(), ssd.read_model(ORIGINAL))
    )
    assert ours == original


def test_names_and_shapes_are_the_originals() -> None:
    ours, original = YUNET_MASKED.read_bytes(), read_model(ORIGINAL)
    assert len(ours) == len(original)
    assert convolutions(ours) == convolutions(original)
    shapes, expected = (
        {name: array.shape for name, array in read_weights(model).items()}
        for model in (ours, original)
    )
    assert shapes == expected


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("name", PHOTOS)
def test_no_face_of_the_examples_is_lost(
    detector: str,
    name: str,
    photo: Callable[[str], np.ndarray],
    annotated: Callable[[str], np.ndarray],
) -> None:
    image, faces = photo(name), annotated(name)

    def found(weights: str | None) -> np.ndarray:
        boxes = load(detector, weights=weights).find(image).boxes.astype(float)
        return (iou(boxes, faces) > 0.5).any(axis=0)

    missed = ~found(None)
    # The SSD takes half a second for a photo: it searches twice only where there is a question.
    assert not missed.any() or not (missed & found(ORIGINAL)).any()
