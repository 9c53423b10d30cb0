"""What the face detectors share: choosing between one pass and several, and finishing the boxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np

from face_detector.detections import Detections
from face_detector.weights import ORIGINAL


class BaseDetector(ABC):
    """A face detector behind ``face_detector.load``, which explains the arguments.

    Subclasses set the two class attributes and say how one pass and a thorough search work.

    Attributes:
        one_pass_size: the longer side in pixels of the one pass that "auto" means for video.
        box_adjustment: shares for :meth:`Detections.adjusted`, from the network's boxes to boxes
            as people annotate them.
    """

    one_pass_size: ClassVar[int]
    box_adjustment: Sequence[float]

    def __init__(
        self,
        size: int | Literal["auto"],
        confidence: float,
        thorough: bool,
        threads: int | None,
        weights: str | Path,
    ) -> None:
        """
        Args:
            threads: also of OpenCV, which has one number for the whole process.
            weights: ``ORIGINAL`` or a file. Only the original needs its boxes adjusted: weights
                trained on annotated faces give boxes as people annotate them.
        """
        if weights != ORIGINAL:
            self.box_adjustment = (0.0, 0.0, 0.0, 0.0)
        if threads is not None:
            cv2.setNumThreads(threads)
        self._size = self.one_pass_size if size == "auto" and not thorough else size
        self._confidence = confidence

    @property
    def pass_size(self) -> int | None:
        """The longer side in pixels of its one pass; None for a thorough search."""
        return None if self._size == "auto" else self._size

    def find(self, image: np.ndarray) -> Detections:
        """Find the faces of one picture.

        Args:
            image: uint8 BGR, shape (H, W, 3).

        Returns:
            The faces, best first, boxes clipped to the picture; N = 0 where there are none.
        """
        return self.find_with_candidates(image, self._confidence)[0]

    def find_with_candidates(
        self, image: np.ndarray, lowest_score: float
    ) -> tuple[Detections, Detections]:
        """Find the faces of one picture, and what may be faces too.

        Args:
            image: uint8 BGR, shape (H, W, 3).
            lowest_score: of the candidates, in [0, 1].

        Returns:
            The faces, exactly as :meth:`find` returns them; and the candidates, whose scores are
            below those of faces, best first.
        """
        height, width = image.shape[:2]
        lowest = min(lowest_score, self._confidence)
        if self._size == "auto":
            detections = self._detect_thoroughly(image, lowest)
        else:
            detections = self._detect_once(image, self._size, lowest)
        detections = detections.adjusted(self.box_adjustment).clipped(width, height)
        return detections.split(self._confidence)

    @abstractmethod
    def _detect_once(self, image: np.ndarray, size: int, confidence: float) -> Detections:
        """One pass with the longer side resized to ``size``; boxes as the network gives them."""

    @abstractmethod
    def _detect_thoroughly(self, image: np.ndarray, confidence: float) -> Detections:
        """Several passes, at other scales or on tiles, merged; boxes as the network gives them."""
