"""Flat masks and scarves: how they are cut, folded and sewn, before a face wears them.

Cloth is laid out by the angle round the face (radians, 0 at the nose, positive to the person's
left) and the height on the face (see :mod:`mask_detector.training.drawn.layers` for its unit).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from mask_detector.training.drawn.dyes import CLOTH_SIZE, dye, strap_colour_of
from mask_detector.training.drawn.sewing import (
    CLOTH_BOTTOM,
    coverage_of,
    creases,
    fold,
    hem,
    nose_wire,
    panels,
    piping,
    pleat,
    print_and_valve,
    print_mouth,
    seam,
    valve,
    window,
)

_EAR: Final = np.array([1.12, 0.55, -1.1])
_BACK_OF_HEAD: Final = np.array([1.1, -0.1, -1.3])


# Half of the edge of each cut: angles and heights, from the middle above round to the middle below.
_CUTS: Final = {
    "pleated": (
        [0, 0.30, 0.75, 1.10, 1.06, 0.80, 0.42, 0],
        [0.40, 0.47, 0.62, 0.72, 1.22, 1.50, 1.82, 1.90],
    ),
    "fitted": (
        [0, 0.28, 0.70, 1.20, 1.20, 0.85, 0.45, 0],
        [0.36, 0.50, 0.62, 0.62, 1.02, 1.42, 1.80, 1.88],
    ),
    "sponge": (
        [0, 0.30, 0.75, 1.38, 1.42, 1.00, 0.50, 0],
        [0.38, 0.50, 0.66, 0.50, 0.85, 1.30, 1.76, 1.88],
    ),
    "folded": (
        [0, 0.25, 0.70, 1.15, 1.15, 0.85, 0.42, 0],
        [0.30, 0.48, 0.66, 0.78, 0.98, 1.42, 1.84, 1.95],
    ),
    "cup": (
        [0, 0.30, 0.72, 0.98, 0.95, 0.72, 0.40, 0],
        [0.34, 0.40, 0.66, 1.00, 1.30, 1.62, 1.84, 1.90],
    ),
    "boat": (
        [0, 0.30, 0.70, 1.12, 1.12, 0.80, 0.44, 0],
        [0.34, 0.44, 0.64, 0.80, 1.08, 1.50, 1.82, 1.90],
    ),
}


@dataclass(frozen=True)
class Ellipsoid:
    """What the cloth is wrapped round.

    Attributes:
        lift: how much higher on the face the cloth lies than it was cut for.
    """

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    lift: float = 0.0

    def points(self, angles: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """Points on the surface, (N, 3), of angles round the y axis and heights on the cloth."""
        relative = np.clip((heights - self.lift - self.centre[1]) / self.radii[1], -1, 1)
        reach = np.sqrt(1 - relative**2)
        unit = np.stack([np.sin(angles) * reach, relative, np.cos(angles) * reach], axis=1)
        return unit * self.radii + self.centre


@dataclass(frozen=True)
class Strap:
    """From a corner of the mask to the head."""

    start: np.ndarray  # (2,) angle and height on the cloth
    end: np.ndarray  # (3,) on the head
    bend: float  # how far its middle hangs down


@dataclass(frozen=True)
class Cloth:
    """A flat mask: what it is made of and where it is cut."""

    outline: np.ndarray  # (N, 2): angle, height
    colour: np.ndarray  # float32 (H, W, 3), 1 is white
    relief: np.ndarray  # float32 (H, W): brightness of folds and seams, 1 is flat
    coverage: np.ndarray  # float32 (H, W)
    straps: list[Strap]
    strap_colour: np.ndarray  # (3,)
    body: Ellipsoid


def cut_cloth(style: str, wearing: str, slope: float, rng: np.random.Generator) -> Cloth:
    """A mask of the style, placed for the way it is worn.

    ``slope`` is how much brighter the face is towards its left, as a share of its brightness.
    Equal generators give the same mask for every way of wearing it.
    """
    if style == "surgical":
        cut = "pleated"
    else:
        cuts = ["folded", "cup", "boat"] if style == "ffp2" else ["pleated", "fitted", "sponge"]
        cut = str(rng.choice(cuts))
    # The order of the random choices matters: equal generators give equal masks.
    outline, body = _outline(cut, wearing, rng)
    colour = dye(style, rng)
    relief = creases(outline, rng)
    if cut == "pleated":
        pleat(relief, outline, rng)
    elif cut == "boat":
        panels(relief, outline, rng)
    elif cut == "folded":
        fold(relief, slope, rng)
    if cut == "folded" or (cut in ("fitted", "sponge") and rng.random() < 0.7):
        seam(relief, outline, rng)
    hem(relief, outline, rng)
    if style in ("cloth", "patterned"):
        threads = rng.standard_normal((CLOTH_SIZE[1] // 2, CLOTH_SIZE[0]), np.float32)
        relief += cv2.resize(np.float32(0.025) * threads, CLOTH_SIZE)
    if style in ("surgical", "ffp2"):
        nose_wire(relief, outline)
    elif rng.random() < 0.2:
        piping(colour, outline, rng)
    if style == "ffp2":
        print_and_valve(colour, relief, rng)
    elif style == "printed":
        print_mouth(colour, outline, rng)
    elif style == "valved":
        valve(colour, relief, outline, rng)
    coverage = coverage_of(outline)
    if style == "window":
        window(coverage, relief, outline, rng)
    straps = _straps(outline, cut, rng) if wearing != "one_ear" else _one_loop(outline)
    return Cloth(
        outline,
        colour,
        relief,
        coverage,
        straps,
        strap_colour_of(style, colour, rng),
        body,
    )


def _outline(cut: str, wearing: str, rng: np.random.Generator) -> tuple[np.ndarray, Ellipsoid]:
    """The edge of a mask, (N, 2) angle and height, and the body that it is wrapped round."""
    half = np.array(_CUTS[cut], np.float64).T
    half += rng.normal(0, 0.025, half.shape)
    half[:, 0] *= rng.uniform(0.93, 1.1)
    half[[0, -1], 0] = 0
    stick_out = {"folded": 0.26, "cup": 0.2, "boat": 0.2}.get(cut, 0.06) * rng.uniform(0.5, 1.0)
    body = Ellipsoid((0, 0.88, -0.75), (rng.uniform(1.0, 1.08), 1.24, 1.4 + stick_out))
    slip, bunch = rng.random(2)
    share = (half[:, 1] - half[0, 1]) / (half[-1, 1] - half[0, 1])
    if wearing == "under_nose":
        top = 0.76 + 0.19 * slip
        height = half[-1, 1] + 0.06 - top
        half[:, 1] = top + share * height - 0.12 * half[:, 0] * (1 - share)
        body = replace(body, radii=(body.radii[0], 1.3, 1.22))
    elif wearing == "under_mouth":
        top = 1.28 + 0.1 * slip
        half[:, 1] = top + share * (0.62 + 0.15 * bunch) - 0.2 * half[:, 0] * (1 - share)
        body = Ellipsoid((0, 1.4, -0.75), (1.0, 1.2, 1.12))
    elif wearing == "under_chin":
        half[:, 1] = 1.45 + 0.17 * slip + share * (0.5 + 0.18 * bunch) - 0.3 * half[:, 0]
        body = Ellipsoid((0, 1.55, -0.75), (0.95, 1.15, 1.08))
    elif wearing == "over_eyes":
        half[:, 1] = half[0, 1] + share * (1.1 + 0.35 * bunch)
        body = Ellipsoid((0, -0.1, -0.75), (1.15, 1.6, 1.2), lift=float(1.05 + 0.55 * slip))
    other = half[-2:0:-1] * [-1, 1] + rng.normal(0, 0.012, (len(half) - 2, 2))
    ring = np.concatenate([half, other])
    ring[:, 1] += rng.normal(0, 0.03) * ring[:, 0]
    if wearing == "one_ear":
        # Seen from the side: narrow, at the cheek, hanging down from the ear.
        side = rng.choice([-1, 1])
        turn, drop = side * (0.85 + 0.25 * slip), 0.25 + 0.4 * bunch
        ring = ring * [0.45, 1.15] + [turn, drop]
        body = Ellipsoid((0, 1.3, -0.75), (1.42, 2.2, 1.42))
    return cut_corners(ring), body


def both_halves(half: np.ndarray) -> np.ndarray:
    """A closed line from half of it, (N, 2) from the middle above to the middle below."""
    return np.concatenate([half, half[-2:0:-1] * [-1, 1]])


def cut_corners(ring: np.ndarray, times: int = 3) -> np.ndarray:
    """A closed line (N, 2) made smooth by Chaikin's algorithm, (N * 2**times, 2)."""
    for _ in range(times):
        following = np.roll(ring, -1, axis=0)
        ring = np.stack([0.75 * ring + 0.25 * following, 0.25 * ring + 0.75 * following], 1)
        ring = ring.reshape(-1, 2)
    return ring


