"""Find faces in pictures; also the folder of the detectors' model files.

    >>> import cv2
    >>> from face_detector import load
    >>> load("ssd").find(cv2.imread("examples/example_01.png")).boxes

Importing the package loads neither OpenCV nor NumPy nor a model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from face_detector.errors import UserFacingError, WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from face_detector.detections import Detections

# Name of each detector: its module and its class, which takes the other arguments of `load`.
_CLASSES = {
    "ssd": ("face_detector.ssd", "SSD"),
    "yunet": ("face_detector.yunet", "YuNet"),
}
DETECTORS = tuple(_CLASSES)


class FaceDetector(Protocol):
    """Anything that finds faces."""

    def find(self, image: np.ndarray) -> Detections:
        """The faces of a uint8 BGR picture of shape (H, W, 3), boxes clipped to it, best first."""

    def find_with_candidates(
        self, image: np.ndarray, lowest_score: float
    ) -> tuple[Detections, Detections]:
        """The same faces, and possible ones: those with a lower score, down to ``lowest_score``."""


def load(
    name: str = "ssd",
    size: int | Literal["auto"] = "auto",
    confidence: float = 0.5,
    thorough: bool = True,
    threads: int | None = None,
    weights: str | Path | None = None,
) -> FaceDetector:
    """Load a face detector; files of its original weights are downloaded on first use.

    Args:
        name: one of ``DETECTORS``.
        size: the longer side in pixels of the one pass over the picture, or "auto": as many
            scales and tiles as the picture's resolution warrants (one pass where ``thorough``
            is False).
        confidence: the lowest score of a face, in [0, 1].
        thorough: False makes "auto" one pass, fast enough for video.
        threads: processor cores to use; None leaves it to the engine.
        weights: a file with other weights of the same network, or "original" for those that its
            authors published; None chooses the detector's default.

    Raises:
        UserFacingError: the name is unknown, or (WeightsError) a model file cannot be read or
            downloaded.
    """
    if name not in _CLASSES:
        raise UserFacingError(
            f"There is no face detector {name!r}: choose {' or '.join(DETECTORS)}"
        )
    module, class_name = _CLASSES[name]
    detector: FaceDetector = getattr(import_module(module), class_name)(
        size, confidence, thorough, threads, weights
    )
    return detector


def __getattr__(name: str) -> Any:
    if name == "Detections":
        return import_module("face_detector.detections").Detections
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["DETECTORS", "Detections", "FaceDetector", "UserFacingError", "WeightsError", "load"]
