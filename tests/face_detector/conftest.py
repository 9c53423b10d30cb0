"""Real photos with their faces, and pictures without any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def photo(examples: Path) -> Callable[[str], np.ndarray]:
    """The named example photo, uint8 BGR."""

    def read(name: str) -> np.ndarray:
        image = cv2.imread(str(examples / name))
        assert image is not None
        return image

    return read


@pytest.fixture(scope="session")
def annotated(examples: Path) -> Callable[[str], np.ndarray]:
    """Boxes, (N, 4) x1, y1, x2, y2, of the faces in the named example photo."""
    table = json.loads((examples / "annotations" / "faces.json").read_text())

    def boxes(name: str) -> np.ndarray:
        (number,) = (image["id"] for image in table["images"] if image["file_name"] == name)
        found = [row["bbox"] for row in table["annotations"] if row["image_id"] == number]
        corners_and_sizes = np.array(found, np.float64)
        return np.hstack(
            [corners_and_sizes[:, :2], corners_and_sizes[:, :2] + corners_and_sizes[:, 2:]]
        )

    return boxes


@pytest.fixture(
    params=[(1, 1), (1, 300), (300, 1), (480, 640)], ids=["1x1", "column", "row", "black"]
)
def empty_picture(request: pytest.FixtureRequest) -> np.ndarray:
    """Black, of the smallest and the oddest sizes."""
    width, height = request.param
    return np.zeros((height, width, 3), np.uint8)
