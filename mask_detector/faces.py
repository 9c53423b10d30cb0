"""A face and its mask, the faces of one picture, and how they are counted and converted.

>>> faces = MaskDetector.load().detect("examples/example_01.png")
>>> faces[0].label, faces[0].box
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mask_detector.errors import UserFacingError

if TYPE_CHECKING:
    import supervision

EVEN_CHANCE = 0.5
"""A label with a lower probability is never shown as certain."""

UNMASKED_LABELS = ("without_mask", "incorrect_mask")
"""Labels of faces whose nose or mouth is free: alerts, snapshots and ``--blur without_mask`` are
about these."""

FaceType = TypeVar("FaceType", bound="Face")


@dataclass(frozen=True)
class Face:
    """One face in a picture.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the picture, 0 <= x1 < x2 <= width.
        score: how sure the face detector is that this is a face, 0 to 1.
        probabilities: class name to probability, in the model's order, summing to 1.
        unsure: the two likeliest classes are too close to call.
        track: number of the person in a video, None in a photo.
    """

    box: tuple[int, int, int, int]
    score: float
    probabilities: dict[str, float]
    unsure: bool = False
    track: int | None = None

    @property
    def label(self) -> str:
        """The likeliest class, also where ``unsure`` is set."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def counted_as(self) -> str:
        """The name under which the face is counted and coloured: its label, or ``unsure``."""
        return "unsure" if self.unsure else self.label

    @property
    def unmasked(self) -> bool:
        """Whether nose or mouth is surely free: no mask, or one worn wrongly."""
        return self.label in UNMASKED_LABELS and not self.unsure

    @property
    def probability(self) -> float:
        """Probability of the label."""
        return max(self.probabilities.values())

    def scaled(self: FaceType, scale: float, width: int, height: int) -> FaceType:
        """The face in its picture made ``scale`` times as large, now ``width`` x ``height``."""
        box = whole_pixels(np.array(self.box) * scale, width, height)
        return dataclasses.replace(self, box=box)

    def mirrored(self: FaceType, width: int) -> FaceType:
        """The face in its picture of that width mirrored left to right."""
        x1, y1, x2, y2 = self.box
        return dataclasses.replace(self, box=(width - x2, y1, width - x1, y2))

    def as_json(self) -> dict[str, Any]:
        """The face as it stands in JSON lines; ``unsure`` and ``track`` only where they are set."""
        record: dict[str, Any] = {
            "box": list(self.box),
            "score": round(self.score, 4),
            "label": self.label,
            "probabilities": {name: round(p, 4) for name, p in self.probabilities.items()},
        }
        if self.unsure:
            record["unsure"] = True
        if self.track is not None:
            record["track"] = self.track
        return record


def is_unsure(probabilities: Sequence[float] | np.ndarray, band: float) -> bool:
    """Whether the likeliest class leads the next by less than twice the band.

    With two classes that is a highest probability below 0.5 + band. Among more, a class with less
    than an even chance is unsure, too. With a band of 0 nothing is unsure.
    """
    second, first = sorted(probabilities)[-2:]
    return bool(first - second < 2 * band or (band > 0 and first < EVEN_CHANCE))


def count_faces(faces: Iterable[Face], classes: Sequence[str]) -> dict[str, int]:
    """Faces per class, every class named; unsure ones are counted apart under ``unsure``.

    >>> count_faces([], ("with_mask", "without_mask"))
    {'with_mask': 0, 'without_mask': 0}
    """
    counts = dict.fromkeys(classes, 0)
    for face in faces:
        counts[face.counted_as] = counts.get(face.counted_as, 0) + 1
    return counts


