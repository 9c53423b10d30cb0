"""Training crops: parts of photos, often several side by side, with faces of all sizes.

    crops = CropMaker(photos, 0, CropSettings())
    crop = crops.make(17)                          the same number gives the same crop

A crop depends on the seed and its number only, so that a resumed training continues with the
crops that it would have seen without the interruption.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from face_detector.training.choice import PhotoChoice, centre_box
from face_detector.training.degradation import degraded
from face_detector.training.photos import TrainingPhoto
from face_detector.training.pyramids import ImagePyramids

MOST_FACES, MOST_IGNORED = 48, 32
"""In a crop. Faces beyond that number become ignored regions; those beyond theirs are dropped."""

_LEAST_VISIBLE = 0.7  # share of a face that is inside its cell; those cut more are ignored
_MOST_ENLARGEMENT = 4.0
_SMALLEST_CELL = 24
_MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]


@dataclass(frozen=True)
class CropSettings:
    """What differs between the crops of two detectors. Sizes of faces are square roots of areas.

    Attributes:
        size: side of a crop in pixels.
        smallest_face: in pixels: smaller faces are ignored.
        small_faces, large_faces: sizes in the crop, log-uniform in each range.
        small_share: how often a size of the first range is wanted.
        stretch: standard deviation of the logarithm by which width and height differ.
    """

    size: int = 320
    smallest_face: float = 6.0
    small_faces: tuple[float, float] = (7.0, 70.0)
    large_faces: tuple[float, float] = (60.0, 300.0)
    small_share: float = 0.63
    stretch: float = 0.05


@dataclass(frozen=True)
class Crop:
    """One training example.

    Attributes:
        image: uint8 BGR, (S, S, 3), S being ``CropSettings.size``.
        boxes: float32 (N, 4), x1, y1, x2, y2 in pixels of the crop, inside it.
        landmarks: float32 (N, 5, 2), NaN where unknown.
        ignored: float32 (M, 4).
    """

    image: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray


class CropMaker:
    """Makes crops of photos, which are read once and kept in memory up to a limit."""

    def __init__(self, photos: Sequence[TrainingPhoto], seed: int, settings: CropSettings) -> None:
        """
        Args:
            photos: at least one.
        """
        self._seed = seed
        self.settings = settings
        self._pyramids = ImagePyramids()
        self._choice = PhotoChoice(photos)

    def make(self, number: int) -> Crop:
        """The crop of that number."""
        rng = np.random.default_rng((self._seed, number))
        size = self.settings.size
        canvas = np.zeros((size, size, 3), np.uint8)
        parts: list[_Placed] = []
        self._fill_cell(canvas, (0, 0, size, size), rng, parts)
        image, sharpness = degraded(canvas, rng)
        return _joined(image, parts, sharpness, self.settings.smallest_face)

    def _fill_cell(
        self,
        canvas: np.ndarray,
        cell: tuple[int, int, int, int],
        rng: np.random.Generator,
        parts: list[_Placed],
        target: float | None = None,
    ) -> None:
        """Fill a cell of the canvas with a photo, or with four cells where that is too small.

        Args:
            target: size of a face in pixels of the canvas; None chooses one.
        """
        left, top, right, bottom = cell
        photo = self._choice.draw(rng)
        levels = self._pyramids.levels(photo)
        height, width = levels[0].shape[:2]
        box = centre_box(photo, width, height, rng)
        size = math.sqrt(max(1.0, (box[2] - box[0]) * (box[3] - box[1])))
        settings = self.settings
        if target is None:
            small = rng.random() < settings.small_share
            low, high = settings.small_faces if small else settings.large_faces
            target = math.exp(rng.uniform(math.log(low), math.log(high)))
        scale = min(target / size, _MOST_ENLARGEMENT)
        covering = max((right - left) / width, (bottom - top) / height)
        if covering > 1.25 * scale:
            # At that scale the photo is smaller than the cell.
            if min(right - left, bottom - top) >= 2 * _SMALLEST_CELL and rng.random() < 0.85:
                x = left + round((right - left) * rng.uniform(0.4, 0.6))
                y = top + round((bottom - top) * rng.uniform(0.4, 0.6))
                # Either a crowd of faces of one size, or every cell for itself.
                kept = target if rng.random() < 0.5 else None
                for part in (
                    (left, top, x, y),
                    (x, top, right, y),
                    (left, y, x, bottom),
                    (x, y, right, bottom),
                ):
                    self._fill_cell(canvas, part, rng, parts, kept)
                return
            if rng.random() < 0.7:
                scale = covering
        parts.append(_place_photo(canvas, cell, photo, levels, box, scale, settings.stretch, rng))


@dataclass(frozen=True)
class _Placed:
    """The faces of one cell of the canvas: arrays as in ``Crop``."""

    boxes: np.ndarray
    landmarks: np.ndarray
    ignored: np.ndarray


def _place_photo(
    canvas: np.ndarray,
    cell: tuple[int, int, int, int],
    photo: TrainingPhoto,
    levels: Sequence[np.ndarray],
    box: np.ndarray,
    scale: float,
    stretching: float,
    rng: np.random.Generator,
) -> _Placed:
    """Draw the photo, scaled, rotated and perhaps mirrored, with the box inside the cell."""
    left, top, right, bottom = cell
    cell_width, cell_height = right - left, bottom - top
    height, width = levels[0].shape[:2]
    flipped = rng.random() < 0.5
    angle = math.radians(rng.normal(0, 25 if rng.random() < 0.12 else 7))
    stretch = math.exp(rng.normal(0, stretching))
    # new = matrix @ old + offset, both (x, y)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = turn @ np.diag([-scale * stretch if flipped else scale * stretch, scale / stretch])
    middle = matrix @ ((box[:2] + box[2:]) / 2)
    # A photo that is larger than the cell covers it, except for corners left by the rotation.
    edges = np.sort([matrix @ (0, height / 2), matrix @ (width, height / 2)], axis=0)
    ends = np.sort([matrix @ (width / 2, 0), matrix @ (width / 2, height)], axis=0)
    low = np.array([edges[0, 0], ends[0, 1]])
    high = np.array([edges[1, 0], ends[1, 1]])
    sides = np.array([cell_width, cell_height])
    # The larger the box, the nearer to the middle of the cell, so that it is not cut.
    reach = np.clip((0.5 * scale * (box[2:] - box[:2])) / sides, 0.08, 0.5)
    offset = rng.uniform(reach, 1 - reach) * sides - middle
    bounds = np.sort([-low, sides - high], axis=0)
    offset = np.clip(offset, bounds[0], bounds[1])
    # Bilinear sampling of a level more than twice as fine would skip pixels, not average them.
    level = min(len(levels) - 1, max(0, int(math.log2(1 / scale)) if scale < 1 else 0))
    source = levels[level]
    factor = np.array([width / source.shape[1], height / source.shape[0]])
    picture = np.hstack([matrix * factor, (matrix @ (factor / 2) + offset - 0.5)[:, None]])
    fill = source[:: 1 + len(source) // 8].reshape(-1, 3).mean(axis=0)
    way = cv2.INTER_LINEAR if rng.random() < 0.75 else cv2.INTER_CUBIC
    canvas[top:bottom, left:right] = cv2.warpAffine(
        source, picture, (cell_width, cell_height), None, way, cv2.BORDER_CONSTANT, tuple(fill)
    )
    place = (matrix, offset, angle)
    boxes, ignored = _moved_boxes(photo.boxes, *place), _moved_boxes(photo.ignored, *place)
    landmarks = photo.landmarks @ matrix.T + offset
    if flipped:
        landmarks = landmarks[:, _MIRRORED_LANDMARKS]
    return _visible(boxes, landmarks, ignored, cell)


def _moved_boxes(
    boxes: np.ndarray, matrix: np.ndarray, offset: np.ndarray, angle: float
) -> np.ndarray:
    """Boxes (N, 4) around the transformed ellipses that the given boxes enclose."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix.T + offset
    half = ((boxes[:, 2:] - boxes[:, :2]) / 2)[:, None] * matrix
    reach = np.sqrt((half**2).sum(axis=2))
    return np.hstack([centres - reach, centres + reach])


