"""Find faces in pictures and tell which of them wear a mask.

    >>> from mask_detector import MaskDetector
    >>> detector = MaskDetector.load()
    >>> faces = detector.detect("examples/example_01.png")

Importing the package loads neither NumPy nor OpenCV nor TensorFlow nor a model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mask_detector.detector import MaskDetector
    from mask_detector.faces import Face, Faces

__all__ = ["Face", "Faces", "MaskDetector"]
__version__ = "1.1.0"

_MODULES = {"Face": "faces", "Faces": "faces", "MaskDetector": "detector"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"mask_detector.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