class Faces(list[Face]):
    """The faces of one picture, highest detection score first.

    Attributes:
        candidates: what may be faces too: their scores are lower than the confidence asked for.
            They are neither shown nor counted, but :meth:`MaskDetector.blur` hides them. Empty
            unless ``MaskDetector.hiding`` is set.
    """

    def __init__(self, faces: Iterable[Face] = (), candidates: Iterable[Face] = ()) -> None:
        super().__init__(faces)
        self.candidates = list(candidates)

    def scaled(self, scale: float, width: int, height: int) -> Faces:
        """The faces in their picture made ``scale`` times as large, now ``width`` x ``height``."""
        faces, candidates = (
            [face.scaled(scale, width, height) for face in each] for each in (self, self.candidates)
        )
        return Faces(faces, candidates)

    def as_json(self) -> list[dict[str, Any]]:
        """Each face as :meth:`Face.as_json` gives it; candidates are left out."""
        return [face.as_json() for face in self]

    def as_supervision(self) -> supervision.Detections:
        """The faces as the ``supervision`` package knows detections; candidates are left out.

        Returns:
            Detections with ``xyxy`` (float32, shape (N, 4)), ``confidence`` (the detection
            scores, float32, (N,)), ``class_id`` (places in ``probabilities``, int, (N,)), and
            ``data`` with ``class_name``, ``probability`` and ``unsure`` of each face;
            ``tracker_id`` where all faces have a track. N = 0 gives empty detections.

        Raises:
            UserFacingError: ``supervision`` is not installed.
        """
        return as_supervision(self)


def as_faces(faces: Iterable[Face]) -> Faces:
    """The same faces; a list or another iterable of them has no candidates.

    Raises:
        TypeError: they are no faces.
    """
    if isinstance(faces, Faces):
        return faces
    expected = "faces: expected what detect returned, or a list of Face objects"
    if not isinstance(faces, Iterable):
        raise TypeError(f"{expected}, got {type(faces).__name__}")
    faces = list(faces)
    for face in faces:
        if not isinstance(face, Face):
            raise TypeError(f"{expected}, got {type(face).__name__} among them")
    return Faces(faces)


def as_supervision(faces: Sequence[Face]) -> supervision.Detections:
    """Faces, also those of a video, as :meth:`Faces.as_supervision` describes it."""
    try:
        import supervision  # optional, and slow to import
    except ImportError:
        raise UserFacingError(
            "this needs supervision, which is not installed: pip install supervision"
        ) from None
    tracks = [face.track for face in faces if face.track is not None]
    all_tracked = bool(faces) and len(tracks) == len(faces)
    return supervision.Detections(
        xyxy=np.array([face.box for face in faces], np.float32).reshape(-1, 4),
        confidence=np.array([face.score for face in faces], np.float32),
        class_id=np.array([list(face.probabilities).index(face.label) for face in faces], int),
        tracker_id=np.array(tracks, int) if all_tracked else None,
        data={
            "class_name": np.array([face.label for face in faces], str),
            "probability": np.array([face.probability for face in faces], np.float32),
            "unsure": np.array([face.unsure for face in faces], bool),
        },
    )


def classified(
    boxes: np.ndarray,
    scores: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    unsure_band: float,
    size: tuple[int, int],
) -> list[Face]:
    """The faces of one picture from the detector's and the classifier's arrays.

    Args:
        boxes: (N, 4), x1, y1, x2, y2 in pixels of the picture; N = 0 gives no faces.
        scores: (N,), 0 to 1.
        probabilities: (N, C), for each of the ``classes``.
        unsure_band: see :func:`is_unsure`.
        size: width and height of the picture.
    """
    return [
        Face(
            whole_pixels(box, *size),
            float(score),
            dict(zip(classes, map(float, row), strict=True)),
            is_unsure(row, unsure_band),
        )
        for box, score, row in zip(boxes, scores, probabilities, strict=True)
    ]


def whole_pixels(box: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """Round a box to whole pixels inside the picture, at least one pixel wide and high."""
    left, top, right, bottom = (round(float(side)) for side in box)
    x1, y1 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return x1, y1, min(max(right, x1 + 1), width), min(max(bottom, y1 + 1), height)
