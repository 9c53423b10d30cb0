"""What people hold before their mouth, and face shields: none of it is a mask.

Each function draws onto the photo in place. Lengths of the face model are in distances between
the eyes; see :mod:`mask_detector.training.drawn.camera`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mask_detector.training.drawn.camera import Look, Pose
from mask_detector.training.drawn.cloth import Ellipsoid
from mask_detector.training.drawn.dyes import any_colour
from mask_detector.training.drawn.layers import Window, blend

_HELD_AT: Final = 0.7
"""How far before the eyes things are held."""

_HEAD: Final = Ellipsoid((0, 0.6, -0.75), (1.35, 2.2, 1.75))
"""What a shield is bent round: wider than the head."""


@dataclass(frozen=True)
class _Canvas:
    """A layer in front of the face on which shapes are drawn.

    Attributes:
        coverage: float32 (H, W), 0 to 1.
        colour: float64 (H, W, 3), BGR in grey levels.
        shade: float32 (H, W), multiplied with the colour at the end.
    """

    window: Window
    pose: Pose
    coverage: np.ndarray
    colour: np.ndarray
    shade: np.ndarray

    @staticmethod
    def before(image: np.ndarray, pose: Pose) -> _Canvas | None:
        """An empty canvas before the mouth; None where that is outside the photo."""
        reach = np.array([[-2.2, 0.0, _HELD_AT], [2.2, 3.6, _HELD_AT]])
        window = Window.around(image, pose, reach)
        if window is None:
            return None
        empty = np.zeros(window.shape, np.float32)
        colour = np.zeros((*window.shape, 3))
        return _Canvas(window, pose, empty, colour, np.ones_like(empty))

    @property
    def unit(self) -> float:
        """Raster pixels of one distance between the eyes."""
        return self.pose.size * self.window.scale

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Raster pixels, float (N, 2), of points (N, 2) of the face."""
        held = np.column_stack([points, np.full(len(points), _HELD_AT)])
        return self.window.pixels(self.pose.project(held))

    def places(self, points: np.ndarray) -> np.ndarray:
        """The same as OpenCV wants them with ``shift=4``, int32 (N, 2)."""
        return np.rint(self.pixels(points) * 16).astype(np.int32)

    def polygon(self, points: np.ndarray, colour: np.ndarray, coverage: float = 1.0) -> None:
        """Fill a polygon, (N, 2) points of the face."""
        places = [self.places(points)]
        cv2.fillPoly(self.colour, places, np.asarray(colour, float).tolist(), cv2.LINE_8, 4)
        cv2.fillPoly(self.coverage, places, coverage, cv2.LINE_8, 4)

    def shadow(self, points: np.ndarray, value: float, width: float) -> None:
        """A line along points (N, 2) of the face in the layer of light and shadow."""
        thickness = max(1, round(width * self.unit))
        cv2.polylines(self.shade, [self.places(points)], False, value, thickness, cv2.LINE_AA, 4)

    def lay_over(
        self, image: np.ndarray, look: Look, rng: np.random.Generator, softness: float = 0.035
    ) -> None:
        """Blend the canvas into the photo, its light and shadow blurred."""
        soft = cv2.GaussianBlur(self.shade, (0, 0), max(0.5, softness * self.unit))[..., None]
        blend(image, self.window, self.pose, look, self.colour * soft, self.coverage, rng)


