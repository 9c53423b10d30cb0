"""YuNet in Keras against ONNX Runtime, and the file that is written against the original."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest

from face_detector.training.onnx_file import convolutions, read_weights, with_weights
from face_detector.training.yunet_network import PARTS, build_network, file_with
from face_detector.weights import ORIGINAL
from face_detector.yunet import OUTPUTS, STRIDES, read_model, with_free_input_size


@pytest.fixture(scope="module")
def model() -> bytes:
    return read_model(ORIGINAL)


@pytest.fixture(scope="module")
def network(model: bytes) -> Any:
    return build_network(model)


def test_the_file_has_every_weight_once(model: bytes) -> None:
    weights = read_weights(model)
    names = [name for pair in convolutions(model) for name in pair]
    assert len(names) == len(set(names)) == 106
    assert sum(weights[name].size for name in names) == 53_104


def test_nothing_changes_in_the_file_but_what_is_written(model: bytes) -> None:
    weights = read_weights(model)
    assert with_weights(model, weights) == with_weights(model, {}) == model
    name, _ = convolutions(model)[0]
    changed = with_weights(model, {name: weights[name] + 1})
    assert len(changed) == len(model)
    np.testing.assert_array_equal(read_weights(changed)[name], weights[name] + 1)
    assert with_weights(changed, {name: weights[name]}) == model


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ({"unknown": np.zeros(1)}, "no tensor 'unknown'"),
        ({"420": np.zeros((1, 3, 3, 3))}, r"expected the shape \(16, 3, 3, 3\)"),
    ],
)
def test_wrong_weights_are_refused(
    model: bytes, weights: dict[str, np.ndarray], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        with_weights(model, weights)


@pytest.mark.parametrize("content", [b"", b"no ONNX file", bytes(100)])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_weights(content)


def test_outputs_equal_those_of_onnx_runtime(
    model: bytes, network: Any, photo: Callable[[str], np.ndarray]
) -> None:
    image = cv2.resize(photo("example_01.png"), (320, 256)).astype(np.float32)
    session = onnxruntime.InferenceSession(with_free_input_size(model))
    expected = dict(
        zip(OUTPUTS, session.run(OUTPUTS, {"input": image.transpose(2, 0, 1)[None]}), strict=True)
    )
    for stride, output in zip(STRIDES, network(image[None]), strict=True):
        channels = np.asarray(output).reshape(-1, sum(PARTS.values()))
        for part, values in zip(
            PARTS, np.split(channels, np.cumsum(list(PARTS.values()))[:-1], axis=1), strict=True
        ):
            if part in ("cls", "obj"):
                values = 1 / (1 + np.exp(-values))
            np.testing.assert_allclose(values, expected[f"{part}_{stride}"][0], atol=1e-4)


def test_unchanged_weights_give_the_original_file(model: bytes, network: Any) -> None:
    assert file_with(network, model) == model


def test_opencv_opens_changed_weights(
    model: bytes, tmp_path: Path, photo: Callable[[str], np.ndarray]
) -> None:
    network = build_network(model)
    for weight in network.trainable_variables:
        weight.assign(weight * 1.001)
    path = tmp_path / "changed.onnx"
    path.write_bytes(file_with(network, model))
    image = photo("example_01.png")
    height, width = image.shape[:2]
    detector = cv2.FaceDetectorYN.create(str(path), "", (width, height), 0.5)
    _, faces = detector.detect(image)
    assert len(faces) == 4
