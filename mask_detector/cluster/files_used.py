"""The files and packages that decide what is found, to tell one run from another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2

from face_detector import ssd, weights, yunet
from mask_detector import __version__
from mask_detector.errors import ModelFileError

_PACKAGES = ("ai-edge-litert", "av", "numpy", "onnxruntime", "pillow")


def hashes(detection: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of the model and of the face detector's files, by what they are.

    Args:
        detection: what ``MaskDetector.load`` takes.

    Raises:
        UserFacingError: a file is missing or cannot be read.
    """
    files = [Path(detection["model"]), *_weights(detection)]
    names = ["the model", *(path.name for path in files[1:])]
    return {name: _sha256(path) for name, path in zip(names, files, strict=True)}


def _weights(detection: Mapping[str, Any]) -> list[Path]:
    chosen = detection.get("detector_weights")
    if detection["detector"] == "yunet":
        chosen = chosen or yunet.DEFAULT_WEIGHTS
        layers, own = [], weights.YUNET
    else:
        chosen = chosen or ssd.DEFAULT_WEIGHTS
        layers, own = [weights.SSD_PROTOTXT], weights.SSD_CAFFEMODEL
    if chosen == weights.ORIGINAL:
        return [*layers, *weights.fetch(own)]
    return [*layers, Path(chosen)]


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None


def versions() -> dict[str, str]:
    """The versions of this project and of the packages that read photos and run networks."""
    # OpenCV's own, as four packages hold it: with and without windows, with and without extras.
    found = {"face-mask-detection": __version__, "opencv": cv2.__version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
