"""From what was annotated and found in photos to figures with 95 % intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.intervals import Samples, measures, weights_of_photos
from mask_detector.faces import Face, is_unsure
from mask_detector.training import calibration, evaluation
from mask_detector.training.annotations import AnnotatedPhoto
from mask_detector.training.evaluation import ALL_SIZES, PhotoBoxes, SizeRange

END_TO_END_SIZES = {"all": ALL_SIZES, **evaluation.SIZE_SLICES}
LABEL_SIZES = {"all": ALL_SIZES, "under 20 px": (0.0, 20.0), "20 px and more": (20.0, np.inf)}

UNSURE_BANDS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)

FAR_PIXELS = 24.0
"""Size of the annotated faces when they are classified as if far away."""


@dataclass(frozen=True)
class Observation:
    """One photo: what was annotated, what was found, and what the annotated boxes are called.

    Attributes:
        annotated: the photo's boxes and labels.
        faces: what was found, down to a low face score.
        box_probabilities: float (N, C), the classifier's answer on each annotated box.
        far_probabilities: float (N, C), the same with the faces shrunk to ``FAR_PIXELS``.
    """

    annotated: AnnotatedPhoto
    faces: list[Face]
    box_probabilities: np.ndarray
    far_probabilities: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """Boxes of the found faces: float (K, 4)."""
        return np.array([face.box for face in self.faces], float).reshape(-1, 4)

    @property
    def scores(self) -> np.ndarray:
        """Face scores of the found faces: float (K,)."""
        return np.array([face.score for face in self.faces], float)


@dataclass
class System:
    """A face detector and a classifier under test, and what they made of the photos so far."""

    name: str
    classifier: str
    classes: Sequence[str]
    detect: Callable[[np.ndarray], list[Face]]
    classify: Callable[[np.ndarray, np.ndarray], np.ndarray]
    observations: list[Observation] = field(default_factory=list)


def faces_of(observation: Observation) -> PhotoBoxes:
    """All annotated faces, whatever their class, and all found ones by their face score."""
    annotated = observation.annotated
    return PhotoBoxes(annotated.boxes, annotated.ignored, observation.found, observation.scores)


def faces_of_class(observation: Observation, name: str, classes: Sequence[str]) -> PhotoBoxes:
    """The annotated faces of one class, and the found ones with that label.

    Finds are ranked by face score times probability of the label. Annotated faces of a class
    that the model does not know are ignored regions: a find there is neither right nor wrong.
    """
    annotated = observation.annotated
    labels = np.array(annotated.labels, object)
    unknown = annotated.boxes[~np.isin(labels, list(classes))]
    ours = np.array([face.label == name for face in observation.faces], bool)
    probability = np.array([face.probability for face in observation.faces], float)
    return PhotoBoxes(
        annotated.boxes[labels == name],
        np.vstack([annotated.ignored, unknown]),
        observation.found[ours],
        (observation.scores * probability)[ours],
    )


def end_to_end(
    observations: Sequence[Observation],
    classes: Sequence[str],
    confidence: float,
    sizes: SizeRange = ALL_SIZES,
    resamples: int = evaluation.RESAMPLES,
) -> Samples:
    """Measure finding and labelling together.

    Args:
        confidence: the face score from which a find counts for recall, precision and labels;
            average precision looks at all.

    Returns:
        ``face_recall``, ``face_precision``, ``label_accuracy``, ``balanced_label_accuracy`` (of
        the found faces with a class that the model knows), ``average_precision`` (by class) and
        ``mean_average_precision`` (over the classes that were annotated).
    """
    weights = weights_of_photos(len(observations), resamples)
    matches = evaluation.match_photos([faces_of(each) for each in observations], sizes)
    recall, precision = evaluation.recall_and_precision(matches, confidence, weights)
    confusions = np.array(
        [_found_labels(each, classes, confidence, sizes) for each in observations]
    ).reshape(-1, len(classes), len(classes))
    averages = {}
    for name in classes:
        photos = [faces_of_class(each, name, classes) for each in observations]
        ranked = evaluation.match_photos(photos, sizes)
        averages[name] = evaluation.average_precision(ranked, weights)
    accuracy, balanced = evaluation.accuracies(np.tensordot(weights, confusions, axes=1))
    return {
        "face_recall": recall,
        "face_precision": precision,
        "label_accuracy": accuracy,
        "balanced_label_accuracy": balanced,
        "average_precision": averages,
        "mean_average_precision": evaluation.mean_of_known(np.array(list(averages.values())).T),
    }


def labels_of_boxes(
    observations: Sequence[Observation],
    classes: Sequence[str],
    sizes: SizeRange = ALL_SIZES,
    resamples: int = evaluation.RESAMPLES,
) -> Samples:
    """Measure only the classifier, on the annotated boxes of the classes that it knows.

    Returns:
        ``accuracy``, ``balanced_accuracy`` and ``recall`` (by class).
    """
    shape = (len(classes), len(classes))
    confusions = np.array(
        [
            evaluation.confusion_matrix(truth, probabilities.argmax(axis=1), shape)
            for truth, probabilities in (known_boxes(each, classes, sizes) for each in observations)
        ]
    ).reshape(-1, *shape)
    drawn = np.tensordot(weights_of_photos(len(observations), resamples), confusions, axes=1)
    accuracy, balanced = evaluation.accuracies(drawn)
    recalls = dict(zip(classes, evaluation.class_recalls(drawn).T, strict=True))
    return {"accuracy": accuracy, "balanced_accuracy": balanced, "recall": recalls}


def count_faces(observations: Sequence[Observation], sizes: SizeRange = ALL_SIZES) -> int:
    """Number of annotated faces of these sizes."""
    return sum(int(evaluation.in_range(o.annotated.boxes, sizes).sum()) for o in observations)


def all_known_boxes(
    observations: Sequence[Observation], classes: Sequence[str], sizes: SizeRange = ALL_SIZES
) -> tuple[np.ndarray, np.ndarray]:
    """True class numbers int (N,) and probabilities (N, C) of all photos' boxes of known class."""
    pairs = [known_boxes(each, classes, sizes) for each in observations]
    truth = np.concatenate([np.empty(0, int), *(truth for truth, _ in pairs)])
    return truth, np.vstack([np.empty((0, len(classes))), *(rows for _, rows in pairs)])


