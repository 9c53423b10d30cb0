"""The SSD in Keras against OpenCV, and the file that is written against the original."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from face_detector.ssd import CLASSIC_SIZE, MEAN_BGR, read_model
from face_detector.training.caffe_file import in_half_precision, read_weights, with_weights
from face_detector.training.ssd_network import (
    VARIANCES,
    build_network,
    file_with,
    prior_boxes,
    scale_and_shift,
)
from face_detector.weights import ORIGINAL, SSD_MASKED, SSD_PROTOTXT

LAYERS = ["mbox_loc", "mbox_conf", "mbox_priorbox"]


@pytest.fixture(scope="module")
def model() -> bytes:
    return SSD_MASKED.read_bytes()


@pytest.fixture(scope="module")
def network(model: bytes) -> Any:
    return build_network(model)


@pytest.fixture
def image(photo: Callable[[str], np.ndarray]) -> np.ndarray:
    return cv2.resize(photo("example_01.png"), (CLASSIC_SIZE, CLASSIC_SIZE))


def outputs_in_opencv(model: bytes, image: np.ndarray) -> list[np.ndarray]:
    """Boxes and scores before their decoding, and the prior boxes."""
    prototxt = np.frombuffer(SSD_PROTOTXT.read_bytes(), np.uint8)
    network = cv2.dnn.readNetFromCaffe(prototxt, np.frombuffer(model, np.uint8))
    size = (CLASSIC_SIZE, CLASSIC_SIZE)
    network.setInput(cv2.dnn.blobFromImage(image, 1.0, size, MEAN_BGR))
    return list(network.forward(LAYERS))


def outputs_in_keras(network: Any, image: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(output) for output in network(image[None].astype(np.float32))]


def test_outputs_equal_those_of_opencv(model: bytes, network: Any, image: np.ndarray) -> None:
    boxes, scores, priors = outputs_in_opencv(model, image)
    found = outputs_in_keras(network, image)
    np.testing.assert_allclose(found[0], boxes.reshape(1, -1, 4), atol=1e-4)
    np.testing.assert_allclose(found[1], scores.reshape(1, -1, 2), atol=1e-4)
    np.testing.assert_allclose(prior_boxes(), priors[0, 0].reshape(-1, 4), atol=1e-6)
    np.testing.assert_allclose(np.unique(priors[0, 1].reshape(-1, 4), axis=0), [VARIANCES])


def test_training_uses_the_statistics_of_the_file(network: Any, image: np.ndarray) -> None:
    batch = np.stack([image, image[::-1] // 2]).astype(np.float32)
    for found, expected in zip(network(batch, training=True), network(batch), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_nothing_changes_in_the_file_but_what_is_written(model: bytes) -> None:
    weights = read_weights(model)
    assert with_weights(model, weights) == model
    changed = with_weights(model, {"data_scale/1": weights["data_scale/1"] + 1})
    assert len(changed) == len(model)
    np.testing.assert_array_equal(
        read_weights(changed)["data_scale/1"], weights["data_scale/1"] + 1
    )


def test_unchanged_weights_give_the_same_file(model: bytes, network: Any) -> None:
    assert file_with(network, model) == model


def test_half_precision_halves_the_file_and_changes_little(image: np.ndarray) -> None:
    whole = read_model(ORIGINAL)
    half = in_half_precision(whole)
    assert len(half) < 0.51 * len(whole)
    assert in_half_precision(half) == half
    for found, expected in zip(
        outputs_in_opencv(half, image), outputs_in_opencv(whole, image), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_scores_follow_the_scale_and_the_shift(model: bytes, image: np.ndarray) -> None:
    network = build_network(model)
    before = outputs_in_keras(network, image)[1]
    scale_and_shift(network, 1.5, -0.5)
    after = outputs_in_keras(network, image)[1]
    np.testing.assert_allclose(
        after[..., 1] - after[..., 0], 1.5 * (before[..., 1] - before[..., 0]) - 0.5, atol=1e-3
    )


@pytest.mark.parametrize("content", [b"", b"no caffemodel", bytes(100)])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        build_network(content)


def test_other_networks_are_refused(model: bytes) -> None:
    with pytest.raises(ValueError, match="found no weights 'conv9_2_h/0'"):
        build_network(model.replace(b"conv9_2_h", b"conv9_2_x"))
