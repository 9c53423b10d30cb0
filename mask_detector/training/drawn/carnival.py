"""Masks of carnival and theatre: a stiff face over the whole face, or one round the eyes only.

Heights are those of the face: 0 at the eyes, 1 one distance between the eyes below them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike

from mask_detector.training.drawn.camera import Look, Pose
from mask_detector.training.drawn.cloth import Cloth, Ellipsoid, Strap, both_halves, cut_corners
from mask_detector.training.drawn.dyes import CLOTH_SIZE, any_colour, dye
from mask_detector.training.drawn.layers import wear
from mask_detector.training.drawn.sewing import coverage_of, draw_line, draw_oval

# The raster of the cloth begins at the brow. The mask is laid out this much lower on it.
_LIFT: Final = 1.15
_EYE: Final = 0.46
_EAR: Final = np.array([1.12, 0.2, -1.0])

# Half of the edge, angle and height on the face, from the middle above to the middle below.
_WHOLE: Final = np.array(
    [[0, -0.95], [0.5, -0.9], [0.95, -0.5], [1.1, 0.2], [0.95, 1.1], [0.5, 1.75], [0, 1.9]]
)
_ROUND_THE_EYES: Final = np.array(
    [[0, -0.3], [0.45, -0.5], [1.0, -0.6], [1.12, -0.1], [0.75, 0.5], [0.3, 0.45], [0, 0.8]]
)


@dataclass(frozen=True)
class _Paint:
    """A layer of the cloth, (H, W) or (H, W, 3), painted at heights on the face."""

    layer: np.ndarray

    def oval(self, centre: ArrayLike, axes: ArrayLike, ink: ArrayLike) -> None:
        """A filled ellipse."""
        draw_oval(self.layer, np.add(centre, (0, _LIFT)), axes, ink)

    def line(self, points: ArrayLike, ink: ArrayLike, thick: int) -> None:
        """A line along points (N, 2)."""
        draw_line(self.layer, np.add(points, (0, _LIFT)), ink, thick)

    def twice(self, points: ArrayLike, ink: ArrayLike, thick: int) -> None:
        """The same line to the right and to the left."""
        for side in (1, -1):
            self.line(np.multiply(points, (side, 1)), ink, thick)


def wear_carnival_mask(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A mask over the whole face: a plain one, a clown, a skull or an animal."""
    kinds = (_paint_plain, _paint_clown, _paint_skull, _paint_animal)
    paint = kinds[rng.choice(len(kinds), p=[0.4, 0.22, 0.13, 0.25])]
    cloth = _dyed("cloth", 0.15, rng)
    paint(_Paint(cloth), rng)
    _wear(image, pose, look, _WHOLE, cloth, rng)


