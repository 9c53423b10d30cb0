"""Draw masks, and what is no mask, over detected faces: for examples, tests and training data.

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

from collections.abc import Callable
from typing import Final

import numpy as np

from mask_detector.training.drawn.camera import Look, Pose, fit_pose, measure_look
from mask_detector.training.drawn.carnival import COSTUMES
from mask_detector.training.drawn.cloth import cut_cloth, cut_scarf
from mask_detector.training.drawn.layers import wear
from mask_detector.training.drawn.objects import HELD
from mask_detector.training.drawn.veils import WORN

_SHARES: Final = {
    "surgical": 0.34,
    "cloth": 0.1,
    "ffp2": 0.1,
    "black": 0.12,
    "white": 0.1,
    "patterned": 0.08,
    "printed": 0.05,
    "window": 0.03,
    "valved": 0.08,
}

STYLES: Final = tuple(_SHARES)
"""Kinds of masks; within each, the generator chooses cut, colour, pattern, straps and folds.
``printed`` shows a mouth or snout, ``window`` is transparent before the mouth, ``valved`` has
valves."""

WEARINGS: Final = ("right", "under_nose", "under_mouth", "under_chin", "one_ear", "over_eyes")
"""How a mask is worn: over nose and mouth; below the nose; below the mouth; at the chin; hanging
from one ear; over the eyes or the forehead."""

_OBJECTS: Final = HELD | WORN | COSTUMES

OCCLUSIONS: Final = ("hand", "scarf", *(name for name in _OBJECTS if name != "hand"))
"""What covers the mouth, or is worn round the face, and is no mask against infection."""


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
        style: one of ``STYLES``; None chooses one for each face, the usual ones more often.
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

    def one(image: np.ndarray, pose: Pose, look: Look) -> None:
        chosen = style or str(rng.choice(STYLES, p=list(_SHARES.values())))
        wear(image, pose, look, cut_cloth(chosen, wearing, float(look.slope[0]), rng), rng)

    return _on_each_face(image, landmarks, one)


def draw_occlusion(
    image: np.ndarray,
    landmarks: np.ndarray | None,
    kind: str | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw something that is no mask over the mouth of faces or round them.

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

    def one(image: np.ndarray, pose: Pose, look: Look) -> None:
        chosen = kind or OCCLUSIONS[rng.integers(len(OCCLUSIONS))]
        if chosen == "scarf":
            wear(image, pose, look, cut_scarf(rng), rng)
        else:
            _OBJECTS[chosen](image, pose, look, rng)

    return _on_each_face(image, landmarks, one)


def _on_each_face(
    image: np.ndarray,
    landmarks: np.ndarray | None,
    draw: Callable[[np.ndarray, Pose, Look], None],
) -> np.ndarray:
    """A copy of the picture on which ``draw`` has drawn in place, once for each face."""
    image = image.copy()
    faces = np.zeros((0, 5, 2)) if landmarks is None else np.asarray(landmarks, np.float64)
    for points in faces.reshape(-1, 5, 2):
        pose = fit_pose(points)
        if pose is not None:
            draw(image, pose, measure_look(image, pose))
    return image
