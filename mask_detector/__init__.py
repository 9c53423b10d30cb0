"""Find faces in pictures and tell which of them wear a mask.

    >>> import cv2
    >>> from mask_detector import MaskDetector
    >>> detector = MaskDetector.load("mask_detector.model", detector="ssd")
    >>> faces = detector.detect(cv2.imread("examples/example_01.png"))

Importing the package loads neither OpenCV nor TensorFlow nor a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mask_detector.detector import Face, MaskDetector

__all__ = ["Face", "MaskDetector"]
__version__ = "1.0.0"


def __getattr__(name: str) -> Any:
    if name in __all__:
        from mask_detector import detector

        return getattr(detector, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
