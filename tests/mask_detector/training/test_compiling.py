"""Number formats: what they hold, and which is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mask_detector.classifier import Classifier
from mask_detector.models.model_file import ModelCard, ModelFile
from mask_detector.training import compiling
from mask_detector.training.compiling import (
    FORMATS,
    Compiled,
    choose_format,
    compile_best,
    compile_network,
)
from mask_detector.training.samples import label_indices
from mask_detector.training.streams import training_stream, validation_streams

CARD = ModelCard(("a", "b"), 32)
LABELS = np.repeat([0, 1], 1000)


@pytest.mark.parametrize(
    ("losses", "wrong", "milliseconds", "wanted"),
    [
        # log loss and wrong faces of 2,000 of each format, in the order of FORMATS
        ([0.1, 0.1, 0.1], [0, 0, 0], [3, 2, 1], "int8"),
        ([0.1, 0.1, 0.1], [0, 0, 0], [3, 1, 2], "float16"),
        ([0.1, 0.1, 0.106], [0, 0, 0], [3, 2, 1], "int8"),
        ([0.1, 0.1, 0.108], [0, 0, 0], [3, 2, 1], "float16"),  # a twentieth and 0.002 is most
        ([0.001, 0.001, 0.002], [0, 0, 0], [3, 2, 1], "int8"),  # next to nothing
        ([0.1, 0.1, 0.09], [0, 0, 0], [3, 2, 1], "int8"),  # is even better
        ([0.5, 0.5, 0.5], [0, 0, 19], [3, 2, 1], "int8"),
        ([0.5, 0.5, 0.5], [0, 0, 21], [3, 2, 1], "float16"),
        ([0.1, 0.1, 0.1], [0, 0, 0], [1, 3, 2], "int8"),  # float32 is never chosen
        ([0.1, 0.2, 0.3], [0, 0, 0], [1, 3, 2], "float16"),  # nothing is as good
    ],
)
def test_fastest_format_that_is_as_accurate(monkeypatch, losses, wrong, milliseconds, wanted):
    class Answers:
        def __init__(self, file):
            self.index = FORMATS.index(file.compiled)

        def probabilities(self, crops):
            right = np.full(len(LABELS), np.exp(-losses[self.index]))
            right[: wrong[self.index]] = 0.49  # nearly as sure, but the other label
            rows = np.stack([1 - right, right], axis=1)
            rows[LABELS == 0] = rows[LABELS == 0, ::-1]
            return rows

    monkeypatch.setattr(compiling, "compile_network", lambda model, format, crops: format)
    monkeypatch.setattr(compiling, "Classifier", Answers)
    monkeypatch.setattr(
        compiling, "milliseconds", lambda answers, crops: milliseconds[answers.index]
    )
    chosen, results = choose_format(None, CARD, np.empty((2000, 0)), LABELS, np.empty((0,)))
    assert chosen.format == wanted
    assert [result.format for result in results] == list(FORMATS)
    for result, count in zip(results, wrong, strict=True):
        assert result.balanced_accuracy == pytest.approx(1 - count / 2000)


@pytest.fixture(scope="module")
def convolutions() -> Any:
    """A network with the layers of MobileNetV2 in small: it compiles in seconds."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(7)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(32, 3, strides=2, activation="relu6"),
            layers.DepthwiseConv2D(3, strides=2, activation="relu6"),
            layers.Conv2D(256, 1),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(128, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_smaller_formats_predict_nearly_the_same_from_fewer_bytes(convolutions, capfd):
    crops = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    wanted = np.asarray(convolutions(crops.astype(np.float32)))
    sizes = {}
    for format, tolerance in (("float32", 1e-4), ("float16", 0.005), ("int8", 0.1)):
        flatbuffer = compile_network(convolutions, format, crops[:8])
        found = Classifier(ModelFile(Path(format), CARD, flatbuffer, lambda: None))
        np.testing.assert_allclose(found.probabilities(crops), wanted, atol=tolerance)
        sizes[format] = len(flatbuffer)
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert sizes["int8"] < 0.45 * sizes["float32"]
    assert capfd.readouterr().out == ""


def test_best_format_is_measured_on_validation_and_calibrated_on_training_crops(
    samples, classes, recipe, tmp_path, monkeypatch, capsys
):
    formats = [
        Compiled("float16", b"1", 0.1, 0.9512, 4.04),
        Compiled("int8", b"2", 0.11, 0.9508, 2.06),
    ]
    asked = []

    def choose(model, card, crops, labels, calibration):
        asked.append((crops, labels, calibration))
        return formats[1], formats

    monkeypatch.setattr(compiling, "choose_format", choose)
    learn = training_stream(samples, classes, recipe, tmp_path)
    near, _ = validation_streams(samples[:10], classes, recipe, tmp_path)
    assert compile_best(None, ModelCard(classes, 32), learn, near) is formats[1]
    ((crops, labels, calibration),) = asked
    assert crops.dtype == calibration.dtype == np.uint8
    np.testing.assert_array_equal(labels, label_indices(samples[:10], classes))
    assert len(calibration) == len(samples)
    printed = capsys.readouterr().out.splitlines()
    assert "float16: 4.0 ms" in printed[0]
    assert "0.1100 and balanced accuracy 0.9508 on validation photos (chosen)" in printed[1]
