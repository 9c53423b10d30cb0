"""Matching, average precision, accuracy and intervals, against pycocotools and by hand."""

from __future__ import annotations

from dataclasses import replace

import coco_reference
import numpy as np
import pytest

from mask_detector.training import evaluation
from mask_detector.training.evaluation import ALL_SIZES, PhotoBoxes

NONE = np.empty((0, 4))
FACE = np.array([[10.0, 10.0, 30.0, 30.0]])


def photo_of(boxes=NONE, ignored=NONE, found=NONE, scores=()) -> PhotoBoxes:
    return PhotoBoxes(*(np.asarray(part, float) for part in (boxes, ignored, found, scores)))


def random_boxes(random: np.random.Generator, number: int) -> np.ndarray:
    corners = random.uniform(0, 120, (number, 2))
    return np.hstack([corners, corners + random.uniform(8, 90, (number, 2))])


def random_photo(random: np.random.Generator) -> PhotoBoxes:
    """Faces, most of them found with shifted boxes, and boxes where nothing is."""
    boxes = random_boxes(random, random.integers(0, 6))
    near = np.repeat(boxes, 2, axis=0)
    near = near + random.normal(0, 0.12, near.shape) * evaluation.box_sizes(near)[:, None]
    near = near[(near[:, 2:] - near[:, :2] > 2).all(axis=1)]
    found = np.vstack([near, random_boxes(random, random.integers(0, 5))])
    ignored = random_boxes(random, random.integers(0, 3))
    return PhotoBoxes(boxes, ignored, found, random.uniform(0, 1, len(found)))


def test_nothing_annotated_and_nothing_found():
    matches = evaluation.match_photos([photo_of()])
    assert np.isnan(evaluation.average_precision(matches)).all()
    recall, precision = evaluation.recall_and_precision(matches, 0.5)
    assert np.isnan(recall).all()
    assert np.isnan(precision).all()


def test_no_photos():
    matches = evaluation.match_photos([])
    weights = evaluation.bootstrap_weights(0, resamples=3)
    assert weights.shape == (3, 0)
    assert np.isnan(evaluation.average_precision(matches, weights)).tolist() == [True] * 3
    assert np.isnan(evaluation.interval(evaluation.average_precision(matches, weights))).all()


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        pytest.param(photo_of(FACE), 0.0, id="missed"),
        pytest.param(photo_of(FACE, found=FACE, scores=[0.9]), 1.0, id="found"),
        pytest.param(
            photo_of(FACE, found=[*FACE, [50, 50, 60, 60]], scores=[0.9, 0.3]),
            1.0,
            id="a worse false alarm costs nothing",
        ),
        pytest.param(
            photo_of(FACE, found=[*FACE, [50, 50, 60, 60]], scores=[0.3, 0.9]),
            0.5,
            id="a better false alarm halves the precision",
        ),
        pytest.param(
            photo_of([*FACE, [50, 50, 90, 90]], found=FACE, scores=[0.9]),
            51 / 101,
            id="half of the faces: recalls 0.00 to 0.50",
        ),
        pytest.param(
            photo_of([*FACE, [50, 50, 90, 90]], found=[*FACE, *FACE], scores=[0.9, 0.8]),
            51 / 101,
            id="a second box on the same face is wrong",
        ),
        pytest.param(
            photo_of(FACE, [[50, 50, 99, 99]], [*FACE, [60, 60, 70, 70]], [0.3, 0.9]),
            1.0,
            id="finds in an ignored region count neither way",
        ),
        pytest.param(
            photo_of(FACE, found=[[10, 10, 30, 20]], scores=[0.9]), 1.0, id="an IoU of 0.5 hits"
        ),
        pytest.param(
            photo_of(FACE, found=[[10, 10, 30, 19.9]], scores=[0.9]), 0.0, id="below it misses"
        ),
    ],
)
def test_average_precision_by_hand(photo, expected):
    average = evaluation.average_precision(evaluation.match_photos([photo]))
    assert average == pytest.approx([expected])


