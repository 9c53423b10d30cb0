"""Our own weights of YuNet: opened by OpenCV alone, and no worse on the examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_detector import load
from face_detector.detections import iou
from face_detector.training.onnx_file import convolutions, read_weights
from face_detector.weights import ORIGINAL, YUNET_MASKED
from face_detector.yunet import read_model

PHOTOS = [f"example_{number:02}.{'png' if number == 1 else 'jpg'}" for number in range(1, 9)]


def test_opencv_opens_them_without_any_code_of_ours(examples: Path) -> None:
    image = cv2.imread(str(examples / "example_01.png"))
    height, width = image.shape[:2]
    _, faces = cv2.FaceDetectorYN.create(str(YUNET_MASKED), "", (width, height), 0.5).detect(image)
    assert faces.shape == (4, 15)


def test_names_and_shapes_are_the_originals() -> None:
    ours, original = YUNET_MASKED.read_bytes(), read_model(ORIGINAL)
    assert len(ours) == len(original)
    assert convolutions(ours) == convolutions(original)
    shapes, expected = (
        {name: array.shape for name, array in read_weights(model).items()}
        for model in (ours, original)
    )
    assert shapes == expected


@pytest.mark.parametrize("name", PHOTOS)
def test_no_face_of_the_examples_is_lost(
    name: str,
    photo: Callable[[str], np.ndarray],
    annotated: Callable[[str], np.ndarray],
) -> None:
    image, faces = photo(name), annotated(name)
    found, before = (
        load("yunet", weights=weights).find(image).boxes.astype(float)
        for weights in (YUNET_MASKED, ORIGINAL)
    )
    lost = (iou(before, faces) > 0.5).any(axis=0) & ~(iou(found, faces) > 0.5).any(axis=0)
    assert not lost.any()
