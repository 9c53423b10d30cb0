"""How good detections and labels are: matching, average precision, accuracy, intervals.

Numbers follow COCO's definitions (Lin et al. 2014, as in ``pycocotools``): a found box may hit
an annotated one from an intersection over union of 0.5, best score first, each annotated box
once; average precision is the mean of the interpolated precision at 101 recalls. Unlike there,
any number of boxes per photo counts. Uncertainty comes from drawing whole photos again, since
the faces of one photo share its light, blur and people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_detector.detections import box_areas, intersection_areas, iou

IOU_THRESHOLD = 0.5
RESAMPLES = 1000
_RECALLS = np.linspace(0, 1, 101)
_RESAMPLES_AT_ONCE = 50  # bounds the memory of a bootstrap at 50 numbers per found box

SizeRange = tuple[float, float]
"""From this size on and below that one; a box's size is the square root of its area."""

ALL_SIZES: SizeRange = (0.0, np.inf)

SIZE_SLICES: dict[str, SizeRange] = {
    "under 20 px": (0.0, 20.0),
    "20 to 32 px": (20.0, 32.0),
    "32 to 64 px": (32.0, 64.0),
    "64 px and more": (64.0, np.inf),
}
"""The sizes by which figures are sliced."""


def box_sizes(boxes: np.ndarray) -> np.ndarray:
    """Square roots of the areas of boxes (N, 4), in pixels: float64 (N,)."""
    return np.sqrt(box_areas(np.asarray(boxes, np.float64)))


def in_range(boxes: np.ndarray, sizes: SizeRange) -> np.ndarray:
    """Which of the boxes (N, 4) are of these sizes: bool (N,)."""
    measured = box_sizes(boxes)
    return (measured >= sizes[0]) & (measured < sizes[1])


@dataclass(frozen=True)
class PhotoBoxes:
    """What one photo holds of one kind, and what was found of it.

    Attributes:
        boxes: (N, 4), annotated boxes x1, y1, x2, y2.
        ignored: (M, 4), annotated regions in which finds are neither right nor wrong.
        found: (K, 4), found boxes.
        scores: (K,), by which they are ranked.
    """

    boxes: np.ndarray
    ignored: np.ndarray
    found: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class PhotoMatch:
    """Which found box hits which annotated one.

    Attributes:
        target: int (K,), index of the annotated box that each found one hits, from N on of an
            ignored region, -1 for nothing.
        counts: bool (K,), False where the find is neither right nor wrong.
        wanted: bool (N,), which annotated boxes are of the sizes asked for.
    """

    target: np.ndarray
    counts: np.ndarray
    wanted: np.ndarray


def match_photo(photo: PhotoBoxes, sizes: SizeRange = ALL_SIZES) -> PhotoMatch:
    """Match one photo's finds, best score first, as COCO does.

    Annotated boxes of other sizes are ignored, and so are finds of other sizes that hit nothing.
    """
    regions = len(photo.ignored)
    wanted = np.append(in_range(photo.boxes, sizes), np.zeros(regions, bool))
    found, boxes, ignored = (
        np.asarray(part, np.float64) for part in (photo.found, photo.boxes, photo.ignored)
    )
    # (K, N + M). Of ignored regions, which may be large crowds, COCO asks how much of the found
    # box lies inside.
    within = intersection_areas(found, ignored) / box_areas(found)[:, None]
    shares = np.hstack([iou(found, boxes), within])
    target = np.full(len(photo.found), -1)
    free = np.ones(len(wanted), bool)
    for find in np.argsort(-photo.scores, kind="stable"):
        hits = free & (shares[find] >= IOU_THRESHOLD)
        # What is ignored is hit only where nothing wanted is.
        hits = hits & wanted if (hits & wanted).any() else hits
        if hits.any():
            target[find] = np.flatnonzero(hits)[np.argmax(shares[find][hits])]
            free[target[find]] = target[find] >= len(photo.boxes)  # regions take any number
    counts = in_range(photo.found, sizes)
    counts[target >= 0] = wanted[target[target >= 0]]
    return PhotoMatch(target, counts, wanted[: len(photo.boxes)])


@dataclass(frozen=True)
class Matches:
    """The matched finds of all photos, best score first.

    Attributes:
        scores: float (D,).
        hits: bool (D,), whether the find is right.
        photos: int (D,), the photo that it is in.
        boxes: int (P,), number of annotated boxes in each photo.
    """

    scores: np.ndarray
    hits: np.ndarray
    photos: np.ndarray
    boxes: np.ndarray


def match_photos(photos: Sequence[PhotoBoxes], sizes: SizeRange = ALL_SIZES) -> Matches:
    """Match the finds of all photos; those that count neither way are left out."""
    matches = [match_photo(photo, sizes) for photo in photos]
    scores = [photo.scores[match.counts] for photo, match in zip(photos, matches, strict=True)]
    hits = [match.target[match.counts] >= 0 for match in matches]
    numbers = [np.full(len(part), number) for number, part in enumerate(scores)]
    joined = np.concatenate([np.empty(0), *scores])
    order = np.argsort(-joined, kind="stable")
    return Matches(
        joined[order],
        np.concatenate([np.empty(0, bool), *hits])[order],
        np.concatenate([np.empty(0, int), *numbers])[order],
        np.array([match.wanted.sum() for match in matches], int),
    )


