"""Finding, cutting and classifying together, and what a face says of itself."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from face_detector import Detections
from mask_detector.classifier import Classifier
from mask_detector.crops import cut_crops
from mask_detector.detector import HIDING_SCORE, MaskDetector
from mask_detector.errors import ModelFileError
from mask_detector.faces import Face, count_faces, is_unsure, whole_pixels
from mask_detector.images import read_photo

CLASSES = ("with_mask", "without_mask")


def face(mask: float, **values) -> Face:
    return Face((1, 2, 3, 4), 0.9, {"with_mask": mask, "without_mask": 1 - mask}, **values)


class Finder:
    """Finds the boxes that it is told."""

    def __init__(self, *boxes):
        self.found = Detections(
            np.array(boxes, np.float32).reshape(-1, 4), np.linspace(0.9, 0.5, len(boxes))
        )

    def find(self, image):
        return self.found

    def find_with_candidates(self, image, lowest_score):
        assert lowest_score == HIDING_SCORE
        return self.found, Detections(self.found.boxes / 2, self.found.scores / 2)


@pytest.fixture(scope="module")
def classifier(shipped) -> Classifier:
    return Classifier(shipped)


@pytest.fixture(scope="module")
def photo(examples) -> np.ndarray:
    return read_photo(examples / "example_01.png")


def test_no_faces(classifier, photo):
    detector = MaskDetector(Finder(), classifier, 0.1)
    assert detector.detect(photo) == []
    assert detector.detect_many([]) == []
    assert detector.detect_many([photo, photo]) == [[], []]


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 500, 3), (300, 7, 3)])
@pytest.mark.parametrize("name", ["ssd", "yunet"])
def test_pictures_that_hold_nothing(model, name, shape):
    assert MaskDetector.load(model, name).detect(np.zeros(shape, np.uint8)) == []


def test_each_face_is_classified_from_its_own_crop(classifier, photo):
    boxes = [(50.2, 60.7, 150.1, 190), (300, 100, 340, 160), (600, 80, 799.6, 481.7)]
    card = classifier.card
    crops = cut_crops(photo, np.array(boxes), card.input_size, card.margin, card.square)
    wanted = classifier.probabilities(crops)
    faces = MaskDetector(Finder(*boxes), classifier, 0.0).detect(photo)
    assert [found.box for found in faces] == [
        (50, 61, 150, 190),
        (300, 100, 340, 160),
        (600, 80, 800, 482),
    ]
    for found, row in zip(faces, wanted, strict=True):
        assert list(found.probabilities) == list(classifier.classes)
        np.testing.assert_allclose(list(found.probabilities.values()), row, atol=1e-4)
    assert [found.score for found in faces] == pytest.approx([0.9, 0.7, 0.5])


def test_candidates_are_kept_apart_and_only_where_faces_are_hidden(classifier, photo):
    boxes = [(50, 60, 150, 190), (300, 100, 340, 160)]
    detector = MaskDetector(Finder(*boxes), classifier, 0.0)
    plain = detector.detect(photo)
    assert plain.candidates == []
    detector.hiding = True
    faces = detector.detect(photo)
    assert faces == plain
    assert [each.box for each in faces.candidates] == [(25, 30, 75, 95), (150, 50, 170, 80)]
    assert [each.score for each in faces.candidates] == pytest.approx([0.45, 0.25])
    assert detector.detect_many([]) == []


@pytest.mark.parametrize("name", ["ssd", "yunet"])
@pytest.mark.parametrize("thorough", [True, False])
def test_hiding_changes_no_face(examples, model, name, thorough):
    image = read_photo(examples / "example_08.jpg")
    # So high that some of its small faces are candidates, whatever the detector's weights.
    options = {"thorough": thorough, "confidence": 0.85}
    plain = MaskDetector.load(model, name, **options).detect(image)
    faces = MaskDetector.load(model, name, hiding=True, **options).detect(image)
    assert faces == plain
    assert faces.candidates
    assert all(HIDING_SCORE <= each.score < 0.85 for each in faces.candidates)


def test_several_pictures_keep_their_own_faces(classifier, photo, examples):
    class Finders:
        def find(self, image):
            height = image.shape[0]
            return Finder(*([(0, 0, height / 2, height / 2)] * (height % 3))).found

    photos = [photo[:400], photo[:401], photo[:399], photo[:402], photo[:401]]
    detector = MaskDetector(Finders(), classifier, 0.0)
    together = detector.detect_many(photos)
    assert [len(faces) for faces in together] == [1, 2, 0, 0, 2]
    assert together[1] == together[4]
    for faces, alone in zip(together, map(detector.detect, photos), strict=True):
        for one, other in zip(faces, alone, strict=True):
            assert one.box == other.box
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_labels_follow_the_card_not_the_alphabet(shipped, photo):
    boxes = [(50, 60, 150, 190), (300, 100, 340, 160)]
    before = MaskDetector(Finder(*boxes), Classifier(shipped), 0.0).detect(photo)
    swapped = dataclasses.replace(shipped.card, classes=shipped.card.classes[::-1])
    turned = Classifier(dataclasses.replace(shipped, card=swapped))
    after = MaskDetector(Finder(*boxes), turned, 0.0).detect(photo)
    for one, other in zip(before, after, strict=True):
        values = list(one.probabilities.values())
        assert list(other.probabilities) == list(reversed(one.probabilities))
        assert list(other.probabilities.values()) == pytest.approx(values)
        assert (
            other.label == dict(zip(one.probabilities, other.probabilities, strict=True))[one.label]
        )


def test_unsure_band_is_the_model_s_own_unless_told(model, shipped):
    assert MaskDetector.load(model).unsure == shipped.card.unsure
    assert MaskDetector.load(model, unsure=0.0).unsure == 0.0


def test_missing_model_is_a_sentence(tmp_path):
    with pytest.raises(ModelFileError, match="no such model file"):
        MaskDetector.load(tmp_path / "none.model")


@pytest.mark.parametrize(
    ("probabilities", "band", "unsure"),
    [
        ([0.5, 0.5], 0.0, False),
        ([0.64, 0.36], 0.15, True),
        ([0.66, 0.34], 0.15, False),
        ([0.34, 0.66], 0.15, False),
        ([0.2, 0.35, 0.45], 0.1, True),
        ([0.1, 0.3, 0.6], 0.1, False),
        ([0.17, 0.2, 0.46, 0.17], 0.1, True),  # less than an even chance
        ([0.17, 0.2, 0.46, 0.17], 0.0, False),
        ([1.0, 0.0], 0.5, False),
        ([0.99, 0.01], 0.5, True),
    ],
)
def test_unsure_is_a_small_lead(probabilities, band, unsure):
    assert is_unsure(probabilities, band) is unsure
    assert is_unsure(np.array(probabilities, np.float32), band) is unsure


def test_counts_name_every_class():
    assert count_faces([], CLASSES) == {"with_mask": 0, "without_mask": 0}
    faces = [face(0.9), face(0.2), face(0.8), face(0.55, unsure=True)]
    assert count_faces(faces, CLASSES) == {"with_mask": 2, "without_mask": 1, "unsure": 1}


def test_face_as_json():
    record = face(0.25).as_json()
    assert json.loads(json.dumps(record)) == {
        "box": [1, 2, 3, 4],
        "score": 0.9,
        "label": "without_mask",
        "probabilities": {"with_mask": 0.25, "without_mask": 0.75},
    }
    record = face(0.52, unsure=True, track=0).as_json()
    assert record["unsure"] is True
    assert record["track"] == 0
    assert record["label"] == "with_mask"


@pytest.mark.parametrize(
    ("box", "whole"),
    [
        ((0.4, 0.6, 9.6, 9.4), (0, 1, 10, 9)),
        ((-3, -3, 200, 200), (0, 0, 100, 50)),
        ((5.1, 5.1, 5.2, 5.2), (5, 5, 6, 6)),
        ((99.9, 49.9, 100, 50), (99, 49, 100, 50)),
    ],
)
def test_boxes_in_whole_pixels_lie_inside_and_are_never_empty(box, whole):
    assert whole_pixels(np.array(box, np.float32), 100, 50) == whole
