"""What a report is made of, whatever it is written as: blocks, one below the other.

All texts are in the visitor's language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
"""Level of the intervals."""


@dataclass(frozen=True)
class Heading:
    """The title of what follows."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, or an item of a list."""

    text: str
    item: bool = False


@dataclass(frozen=True)
class Tile:
    """A number that is read at a glance.

    Attributes:
        mark: a character that distinguishes it where colours do not.
        colour: such as ``#00aa00``.
    """

    name: str
    number: str
    mark: str
    colour: str


@dataclass(frozen=True)
class Tiles:
    """Tiles, side by side."""

    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Table:
    """Rows of cells; without a header, the first column names what stands in the second."""

    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()


@dataclass(frozen=True)
class Curve:
    """One label's counts over time.

    Attributes:
        colour: such as ``#00aa00``.
        values: as many as the chart has times.
        dashes: lengths of strokes and gaps; empty for a solid line.
    """

    name: str
    colour: str
    values: Sequence[int]
    dashes: Sequence[int] = ()


@dataclass(frozen=True)
class Chart:
    """Curves over time.

    Attributes:
        times: in seconds, ascending; at least one.
        ticks: times with their labels.
        summary: the chart in words.
    """

    times: Sequence[float]
    ticks: Sequence[tuple[float, str]]
    curves: Sequence[Curve]
    summary: str


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        jpeg: its file.
        width: in pixels.
        height: in pixels.
        caption: what it shows.
    """

    jpeg: bytes
    width: int
    height: int
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Small pictures, side by side."""

    pictures: Sequence[Picture]


Block = Heading | Paragraph | Tiles | Table | Chart | Picture | Gallery


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        language: code of its language, such as ``de``.
        title: in words.
        subtitle: when it was made, and with which program.
        blocks: from top to bottom.
    """

    language: str
    title: str
    subtitle: str
    blocks: Sequence[Block]


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The interval of a share at the level ``CONFIDENCE`` (Wilson 1927, JASA 22, p. 209).

    >>> [round(end, 3) for end in wilson_interval(10, 14)]
    [0.454, 0.883]

    Args:
        successes: from 0 to ``trials``.
        trials: N = 0 gives 0 to 1: nothing is known.
    """
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = successes / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
