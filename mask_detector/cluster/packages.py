"""Whether the optional packages are there."""

from __future__ import annotations

from importlib.util import find_spec

from mask_detector.errors import UserFacingError


def check_packages(*names: str) -> None:
    """Raise UserFacingError where a package of requirements-cluster.txt is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise UserFacingError(
                f"this needs {name}, which is not installed: "
                "pip install -r requirements-cluster.txt"
            )
