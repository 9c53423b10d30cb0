"""The report on the test photos: counted as detection classifies, in text and in figures."""

from __future__ import annotations

import numpy as np
import pytest

from mask_detector.models.model_file import ModelCard, read_model
from mask_detector.training.report import evaluate_model


def test_report_counts_as_detection_classifies(small_model, samples, classes):
    file = read_model(small_model)
    card = ModelCard(classes, file.card.input_size)
    report = evaluate_model(file.compiled, card, samples, 1.0)
    assert report.confusion.sum() == 24
    np.testing.assert_array_equal(report.confusion.sum(axis=1), [16, 8])
    recalls = report.confusion.diagonal() / [16, 8]
    assert report.scores["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert report.scores["accuracy"] == pytest.approx(report.confusion.trace() / 24)
    assert report.scores["test_faces"] == 24
    for name in classes:
        assert name in report.text


def test_report_tells_the_calibration_error_without_the_temperature(small_model, samples, classes):
    file = read_model(small_model)
    card = ModelCard(classes, file.card.input_size)
    alike = evaluate_model(file.compiled, card, samples, 1.0).scores
    assert alike["expected_calibration_error_uncalibrated"] == pytest.approx(
        alike["expected_calibration_error"], abs=1e-6
    )
    sharper = evaluate_model(file.compiled, card, samples, 3.0).scores
    assert sharper["expected_calibration_error"] == alike["expected_calibration_error"]
    assert sharper["expected_calibration_error_uncalibrated"] != pytest.approx(
        alike["expected_calibration_error"]
    )
