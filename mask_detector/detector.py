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

EVEN_CHANCE = 0.5
"""A label with a lower probability is never shown as certain."""

HIDING_SCORE = 0.2
"""Lowest detection score of what is hidden, well below that of what is reported: a face that was
missed cannot be hidden afterwards. ``deface`` (ORB-HD/deface) searches with the same threshold."""

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
            They are neither shown nor counted, but :func:`mask_detector.privacy.hide_faces` hides
            them. Empty unless ``MaskDetector.hiding`` is set.
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


class MaskDetector:
    """A face detector and a mask classifier: finds and classifies the faces of pictures.

    Attributes:
        face_detector: ``face_detector.find(image)`` gives the boxes.
        classifier: the mask classifier; ``classifier.classes`` names its classes.
        unsure: half width of the band in which a face is called unsure.
        hiding: also look for candidates, down to a score of ``HIDING_SCORE``, because faces are
            to be hidden. The faces themselves stay the same.
    """

    def __init__(
        self,
        face_detector: face_detector.FaceDetector,
        classifier: Classifier,
        unsure: float,
        hiding: bool = False,
    ) -> None:
        self.face_detector = face_detector
        self.classifier = classifier
        self.unsure = unsure
        self.hiding = hiding

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
        hiding: bool = False,
        detector_weights: str | Path | None = None,
    ) -> MaskDetector:
        """Load a model file and a face detector.

        Args:
            model: a ``mask_detector.model``.
            detector: a name from ``face_detector.DETECTORS``.
            detector_size: longer side in pixels of the picture that the face detector sees in its
                single pass; ``"auto"`` lets ``thorough`` decide.
            confidence: ignore faces with a detection score below this.
            unsure: half width of the unsure band; None takes the model's own.
            thorough: with ``"auto"``, take the time that a photo is worth: as many passes as its
                resolution warrants, and each face classified twice, as it is and mirrored. False:
                one fast pass, each face classified once, for video, which shows it many times.
            threads: processor cores for one picture; None leaves it to the engines.
            hiding: also look for candidates, see above.
            detector_weights: a file with other weights of the face detector, or "original" for
                those that its authors published; None chooses the default.

        Raises:
            ModelFileError: the model file cannot be used.
            WeightsError: the face detector's files cannot be downloaded.
        """
        mirrored = thorough and detector_size == "auto"
        classifier = Classifier(read_model(model), threads, mirrored)
        return cls(
            face_detector.load(
                detector, detector_size, confidence, thorough, threads, detector_weights
            ),
            classifier,
            classifier.card.unsure if unsure is None else unsure,
            hiding,
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the model's order."""
        return self.classifier.classes

    def detect(self, image: np.ndarray) -> Faces:
        """Find and classify the faces of one picture.

        Args:
            image: uint8 BGR, shape (H, W, 3).

        Returns:
            The faces, highest detection score first; an empty list where there are none.
        """
        return self.detect_many([image])[0]

    def detect_many(self, images: Sequence[np.ndarray]) -> list[Faces]:
        """Find and classify the faces of several pictures, all crops in one batch.

        Args:
            images: uint8 BGR, shape (H, W, 3) each; sizes may differ.

        Returns:
            The faces of each picture, in the pictures' order; an empty list for no pictures.
        """
        if not self.hiding:
            return list(
                map(Faces, self._classified(images, list(map(self.face_detector.find, images))))
            )
        found = [self.face_detector.find_with_candidates(each, HIDING_SCORE) for each in images]
        # Candidates in a batch of their own: with them, the faces' probabilities might differ in
        # the last digit from those of a run that hides nothing.
        faces = self._classified(images, [detections for detections, _ in found])
        candidates = self._classified(images, [detections for _, detections in found])
        return list(map(Faces, faces, candidates))

    def _classified(
        self, images: Sequence[np.ndarray], detections: Sequence[face_detector.Detections]
    ) -> list[list[Face]]:
        """The faces of each picture, classified in one batch."""
        card = self.classifier.card
        # For each picture (N_i, size, size, 3), joined to (N, size, size, 3); the empty one is for
        # pictures without faces, and for no pictures.
        crops = [np.empty((0, card.input_size, card.input_size, 3), np.uint8)] + [
            cut_crops(image, each.boxes, card.input_size, card.margin, card.square)
            for image, each in zip(images, detections, strict=True)
        ]
        probabilities = self.classifier.probabilities(np.concatenate(crops))  # (N, classes)
        # Back to one array for each picture; the last part is what follows the last picture: none.
        *by_image, _ = np.split(probabilities, np.cumsum([len(each) for each in detections]))
        return [
            [
                Face(
                    whole_pixels(box, image.shape[1], image.shape[0]),
                    float(score),
                    dict(zip(self.classes, map(float, row), strict=True)),
                    is_unsure(row, self.unsure),
                )
                for box, score, row in zip(each.boxes, each.scores, rows, strict=True)
            ]
            for image, each, rows in zip(images, detections, by_image, strict=True)
        ]


def whole_pixels(box: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """Round a box to whole pixels inside the picture, at least one pixel wide and high."""
    left, top, right, bottom = (round(float(side)) for side in box)
    x1, y1 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return x1, y1, min(max(right, x1 + 1), width), min(max(bottom, y1 + 1), height)