def hold_hand(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A hand before the mouth, in the face's own skin, with a sleeve."""
    canvas = _Canvas.before(image, pose)
    if canvas is None:
        return
    side = rng.choice([-1, 1])
    lean = side * rng.uniform(0.1, 1.2)
    along = np.array([-np.sin(lean), -np.cos(lean)])  # from the wrist to the finger tips
    beside = np.array([-along[1], along[0]])
    palm = np.array([side * rng.uniform(-0.1, 0.35), rng.uniform(1.1, 1.35)]) - along * 0.55
    hand, sleeve = np.zeros_like(canvas.coverage), np.zeros_like(canvas.coverage)

    def capsule(target: np.ndarray, start: np.ndarray, end: np.ndarray, share: float) -> None:
        """Draw a thick line on the target and a shadow round it."""
        first, last = np.rint(canvas.pixels(np.array([start, end]))).astype(int).tolist()
        wide = max(1, round(share * canvas.unit))
        cv2.line(canvas.shade, first, last, 0.74, wide + max(1, wide // 9), cv2.LINE_AA)
        cv2.line(canvas.shade, first, last, 1.02, max(1, round(wide * 0.78)), cv2.LINE_AA)
        cv2.line(target, first, last, 1.0, wide, cv2.LINE_AA)

    wrist = palm - along * 0.75
    for step in (-0.14, 0.14):
        capsule(hand, wrist - along * 0.6 + beside * step, palm + beside * step, 0.62)
    for step in (-0.3, -0.1, 0.1, 0.3):
        capsule(hand, palm - along * 0.45 + beside * step, palm + beside * step, 0.42)
    canvas.shade[hand > 0] = 0.97
    if rng.random() < 0.5:
        thumb = palm + along * 0.25 - beside * side * 0.75
        capsule(hand, palm - along * 0.3 - beside * side * 0.3, thumb, 0.28)
    spread, fan = rng.uniform(0.22, 0.27), rng.uniform(0.0, 0.12)
    for step, length in zip((-1.5, -0.5, 0.5, 1.5), (0.75, 0.95, 0.9, 0.65), strict=True):
        root = palm + beside * spread * step
        capsule(hand, root, root + (along + beside * step * fan) * length, 0.26)
    cuff = wrist - along * rng.uniform(0.2, 0.5)
    for step in (-0.2, 0.0, 0.2):
        capsule(sleeve, cuff + beside * step, cuff + beside * step - along * 4, 0.6)

    skin = look.skin * rng.uniform(0.92, 1.1)
    garment = look.white * rng.uniform(0.05, 0.9, 3)
    canvas.colour[:] = skin + (garment - skin) * sleeve[..., None]
    np.maximum(hand, sleeve, out=canvas.coverage)
    canvas.lay_over(image, look, rng)


def hold_cup(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A paper cup, mug or glass at the lips, with the fingers that hold it."""
    canvas = _Canvas.before(image, pose)
    if canvas is None:
        return
    turn = _turn(rng.normal(0, 0.15))
    top, height = rng.uniform(0.85, 1.1), rng.uniform(1.0, 1.5)
    wide, narrow = rng.uniform(0.5, 0.72), rng.uniform(0.36, 0.5)
    centre = np.array([rng.normal(0, 0.1), top])
    sides = [[-wide, 0], [wide, 0], [narrow, height], [0, height + 0.1], [-narrow, height]]
    colour = look.white * any_colour(rng)
    canvas.polygon(np.array(sides) @ turn.T + centre, colour)
    rim = _ellipse(wide, 0.16) @ turn.T + centre
    canvas.polygon(rim, look.white * rng.uniform(0.2, 0.95))  # a lid, or what is inside
    for share, value in ((-0.7, 0.78), (0.55, 1.1), (0.85, 0.75)):
        line = np.array([[share * wide, 0.15], [share * narrow, height]]) @ turn.T + centre
        canvas.shadow(line, value, 0.18)
    if rng.random() < 0.6:  # a sleeve of cardboard, a stripe, a logo
        low, high = rng.uniform(0.25, 0.45) * height, rng.uniform(0.6, 0.8) * height
        band = np.array([[-wide, low], [wide, low], [narrow, high], [-narrow, high]]) * [0.92, 1]
        canvas.polygon(band @ turn.T + centre, look.white * any_colour(rng))
    _fingers(canvas, look, centre + np.array([0, 0.45 * height]), narrow, rng)
    canvas.lay_over(image, look, rng, 0.06)


def hold_phone(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """The back or the edge of a phone before the mouth, with fingers round it."""
    canvas = _Canvas.before(image, pose)
    if canvas is None:
        return
    turn = _turn(rng.normal(0, 0.35) + (np.pi / 2 if rng.random() < 0.25 else 0))
    half = np.array([rng.uniform(0.42, 0.6), rng.uniform(0.85, 1.15)])
    centre = np.array([rng.normal(0, 0.25), rng.uniform(1.05, 1.5)])
    corners = _rounded(half, 0.12)
    colour = look.white * (rng.uniform(0.05, 0.2) if rng.random() < 0.6 else any_colour(rng))
    canvas.polygon(corners * 1.04 @ turn.T + centre, colour * 0.6 + 10)
    canvas.polygon(corners @ turn.T + centre, colour)
    camera = centre + np.array([-0.5 * half[0], -0.75 * half[1]]) @ turn.T
    plate = _rounded(np.array([0.16, rng.uniform(0.16, 0.32)]), 0.06)
    canvas.polygon(plate @ turn.T + camera, look.white * 0.08)
    gloss = np.array([[-0.6 * half[0], -half[1]], [0.8 * half[0], half[1]]])
    canvas.shadow(gloss @ turn.T + centre, rng.uniform(1.05, 1.4), rng.uniform(0.1, 0.4))
    _fingers(canvas, look, centre + np.array([0, 0.35]), half[0], rng)
    canvas.lay_over(image, look, rng, 0.04)


def hold_microphone(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A microphone before the mouth: a ball of wire or a foam cover on a handle."""
    canvas = _Canvas.before(image, pose)
    if canvas is None:
        return
    lean = rng.normal(0, 0.5)
    along = np.array([np.sin(lean), np.cos(lean)])
    beside = np.array([along[1], -along[0]])
    head = np.array([rng.normal(0, 0.15), rng.uniform(1.1, 1.4)])
    radius = rng.uniform(0.26, 0.5)
    dark = look.white * rng.uniform(0.05, 0.25)
    foam = look.white * any_colour(rng) if rng.random() < 0.35 else dark * rng.uniform(0.8, 2.5)
    grip = np.array([[-0.6, 0.6], [0.6, 0.6], [0.42, 6.0], [-0.42, 6.0]]) * radius
    canvas.polygon(grip[:, :1] * beside + grip[:, 1:] * along + head, dark)
    if rng.random() < 0.3:  # the cube with a broadcaster's name
        cube = _rounded(np.array([1.2, 0.7]) * radius, 0.05) + np.array([0, 1.9 * radius])
        plate = cube[:, :1] * beside + cube[:, 1:] * along + head
        canvas.polygon(plate, look.white * any_colour(rng))
    canvas.polygon(_ellipse(radius, radius * rng.uniform(1.0, 1.4)) + head, foam)
    canvas.shadow(_ellipse(radius, radius)[12:28] * 0.8 + head, 0.6, 0.35 * radius)
    canvas.shadow(_ellipse(radius, radius)[30:36] * 0.55 + head, 1.5, 0.3 * radius)
    _fingers(canvas, look, head + along * 3.2 * radius, 0.5 * radius + 0.1, rng)
    canvas.lay_over(image, look, rng, 0.05)


def wear_shield(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A transparent face shield: a band on the brow, glare, edges; the face stays visible."""
    top, bottom = rng.uniform(-1.1, -0.6), rng.uniform(1.9, 2.6)
    width = rng.uniform(1.05, 1.45)
    angles = np.concatenate([np.linspace(-width, width, 24), np.linspace(width, -width, 24)])
    heights = np.repeat([top, bottom], 24)
    points = _HEAD.points(angles, heights)
    window = Window.around(image, pose, points)
    if window is None:
        return
    places = window.pixels(pose.project(points))
    outline = np.rint(places * 16).astype(np.int32)
    coverage = np.zeros(window.shape, np.float32)
    unit = pose.size * window.scale
    cv2.fillPoly(coverage, [cv2.convexHull(outline)], rng.uniform(0.04, 0.16), cv2.LINE_AA, 4)
    inside = coverage > 0
    for _ in range(int(rng.integers(1, 5))):  # reflections, mostly upright
        glare = np.zeros_like(coverage)
        column = rng.uniform(-0.9, 0.9) * width
        line = _HEAD.points(
            np.linspace(column, column + rng.normal(0, 0.2), 8), np.linspace(top, bottom, 8)
        )
        pixels = np.rint(window.pixels(pose.project(line)) * 16).astype(np.int32)
        thick = max(1, round(rng.uniform(0.04, 0.4) * unit))
        cv2.polylines(glare, [pixels], False, rng.uniform(0.1, 0.6), thick, cv2.LINE_AA, 4)
        blur = max(0.5, rng.uniform(0.02, 0.12) * unit)
        np.maximum(coverage, cv2.GaussianBlur(glare, (0, 0), blur) * inside, out=coverage)
    colour = np.empty((*window.shape, 3), np.float32)
    colour[:] = look.white * rng.uniform(0.9, 1.1)
    edge = max(1, round(0.03 * unit))
    cv2.polylines(coverage, [outline], True, rng.uniform(0.2, 0.6), edge, cv2.LINE_AA, 4)
    below = outline[:24][::-1] + np.array([0, round(16 * 0.3 * unit)])
    band = np.concatenate([outline[:24], below])
    tint = (look.white * any_colour(rng)).tolist()
    cv2.fillPoly(colour, [band], tint, cv2.LINE_8, 4)
    cv2.fillPoly(coverage, [band], rng.uniform(0.5, 1.0), cv2.LINE_AA, 4)
    blend(image, window, pose, look, colour, coverage, rng, shadow=0.05)


def _fingers(
    canvas: _Canvas, look: Look, centre: np.ndarray, half: float, rng: np.random.Generator
) -> None:
    """Four fingers that come round one edge of what is held, in the face's own skin."""
    side = rng.choice([-1, 1])
    skin = look.skin * rng.uniform(0.92, 1.08)
    reach = rng.uniform(0.2, 0.9)
    for row in range(4):
        middle = centre + np.array([side * half, 0.24 * row - 0.1])
        tip = middle - np.array([side * reach * rng.uniform(0.8, 1.1), rng.normal(0.02, 0.03)])
        back = middle + np.array([side * 0.5, 0.15])
        finger = np.concatenate([_ellipse(0.12, 0.12) + tip, _ellipse(0.14, 0.14) + back])
        canvas.polygon(cv2.convexHull(finger.astype(np.float32))[:, 0], skin)
        canvas.shadow(np.array([tip, back]) + np.array([0, 0.12]), 0.7, 0.05)


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _ellipse(width: float, height: float) -> np.ndarray:
    """36 points round the origin, from the right over below, (36, 2)."""
    angles = np.arange(36) * (np.pi / 18)
    return np.stack([width * np.cos(angles), height * np.sin(angles)], axis=1)


def _rounded(half: np.ndarray, radius: float) -> np.ndarray:
    """A rectangle with round corners about the origin, (36, 2)."""
    corner = _ellipse(1, 1)
    return np.sign(corner) * np.maximum(half - radius, 0) + corner * radius


HELD: Final = {
    "hand": hold_hand,
    "cup": hold_cup,
    "phone": hold_phone,
    "microphone": hold_microphone,
    "shield": wear_shield,
}
"""What is drawn over the mouth, by name."""
