"""Seeing a face as the camera does: its pose, and its light, sharpness and noise.

Lengths of the face model are in distances between the eyes: the origin lies between them,
x points to the person's left (right in the picture), y down, z out of the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

SMALLEST_FACE: Final = 4.0
"""Faces whose eyes are less than this many pixels from the mouth are left as they are."""

# Averages of adult faces after Farkas, Anthropometry of the Head and Face (1994), rounded.
_FACE_POINTS: Final = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.68, 0.6], [-0.4, 1.12, 0.15], [0.4, 1.12, 0.15]]
)


@dataclass(frozen=True)
class Pose:
    """Affine camera: picture point = matrix @ face point + offset."""

    matrix: np.ndarray  # (2, 3)
    offset: np.ndarray  # (2,)
    towards_viewer: np.ndarray  # (3,), unit length, in face coordinates
    size: float  # pixels between the eyes of the same face seen from the front

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels of face points: (N, 3) to (N, 2)."""
        return points @ self.matrix.T + self.offset


@dataclass(frozen=True)
class Look:
    """How the camera sees the face: what a mask has to look like to belong there."""

    skin: np.ndarray  # (3,) BGR
    white: np.ndarray  # (3,) BGR of something white in the place of the face
    slope: np.ndarray  # (2,) relative change of brightness across one distance of the eyes
    blur: float  # standard deviation in pixels
    noise: float  # standard deviation in grey levels
    grey: bool  # the photo has no colours


def fit_pose(landmarks: np.ndarray) -> Pose | None:
    """The camera that sees the face model's points at the landmarks; None if they are no face."""
    if not np.isfinite(landmarks).all():
        return None
    if np.linalg.norm(landmarks[3:].mean(0) - landmarks[:2].mean(0)) < SMALLEST_FACE:
        return None
    design = np.column_stack([_FACE_POINTS, np.ones(5)])
    affine = np.linalg.lstsq(design, landmarks, rcond=None)[0][:3].T
    # Only the nose tip determines the depth, so an error there tilts the whole affine camera:
    # the mean with the nearest rotation is steadier and keeps half of the face's proportions.
    left, scales, right = np.linalg.svd(affine, full_matrices=False)
    size = float(scales.mean())
    matrix = (affine + left @ right * size) / 2
    viewer = np.cross(matrix[0], matrix[1])
    length = np.linalg.norm(viewer)
    if length < 1e-6:
        return None
    offset = landmarks.mean(0) - matrix @ _FACE_POINTS.mean(0)
    return Pose(matrix, offset, viewer / length, size)


def measure_look(image: np.ndarray, pose: Pose) -> Look:
    """Measure skin, light, sharpness and noise on the uncovered parts of the face."""
    height, width = image.shape[:2]
    across, down = np.meshgrid(np.linspace(-0.75, 0.75, 11), np.linspace(-0.5, 1.5, 13))
    depth = 0.35 - 0.6 * across**2
    places = np.stack([across.ravel(), down.ravel(), depth.ravel()], axis=1)
    pixels = np.rint(pose.project(places)).astype(int)
    inside = ((pixels >= 0) & (pixels < [width, height])).all(axis=1)
    if inside.sum() < 8:
        grey = np.full(3, 140.0)
        return Look(grey, grey * 1.4, np.zeros(2), 0.6, 2.0, False)
    pixels = pixels[inside]
    colours = image[pixels[:, 1], pixels[:, 0]].astype(np.float64)
    grey = colours.mean(axis=1)
    # Brows, lips, nostrils, hair and beards are mostly darker than skin.
    kept = (grey >= np.quantile(grey, 0.35)) & (grey <= np.quantile(grey, 0.97))
    skin = np.median(colours[kept], axis=0)
    design = np.column_stack([np.ones(kept.sum()), (pixels[kept] - pose.offset) / pose.size])
    plane = np.linalg.lstsq(design, grey[kept], rcond=None)[0]
    slope = np.clip(plane[1:] / max(plane[0], 20.0), -0.22, 0.22)

    brightness = skin.mean()
    # Skin reflects less than white cloth; how much less is a person's own, so the brightest
    # spots nearby count too.
    level = np.clip(0.7 * brightness / 0.66 + 0.3 * np.quantile(grey, 0.97) / 0.9, 30, 248)
    usual_skin = np.array([0.74, 0.92, 1.34])
    cast = (skin / max(brightness, 1.0) / usual_skin) ** 0.35
    # Pale skin is less red than the usual one, which is no blue light: less of that is believed.
    white = level * np.clip(cast / cast.mean(), [0.75, 0.9, 0.96], [1.04, 1.1, 1.25])
    colourless = bool(np.ptp(colours, axis=1).max() < 6)

    corners = pose.project(
        np.array([[-0.9, -0.35, 0], [0.9, -0.35, 0], [-0.9, 0.3, 0], [0.9, 0.3, 0]])
    )
    left, top = np.clip(corners.min(0).astype(int), 0, [width - 1, height - 1])
    right, bottom = np.clip(corners.max(0).astype(int) + 1, 1, [width, height])
    eyes = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY).astype(np.float32)
    if min(eyes.shape) < 4:
        return Look(skin, white, slope, 0.6, 2.0, colourless)
    eyes = np.ascontiguousarray(eyes[:, :: 1 + eyes.shape[1] // 60])
    steepest = float(np.quantile(np.abs(np.diff(eyes, axis=0)), 0.995))
    contrast = float(np.quantile(eyes, 0.98) - np.quantile(eyes, 0.02))
    # An edge of height h blurred with standard deviation s is at most h / (s sqrt(2 pi)) steep;
    # the steepest edge of an eye has about half of the region's contrast.
    blur = np.clip(0.2 * contrast / max(steepest, 1.0), 0.4, 0.06 * pose.size + 0.4)
    # The second difference of white noise has sqrt(6) times its deviation, and 30 % of normal
    # values are within 0.385 deviations: the smoothest third of the skin shows no texture. On small
    # faces even that is features, hence the limit.
    fine = np.abs(np.diff(eyes, n=2, axis=0))
    noise = float(np.quantile(fine, 0.3)) / 0.385 / 6**0.5
    noise = min(max(noise, 0.4), 1 + 0.05 * pose.size, 6.0)
    return Look(skin, white, slope, float(blur), noise, colourless)
