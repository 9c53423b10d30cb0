"""Zones: polygons in the picture outside of which faces neither count nor raise alerts.

zone = parse_zone("0.5,0,1,0,1,1,0.5,1")          # the right half, as shares
zone.contains(face.box, width, height)
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_ZONE_COLOUR = (255, 255, 255)


@dataclass(frozen=True)
class Zone:
    """A polygon.

    Attributes:
        points: x, y of the corners, shape (N, 2), N >= 3.
        shares: the points are shares of the picture's width and height instead of pixels.
    """

    points: tuple[tuple[float, float], ...]
    shares: bool

    def pixels(self, width: int, height: int) -> np.ndarray:
        """The corners in pixels of a picture of that size, float32 of shape (N, 2)."""
        scale = (width, height) if self.shares else (1, 1)
        return np.array(self.points, np.float32) * np.array(scale, np.float32)

    def contains(self, box: Sequence[float], width: int, height: int) -> bool:
        """Whether the middle of a box (x1, y1, x2, y2 in pixels) lies in the zone."""
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        return cv2.pointPolygonTest(self.pixels(width, height), middle, measureDist=False) >= 0


def parse_zone(text: str) -> Zone:
    """Read ``x1,y1,x2,y2,x3,y3,…``, for argparse's ``type``.

    Corners are in pixels of the source's frames, or, when no number is above 1, in shares of
    their width and height, which hold for every size.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers with commas between") from None
    if len(numbers) < 6 or len(numbers) % 2:
        raise argparse.ArgumentTypeError(
            f"a zone is x and y of at least three corners, not {len(numbers)} numbers"
        )
    if min(numbers) < 0 or not np.isfinite(numbers).all():
        raise argparse.ArgumentTypeError("a zone's corners are not below zero")
    points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if cv2.contourArea(np.array(points, np.float32)) <= 0:
        raise argparse.ArgumentTypeError("the zone's corners lie on one line")
    return Zone(points, shares=max(numbers) <= 1)


def inside_any(zones: Sequence[Zone], box: Sequence[float], width: int, height: int) -> bool:
    """Whether the middle of a box lies in one of the zones."""
    return any(zone.contains(box, width, height) for zone in zones)


def draw_zones(image: np.ndarray, zones: Sequence[Zone]) -> np.ndarray:
    """Draw the outlines of zones into ``image`` (uint8 BGR) and return it."""
    height, width = image.shape[:2]
    corners = [zone.pixels(width, height).round().astype(np.int32) for zone in zones]
    thickness = max(1, round(min(height, width) / 400))
    cv2.polylines(image, corners, True, _ZONE_COLOUR, thickness, cv2.LINE_AA)
    return image
