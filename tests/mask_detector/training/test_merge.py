"""Two classes out of three: what the merged model says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mask_detector.errors import ModelFileError
from mask_detector.models.model_card import ModelCard, weigh_by_thresholds
from mask_detector.models.model_file import ModelFile
from mask_detector.training import network
from mask_detector.training.merge import merged

pytest.importorskip("tensorflow")

THREE = ("without_mask", "incorrect_mask", "with_mask")


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> ModelFile:
    card = ModelCard(THREE, 32, thresholds={"incorrect_mask": 0.8})
    net = network.build_network(THREE, 32, 0.35, blocks=4)
    logits = net.get_layer(network.LOGITS)
    logits.set_weights([logits.get_weights()[0], np.array([0.3, 1.5, 0.1])])
    path = tmp_path_factory.mktemp("model") / "three.model"
    return ModelFile(
        path, card, None, lambda: network.with_probabilities(net, THREE, 0.35, blocks=4)
    )


def test_a_quarter_of_worn_wrongly_is_mask(three):
    crops = np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)
    rows = weigh_by_thresholds(np.asarray(three.load_keras()(crops)), three.card)
    found = np.asarray(merged(three)(crops))
    np.testing.assert_allclose(found[:, 0], rows[:, 2] + 0.25 * rows[:, 1], atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_other_classes_are_refused(three):
    named = dataclasses.replace(three.card, classes=("a", "b", "c"), thresholds={})
    with pytest.raises(ModelFileError, match="expected the classes"):
        merged(dataclasses.replace(three, card=named))
