"""Laying drawn cloth and hands over a face so that they look as if they had been photographed.

Lengths of the face model are in distances between the eyes: the origin lies between them,
x points to the person's left (right in the picture), y down, z out of the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mask_detector.training.drawn.camera import Look, Pose
from mask_detector.training.drawn.cloth import Cloth, Ellipsoid
from mask_detector.training.drawn.dyes import CLOTH_SIZE
from mask_detector.training.drawn.sewing import CLOTH_ANGLE, CLOTH_BOTTOM, CLOTH_TOP

# A layer is drawn with this many pixels between eyes and mouth, then resized to the photo.
_FINEST_RENDERING: Final = 150.0
_COARSEST_RENDERING: Final = 36.0


@dataclass(frozen=True)
class Window:
    """A part of the photo, and the raster that is drawn for it at another resolution."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float
    shape: tuple[int, int]

    @staticmethod
    def around(image: np.ndarray, pose: Pose, points: np.ndarray) -> Window | None:
        """The window that holds the projected points; None where it misses the photo."""
        height, width = image.shape[:2]
        places = pose.project(points)
        pad = 0.12 * pose.size + 2
        left, top = np.clip(np.floor(places.min(0) - pad), 0, [width, height]).astype(int)
        right, bottom = np.clip(np.ceil(places.max(0) + pad), 0, [width, height]).astype(int)
        if right <= left or bottom <= top:
            return None
        scale = float(np.clip(pose.size, _COARSEST_RENDERING, _FINEST_RENDERING) / pose.size)
        shape = (max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale)))
        return Window(int(left), int(top), int(right), int(bottom), scale, shape)

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Raster coordinates of places in the photo."""
        ratio = [
            self.shape[1] / (self.right - self.left),
            self.shape[0] / (self.bottom - self.top),
        ]
        return (places - [self.left, self.top] + 0.5) * ratio - 0.5


def wear(image: np.ndarray, pose: Pose, look: Look, cloth: Cloth, rng: np.random.Generator) -> None:
    """Wrap the cloth round its body and lay it over the photo, in place."""
    edge = cloth.body.points(cloth.outline[:, 0], cloth.outline[:, 1])
    ends = [edge, *[strap.end[None] for strap in cloth.straps]]
    window = Window.around(image, pose, np.concatenate(ends))
    if window is None:
        return
    unit, silhouette = _cast_rays(window, pose, cloth.body)
    angle = cv2.phase(unit[2], unit[0])
    angle -= np.where(angle > np.pi, np.float32(2 * np.pi), np.float32(0))
    width, height = CLOTH_SIZE
    columns = (angle + CLOTH_ANGLE) * (width / (2 * CLOTH_ANGLE)) - 0.5
    rows = unit[1] * cloth.body.radii[1] + (cloth.body.centre[1] + cloth.body.lift - CLOTH_TOP)
    rows = rows * (height / (CLOTH_BOTTOM - CLOTH_TOP)) - 0.5

    maps = cv2.convertMaps(columns, rows, cv2.CV_16SC2)  # fixed point: faster

    def wrap(flat: np.ndarray, border: int) -> np.ndarray:
        return cv2.remap(flat, *maps, cv2.INTER_LINEAR, borderMode=border)

    coverage = wrap(cloth.coverage, cv2.BORDER_CONSTANT) * silhouette
    light = _light(pose, look, cloth.body)
    shade = wrap(cloth.relief, cv2.BORDER_REPLICATE)
    shade *= 0.66 + 0.4 * np.maximum(
        unit[0] * light[0] + unit[1] * light[1] + unit[2] * light[2], -0.2
    )
    colour = wrap(cloth.colour, cv2.BORDER_REPLICATE)
    _draw_straps(window, pose, cloth, colour, coverage, shade)
    shade *= shade_window(window, pose, look)
    colour *= shade[..., None]
    colour *= look.white.astype(np.float32)
    colour += np.float32(0.035 * look.white.mean())
    blend(image, window, pose, look, colour, coverage, rng)


def _cast_rays(window: Window, pose: Pose, body: Ellipsoid) -> tuple[list[np.ndarray], np.ndarray]:
    """Where each pixel's line of sight first meets the body.

    Returns:
        The x, y and z of the point on the unit sphere that the body is scaled from, each
        float32 of the window's shape; and how much of the pixel the body covers.
    """
    rows, columns = window.shape
    inverse = np.linalg.pinv(pose.matrix)  # (3, 2)
    radii = np.array(body.radii)
    sight = pose.towards_viewer / radii
    steepness = float(sight @ sight)
    x = window.left + (np.arange(columns) + 0.5) * ((window.right - window.left) / columns) - 0.5
    y = window.top + (np.arange(rows) + 0.5) * ((window.bottom - window.top) / rows) - 0.5
    start = (inverse @ -pose.offset - body.centre) / radii
    per_x, per_y = inverse[:, 0] / radii, inverse[:, 1] / radii
    # Without its part along the line of sight, what is left of a point's length says at once
    # whether the line meets the sphere, and the missing part by Pythagoras.
    start, per_x, per_y = (
        vector - (vector @ sight) / steepness * sight for vector in (start, per_x, per_y)
    )
    aside = [
        (start[i] + per_x[i] * x).astype(np.float32)[None]
        + (per_y[i] * y).astype(np.float32)[:, None]
        for i in range(3)
    ]
    distance = aside[0] ** 2 + aside[1] ** 2 + aside[2] ** 2
    depth = np.sqrt(np.maximum(1 - distance, 0) / steepness)
    unit = [part + depth * np.float32(sight[i]) for i, part in enumerate(aside)]
    reach = pose.size * window.scale * float(radii[0])
    silhouette = np.clip((1 - np.sqrt(distance)) * reach + 0.5, 0, 1)
    return unit, silhouette


def _light(pose: Pose, look: Look, body: Ellipsoid) -> np.ndarray:
    """The direction that light comes from, in face coordinates, from the slope of brightness."""
    right = pose.matrix[0] / np.linalg.norm(pose.matrix[0])
    down = pose.matrix[1] / np.linalg.norm(pose.matrix[1])
    towards = 3.0 * look.slope[0] * right + (2.0 * look.slope[1] - 0.35) * down
    towards = towards + pose.towards_viewer
    return (towards / np.linalg.norm(towards)).astype(np.float32)


def shade_window(window: Window, pose: Pose, look: Look) -> np.ndarray:
    """The fall of light over the window, float32 of its shape."""
    rows, columns = window.shape
    centre = window.pixels(pose.project(np.array([[0, 0.9, 0.3]])))[0]
    unit = pose.size * window.scale
    across = (np.arange(columns, dtype=np.float32) - np.float32(centre[0])) / np.float32(unit)
    down = (np.arange(rows, dtype=np.float32) - np.float32(centre[1])) / np.float32(unit)
    plane = 1 + np.float32(look.slope[0]) * across[None] + np.float32(look.slope[1]) * down[:, None]
    return np.clip(plane, 0.55, 1.4)


def _draw_straps(
    window: Window,
    pose: Pose,
    cloth: Cloth,
    colour: np.ndarray,
    coverage: np.ndarray,
    shade: np.ndarray,
) -> None:
    """Draw the straps that the head does not hide, under the mask."""
    layer = np.zeros(window.shape, np.uint8)
    thickness = max(1, round(0.022 * pose.size * window.scale))
    steps = np.linspace(0, 1, 9)[:, None]
    for strap in cloth.straps:
        side = np.sign(strap.end[0])
        if pose.towards_viewer[0] * side < -0.3:
            continue  # on the far side of the head
        first = cloth.body.points(strap.start[:1] * 0.97, strap.start[1:])[0]
        line = first + (strap.end - first) * steps
        line += np.array([0.05 * side, strap.bend, 0]) * np.sin(np.pi * steps)
        points = np.rint(window.pixels(pose.project(line)) * 16).astype(np.int32)
        cv2.polylines(layer, points[None], False, 255, thickness, cv2.LINE_AA, 4)
    visible = (layer > 0) & (coverage < 0.5)
    colour[visible] = cloth.strap_colour
    shade[visible] = 0.9
    np.maximum(coverage, layer.astype(np.float32) / 255, out=coverage)


def blend(
    image: np.ndarray,
    window: Window,
    pose: Pose,
    look: Look,
    colour: np.ndarray,
    coverage: np.ndarray,
    rng: np.random.Generator,
    shadow: float = 0.35,
) -> None:
    """Lay a drawn raster over the photo, as sharp and as noisy as the photo.

    Args:
        colour: float32 (H, W, 3) of the window's shape, BGR 0 to 255.
        coverage: float32 (H, W), 0 to 1.
        shadow: how dark the shadow round it is, 0 to 1.
    """
    if look.grey:
        colour = np.repeat(colour.mean(axis=2, keepdims=True), 3, axis=2)
    size = (window.right - window.left, window.bottom - window.top)
    way = cv2.INTER_AREA if window.scale > 1 else cv2.INTER_LINEAR
    if window.shape != size[::-1]:
        colour = cv2.resize(colour, size, interpolation=way)
        coverage = cv2.resize(coverage, size, interpolation=way)
    if look.blur > 0.3:
        colour = cv2.GaussianBlur(colour, (0, 0), look.blur)
        coverage = cv2.GaussianBlur(coverage, (0, 0), look.blur)
    part = image[window.top : window.bottom, window.left : window.right]
    grain = np.float32(look.noise) * rng.standard_normal(part.shape[:2], np.float32)
    colour = colour + grain[..., None]
    # With its anchor in the last row, the second blur moves the shadow downwards.
    soft = 1 + 2 * round(0.05 * pose.size)
    shaded = cv2.blur(cv2.blur(coverage, (soft, soft)), (soft, soft), anchor=(-1, soft - 1))
    kept = (1 - coverage) * (1 - np.float32(shadow) * shaded * (1 - coverage))
    mixed = part * kept[..., None] + colour * coverage[..., None]
    part[:] = np.clip(mixed, 0, 255).astype(np.uint8)
