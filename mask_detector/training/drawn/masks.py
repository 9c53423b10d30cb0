"""Draw masks, hands and scarves over detected faces: for examples, tests and training data.

    >>> import cv2, numpy, face_detector
    >>> photo = cv2.imread("examples/example_02.jpg")
    >>> landmarks = face_detector.load("yunet").find(photo).landmarks
    >>> masked = draw_mask(photo, landmarks, "surgical", numpy.random.default_rng(1))

A mask is painted flat, as cloth lying on a table; the cloth is wrapped round an ellipsoid that
stands for the lower face; the ellipsoid is seen through an affine camera fitted to the five
landmarks, which gives roll, pitch, yaw up to the profile, and hides the far side. Light, colour
cast, sharpness and noise are measured on the face.

Lengths of the face model are in distances between the eyes: the origin lies between them,
x points to the person's left (right in the picture), y down, z out of the face.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mask_detector.training.drawn.camera import Look, Pose, fit_pose, measure_look
from mask_detector.training.drawn.cloth import cut_cloth, cut_scarf
from mask_detector.training.drawn.layers import Window, blend, wear

STYLES: Final = ("surgical", "cloth", "ffp2", "black", "white", "patterned")
"""Kinds of masks; within each, the generator chooses cut, colour, pattern, straps and folds."""

WEARINGS: Final = ("right", "under_nose", "under_chin")
"""How a mask is worn: over nose and mouth, below the nose, pulled down to the chin."""

OCCLUSIONS: Final = ("hand", "scarf")
"""What covers the mouth and is no mask."""


def draw_mask(
    image: np.ndarray,
    landmarks: np.ndarray | None,
    style: str | None,
    rng: np.random.Generator,
    wearing: str = "right",
) -> np.ndarray:
    """Draw a mask on faces.

    Args:
        image: uint8 BGR, shape (H, W, 3); it is not changed.
        landmarks: (5, 2) or (N, 5, 2), x and y in pixels: right eye, left eye, nose tip,
            right and left mouth corner ("right" is the person's, left in the picture).
            They may lie outside the picture. With None or N = 0 nothing is drawn.
        style: one of ``STYLES``; None chooses one for each face.
        rng: decides everything that the other arguments leave open. Equal generators give
            equal pictures.
        wearing: one of ``WEARINGS``.

    Returns:
        A new picture of the same shape. Faces under ``SMALLEST_FACE`` stay unmasked.

    Raises:
        ValueError: ``style`` or ``wearing`` is unknown.
    """
    if style is not None and style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)} or None, got {style!r}")
    if wearing not in WEARINGS:
        raise ValueError(f"wearing must be one of {', '.join(WEARINGS)}, got {wearing!r}")
    image = image.copy()
    for points in _as_faces(landmarks):
        pose = fit_pose(points)
        if pose is None:
            continue
        chosen = style or STYLES[rng.integers(len(STYLES))]
        look = measure_look(image, pose)
        wear(image, pose, look, cut_cloth(chosen, wearing, float(look.slope[0]), rng), rng)
    return image


def draw_occlusion(
    image: np.ndarray,
    landmarks: np.ndarray | None,
    kind: str | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cover the mouth of faces with something that is no mask.

    Args:
        image: uint8 BGR, shape (H, W, 3); it is not changed.
        landmarks: as for :func:`draw_mask`.
        kind: one of ``OCCLUSIONS``; None chooses one for each face. A hand takes the colour
            of the face's own skin.
        rng: decides the rest.

    Returns:
        A new picture of the same shape.

    Raises:
        ValueError: ``kind`` is unknown.
    """
    if kind is not None and kind not in OCCLUSIONS:
        raise ValueError(f"kind must be one of {', '.join(OCCLUSIONS)} or None, got {kind!r}")
    image = image.copy()
    for points in _as_faces(landmarks):
        pose = fit_pose(points)
        if pose is None:
            continue
        look = measure_look(image, pose)
        if (kind or OCCLUSIONS[rng.integers(len(OCCLUSIONS))]) == "scarf":
            wear(image, pose, look, cut_scarf(rng), rng)
        else:
            _hold_hand(image, pose, look, rng)
    return image


def _as_faces(landmarks: np.ndarray | None) -> np.ndarray:
    if landmarks is None:
        return np.zeros((0, 5, 2))
    return np.asarray(landmarks, dtype=np.float64).reshape(-1, 5, 2)


def _hold_hand(image: np.ndarray, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """A hand before the mouth, in the face's own skin, with a sleeve."""
    window = Window.around(image, pose, np.array([[-2.2, 0.0, 0.7], [2.2, 3.6, 0.7]]))
    if window is None:
        return
    side = rng.choice([-1, 1])
    lean = side * rng.uniform(0.1, 1.2)
    along = np.array([-np.sin(lean), -np.cos(lean)])  # from the wrist to the finger tips
    beside = np.array([-along[1], along[0]])
    palm = np.array([side * rng.uniform(-0.1, 0.35), rng.uniform(1.1, 1.35)]) - along * 0.55
    coverage = np.zeros(window.shape, np.float32)
    sleeve = np.zeros(window.shape, np.float32)
    shade = np.ones(window.shape, np.float32)
    unit = pose.size * window.scale

    def capsule(canvas: np.ndarray, start: np.ndarray, end: np.ndarray, share: float) -> None:
        """Draw a thick line on the canvas and a shadow round it."""
        points = np.array([[*start, 0.7], [*end, 0.7]])
        first, last = np.rint(window.pixels(pose.project(points))).astype(int).tolist()
        wide = max(1, round(share * unit))
        cv2.line(shade, first, last, 0.74, wide + max(1, wide // 9), cv2.LINE_AA)
        cv2.line(shade, first, last, 1.02, max(1, round(wide * 0.78)), cv2.LINE_AA)
        cv2.line(canvas, first, last, 1.0, wide, cv2.LINE_AA)

    wrist = palm - along * 0.75
    for step in (-0.14, 0.14):
        capsule(coverage, wrist - along * 0.6 + beside * step, palm + beside * step, 0.62)
    for step in (-0.3, -0.1, 0.1, 0.3):
        capsule(coverage, palm - along * 0.45 + beside * step, palm + beside * step, 0.42)
    shade[coverage > 0] = 0.97
    if rng.random() < 0.5:
        thumb = palm + along * 0.25 - beside * side * 0.75
        capsule(coverage, palm - along * 0.3 - beside * side * 0.3, thumb, 0.28)
    spread, fan = rng.uniform(0.22, 0.27), rng.uniform(0.0, 0.12)
    for step, length in zip((-1.5, -0.5, 0.5, 1.5), (0.75, 0.95, 0.9, 0.65), strict=True):
        root = palm + beside * spread * step
        capsule(coverage, root, root + (along + beside * step * fan) * length, 0.26)
    cuff = wrist - along * rng.uniform(0.2, 0.5)
    for step in (-0.2, 0.0, 0.2):
        capsule(sleeve, cuff + beside * step, cuff + beside * step - along * 4, 0.6)

    soft = cv2.GaussianBlur(shade, (0, 0), max(0.5, 0.035 * unit))[..., None]
    skin = look.skin * rng.uniform(0.92, 1.1)
    garment = look.white * rng.uniform(0.05, 0.9, 3)
    colour = (skin + (garment - skin) * sleeve[..., None]) * soft
    blend(image, window, pose, look, colour, np.maximum(coverage, sleeve), rng)
