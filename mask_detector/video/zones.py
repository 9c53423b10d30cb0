"""Zones: polygons in the picture; faces outside them neither count nor raise alerts.

zone = parse_zone("0.5,0,1,0,1,1,0.5,1")          # the right half, as fractions
zone.contains(face.box, width, height)
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Point = tuple[float, float]


@dataclass(frozen=True)
class Zone:
    """A polygon.

    Attributes:
        points: x, y of three corners or more.
        fractions: the points are fractions of the picture's width and height, not pixels.
    """

    points: tuple[Point, ...]
    fractions: bool

    def pixels(self, width: int, height: int) -> list[Point]:
        """The corners in pixels of a picture of that size."""
        if not self.fractions:
            return list(self.points)
        return [(x * width, y * height) for x, y in self.points]

    def contains(self, box: Sequence[float], width: int, height: int) -> bool:
        """Whether the middle of a box (x1, y1, x2, y2 in pixels) lies in the zone or on its edge.

        Args:
            box: in pixels of a picture of ``width`` x ``height``.
        """
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        corners = np.array(self.pixels(width, height), np.float32)  # (N, 2)
        return cv2.pointPolygonTest(corners, middle, measureDist=False) >= 0


def inside_any(zones: Sequence[Zone], box: Sequence[float], width: int, height: int) -> bool:
    """Whether the middle of a box lies in one of the zones."""
    return any(zone.contains(box, width, height) for zone in zones)


def parse_zone(text: str) -> Zone:
    """Read ``x1,y1,x2,y2,x3,y3,…``, for argparse's ``type``.

    Corners are in pixels of the source's frames or, if no number is above 1, in fractions of
    their width and height, which fit every size.

    Raises:
        argparse.ArgumentTypeError: these are not the corners of a polygon.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of numbers with commas between"
        ) from None
    if len(numbers) < 6 or len(numbers) % 2:
        raise argparse.ArgumentTypeError(
            f"a zone is x and y of at least three corners, not {len(numbers)} numbers"
        )
    if not all(number >= 0 and math.isfinite(number) for number in numbers):
        raise argparse.ArgumentTypeError("the corners of a zone cannot be below zero")
    points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    # Corners on one line, or a figure whose halves cancel each other out.
    if not cv2.contourArea(np.array(points, np.float32)):
        raise argparse.ArgumentTypeError("the corners of the zone enclose no area")
    return Zone(points, fractions=max(numbers) <= 1)
