"""Where the model is that comes with the package; nothing is loaded."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it where a wheel was installed.
_INSTALLED_MODEL = _PACKAGE / "mask_detector.model"
DEFAULT_MODEL = (
    _INSTALLED_MODEL if _INSTALLED_MODEL.exists() else _PACKAGE.parent / "mask_detector.model"
)
