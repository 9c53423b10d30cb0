"""Number formats: what they hold, and which is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mask_detector.classifier import Classifier
from mask_detector.model_file import ModelCard, ModelFile
from mask_detector.training import compiling
from mask_detector.training.compiling import FORMATS, choose_format, compile_network

CARD = ModelCard(("a", "b"), 64)
LABELS = np.repeat([0, 1], 1000)


@pytest.mark.parametrize(
    ("recalls", "milliseconds", "wanted"),
    [
        # recall of each class, in the order of FORMATS
        ([(1, 1), (1, 1), (1, 1)], [3, 2, 1], "int8"),
        ([(1, 1), (1, 1), (1, 1)], [3, 1, 2], "float16"),
        ([(1, 1), (1, 1), (1, 0.997)], [3, 2, 1], "int8"),  # loses 0.0015
        ([(1, 1), (1, 1), (1, 0.995)], [3, 2, 1], "float16"),  # loses 0.0025
        ([(0.9, 0.9), (0.9, 0.9), (0.95, 0.93)], [3, 2, 1], "int8"),  # is even better
        ([(1, 1), (1, 1), (1, 1)], [1, 3, 2], "int8"),  # float32 is never chosen
        ([(1, 1), (0.9, 1), (0.8, 1)], [1, 3, 2], "float16"),  # nothing is as good
    ],
)
def test_quickest_format_that_is_as_accurate(monkeypatch, recalls, milliseconds, wanted):
    class Answers:
        def __init__(self, file):
            self.format = file.compiled

        def probabilities(self, crops):
            recall = recalls[FORMATS.index(self.format)]
            wrong = np.concatenate([np.arange(1000) >= 1000 * share for share in recall])
            return np.eye(2)[np.where(wrong, 1 - LABELS, LABELS)]

    monkeypatch.setattr(compiling, "compile_network", lambda model, format, crops: format)
    monkeypatch.setattr(compiling, "Classifier", Answers)
    monkeypatch.setattr(
        compiling,
        "milliseconds",
        lambda answers, crops: milliseconds[FORMATS.index(answers.format)],
    )
    chosen, results = choose_format(None, CARD, np.empty((2000, 0)), LABELS, np.empty((0,)))
    assert chosen.format == wanted
    assert [result.format for result in results] == list(FORMATS)
    for result, recall in zip(results, recalls, strict=True):
        assert result.balanced_accuracy == pytest.approx(np.mean(recall), abs=1e-3)


def test_smaller_formats_say_nearly_the_same_from_fewer_bytes(small_network, capfd):
    crops = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    wanted = np.asarray(small_network(crops.astype(np.float32)))
    sizes = {}
    for format, tolerance in (("float32", 1e-4), ("float16", 0.005), ("int8", 0.1)):
        flatbuffer = compile_network(small_network, format, crops[:8])
        found = Classifier(ModelFile(Path(format), CARD, flatbuffer, lambda: None))
        np.testing.assert_allclose(found.probabilities(crops), wanted, atol=tolerance)
        sizes[format] = len(flatbuffer)
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert sizes["int8"] < 0.45 * sizes["float32"]
    assert capfd.readouterr().out == ""