def label_figures(
    observations: Sequence[Observation], classes: Sequence[str], sizes: SizeRange = ALL_SIZES
) -> dict[str, Any]:
    """The figures of :func:`labels_of_boxes` as Measures, with what has no interval.

    Returns:
        Also ``faces``, ``confusion`` (counts, rows are true classes) and ``calibration_error``.
    """
    truth, probabilities = all_known_boxes(observations, classes, sizes)
    shape = (len(classes), len(classes))
    confusion = evaluation.confusion_matrix(truth, probabilities.argmax(axis=1), shape)
    return {
        "faces": len(truth),
        **measures(labels_of_boxes(observations, classes, sizes)),
        "confusion": confusion.tolist(),
        "calibration_error": calibration.reliability(probabilities, truth).error,
    }


def known_boxes(
    observation: Observation, classes: Sequence[str], sizes: SizeRange = ALL_SIZES
) -> tuple[np.ndarray, np.ndarray]:
    """True class numbers int (N,) and probabilities (N, C) of the boxes with a known class."""
    annotated = observation.annotated
    chosen = evaluation.in_range(annotated.boxes, sizes) & np.isin(annotated.labels, list(classes))
    truth = [list(classes).index(annotated.labels[box]) for box in np.flatnonzero(chosen)]
    return np.array(truth, int), observation.box_probabilities[chosen]


def unsure_bands(
    observations: Sequence[Observation], classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """What an unsure band of each width would do to the answers on the annotated boxes.

    Returns:
        By half width of the band: ``unsure`` (share of the faces called so), ``error`` (share of
        the others that are labelled wrong) and ``caught`` (share of all wrong labels that are
        called unsure); NaN where there is nothing to divide by.
    """
    truth, rows = all_known_boxes(observations, classes)
    wrong = rows.argmax(axis=1) != truth
    result = {}
    for band in UNSURE_BANDS:
        unsure = np.array([is_unsure(row, band) for row in rows], bool)
        result[f"{band:g}"] = {
            "unsure": unsure.mean() if len(rows) else np.nan,
            "error": wrong[~unsure].mean() if (~unsure).any() else np.nan,
            "caught": unsure[wrong].mean() if wrong.any() else np.nan,
        }
    return result


def outcome_table(
    observations: Sequence[Observation], classes: Sequence[str], confidence: float
) -> tuple[list[str], list[str], np.ndarray]:
    """Count what became of every annotated face, and what the finds on none were called.

    Returns:
        Names of the rows (the annotated classes, those that the model does not know after
        those it knows, then ``no face``), names of the columns (the model's classes, then
        ``not found``), and the counts, int (rows, columns).
    """
    labels = {label for each in observations for label in each.annotated.labels}
    rows = [*classes, *sorted(labels - set(classes)), "no face"]
    columns = [*classes, "not found"]
    counts = np.zeros((len(rows), len(columns)), int)
    for each in observations:
        hits, alarms = _confident_finds(each, confidence)
        answers = {target: face.label for target, face in hits}
        for index, label in enumerate(each.annotated.labels):
            counts[rows.index(label), columns.index(answers.get(index, "not found"))] += 1
        for face in alarms:
            counts[-1, columns.index(face.label)] += 1
    return rows, columns, counts


def _confident_finds(
    observation: Observation, confidence: float, sizes: SizeRange = ALL_SIZES
) -> tuple[list[tuple[int, Face]], list[Face]]:
    """Finds that hit an annotated box of these sizes, each with its index, and false alarms."""
    match = evaluation.match_photo(faces_of(observation), sizes)
    confident = (observation.scores >= confidence) & match.counts
    finds = [
        (int(match.target[find]), observation.faces[find]) for find in np.flatnonzero(confident)
    ]
    return [pair for pair in finds if pair[0] >= 0], [face for target, face in finds if target < 0]


def _found_labels(
    observation: Observation, classes: Sequence[str], confidence: float, sizes: SizeRange
) -> np.ndarray:
    """Confusion matrix (C, C) of one photo's found faces with a known class."""
    names = list(classes)
    labels = observation.annotated.labels
    hits, _ = _confident_finds(observation, confidence, sizes)
    pairs = [
        (names.index(labels[target]), names.index(face.label))
        for target, face in hits
        if labels[target] in names
    ]
    truth, answers = np.array(pairs, int).reshape(-1, 2).T
    return evaluation.confusion_matrix(truth, answers, (len(names), len(names)))
