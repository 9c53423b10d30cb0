"""Zones: polygons in the picture; faces outside them neither count nor raise alerts.

zone = parse_zone("door=0.5,0,1,0,1,1,0.5,1")     # the right half, as fractions
zone.contains(face.box, width, height)
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mask_detector.drawing import GREY
from mask_detector.text import draw_text, drawable, text_size
from mask_detector.wording import printable

Point = tuple[float, float]

_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Zone:
    """A polygon.

    Attributes:
        points: x, y of three corners or more.
        fractions: the points are fractions of the picture's width and height, not pixels.
        name: what it is called in pictures and lists; may be empty.
    """

    points: tuple[Point, ...]
    fractions: bool
    name: str = ""

    def pixels(self, width: int, height: int) -> list[Point]:
        """The corners in pixels of a picture of that size."""
        if not self.fractions:
            return list(self.points)
        return [(x * width, y * height) for x, y in self.points]

    @property
    def text(self) -> str:
        """The zone as :func:`parse_zone` reads it."""
        corners = ",".join(f"{number:g}" for point in self.points for number in point)
        return f"{self.name}={corners}" if self.name else corners

    def contains(self, box: Sequence[float], width: int, height: int) -> bool:
        """Whether the middle of a box (x1, y1, x2, y2 in pixels) lies in the zone or on its edge.

        Args:
            box: in pixels of a picture of ``width`` x ``height``.
        """
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        corners = np.array(self.pixels(width, height), np.float32)  # (N, 2)
        return cv2.pointPolygonTest(corners, middle, measureDist=False) >= 0


def zone_of(zones: Sequence[Zone], box: Sequence[float], width: int, height: int) -> Zone | None:
    """The first of the zones in which the middle of a box lies; None where it lies in none."""
    return next((zone for zone in zones if zone.contains(box, width, height)), None)


def draw_zones(image: np.ndarray, zones: Sequence[Zone], mirror: bool = False) -> None:
    """Draw the outlines and names of zones into a picture.

    Args:
        image: uint8 BGR, shape (H, W, 3); drawn into.
        zones: N = 0 changes nothing.
        mirror: the picture is mirrored left to right, the zones are not.
    """
    height, width = image.shape[:2]
    thickness = max(1, round(min(height, width) / 400))
    for zone in zones:
        corners = np.array(zone.pixels(width, height)).round().astype(np.int32)  # (N, 2)
        if mirror:
            corners[:, 0] = width - 1 - corners[:, 0]
        cv2.polylines(image, [corners], True, _WHITE, thickness)
        if drawable(zone.name).strip():
            left, top = corners.min(axis=0)
            draw_text(image, zone.name, (int(left), int(top)), text_size(width, height), GREY)


def parse_zone(text: str) -> Zone:
    """Read ``x1,y1,x2,y2,x3,y3,…`` or ``name=x1,y1,…``, for argparse's ``type``.

    Corners are in pixels of the source's frames or, if no number is above 1, in fractions of
    their width and height, which fit every size.

    Raises:
        argparse.ArgumentTypeError: these are not the corners of a polygon.
    """
    name, _, corners = text.rpartition("=")
    try:
        numbers = [float(part) for part in corners.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{corners!r} is not a list of numbers with commas between"
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
    return Zone(points, max(numbers) <= 1, printable(name.strip()))