def _straps(outline: np.ndarray, cut: str, rng: np.random.Generator) -> list[Strap]:
    """Loops round the ears, or, for some of the stiff masks, bands round the head."""
    round_head = cut in ("cup", "boat", "folded") and rng.random() < 0.4
    straps = []
    for sign in (-1, 1):
        side = outline[outline[:, 0] * sign > 0.8 * np.abs(outline[:, 0]).max()]
        ear = _EAR * [sign, 1, 1]
        above = _BACK_OF_HEAD * [sign, 1, 1] if round_head else ear - [0, 0.12, 0]
        straps.append(Strap(side[side[:, 1].argmin()], above, -0.04))
        straps.append(Strap(side[side[:, 1].argmax()], ear - [0, -0.1, 0], 0.06))
    return straps


def _one_loop(outline: np.ndarray) -> list[Strap]:
    """The straps of a mask that hangs from one ear: the other loop dangles."""
    side = np.sign(outline[:, 0].mean())
    upper, lower = outline[outline[:, 1].argmin()], outline[outline[:, 1].argmax()]
    ear = _EAR * [side, 1, 1]
    dangling = np.array([1.3 * side, lower[1] + 0.5, 0.0])
    return [Strap(upper, ear - [0, 0.12, 0], -0.04), Strap(lower, dangling, 0.15)]


