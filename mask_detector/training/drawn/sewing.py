"""What is sewn, folded and printed on flat cloth: creases, pleats, seams, hems, wires, valves.

Each function draws onto the cloth's relief (float32 (H, W), 1 is flat, less is shaded) or its
colour (float32 (H, W, 3)) in place, inside the outline ((N, 2): angle, height) of the mask.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mask_detector.training.drawn.dyes import CLOTH_SIZE

# The flat cloth spans these angles to either side, and heights from the brow to the neck.
CLOTH_ANGLE: Final = 1.75
CLOTH_TOP: Final = -0.1
CLOTH_BOTTOM: Final = 3.0


def _on_cloth(points: np.ndarray) -> np.ndarray:
    """Pixels of the flat cloth, float (N, 2), of angles and heights."""
    width, height = CLOTH_SIZE
    scale = [width / (2 * CLOTH_ANGLE), height / (CLOTH_BOTTOM - CLOTH_TOP)]
    return (np.asarray(points) - [-CLOTH_ANGLE, CLOTH_TOP]) * scale


def _polygon(points: np.ndarray) -> np.ndarray:
    """Cloth pixels as OpenCV wants them with ``shift=4``, int32 (N, 2)."""
    return np.rint(_on_cloth(points) * 16).astype(np.int32)


def coverage_of(outline: np.ndarray) -> np.ndarray:
    """How much of each pixel lies inside the outline, float32 (H, W), 0 to 1."""
    coverage = np.zeros(CLOTH_SIZE[::-1], np.uint8)
    cv2.fillPoly(coverage, [_polygon(outline)], 255, cv2.LINE_AA, 4)
    return coverage.astype(np.float32) / 255


def draw_line(layer: np.ndarray, points: np.ndarray, value: ArrayLike, thickness: int = 1) -> None:
    """A line along points (N, 2: angle, height) on a layer of the cloth, in place."""
    ink = np.asarray(value, float).tolist()
    cv2.polylines(layer, [_polygon(points)], False, ink, thickness, cv2.LINE_AA, 4)


def draw_oval(layer: np.ndarray, centre: ArrayLike, axes: ArrayLike, value: ArrayLike) -> None:
    """A filled ellipse about a centre (angle, height) on a layer of the cloth, in place."""
    turn = np.arange(24) * (np.pi / 12)
    ring = np.add(np.stack([np.cos(turn), np.sin(turn)], 1) * np.asarray(axes), centre)
    cv2.fillPoly(layer, [_polygon(ring)], np.asarray(value, float).tolist(), cv2.LINE_AA, 4)


def _across(outline: np.ndarray, share: float, sag: float) -> np.ndarray:
    """A line from one side of the mask to the other, at a share of its height, (17, 2)."""
    # A mask that hangs from one ear lies wholly to one side of the nose.
    one_sided = outline[:, 0].min() * outline[:, 0].max() > 0
    centre = outline[:, 0].mean() if one_sided else 0.0
    around = outline[:, 0] - centre
    side = around.max()
    angles = np.linspace(-side, side, 17)
    middle = outline[np.abs(around) < 0.25 * side]
    ends = outline[np.abs(around) > 0.85 * side]
    heights = [part[:, 1].min() + share * np.ptp(part[:, 1]) for part in (middle, ends)]
    bend = (angles / side) ** 2
    rows = heights[0] * (1 - bend) + heights[1] * bend + sag * (1 - bend)
    return np.stack([centre + angles, rows], 1)


def creases(outline: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Soft folds that run from the straps to the middle, and unevenness."""
    width, height = CLOTH_SIZE
    lines = np.zeros((height // 2, width // 2), np.float32)
    side, top, bottom = outline[:, 0].max(), outline[:, 1].min(), outline[:, 1].max()
    for _ in range(rng.integers(5, 14)):
        sign = rng.choice([-1, 1])
        start = [sign * side * rng.uniform(0.75, 1.0), top + (bottom - top) * rng.uniform(0.2, 0.8)]
        end = [sign * side * rng.uniform(-0.2, 0.4), top + (bottom - top) * rng.uniform(0.1, 0.9)]
        value = float(rng.normal(0, 0.17))
        pixels = np.rint(_on_cloth(np.array([start, end])) * 8).astype(np.int32)
        cv2.line(lines, pixels[0], pixels[1], value, int(rng.integers(2, 6)), cv2.LINE_AA, 4)
    uneven = rng.normal(0, 1, (9, 12)).astype(np.float32)
    folds = cv2.GaussianBlur(lines, (0, 0), rng.uniform(1.4, 3.2))
    waves = cv2.resize(uneven, lines.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.resize(1 + folds + np.float32(0.035) * waves, CLOTH_SIZE)


def pleat(relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """Three or four horizontal pleats: an edge that catches light over a shadow."""
    count = int(rng.integers(3, 5))
    depth = rng.uniform(0.14, 0.36)
    marks = np.zeros_like(relief)
    for share in np.linspace(0.25, 0.72, count) + rng.normal(0, 0.02, count):
        line = _across(outline, share, rng.normal(0.03, 0.02))
        draw_line(marks, line - [0, 0.022], 0.7 * depth, 2)
        draw_line(marks, line - [0, -0.012], -1.4 * depth, 2)
    relief += cv2.GaussianBlur(marks, (0, 0), 1.2)


def fold(relief: np.ndarray, slope: float, rng: np.random.Generator) -> None:
    """A sharp fold down the middle: the two sides meet the light differently."""
    angles = np.linspace(-CLOTH_ANGLE, CLOTH_ANGLE, relief.shape[1], dtype=np.float32)
    difference = np.float32(np.clip(2.0 * slope + rng.normal(0, 0.05), -0.2, 0.2))
    relief += np.tanh(angles / 0.04) * np.exp(-((angles / 0.7) ** 2)) * difference


def seam(relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """A seam down the middle."""
    heights = [outline[:, 1].min(), outline[:, 1].max()]
    line = np.stack([np.full(2, rng.normal(0, 0.015)), heights], 1)
    marks = np.zeros_like(relief)
    draw_line(marks, line, -0.2)
    draw_line(marks, line - [-0.022, 0], 0.1)
    relief += cv2.GaussianBlur(marks, (0, 0), 0.9)


def panels(relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """Three panels one over the other: light above, middle, dark below."""
    upper = _across(outline, 0.3, rng.uniform(0.02, 0.1))
    lower = _across(outline, 0.74, rng.uniform(-0.08, 0.04))
    marks = np.zeros_like(relief)
    below = np.concatenate([lower, [[CLOTH_ANGLE, CLOTH_BOTTOM], [-CLOTH_ANGLE, CLOTH_BOTTOM]]])
    cv2.fillPoly(marks, [_polygon(below)], -0.13, cv2.LINE_8, 4)
    for line in (upper, lower):
        draw_line(marks, line, -0.2, 1)
        draw_line(marks, line - [0, 0.02], 0.1, 1)
    relief += cv2.GaussianBlur(marks, (0, 0), 1.2)


def hem(relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """The sewn or welded edge: thicker, with a line of stitches inside."""
    centre = outline.mean(0)
    ring = np.concatenate([outline, outline[:1]])
    marks = np.zeros_like(relief)
    draw_line(marks, ring, -0.16, 3)
    draw_line(marks, centre + (ring - centre) * rng.uniform(0.9, 0.94), -0.12)
    relief += cv2.GaussianBlur(marks, (0, 0), 0.9)


def nose_wire(relief: np.ndarray, outline: np.ndarray) -> None:
    """The wire that is bent over the nose."""
    wire = _across(outline, 0.08, 0.0)[5:12]
    marks = np.zeros_like(relief)
    draw_line(marks, wire, 0.12, 3)
    draw_line(marks, wire - [0, -0.03], -0.12)
    relief += cv2.GaussianBlur(marks, (0, 0), 0.9)


def piping(colour: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """An edge in another colour."""
    band = rng.uniform(0.05, 0.95, 3).tolist()
    cv2.polylines(colour, [_polygon(outline)], True, band, 8, cv2.LINE_AA, 4)


def print_and_valve(colour: np.ndarray, relief: np.ndarray, rng: np.random.Generator) -> None:
    """The letters of the standard, and sometimes a valve."""
    if rng.random() < 0.6:
        start = _on_cloth(np.array([[rng.choice([-0.62, 0.2]), rng.uniform(1.15, 1.4)]]))[0]
        text = str(rng.choice(["FFP2 NR", "KN95", "N95", "CE 0598", "GB2626"]))
        ink = (colour.mean(axis=(0, 1)) * 0.55).tolist()
        cv2.putText(colour, text, start.astype(int).tolist(), 0, 0.3, ink, 1, cv2.LINE_AA)
    if rng.random() < 0.3:
        _plate(colour, relief, np.array([rng.choice([0.0, 0.35, -0.35]), 1.12]), rng)


def valve(
    colour: np.ndarray, relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator
) -> None:
    """One or two valves, at a side of the mask."""
    sides = [-0.4, 0.4] if rng.random() < 0.5 else [rng.choice([-0.4, 0.4])]
    height = outline[:, 1].min() + 0.55 * np.ptp(outline[:, 1])
    for side in sides:
        _plate(colour, relief, np.array([outline[:, 0].mean() + side, height]), rng)


def _plate(
    colour: np.ndarray, relief: np.ndarray, place: np.ndarray, rng: np.random.Generator
) -> None:
    """A valve: a round plate with slits, at a place (angle, height)."""
    pixel = _on_cloth(place[None])[0].astype(int)
    radius = int(rng.integers(12, 17))
    shade = rng.uniform(0.3, 1.0)
    cv2.circle(colour, pixel.tolist(), radius, [shade] * 3, -1, cv2.LINE_AA)
    cv2.circle(relief, (pixel + 1).tolist(), radius, 0.7, 3, cv2.LINE_AA)
    cv2.circle(relief, (pixel - 1).tolist(), radius - 1, 1.15, 1, cv2.LINE_AA)
    for shift in range(-radius // 2, radius // 2 + 1, 4):
        x, y = pixel.tolist()
        first, last = (x - radius // 2, y + shift), (x + radius // 2, y + shift)
        cv2.line(relief, first, last, 0.8, 1, cv2.LINE_AA)


def print_mouth(colour: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """A printed face: a mouth, at times with teeth, a nose, a beard or an animal's snout."""
    x = outline[:, 0].mean()
    y = outline[:, 1].min() + rng.uniform(0.45, 0.62) * np.ptp(outline[:, 1])
    wide, high = rng.uniform(0.3, 0.62), rng.uniform(0.06, 0.22)

    base = colour[::16, ::16].mean(axis=(0, 1))
    if rng.random() < 0.35:  # a beard or a snout
        draw_oval(colour, (x, y + 0.15), (wide * 1.5, high + 0.3), base * rng.uniform(0.15, 0.7))
    if rng.random() < 0.5:  # a nose
        draw_oval(colour, (x, y - 0.4), (0.18, 0.09), base * rng.uniform(0.2, 0.85))
    if rng.random() < 0.3:  # a moustache
        draw_oval(colour, (x, y - 0.17), (wide, 0.06), base * 0.2)
    lips = np.array([rng.uniform(0.2, 0.5), rng.uniform(0.15, 0.4), rng.uniform(0.5, 0.95)])
    draw_oval(colour, (x, y), (wide, high), lips)
    if rng.random() < 0.6:  # teeth
        draw_oval(colour, (x, y), (wide * 0.8, high * 0.55), np.full(3, 0.95))
    marks = np.stack([x + np.linspace(-wide, wide, 9), np.full(9, y)], 1)
    marks[:, 1] += rng.uniform(-0.12, 0.12) * np.linspace(-1, 1, 9) ** 2
    draw_line(colour, marks, lips * 0.3)


def window(
    coverage: np.ndarray, relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator
) -> None:
    """A transparent window before the mouth, with glare."""
    turn = np.arange(24) * (np.pi / 12)
    centre = outline[:, 1].min() + 0.5 * np.ptp(outline[:, 1])
    axes = np.array([rng.uniform(0.42, 0.6), rng.uniform(0.26, 0.38)])
    ring = np.stack([np.cos(turn), np.sin(turn)], 1) * axes + [outline[:, 0].mean(), centre]
    cv2.fillPoly(coverage, [_polygon(ring)], rng.uniform(0.1, 0.35), cv2.LINE_AA, 4)
    draw_line(relief, np.concatenate([ring, ring[:1]]), 0.75, 2)
    glare = np.zeros_like(coverage)
    line = ring.mean(0) + np.array([[-0.6, -0.5], [-0.2, 0.5]]) * axes
    draw_line(glare, line, rng.uniform(0.2, 0.7), int(rng.integers(2, 9)))
    np.maximum(coverage, cv2.GaussianBlur(glare, (0, 0), 2.0), out=coverage)
