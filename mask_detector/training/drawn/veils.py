"""Headscarves and veils: cloth round the head, and cloth over nose and mouth that is no mask."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mask_detector.training.drawn.camera import Look, Pose
from mask_detector.training.drawn.cloth import Ellipsoid, both_halves, cut_corners, drape
from mask_detector.training.drawn.dyes import plain_colour
from mask_detector.training.drawn.layers import Window, blend, shade_window, wear

_HEAD: Final = Ellipsoid((0, 0.45, -0.9), (1.5, 2.45, 1.75))
_FACE: Final = Ellipsoid((0, 0.5, -0.75), (1.1, 1.6, 1.45))

# The opening of a headscarf: angle and height from the brow down to the chin, one half.
_OPENING: Final = np.array(
    [
        [0, -0.95],
        [0.35, -0.9],
        [0.8, -0.55],
        [1.0, 0.1],
        [1.0, 0.9],
        [0.75, 1.6],
        [0.3, 2.0],
        [0, 2.05],
    ]
)
# What a niqab leaves free round the eyes.
_SLIT: Final = np.array(
    [[0, -0.42], [0.5, -0.42], [0.9, -0.3], [1.05, 0.0], [0.85, 0.28], [0, 0.42]]
)


def wear_veil(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A veil over nose and mouth, mostly with a headscarf of the same cloth."""
    colour = plain_colour(rng)
    wear(image, pose, look, drape(rng.uniform(0.1, 0.55), colour, rng), rng)
    if rng.random() < 0.7:
        _wrap_head(image, pose, look, colour * rng.uniform(0.9, 1.1), _OPENING, rng)


def wear_niqab(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """Cloth over the whole head that leaves the eyes free."""
    colour = plain_colour(rng)
    if rng.random() < 0.6:
        colour = np.full(3, rng.uniform(0.03, 0.14), np.float32)
    wear(image, pose, look, drape(rng.uniform(0.2, 0.45), colour, rng), rng)
    _wrap_head(image, pose, look, colour, _SLIT, rng)


def wear_headscarf(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A headscarf that leaves the face free."""
    _wrap_head(image, pose, look, plain_colour(rng), _OPENING, rng)


def _wrap_head(
    image: np.ndarray,
    pose: Pose,
    look: Look,
    colour: np.ndarray,
    opening: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Cloth round the head and over the shoulders, with an opening.

    Args:
        colour: (3,) BGR, 1 is white.
        opening: (N, 2), angle and height of one half of its edge, from above to below.
    """
    turns = np.linspace(-np.pi, np.pi, 25)
    heights = (-1.75, -0.9, 0.5, 1.5)
    skull = np.concatenate([_HEAD.points(turns, np.full(25, height)) for height in heights])
    shoulders = np.array([[-2.4, 4.2, -0.6], [2.4, 4.2, -0.6], [-1.5, 2.4, -0.6], [1.5, 2.4, -0.6]])
    around = np.concatenate([skull, shoulders])
    window = Window.around(image, pose, around)
    if window is None:
        return
    edge = _opening_in_photo(opening, pose, rng)
    coverage = np.zeros(window.shape, np.float32)
    outline = window.pixels(pose.project(around)).astype(np.float32)
    cv2.fillPoly(coverage, [_fixed(cv2.convexHull(outline)[:, 0])], 1.0, cv2.LINE_AA, 4)
    hole = _fixed(window.pixels(edge))
    cv2.fillPoly(coverage, [hole], 0.0, cv2.LINE_AA, 4)
    unit = pose.size * window.scale
    shade = _folds(window, hole, unit, rng) * shade_window(window, pose, look)
    cloth = shade[..., None] * (look.white * colour).astype(np.float32)
    cloth += np.float32(0.03 * look.white.mean())
    blend(image, window, pose, look, cloth, coverage, rng)


def _opening_in_photo(opening: np.ndarray, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """The visible edge of the opening in pixels, float (M, 2)."""
    half = opening * [rng.uniform(0.85, 1.1), 1] + rng.normal(0, 0.03, opening.shape)
    half[[0, -1], 0] = 0
    half[:, 1] += rng.normal(0, 0.05)
    ring = cut_corners(both_halves(half), times=2)
    points = _FACE.points(ring[:, 0], ring[:, 1])
    facing = ((points - _FACE.centre) / np.square(_FACE.radii)) @ pose.towards_viewer
    # On a turned head the opening's far edge lies behind the face, whose outline then ends it.
    seen = points[facing > 0] if (facing > 0).sum() >= 3 else points
    hull = cv2.convexHull(pose.project(seen).astype(np.float32))[:, 0]
    return hull.astype(np.float64)


def _folds(window: Window, hole: np.ndarray, unit: float, rng: np.random.Generator) -> np.ndarray:
    """Light and shadow of folds that run round the opening, float32 of the window's shape."""
    inside = np.ones(window.shape, np.uint8)
    cv2.fillPoly(inside, [hole], 0, cv2.LINE_8, 4)
    away = cv2.distanceTransform(inside, cv2.DIST_L2, 3) / np.float32(unit)
    rows, columns = window.shape
    coarse = rng.normal(0, 1, (max(2, rows // max(1, round(unit * 0.7))) + 2, 6)).astype(np.float32)
    drift = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    shade = np.ones(window.shape, np.float32)
    for period in rng.uniform(0.25, 0.9, 3):
        shade += np.float32(rng.uniform(0.02, 0.09)) * np.sin(
            away * np.float32(2 * np.pi / period) + drift * np.float32(1.3)
        )
    # The hem turns away from the light.
    return shade * (1 - np.float32(0.35) * np.exp(-away / np.float32(0.06)))


def _fixed(points: np.ndarray) -> np.ndarray:
    """Pixels as OpenCV wants them with ``shift=4``, int32 (N, 2)."""
    return np.rint(points * 16).astype(np.int32)


WORN: Final = {"veil": wear_veil, "niqab": wear_niqab, "headscarf": wear_headscarf}
"""What is worn round the head, by name."""
