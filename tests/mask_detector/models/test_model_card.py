"""The model card's thresholds; the rest is tested with the files that hold cards."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mask_detector.errors import ModelFileError
from mask_detector.models.model_card import ModelCard, weigh_by_thresholds

THREE = ("with_mask", "without_mask", "incorrect_mask")


def test_a_class_is_likeliest_from_its_threshold_on():
    card = ModelCard(THREE, 96, thresholds={"incorrect_mask": 0.8})
    rows = np.array([[0.21, 0.0, 0.79], [0.19, 0.0, 0.81], [0.9, 0.05, 0.05]])
    weighed = weigh_by_thresholds(rows, card)
    np.testing.assert_allclose(weighed.sum(axis=1), 1)
    assert weighed.argmax(axis=1).tolist() == [0, 2, 0]
    assert weighed[1, 2] == pytest.approx(0.81 * 0.25 / (0.81 * 0.25 + 0.19))


def test_a_card_without_thresholds_changes_nothing():
    """Cards of older files have none."""
    text = json.loads(ModelCard(THREE, 96).to_json())
    del text["thresholds"]
    card = ModelCard.from_json(json.dumps(text))
    rows = np.array([[0.2, 0.0, 0.8]])
    assert weigh_by_thresholds(rows, card) is rows


@pytest.mark.parametrize(
    ("thresholds", "sentence"),
    [
        ({"hat": 0.5}, "threshold of 'hat', but the classes are"),
        ({"with_mask": 0}, "threshold of 'with_mask' must be between 0 and 1"),
        ({"with_mask": "x"}, "between 0 and 1"),
        ([], "thresholds must be a table"),
    ],
)
def test_thresholds_that_make_no_sense(thresholds, sentence):
    with pytest.raises(ModelFileError, match=sentence):
        ModelCard(THREE, 96, thresholds=thresholds)