def cut_scarf(rng: np.random.Generator) -> Cloth:
    """A scarf drawn up over the mouth: round the neck, in folds."""
    top = rng.uniform(0.62, 1.0)
    return drape(top, None, rng)


def drape(top: float, plain: np.ndarray | None, rng: np.random.Generator) -> Cloth:
    """Cloth that hangs in folds over the lower face and the neck.

    Args:
        top: height of its upper edge in the middle of the face.
        plain: its colour, (3,) BGR, 1 is white; None chooses a scarf's, with or without pattern.
    """
    angles = [0, 0.5, 1.0, 1.65, 1.7, 0.8, 0]
    heights = [top, top + 0.08, top + 0.15, top + 0.2, 2.6, 2.85, 2.95]
    right_half = np.stack([angles, heights], 1)
    right_half[1:-1] += rng.normal(0, 0.05, (5, 2))
    outline = both_halves(right_half)
    outline[:, 1] += rng.normal(0, 0.08) * outline[:, 0]
    outline = np.clip(outline, [-1.72, 0], [1.72, CLOTH_BOTTOM])
    if plain is None:
        colour = dye("patterned" if rng.random() < 0.6 else "cloth", rng)
    else:
        colour = np.empty((*CLOTH_SIZE[::-1], 3), np.float32)
        colour[:] = plain
    rows = np.arange(CLOTH_SIZE[1], dtype=np.float32)[:, None]
    columns = np.arange(CLOTH_SIZE[0], dtype=np.float32)[None]
    folds = np.zeros(CLOTH_SIZE[::-1], np.float32)
    for period in rng.uniform(25, 70, 3):
        slant = rng.normal(0, 0.25) * columns + rng.uniform(5, 20) * np.sin(columns / 60)
        folds += np.sin((rows + slant) * (2 * np.pi / period) + rng.uniform(0, 6))
    relief = creases(outline, rng) * (1 + 0.09 * folds)
    if plain is None and rng.random() < 0.5:  # knitted
        relief *= 1 + 0.12 * np.sin(rows * 1.3) * np.sin(columns * 0.9)
    body = Ellipsoid((0, 1.8, -0.75), (1.36, 1.4, 1.3))
    return Cloth(outline, colour, relief, coverage_of(outline), [], np.zeros(3), body)