@pytest.mark.parametrize("sizes", [ALL_SIZES, (0, 20), (20, 32), (32, 64), (64, np.inf)])
@pytest.mark.parametrize("seed", range(5))
def test_average_precision_equals_pycocotools(seed, sizes):
    random = np.random.default_rng(seed)
    photos = [random_photo(random) for _ in range(40)]
    photos = [replace(photo, scores=photo.scores.round(2)) for photo in photos]  # with ties
    expected = coco_reference.average_precision(photos, sizes)
    assert 0 < expected < 1
    average = evaluation.average_precision(evaluation.match_photos(photos, sizes))
    assert average == pytest.approx([expected], abs=1e-9)


def test_weights_count_like_repeated_photos():
    random = np.random.default_rng(3)
    photos = [random_photo(random) for _ in range(12)]
    weights = evaluation.bootstrap_weights(len(photos), resamples=60, seed=1)
    assert (weights.sum(axis=1) == len(photos)).all()
    matches = evaluation.match_photos(photos)
    averages = evaluation.average_precision(matches, weights)
    recalls, precisions = evaluation.recall_and_precision(matches, 0.5, weights)
    for row in (0, 59):
        repeated = [
            photo for photo, times in zip(photos, weights[row], strict=True) for _ in range(times)
        ]
        again = evaluation.match_photos(repeated)
        assert averages[row] == pytest.approx(evaluation.average_precision(again)[0])
        recall, precision = evaluation.recall_and_precision(again, 0.5)
        assert (recalls[row], precisions[row]) == pytest.approx((recall[0], precision[0]))


def test_intervals_hold_the_truth_about_95_times_in_100():
    random = np.random.default_rng(0)
    inside = 0
    for study in range(200):
        sample = random.random(80) < 0.7
        weights = evaluation.bootstrap_weights(80, resamples=300, seed=study)
        low, high = evaluation.interval(weights @ sample / 80)
        inside += low <= 0.7 <= high
    assert 180 <= inside <= 199


def test_recall_and_precision_at_a_threshold():
    found = [*FACE, [50, 50, 60, 60], [50, 50, 90, 90]]
    photo = photo_of([*FACE, [50, 50, 90, 90]], found=found, scores=[0.9, 0.5, 0.4])
    matches = evaluation.match_photos([photo, photo_of()])
    assert evaluation.recall_and_precision(matches, 0.5) == (0.5, 0.5)
    assert evaluation.recall_and_precision(matches, 0.4)[0] == 1.0
    recall, precision = evaluation.precision_recall_curve(matches)
    assert recall.tolist() == [0.5, 0.5, 1.0]
    assert precision == pytest.approx([1, 1 / 2, 2 / 3])


def test_a_find_hits_the_wanted_size_before_an_ignored_one():
    small, large = [10, 10, 30, 30], [10, 10, 36, 36]
    photo = photo_of([small, large], found=[[10, 10, 35, 35]], scores=[0.9])
    assert evaluation.match_photo(photo).target.tolist() == [1]
    match = evaluation.match_photo(photo, (0, 25))
    assert (match.target.tolist(), match.counts.tolist()) == ([0], [True])


def test_confusion_and_accuracies():
    confusion = evaluation.confusion_matrix([0, 0, 0, 1], [0, 0, 1, 1], (2, 2))
    assert confusion.tolist() == [[2, 1], [0, 1]]
    accuracy, balanced = evaluation.accuracies(confusion)
    assert (accuracy, balanced) == (pytest.approx(0.75), pytest.approx(5 / 6))


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [
        ([[0, 0], [0, 0]], (np.nan, np.nan)),
        ([[3, 1], [0, 0]], (0.75, 0.75)),
    ],
)
def test_accuracies_without_faces_of_a_class(confusion, expected):
    assert evaluation.accuracies(np.array(confusion)) == pytest.approx(expected, nan_ok=True)


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_that_have_faces():
    truth, predicted = np.array([0, 0, 0, 0, 2, 2]), np.array([0, 0, 0, 1, 2, 1])
    assert evaluation.balanced_accuracy(truth, predicted, 3) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert np.isnan(evaluation.balanced_accuracy(truth[:0], predicted[:0], 3))
