"""The classifier: both engines answer alike, and a model file that does not fit is a sentence."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mask_detector.classifier import Classifier
from mask_detector.errors import ModelFileError
from mask_detector.models import compiled_network
from mask_detector.models.model_file import COMPILED_MEMBER, ModelFile, read_model


@pytest.fixture(scope="module")
def classifier(shipped) -> Classifier:
    return Classifier(shipped)


def without_compiled(file: ModelFile) -> ModelFile:
    return dataclasses.replace(file, compiled=None)


def test_no_crops_give_no_rows(classifier):
    size = classifier.card.input_size
    rows = classifier.probabilities(np.empty((0, size, size, 3), np.uint8))
    assert rows.shape == (0, len(classifier.classes))
    assert rows.dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 10, 10, 3), (128, 128, 3), (1, 128, 128, 1)])
def test_crops_of_another_shape_are_refused(classifier, shape):
    with pytest.raises(ValueError, match="expected crops"):
        classifier.probabilities(np.zeros(shape, np.uint8))


def test_rows_are_probabilities(classifier, faces):
    rows = classifier.probabilities(faces)
    assert rows.shape == (len(faces), len(classifier.classes))
    assert rows.dtype == np.float32
    assert rows.min() >= 0
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)


def test_faces_of_one_batch_do_not_touch_each_other(classifier, faces):
    """75 faces are more than one batch holds; each gets the answer that it gets by itself."""
    many = np.resize(faces, (75, *faces.shape[1:]))
    singly = np.concatenate([classifier.probabilities(crop[None]) for crop in faces])
    wanted = np.resize(singly, (75, singly.shape[1]))
    np.testing.assert_allclose(classifier.probabilities(many), wanted, atol=1e-4)


def test_mirrored_classifies_twice_and_returns_the_mean(shipped, classifier, faces):
    mirrored = Classifier(shipped, mirrored=True)
    many = np.resize(faces, (75, *faces.shape[1:]))
    many[:, :, : many.shape[2] // 2] = 0  # one half in the dark
    as_it_is, turned = (classifier.probabilities(crops) for crops in (many, many[:, :, ::-1]))
    assert abs(as_it_is - turned).max() > 0.001  # the network does tell left from right
    found = mirrored.probabilities(many)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (as_it_is + turned) / 2, atol=1e-4)
    np.testing.assert_allclose(mirrored.probabilities(many[:, :, ::-1]), found, atol=1e-4)
    assert mirrored.probabilities(many[:0]).shape == (0, len(classifier.classes))


def test_threads_may_share_a_classifier(classifier, faces):
    wanted = [classifier.probabilities(faces[: 1 + i % 4]) for i in range(24)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: classifier.probabilities(faces[: 1 + i % 4]), range(24)))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_compiled_network_answers_as_keras(shipped, faces, caplog):
    """Of the shipped model, on real faces."""
    compiled = Classifier(shipped).probabilities(faces)
    with caplog.at_level(logging.WARNING):
        in_keras = Classifier(without_compiled(shipped)).probabilities(faces)
    assert "no compiled network" in caplog.text
    assert "mask_detector.convert" in caplog.text
    np.testing.assert_allclose(compiled, in_keras, atol=0.15)
    assert abs(compiled - in_keras).mean() < 0.02
    clear = in_keras.max(axis=1) > 0.65
    np.testing.assert_array_equal(compiled.argmax(axis=1)[clear], in_keras.argmax(axis=1)[clear])


def test_small_network_answers_as_keras(small_model, small_network):
    crops = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), dtype=np.uint8)
    wanted = np.asarray(small_network(crops.astype(np.float32)))
    assert np.ptp(wanted[:, 0]) > 0.001  # it does tell them apart
    found = Classifier(read_model(small_model)).probabilities(crops)
    np.testing.assert_allclose(found, wanted, atol=0.005)


def test_classes_are_those_of_the_card_in_its_order(shipped, faces):
    """Another order in the card means another meaning of the outputs, whatever the alphabet."""
    swapped = dataclasses.replace(shipped.card, classes=shipped.card.classes[::-1])
    turned = Classifier(dataclasses.replace(shipped, card=swapped))
    assert turned.classes == shipped.card.classes[::-1]
    np.testing.assert_array_equal(
        turned.probabilities(faces), Classifier(shipped).probabilities(faces)
    )


def test_card_with_other_classes_than_outputs(shipped):
    card = dataclasses.replace(shipped.card, classes=("a", "b", "c", "d", "e"))
    with pytest.raises(ModelFileError, match="names 5 classes"):
        Classifier(dataclasses.replace(shipped, card=card))


@pytest.mark.parametrize("content", [b"x", b"not a network at all" * 100])
def test_damaged_compiled_network(shipped, content):
    with pytest.raises(ModelFileError, match="damaged"):
        Classifier(dataclasses.replace(shipped, compiled=content))


def test_truncated_compiled_network(shipped):
    content = shipped.compiled[: len(shipped.compiled) // 3]
    with pytest.raises(ModelFileError, match="damaged"):
        Classifier(dataclasses.replace(shipped, compiled=content))


def test_detection_never_imports_tensorflow(repository):
    """In a process of its own: other tests import it."""
    code = """
import sys
from mask_detector import MaskDetector
from mask_detector.images import read_photo
for name in ("ssd", "yunet"):
    assert MaskDetector.load(detector=name).detect(read_photo("examples/example_01.png"))
print([name for name in ("tensorflow", "keras", "h5py", "sklearn") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("statement", ["import mask_detector", "import face_detector"])
def test_importing_the_packages_loads_nothing(repository, statement):
    heavy = ("numpy", "cv2", "onnxruntime", "ai_edge_litert", "tensorflow")
    code = f"import sys; {statement}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_missing_compiled_member_is_read_as_none(small_model, tmp_path, rewritten):
    member = COMPILED_MEMBER.replace(".", "_")
    path = rewritten(small_model, tmp_path / "keras_only.model", **{member: None})
    assert read_model(path).compiled is None


@pytest.mark.parametrize(
    "row",
    [[np.nan, np.nan], [np.inf, 0], [-np.inf, np.inf], [0.5, 0.2], [3, -2], [0, 0]],
)
def test_outputs_that_are_no_probabilities(shipped, faces, monkeypatch, row):
    values = np.array([*row, 0, 0][: len(shipped.card.classes)], np.float32)
    healthy = np.eye(len(values), dtype=np.float32)[0]

    def network(crops):
        rows = np.tile(healthy, (len(crops), 1))
        rows[-1] = values if len(crops) > 1 else healthy  # the first run, of one crop, is good
        return rows

    monkeypatch.setattr(compiled_network, "load_network", lambda *arguments: network)
    classifier = Classifier(shipped)
    with pytest.raises(ModelFileError, match="gives no probabilities"):
        classifier.probabilities(faces)


def test_first_run_is_checked_too(shipped, monkeypatch):
    classes = len(shipped.card.classes)
    rows = np.full((1, classes), np.nan, np.float32)
    monkeypatch.setattr(compiled_network, "load_network", lambda *arguments: lambda crops: rows)
    with pytest.raises(ModelFileError, match=r"mask_detector\.model: its network gives no"):
        Classifier(shipped)
