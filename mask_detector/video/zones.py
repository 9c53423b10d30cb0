"""Zones: polygons in the picture outside of which faces neither count nor raise alerts.

zone = parse_zone("0.5,0,1,0,1,1,0.5,1")          # the right half, as shares
zone.contains(face.box, width, height)
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]


@dataclass(frozen=True)
class Zone:
    """A polygon.

    Attributes:
        points: x, y of three corners or more.
        shares: the points are shares of the picture's width and height instead of pixels.
    """

    points: tuple[Point, ...]
    shares: bool

    def pixels(self, width: int, height: int) -> list[Point]:
        """The corners in pixels of a picture of that size."""
        if not self.shares:
            return list(self.points)
        return [(x * width, y * height) for x, y in self.points]

    def contains(self, box: Sequence[float], width: int, height: int) -> bool:
        """Whether the middle of a box (x1, y1, x2, y2 in pixels) lies in the zone."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        # A ray to the right leaves the polygon an odd number of times if it starts inside.
        inside = False
        for (x1, y1), (x2, y2) in _edges(self.pixels(width, height)):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside


def inside_any(zones: Sequence[Zone], box: Sequence[float], width: int, height: int) -> bool:
    """Whether the middle of a box lies in one of the zones."""
    return any(zone.contains(box, width, height) for zone in zones)


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
    if not all(number >= 0 and math.isfinite(number) for number in numbers):
        raise argparse.ArgumentTypeError("a zone's corners are not below zero")
    points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if not sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(points)):
        raise argparse.ArgumentTypeError("the zone's corners enclose nothing")
    return Zone(points, shares=max(numbers) <= 1)


def _edges(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(pairwise([*points, points[0]]))