def wear_eye_mask(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A mask round the eyes and over the upper nose, which leaves the mouth free."""
    _wear(image, pose, look, _ROUND_THE_EYES, _dyed("patterned", 0.5, rng), rng)


def _wear(
    image: np.ndarray,
    pose: Pose,
    look: Look,
    half: np.ndarray,
    colour: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Add ornaments, eyes and light to the painted mask, and put it on."""
    half = half + rng.normal(0, 0.03, half.shape)
    half[[0, -1], 0] = 0
    outline = np.add(cut_corners(both_halves(half)), (0, _LIFT))
    coverage = coverage_of(outline)
    paint, holes = _Paint(colour), _Paint(coverage)
    for _ in range(int(rng.integers(5))):
        start = rng.uniform([0.1, -0.8], [1.0, 1.5])
        paint.twice(start + rng.normal(0, 0.2, (4, 2)).cumsum(axis=0), any_colour(rng), 3)
    # Through the holes one sees the wearer's eyes; some masks have dark mesh or painted eyes.
    is_open = rng.random() < 0.8
    axes = rng.uniform([0.2, 0.1], [0.3, 0.2])
    rim = any_colour(rng) * rng.uniform(0.2, 1)
    for eye in (-_EYE, _EYE):
        centre = (eye, rng.normal(0.02, 0.01))
        paint.oval(centre, axes * 1.3, rim)
        paint.oval(centre, axes, np.full(3, 0.05))
        if is_open:
            holes.oval(centre, axes, 0.0)
    straps = [Strap(np.array([side * 1.05, _LIFT]), _EAR * (side, 1, 1), 0.0) for side in (-1, 1)]
    body = Ellipsoid((0, 0.45, -0.75), (1.14, 1.75, rng.uniform(1.4, 1.55)), lift=_LIFT)
    mask = Cloth(outline, colour, _modelled(rng), coverage, straps, any_colour(rng), body)
    wear(image, pose, look, mask, rng)


def _dyed(style: str, share: float, rng: np.random.Generator) -> np.ndarray:
    """The ground that is painted on, float32 (H, W, 3): ivory, gold, a colour, or dyed cloth."""
    if rng.random() < share:
        return dye(style, rng)
    ivory = np.array([0.85, 0.93, 0.97]) * rng.uniform(0.85, 1.03)
    gold = np.array([0.3, 0.62, 0.8]) * rng.uniform(0.8, 1.1)
    colour = np.empty((*CLOTH_SIZE[::-1], 3), np.float32)
    colour[:] = (ivory, ivory, gold, any_colour(rng))[rng.integers(4)]
    return colour


def _modelled(rng: np.random.Generator) -> np.ndarray:
    """Light on the nose, brows and cheeks of the stiff face, float32 (H, W), 1 is flat."""
    shapes, gloss = (_Paint(np.zeros(CLOTH_SIZE[::-1], np.float32)) for _ in range(2))
    deep = rng.uniform(0.1, 0.3)
    shapes.line([[0, -0.1], [0, 0.6]], deep, 12)
    shapes.twice([[0.17, 0], [0.17, 0.7]], -deep, 7)
    shapes.twice([[0.2, -0.28], [0.75, -0.3]], deep, 8)
    for side in (-1, 1):
        shapes.oval((0.6 * side, 0.55), (0.25, 0.2), deep)
    shapes.line([[-0.2, 0.72], [0.2, 0.72]], -1.5 * deep, 8)
    shapes.line([[-0.25, 1.42], [0.25, 1.42]], -deep, 8)
    gloss.oval(rng.uniform([-0.6, -0.7], [0.6, -0.3]), (0.2, 0.12), rng.uniform(0, 0.5))
    return 1 + cv2.GaussianBlur(shapes.layer, (0, 0), 5) + cv2.GaussianBlur(gloss.layer, (0, 0), 9)


def _paint_plain(paint: _Paint, rng: np.random.Generator) -> None:
    """Lips and brows, perhaps a moustache."""
    ink = paint.layer.mean(axis=(0, 1)) * rng.uniform(0.1, 0.9)
    lips = np.array([0.15, 0.15, 0.75]) if rng.random() < 0.5 else ink
    wide = rng.uniform(0.25, 0.5)
    paint.oval((0, 1.12), (wide, rng.uniform(0.06, 0.14)), lips)
    smile = np.linspace(-1, 1, 9)
    bend = rng.uniform(-0.15, 0.15) * smile**2
    paint.line(np.stack([wide * smile, 1.12 + bend], axis=1), lips * 0.3, 2)
    hair = np.full(3, 0.06) if rng.random() < 0.5 else ink
    paint.twice([[0.18, -0.3], [0.5, -0.45], [0.85, -0.3]], hair, int(rng.integers(2, 7)))
    if rng.random() < 0.3:
        paint.twice([[0.05, 0.88], [0.4, 0.92], [0.65, 0.75]], hair, int(rng.integers(3, 8)))


def _paint_clown(paint: _Paint, rng: np.random.Generator) -> None:
    """White ground, a large mouth, a round nose, colours over the eyes."""
    paint.layer[:] = rng.uniform(0.85, 1.0)
    red = np.array([0.12, 0.12, 0.8]) * rng.uniform(0.8, 1.2)
    other = any_colour(rng)
    paint.oval((0, 1.15), rng.uniform([0.45, 0.2], [0.75, 0.35]), red)
    paint.oval((0, 1.15), rng.uniform([0.2, 0.04], [0.4, 0.15]), other)
    paint.oval((0, 0.55), (0.25, 0.22), red)
    cheeks = rng.random() < 0.5
    axes = rng.uniform([0.1, 0.3], [0.4, 0.55])
    for eye in (-_EYE, _EYE):
        paint.oval((eye, 0), axes, other)
        if cheeks:
            paint.oval((1.4 * eye, 0.6), (0.2, 0.18), red)


def _paint_skull(paint: _Paint, rng: np.random.Generator) -> None:
    """Dark round the eyes, a hole for a nose, a row of teeth."""
    paint.layer[:] = np.array([0.8, 0.9, 0.93]) * rng.uniform(0.7, 1.05)
    dark = np.full(3, 0.06)
    for eye in (-_EYE, _EYE):
        paint.oval((eye, 0.02), (0.36, 0.33), dark)
        paint.oval((1.9 * eye, 0.85), (0.15, 0.35), dark * 3)
    paint.oval((0, 0.6), (0.15, 0.2), dark)
    paint.line([[-0.5, 1.15], [0.5, 1.15]], dark, 2)
    for x in np.linspace(-0.5, 0.5, int(rng.integers(7, 13))):
        paint.line([[x, 0.98], [x, 1.32]], dark, 1)


def _paint_animal(paint: _Paint, rng: np.random.Generator) -> None:
    """A snout with a nose and whiskers, patches round the eyes, perhaps stripes."""
    base = paint.layer.mean(axis=(0, 1))
    light = base + (1 - base) * rng.uniform(0.2, 0.9)
    dark = base * rng.uniform(0.05, 0.4)
    patch = light if rng.random() < 0.5 else dark
    for eye in (-_EYE, _EYE):
        paint.oval((eye, 0), (0.38, 0.3), patch)
        paint.oval((0.5 * eye, 0.95), (0.35, 0.3), light)
    paint.oval((0, 0.62), (0.2, 0.12), dark)
    paint.line([[0, 0.65], [0, 1.15]], dark, 2)
    for row in (0.8, 0.92, 1.04):
        paint.twice([[0.3, row], [0.9, row * 1.3 - 0.3]], dark, 1)
    if rng.random() < 0.4:
        for x in rng.uniform(0, 0.8, 3):
            paint.twice([[x, -0.9], [0.6 * x, -0.4]], dark, 4)


COSTUMES: Final = {"carnival": wear_carnival_mask, "eye_mask": wear_eye_mask}
"""Masks of carnival by name."""
