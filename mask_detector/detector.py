"""Find faces, cut them out, classify them: one call, one result type."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

import face_detector
from mask_detector.classifier import Classifier
from mask_detector.crops import cut_crops
from mask_detector.model_file import read_model

DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "mask_detector.model"
DEFAULT_CONFIDENCE = 0.5
DEFAULT_DETECTOR = "ssd"

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

    With two classes that is a highest probability below 0.5 + band.
    """
    second, first = sorted(probabilities)[-2:]
    return bool(first - second < 2 * band)


def count_faces(faces: Iterable[Face], classes: Sequence[str]) -> dict[str, int]:
    """Faces per class, every class named; unsure ones are counted apart under ``unsure``.

    >>> count_faces([], ("with_mask", "without_mask"))
    {'with_mask': 0, 'without_mask': 0}
    """
    counts = dict.fromkeys(classes, 0)
    for face in faces:
        counts[face.counted_as] = counts.get(face.counted_as, 0) + 1
    return counts


class MaskDetector:
    """A face detector and a mask classifier, ready to look at pictures.

    Attributes:
        finder: the face detector; ``finder.find(image)`` gives its boxes.
        classifier: the mask classifier; ``classifier.classes`` names its classes.
        unsure: half width of the band in which a face is called unsure.
    """

    def __init__(
        self, finder: face_detector.FaceDetector, classifier: Classifier, unsure: float
    ) -> None:
        self.finder = finder
        self.classifier = classifier
        self.unsure = unsure

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        detector: str = DEFAULT_DETECTOR,
        detector_size: int | Literal["auto"] = "auto",
        confidence: float = DEFAULT_CONFIDENCE,
        unsure: float | None = None,
        thorough: bool = True,
        threads: int | None = None,
    ) -> MaskDetector:
        """Load a model file and a face detector.

        Args:
            model: a ``mask_detector.model``.
            detector: a name from ``face_detector.DETECTORS``.
            detector_size: longer side in pixels of what the face detector sees in one pass;
                ``"auto"`` lets ``thorough`` decide.
            confidence: faces with a lower score are left out.
            unsure: half width of the unsure band; None takes the model's own.
            thorough: ``"auto"`` takes the time that a photo may take: as many passes as the picture
                is worth, each face classified twice, as it is and mirrored. Otherwise one quick
                pass and one look, for video, which sees each face many times.
            threads: processor cores for one picture; None leaves it to the engines.

        Raises:
            ModelFileError: the model file cannot be used.
            WeightsError: the face detector's files cannot be had.
        """
        twice = thorough and detector_size == "auto"
        classifier = Classifier(read_model(model), threads, mirrored=twice)
        finder = face_detector.load(detector, detector_size, confidence, thorough, threads)
        return cls(finder, classifier, classifier.card.unsure if unsure is None else unsure)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the model's order."""
        return self.classifier.classes

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find and classify the faces of one picture.

        Args:
            image: uint8 BGR, shape (H, W, 3).

        Returns:
            The faces, highest face score first; an empty list where there are none.
        """
        return self.detect_many([image])[0]

    def detect_many(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Find and classify the faces of several pictures, all crops in one batch.

        Returns:
            A list of faces for each picture, in the pictures' order.
        """
        found = [self.finder.find(image) for image in images]
        card = self.classifier.card
        crops = [
            cut_crops(image, detections.boxes, card.input_size, card.margin, card.square)
            for image, detections in zip(images, found, strict=True)
        ]
        empty = np.empty((0, card.input_size, card.input_size, 3), np.uint8)
        rows = iter(self.classifier.probabilities(np.concatenate([empty, *crops])))
        return [
            [
                self._face(image, box, float(score), next(rows))
                for box, score in zip(detections.boxes, detections.scores, strict=True)
            ]
            for image, detections in zip(images, found, strict=True)
        ]

    def _face(
        self, image: np.ndarray, box: np.ndarray, score: float, probabilities: np.ndarray
    ) -> Face:
        return Face(
            whole_pixels(box, image.shape[1], image.shape[0]),
            score,
            dict(zip(self.classes, map(float, probabilities), strict=True)),
            is_unsure(probabilities, self.unsure),
        )


def whole_pixels(box: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """Round a box to whole pixels inside the picture, at least one pixel wide and high."""
    left, top, right, bottom = (round(float(side)) for side in box)
    x1, y1 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return x1, y1, min(max(right, x1 + 1), width), min(max(bottom, y1 + 1), height)