def _visible(
    boxes: np.ndarray, landmarks: np.ndarray, ignored: np.ndarray, cell: tuple[int, int, int, int]
) -> _Placed:
    """The faces inside the cell, in pixels of the canvas; faces that it cuts are ignored."""
    left, top, right, bottom = cell
    limits = np.array([right - left, bottom - top] * 2)
    corner = np.array([left, top] * 2)
    cut = np.clip(boxes, 0, limits)
    shares = _areas(cut) / np.maximum(_areas(boxes), 1e-6)
    whole = shares >= _LEAST_VISIBLE
    regions = np.vstack([cut[(shares > 0.05) & ~whole], np.clip(ignored, 0, limits)])
    regions = regions[_areas(regions) > 0]
    return _Placed(cut[whole] + corner, landmarks[whole] + corner[:2], regions + corner)


def _joined(
    image: np.ndarray, parts: Sequence[_Placed], sharpness: float, smallest_face: float
) -> Crop:
    """The crop with the faces of all its cells.

    Args:
        sharpness: share of the resolution that degrading the picture has left, in (0, 1].
    """
    boxes = np.concatenate([part.boxes for part in parts])
    landmarks = np.concatenate([part.landmarks for part in parts])
    ignored = np.concatenate([part.ignored for part in parts])
    kept = np.sqrt(_areas(boxes)) * sharpness >= smallest_face
    kept[np.flatnonzero(kept)[MOST_FACES:]] = False
    ignored = np.concatenate([boxes[~kept], ignored])[:MOST_IGNORED]
    return Crop(
        image,
        boxes[kept].astype(np.float32),
        landmarks[kept].astype(np.float32),
        ignored.astype(np.float32),
    )


def _areas(boxes: np.ndarray) -> np.ndarray:
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