def average_precision(matches: Matches, weights: np.ndarray | None = None) -> np.ndarray:
    """COCO's 101-point interpolated average precision.

    Args:
        weights: (R, P), how often each photo counts in each of R resamples, from
            :func:`bootstrap_weights`; None counts each once.

    Returns:
        float (R,), in [0, 1]; NaN where no annotated box counts. R is 1 without weights.
    """
    if weights is None:
        weights = np.ones((1, len(matches.boxes)))
    starts = range(0, len(weights), _RESAMPLES_AT_ONCE)
    parts = [weights[start : start + _RESAMPLES_AT_ONCE] for start in starts]
    return np.concatenate([_average_precisions(matches, part) for part in parts])


def _average_precisions(matches: Matches, weights: np.ndarray) -> np.ndarray:
    wanted = weights @ matches.boxes
    hits = np.flatnonzero(matches.hits)  # (H,)
    if not len(hits):
        return np.where(wanted > 0, 0.0, np.nan)
    # Recall rises at hits only, and between them precision only falls: the finds after the last
    # hit change nothing, and those between two hits need only be counted.
    counted = weights[:, matches.photos[: hits[-1] + 1]]
    after_hits = np.append(0, hits[:-1] + 1)
    found = np.cumsum(np.add.reduceat(counted, after_hits, axis=1), axis=1)  # (R, H)
    right = np.cumsum(counted[:, hits], axis=1)
    recall, precision = ratio(right, wanted[:, None], 0), ratio(right, found, 0)
    # The best precision at this recall or a higher one.
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.pad(envelope, ((0, 0), (0, 1)))  # a recall that is never reached gives 0
    reached = [np.searchsorted(row, _RECALLS) for row in recall]
    averages = np.take_along_axis(envelope, np.array(reached), axis=1).mean(axis=1)
    return np.where(wanted > 0, averages, np.nan)


def _recalls_and_precisions(matches: Matches, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision of the best 1, 2, ..., D finds: each (R, D)."""
    counted = weights[:, matches.photos].astype(np.float64)
    right = np.cumsum(counted * matches.hits, axis=1)
    return ratio(right, (weights @ matches.boxes)[:, None], 0), ratio(
        right, np.cumsum(counted, axis=1), 0
    )


def precision_recall_curve(matches: Matches) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision after each find, best score first: two float arrays (D,)."""
    recall, precision = _recalls_and_precisions(matches, np.ones((1, len(matches.boxes))))
    return recall[0], precision[0]


def recall_and_precision(
    matches: Matches, threshold: float, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision of the finds that score the threshold or more.

    Returns:
        Two float arrays (R,); NaN where nothing was annotated, or nothing found.
    """
    if weights is None:
        weights = np.ones((1, len(matches.boxes)))
    photos = len(matches.boxes)
    chosen = matches.scores >= threshold
    found = np.bincount(matches.photos[chosen], minlength=photos)
    right = np.bincount(matches.photos[chosen & matches.hits], minlength=photos)
    hits = weights @ right
    return ratio(hits, weights @ matches.boxes), ratio(hits, weights @ found)


def bootstrap_weights(photos: int, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """How often each photo is drawn when as many as there are are drawn with replacement.

    Returns:
        int (R, P), rows sum to ``photos``; (R, 0) for no photos.
    """
    if not photos:
        return np.zeros((resamples, 0), int)
    random = np.random.default_rng(seed)
    return random.multinomial(photos, np.full(photos, 1 / photos), size=resamples)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of resampled values, undefined ones left out; NaN if all are."""
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def confusion_matrix(
    truth: np.ndarray, predicted: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Count pairs of true and predicted class, both int (N,): int of that shape."""
    pairs = np.asarray(truth, int) * shape[1] + np.asarray(predicted, int)
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def accuracies(confusions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy, and balanced accuracy: the mean of the classes' recalls.

    Args:
        confusions: (..., C, C), rows are true classes. Those without faces are left out.

    Returns:
        Two float arrays (...); NaN without any faces.
    """
    right = np.trace(confusions, axis1=-2, axis2=-1)
    return ratio(right, confusions.sum(axis=(-2, -1))), mean_of_known(class_recalls(confusions))


def balanced_accuracy(truth: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Mean recall over the classes that have faces.

    Args:
        truth, predicted: int (N,), true and predicted classes; NaN is returned for N = 0.
    """
    return float(accuracies(confusion_matrix(truth, predicted, (classes, classes)))[1])


def class_recalls(confusions: np.ndarray) -> np.ndarray:
    """Share of each class's faces that is labelled right: (..., C, C) to (..., C), NaN for 0/0."""
    return ratio(np.diagonal(confusions, axis1=-2, axis2=-1), confusions.sum(axis=-1))


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without its NaNs; NaN where there is nothing else."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))


def ratio(part: np.ndarray, whole: np.ndarray, undefined: float = np.nan) -> np.ndarray:
    """Divide; ``undefined`` where the whole is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), whole)
    return np.divide(part, whole, out=np.full(part.shape, undefined, np.float64), where=whole > 0)
