"""Draw masks, hands and scarves over found faces: for examples, tests and training data.

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

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

STYLES: Final = ("surgical", "cloth", "ffp2", "black", "white", "patterned")
"""Kinds of masks; within each, the generator chooses cut, colour, pattern, straps and folds."""

WEARINGS: Final = ("right", "under_nose", "under_chin")
"""How a mask is worn: over nose and mouth, below the nose, pulled down to the chin."""

OCCLUSIONS: Final = ("hand", "scarf")
"""What covers the mouth and is no mask."""

SMALLEST_FACE: Final = 4.0
"""Faces whose eyes are less than this many pixels from the mouth are left as they are."""

# Averages of adult faces after Farkas, Anthropometry of the Head and Face (1994), rounded.
_FACE_POINTS: Final = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.68, 0.6], [-0.4, 1.12, 0.15], [0.4, 1.12, 0.15]]
)
_EAR: Final = np.array([1.12, 0.55, -1.1])
_BACK_OF_HEAD: Final = np.array([1.1, -0.1, -1.3])

# The flat cloth: angle round the face to either side, height on the face, pixels.
_CLOTH_ANGLE: Final = 1.75
_CLOTH_TOP: Final = -0.1
_CLOTH_BOTTOM: Final = 2.6
_CLOTH_SIZE: Final = (352, 256)

# A layer is drawn with this many pixels between eyes and mouth, then resized to the photo.
_FINEST_RENDERING: Final = 150.0
_COARSEST_RENDERING: Final = 36.0


@dataclass(frozen=True)
class _Pose:
    """Affine camera: picture point = matrix @ face point + offset."""

    matrix: np.ndarray  # (2, 3)
    offset: np.ndarray  # (2,)
    towards_viewer: np.ndarray  # (3,), unit length, in face coordinates
    size: float  # pixels between the eyes of the same face seen from the front

    def project(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points) @ self.matrix.T + self.offset


@dataclass(frozen=True)
class _Ellipsoid:
    """What the cloth is wrapped round."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]

    def points(self, angles: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """Points on the surface, (N, 3), of angles round the y axis and heights y."""
        relative = np.clip((heights - self.centre[1]) / self.radii[1], -1, 1)
        reach = np.sqrt(1 - relative**2)
        unit = np.stack([np.sin(angles) * reach, relative, np.cos(angles) * reach], axis=1)
        return unit * self.radii + self.centre


@dataclass
class _Cloth:
    """A flat mask: what it is made of and where it is cut."""

    outline: np.ndarray  # (N, 2): angle, height
    colour: np.ndarray  # float32 (H, W, 3), 1 is white
    relief: np.ndarray  # float32 (H, W): brightness of folds and seams, 1 is flat
    coverage: np.ndarray  # float32 (H, W)
    straps: list[tuple[np.ndarray, np.ndarray, float]]  # (angle, height), end point, bend
    strap_colour: np.ndarray
    body: _Ellipsoid


@dataclass(frozen=True)
class _Look:
    """How the camera sees the face: what a mask has to look like to belong there."""

    skin: np.ndarray  # (3,) BGR
    white: np.ndarray  # (3,) BGR of something white in the place of the face
    slope: np.ndarray  # (2,) relative change of brightness across one distance of the eyes
    blur: float  # standard deviation in pixels
    noise: float  # standard deviation in grey levels


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
        A new picture of the same shape. Faces under ``SMALLEST_FACE`` stay bare.

    Raises:
        ValueError: ``style`` or ``wearing`` is unknown.
    """
    if style is not None and style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)} or None, got {style!r}")
    if wearing not in WEARINGS:
        raise ValueError(f"wearing must be one of {', '.join(WEARINGS)}, got {wearing!r}")
    image = image.copy()
    for points in _as_faces(landmarks):
        pose = _fit_pose(points)
        if pose is None:
            continue
        chosen = style or STYLES[rng.integers(len(STYLES))]
        look = _measure_look(image, pose)
        _wear(image, pose, look, _cut_cloth(chosen, wearing, look, rng), rng)
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
        pose = _fit_pose(points)
        if pose is None:
            continue
        look = _measure_look(image, pose)
        if (kind or OCCLUSIONS[rng.integers(len(OCCLUSIONS))]) == "scarf":
            _wear(image, pose, look, _cut_scarf(rng), rng)
        else:
            _hold_hand(image, pose, look, rng)
    return image


def _as_faces(landmarks: np.ndarray | None) -> np.ndarray:
    if landmarks is None:
        return np.zeros((0, 5, 2))
    return np.asarray(landmarks, dtype=np.float64).reshape(-1, 5, 2)


def _fit_pose(landmarks: np.ndarray) -> _Pose | None:
    """The camera that sees the face model's points at the landmarks; None if they are no face."""
    if not np.isfinite(landmarks).all():
        return None
    if np.linalg.norm(landmarks[3:].mean(0) - landmarks[:2].mean(0)) < SMALLEST_FACE:
        return None
    design = np.column_stack([_FACE_POINTS, np.ones(5)])
    affine = np.linalg.lstsq(design, landmarks, rcond=None)[0][:3].T
    # One nose tip alone fixes the depth, so an error there tilts the whole affine camera:
    # the mean with the nearest rotation is steadier and keeps half of the face's proportions.
    left, scales, right = np.linalg.svd(affine, full_matrices=False)
    size = float(scales.mean())
    matrix = (affine + left @ right * size) / 2
    viewer = np.cross(matrix[0], matrix[1])
    length = np.linalg.norm(viewer)
    if length < 1e-6:
        return None
    offset = landmarks.mean(0) - matrix @ _FACE_POINTS.mean(0)
    return _Pose(matrix, offset, viewer / length, size)


# ------------------------------------------------------------------ the look of the photo


def _measure_look(image: np.ndarray, pose: _Pose) -> _Look:
    """Measure skin, light, sharpness and noise on the bare parts of the face."""
    height, width = image.shape[:2]
    across, down = np.meshgrid(np.linspace(-0.75, 0.75, 11), np.linspace(-0.5, 1.5, 13))
    depth = 0.35 - 0.6 * across**2
    places = np.stack([across.ravel(), down.ravel(), depth.ravel()], axis=1)
    pixels = np.rint(pose.project(places)).astype(int)
    inside = ((pixels >= 0) & (pixels < [width, height])).all(axis=1)
    if inside.sum() < 8:
        grey = np.full(3, 140.0)
        return _Look(grey, grey * 1.4, np.zeros(2), 0.6, 2.0)
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
    # spots nearby have a say.
    level = np.clip(0.7 * brightness / 0.66 + 0.3 * np.quantile(grey, 0.97) / 0.9, 30, 248)
    usual_skin = np.array([0.74, 0.92, 1.34])
    cast = (skin / max(brightness, 1.0) / usual_skin) ** 0.35
    white = level * np.clip(cast / cast.mean(), 0.75, 1.25)

    corners = pose.project(
        np.array([[-0.9, -0.35, 0], [0.9, -0.35, 0], [-0.9, 0.3, 0], [0.9, 0.3, 0]])
    )
    left, top = np.clip(corners.min(0).astype(int), 0, [width - 1, height - 1])
    right, bottom = np.clip(corners.max(0).astype(int) + 1, 1, [width, height])
    eyes = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY).astype(np.float32)
    if min(eyes.shape) < 4:
        return _Look(skin, white, slope, 0.6, 2.0)
    steepest = float(np.quantile(np.abs(np.diff(eyes, axis=0)), 0.995))
    contrast = float(np.quantile(eyes, 0.98) - np.quantile(eyes, 0.02))
    # An edge of height h blurred with standard deviation s is at most h / (s sqrt(2 pi)) steep.
    blur = np.clip(0.2 * contrast / max(steepest, 1.0), 0.4, 0.06 * pose.size + 0.4)
    fine = cv2.Laplacian(eyes, cv2.CV_32F, ksize=1)
    # Immerkaer (1996): the Laplacian of white noise has sqrt(20) times its deviation.
    noise = float(np.clip(np.median(np.abs(fine)) / 0.6745 / 20**0.5, 0.5, 8.0))
    return _Look(skin, white, slope, float(blur), noise)


# ------------------------------------------------------------------ flat masks


def _cut_cloth(style: str, wearing: str, look: _Look, rng: np.random.Generator) -> _Cloth:
    """A mask of the style, cut and placed for the way it is worn."""
    cut = {"surgical": "pleated", "ffp2": rng.choice(["folded", "cup", "boat"])}.get(style)
    cut = cut or str(rng.choice(["pleated", "fitted", "fitted", "sponge"]))
    outline, body = _outline(cut, wearing, rng)
    colour = _colour(style, rng)
    coverage = _fill(outline)
    relief = _creases(outline, rng)
    if cut == "pleated":
        _pleat(relief, outline, rng)
    elif cut == "folded" or (cut in ("fitted", "sponge") and rng.random() < 0.7):
        _seam(relief, outline, look, deep=cut == "folded", rng=rng)
    elif cut == "boat":
        _panels(relief, outline, rng)
    _hem(relief, colour, outline, style, rng)
    if style == "ffp2":
        _print_small_things(colour, relief, outline, rng)
    return _Cloth(
        outline,
        colour,
        relief,
        coverage,
        _straps(outline, cut, wearing, rng),
        _strap_colour(style, colour, rng),
        body,
    )


def _outline(cut: str, wearing: str, rng: np.random.Generator) -> tuple[np.ndarray, _Ellipsoid]:
    """The edge of a mask, (N, 2) angle and height, and the body that it is wrapped round."""
    right_half = {
        "pleated": [(0, 0.40), (0.3, 0.47), (0.75, 0.62), (1.1, 0.72), (1.06, 1.22), (0.8, 1.5), (0.42, 1.82), (0, 1.9)],
        "fitted": [(0, 0.36), (0.28, 0.5), (0.7, 0.62), (1.2, 0.62), (1.2, 1.02), (0.85, 1.42), (0.45, 1.8), (0, 1.88)],
        "sponge": [(0, 0.38), (0.3, 0.5), (0.75, 0.66), (1.38, 0.5), (1.42, 0.85), (1.0, 1.3), (0.5, 1.76), (0, 1.88)],
        "folded": [(0, 0.3), (0.25, 0.48), (0.7, 0.66), (1.15, 0.78), (1.15, 0.98), (0.85, 1.42), (0.42, 1.84), (0, 1.95)],
        "cup": [(0, 0.34), (0.3, 0.4), (0.72, 0.66), (0.98, 1.0), (0.95, 1.3), (0.72, 1.62), (0.4, 1.84), (0, 1.9)],
        "boat": [(0, 0.34), (0.3, 0.44), (0.7, 0.64), (1.12, 0.8), (1.12, 1.08), (0.8, 1.5), (0.44, 1.82), (0, 1.9)],
    }[cut]  # fmt: skip
    half = np.array(right_half) + rng.normal(0, 0.025, (len(right_half), 2))
    half[:, 0] *= rng.uniform(0.93, 1.1)
    half[[0, -1], 0] = 0
    front = {"folded": 0.26, "cup": 0.2, "boat": 0.2}.get(cut, 0.06) * rng.uniform(0.5, 1.0)
    body = _Ellipsoid((0, 0.88, -0.75), (rng.uniform(1.0, 1.08), 1.24, 1.4 + front))
    bottom = half[-1, 1]
    if wearing == "under_nose":
        top = rng.uniform(0.83, 0.95)
        squeezed = bottom + 0.06 - top
        share = (half[:, 1] - half[0, 1]) / (bottom - half[0, 1])
        half[:, 1] = top + share * squeezed - 0.12 * half[:, 0] * (1 - share)
        body = replace(body, radii=(body.radii[0], 1.3, 1.22))
    elif wearing == "under_chin":
        top = rng.uniform(1.45, 1.62)
        share = (half[:, 1] - half[0, 1]) / (bottom - half[0, 1])
        half[:, 1] = top + share * rng.uniform(0.5, 0.68) - 0.3 * half[:, 0]
        body = _Ellipsoid((0, 1.55, -0.75), (0.95, 1.15, 1.08))
    other = half[-2:0:-1] * [-1, 1] + rng.normal(0, 0.012, (len(half) - 2, 2))
    ring = np.concatenate([half, other])
    ring[:, 1] += rng.normal(0, 0.03) * ring[:, 0]
    for _ in range(3):  # Chaikin: cut the corners
        following = np.roll(ring, -1, axis=0)
        ring = np.stack([0.75 * ring + 0.25 * following, 0.25 * ring + 0.75 * following], 1)
        ring = ring.reshape(-1, 2)
    return ring, body


def _on_cloth(points: np.ndarray) -> np.ndarray:
    """Pixels of the flat cloth, float (N, 2), of angles and heights."""
    width, height = _CLOTH_SIZE
    scale = [width / (2 * _CLOTH_ANGLE), height / (_CLOTH_BOTTOM - _CLOTH_TOP)]
    return (np.asarray(points) - [-_CLOTH_ANGLE, _CLOTH_TOP]) * scale


def _polygon(points: np.ndarray) -> np.ndarray:
    """Cloth pixels as OpenCV wants them with ``shift=4``."""
    return np.rint(_on_cloth(points) * 16).astype(np.int32)[None]


def _fill(outline: np.ndarray) -> np.ndarray:
    coverage = np.zeros(_CLOTH_SIZE[::-1], np.uint8)
    cv2.fillPoly(coverage, _polygon(outline), 255, cv2.LINE_AA, 4)
    return coverage.astype(np.float32) / 255


def _line(canvas: np.ndarray, points: np.ndarray, value: float, thickness: int = 1) -> None:
    cv2.polylines(canvas, _polygon(points), False, value, thickness, cv2.LINE_AA, 4)


def _across(outline: np.ndarray, share: float, sag: float) -> np.ndarray:
    """A line from one side of the mask to the other, at a share of its height, (17, 2)."""
    side = outline[:, 0].max()
    angles = np.linspace(-side, side, 17)
    middle = outline[np.abs(outline[:, 0]) < 0.25 * side]
    ends = outline[np.abs(outline[:, 0]) > 0.85 * side]
    heights = [part[:, 1].min() + share * np.ptp(part[:, 1]) for part in (middle, ends)]
    bend = (angles / side) ** 2
    return np.stack([angles, heights[0] * (1 - bend) + heights[1] * bend + sag * (1 - bend)], 1)


def _creases(outline: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Soft folds that run from the straps to the middle, and unevenness."""
    width, height = _CLOTH_SIZE
    relief = np.zeros((height // 2, width // 2), np.float32)
    side, top, bottom = outline[:, 0].max(), outline[:, 1].min(), outline[:, 1].max()
    for _ in range(rng.integers(5, 14)):
        sign = rng.choice([-1, 1])
        start = [sign * side * rng.uniform(0.75, 1.0), rng.uniform(top + 0.3, bottom - 0.3)]
        end = [sign * side * rng.uniform(-0.2, 0.4), rng.uniform(top + 0.1, bottom - 0.1)]
        value = float(rng.normal(0, 0.17))
        pixels = np.rint(_on_cloth(np.array([start, end])) * 8).astype(np.int32)
        cv2.line(relief, pixels[0], pixels[1], value, int(rng.integers(2, 6)), cv2.LINE_AA, 4)
    uneven = rng.normal(0, 1, (9, 12)).astype(np.float32)
    relief = cv2.GaussianBlur(relief, (0, 0), rng.uniform(1.4, 3.2))
    relief += 0.035 * cv2.resize(uneven, relief.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return 1 + cv2.resize(relief, _CLOTH_SIZE, interpolation=cv2.INTER_LINEAR)


def _pleat(relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """Three or four horizontal pleats: an edge that catches light over a shadow."""
    count = int(rng.integers(3, 5))
    depth = rng.uniform(0.14, 0.36)
    marks = np.zeros_like(relief)
    for share in np.linspace(0.25, 0.72, count) + rng.normal(0, 0.02, count):
        line = _across(outline, share, rng.normal(0.03, 0.02))
        _line(marks, line - [0, 0.022], 0.7 * depth, 2)
        _line(marks, line + [0, 0.012], -1.4 * depth, 2)
    relief += cv2.GaussianBlur(marks, (0, 0), 1.2)


def _seam(
    relief: np.ndarray,
    outline: np.ndarray,
    look: _Look,
    deep: bool,
    rng: np.random.Generator,
) -> None:
    """A seam down the middle; a deep one parts the mask into two planes of different light."""
    top, bottom = outline[:, 1].min(), outline[:, 1].max()
    heights = np.linspace(top, bottom, 9)
    line = np.stack([np.full(9, rng.normal(0, 0.015)), heights], 1)
    marks = np.zeros_like(relief)
    if deep:
        angles = np.linspace(-_CLOTH_ANGLE, _CLOTH_ANGLE, relief.shape[1], dtype=np.float32)
        difference = np.clip(2.0 * look.slope[0] + rng.normal(0, 0.05), -0.2, 0.2)
        marks += np.tanh(angles / 0.04) * np.exp(-((angles / 0.7) ** 2)) * difference
    _line(marks, line, -0.18, 1)
    _line(marks, line + [0.02, 0], 0.1, 1)
    relief += cv2.GaussianBlur(marks, (0, 0), 0.9)


def _panels(relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator) -> None:
    """Three panels one over the other: light above, middle, dark below."""
    upper = _across(outline, 0.3, rng.uniform(0.02, 0.1))
    lower = _across(outline, 0.74, rng.uniform(-0.08, 0.04))
    marks = np.zeros_like(relief)
    below = np.concatenate([lower, [[_CLOTH_ANGLE, _CLOTH_BOTTOM], [-_CLOTH_ANGLE, _CLOTH_BOTTOM]]])
    cv2.fillPoly(marks, _polygon(below), -0.13, cv2.LINE_8, 4)
    for line in (upper, lower):
        _line(marks, line, -0.2, 1)
        _line(marks, line - [0, 0.02], 0.1, 1)
    relief += cv2.GaussianBlur(marks, (0, 0), 1.2)


def _hem(
    relief: np.ndarray,
    colour: np.ndarray,
    outline: np.ndarray,
    style: str,
    rng: np.random.Generator,
) -> None:
    """The sewn or welded edge, sometimes in a colour of its own."""
    centre = outline.mean(0)
    ring = np.concatenate([outline, outline[:1]])
    inner = centre + (ring - centre) * rng.uniform(0.9, 0.94)
    marks = np.zeros_like(relief)
    _line(marks, ring, -0.16, 3)
    _line(marks, inner, -0.12, 1)
    if style == "surgical" or style == "ffp2":  # the wire over the nose
        wire = _across(outline, 0.08, 0.0)[5:12]
        _line(marks, wire, 0.12, 3)
        _line(marks, wire + [0, 0.03], -0.12, 1)
    relief += cv2.GaussianBlur(marks, (0, 0), 0.9)
    if style in ("cloth", "patterned", "black") and rng.random() < 0.25:
        band = rng.uniform(0.05, 0.95, 3)
        cv2.polylines(colour, _polygon(ring), True, band.tolist(), 9, cv2.LINE_AA, 4)


def _print_small_things(
    colour: np.ndarray, relief: np.ndarray, outline: np.ndarray, rng: np.random.Generator
) -> None:
    """The letters of the standard, and now and then a valve."""
    if rng.random() < 0.6:
        start = _on_cloth(np.array([[rng.choice([-0.62, 0.2]), rng.uniform(1.15, 1.4)]]))[0]
        text = str(rng.choice(["FFP2 NR", "KN95", "N95", "CE 0598", "GB2626"]))
        ink = (colour.mean(axis=(0, 1)) * 0.55).tolist()
        cv2.putText(colour, text, start.astype(int).tolist(), 0, 0.3, ink, 1, cv2.LINE_AA)
    if rng.random() < 0.3:
        place = _on_cloth(np.array([[rng.choice([0.0, 0.35, -0.35]), 1.12]]))[0].astype(int)
        radius = int(rng.integers(12, 17))
        shade = rng.uniform(0.3, 1.0)
        cv2.circle(colour, place.tolist(), radius, [shade] * 3, -1, cv2.LINE_AA)
        cv2.circle(relief, (place + 1).tolist(), radius, 0.7, 3, cv2.LINE_AA)
        cv2.circle(relief, (place - 1).tolist(), radius - 1, 1.15, 1, cv2.LINE_AA)
        for shift in range(-radius // 2, radius // 2 + 1, 4):
            first, last = place + [-radius // 2, shift], place + [radius // 2, shift]
            cv2.line(relief, first.tolist(), last.tolist(), 0.8, 1, cv2.LINE_AA)


def _straps(
    outline: np.ndarray, cut: str, wearing: str, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    straps = []
    behind = cut in ("cup", "boat", "folded") and rng.random() < 0.4
    for sign in (-1, 1):
        mine = outline[outline[:, 0] * sign > 0.8 * np.abs(outline[:, 0]).max()]
        upper = mine[mine[:, 1].argmin()]
        lower = mine[mine[:, 1].argmax()]
        ear = _EAR * [sign, 1, 1]
        above = _BACK_OF_HEAD * [sign, 1, 1] if behind else ear - [0, 0.12, 0]
        below = ear + [0, 0.1, 0]
        straps += [(upper, above, -0.04), (lower, below, 0.06)]
    return straps


# ------------------------------------------------------------------ colours and patterns

_SURGICAL: Final = ["#8fc3e0", "#a9d4ea", "#6fb0d8", "#9ad6d0", "#a7d8b9", "#e9b7c8", "#f0f2f4", "#c9c2e6", "#3b4f75"]  # fmt: skip
_CLOTHES: Final = ["#b03a3a", "#7a1f2b", "#20406e", "#2d6f8f", "#3f7d4c", "#6b7a3a", "#d8b23c", "#d9803f", "#8a5a9b", "#c96f94", "#8c8c8c", "#5b5f66", "#d8cdb8", "#6e4f3a", "#24303f", "#e8e2d6", "#1f5a52", "#e46a6a", "#9fb7c9", "#c7d64a"]  # fmt: skip


def _bgr(colour: str) -> np.ndarray:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return np.array([blue, green, red], np.float32)


def _colour(style: str, rng: np.random.Generator) -> np.ndarray:
    """The dyed cloth, float32 (H, W, 3)."""
    width, height = _CLOTH_SIZE
    if style == "surgical":
        base = _bgr(str(rng.choice(_SURGICAL)))
    elif style == "ffp2":
        base = np.full(3, rng.uniform(0.86, 1.0)) + rng.normal(0, 0.015, 3)
        if rng.random() < 0.2:
            base = _bgr(str(rng.choice([*_CLOTHES, "#1c1c1e", "#1c1c1e"])))
    elif style == "white":
        base = np.full(3, rng.uniform(0.85, 1.0)) + rng.normal(0, 0.02, 3)
    elif style == "black":
        base = np.full(3, rng.uniform(0.05, 0.2)) + rng.normal(0, 0.012, 3)
    else:
        base = _bgr(str(rng.choice(_CLOTHES)))
    base = np.clip(base + rng.normal(0, 0.025, 3), 0.03, 1.0).astype(np.float32)
    cloth = np.empty((height, width, 3), np.float32)
    cloth[:] = base
    if style == "patterned":
        other = _bgr(str(rng.choice([*_CLOTHES, "#f4f4f4", "#f4f4f4", "#151515"])))
        weight = _pattern(rng)[..., None]
        cloth += weight * (other - base)
        if rng.random() < 0.35:
            third = _bgr(str(rng.choice(_CLOTHES)))
            cloth += 0.9 * _pattern(rng)[..., None] * (third - cloth)
    if style in ("cloth", "patterned"):
        weave = rng.normal(0, 0.02, (height, width)).astype(np.float32)
        cloth *= 1 + cv2.blur(weave, (3, 1))[..., None]
    return cloth


def _pattern(rng: np.random.Generator) -> np.ndarray:
    """How much of the second colour shows, float32 (H, W) in [0, 1]."""
    width, height = _CLOTH_SIZE
    x = np.arange(width, dtype=np.float32)[None]
    y = np.arange(height, dtype=np.float32)[:, None]
    kind = rng.choice(["stripes", "checks", "dots", "camouflage", "print", "shade"])
    period = rng.uniform(9, 34)
    if kind == "stripes":
        turn = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
        wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / period))
        return np.clip(wave * 4 + rng.uniform(-1.5, 1.5), 0, 1)
    if kind == "checks":
        columns = np.clip(np.sin(x * (2 * np.pi / period)) * 4, 0, 1)
        rows = np.clip(np.sin(y * (2 * np.pi / period)) * 4, 0, 1)
        return (columns + rows) / 2
    if kind == "dots":
        share = rng.uniform(0.3, 0.75)
        shifted = x + period / 2 * (np.floor(y / period) % 2)
        near = np.cos(shifted * (2 * np.pi / period)) + np.cos((y / period + 0.5) * 2 * np.pi)
        return np.clip((near - 2 * share + 0.4) * 3, 0, 1)
    if kind == "camouflage":
        coarse = rng.normal(0, 1, (height // 14, width // 14)).astype(np.float32)
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth * 5 + rng.uniform(-1, 1), 0, 1)
    if kind == "shade":
        edge = rng.uniform(0.3, 0.7) * height
        return np.broadcast_to(
            np.clip((y - edge) / rng.uniform(2, 90) + 0.5, 0, 1), (height, width)
        )
    canvas = np.zeros((height, width), np.float32)
    for centre in rng.uniform(0, 1, (int(rng.integers(12, 90)), 2)) * [width, height]:
        radius = rng.uniform(3, 11)
        petals = int(rng.integers(1, 7))
        for turn in np.arange(petals) * (2 * np.pi / petals):
            place = centre + radius * 0.7 * np.array([np.cos(turn), np.sin(turn)]) * (petals > 1)
            cv2.circle(
                canvas, place.astype(int).tolist(), int(radius * 0.55) + 1, 1.0, -1, cv2.LINE_8
            )
    return cv2.blur(canvas, (2, 2))


def _strap_colour(style: str, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    own = colour[::16, ::16].mean(axis=(0, 1))
    if style in ("surgical", "white", "ffp2") and own.mean() > 0.4:
        return np.full(3, rng.uniform(0.82, 0.98))
    return own if rng.random() < 0.6 else np.full(3, rng.choice([0.1, 0.9]))


# ------------------------------------------------------------------ not masks


def _cut_scarf(rng: np.random.Generator) -> _Cloth:
    """A scarf drawn up over the mouth: wider than the face, down to the shoulders, in folds."""
    top = rng.uniform(0.62, 1.0)
    right_half = np.array([(0, top), (0.5, top + 0.08), (1.0, top + 0.12), (1.6, top - 0.05), (1.65, 2.3), (0.8, 2.5), (0, 2.5)])  # fmt: skip
    right_half[1:-1] += rng.normal(0, 0.05, (5, 2))
    outline = np.concatenate([right_half, right_half[-2:0:-1] * [-1, 1]])
    outline[:, 1] += rng.normal(0, 0.08) * outline[:, 0]
    outline = np.clip(outline, [-1.7, 0], [1.7, 2.55])
    colour = _colour("patterned" if rng.random() < 0.6 else "cloth", rng)
    rows = np.arange(_CLOTH_SIZE[1], dtype=np.float32)[:, None]
    columns = np.arange(_CLOTH_SIZE[0], dtype=np.float32)[None]
    waves = (
        rng.uniform(0, 2 * np.pi) + rows * rng.uniform(0.12, 0.3) + columns * rng.normal(0, 0.04)
    )
    folds = np.sin(waves + 1.5 * np.sin(columns * 0.02 + rng.uniform(0, 6)))
    relief = _creases(outline, rng) * (1 + 0.14 * folds)
    if rng.random() < 0.5:  # knitted
        relief = relief * (1 + 0.12 * np.sin(rows * 1.3) * np.sin(columns * 0.9))
    body = _Ellipsoid((0, 1.55, -0.75), (1.28, 1.6, 1.35))
    return _Cloth(outline, colour, relief, _fill(outline), [], np.zeros(3), body)


def _hold_hand(image: np.ndarray, pose: _Pose, look: _Look, rng: np.random.Generator) -> None:
    """A hand before the mouth: palm, fingers, the thumb at times, in the face's own skin."""
    window = _Window.around(image, pose, np.array([[-2.0, 0.2, 0.7], [2.0, 3.2, 0.7]]))
    if window is None:
        return
    sign = rng.choice([-1, 1])
    place = np.array([sign * rng.uniform(-0.1, 0.35), rng.uniform(1.1, 1.35)])
    turn = sign * rng.uniform(0.1, 1.5)
    along = np.array([-np.sin(turn) * 1.0, -np.cos(turn)])
    beside = np.array([-along[1], along[0]])
    coverage = np.zeros(window.shape, np.float32)
    shade = np.ones(window.shape, np.float32)
    unit = pose.size * window.scale

    def capsule(start: np.ndarray, end: np.ndarray, thickness: float) -> None:
        points = np.array([[*start, 0.7], [*end, 0.7]])
        first, last = np.rint(window.pixels(pose.project(points))).astype(int).tolist()
        wide = max(1, int(thickness * unit))
        cv2.line(shade, first, last, 0.72, wide + max(1, wide // 9), cv2.LINE_AA)
        cv2.line(shade, first, last, 1.02, max(1, int(wide * 0.78)), cv2.LINE_AA)
        cv2.line(coverage, first, last, 1.0, wide, cv2.LINE_AA)

    palm = place - along * 0.55
    for step in (-0.3, -0.1, 0.1, 0.3):
        capsule(palm + beside * step - along * 0.9, palm + beside * step + along * 0.1, 0.42)
    shade[coverage > 0] = 0.97
    spread = rng.uniform(0.24, 0.3)
    if rng.random() < 0.5:
        capsule(palm - along * 0.2 - beside * 0.3, palm + along * 0.25 - beside * 0.75, 0.28)
    for step, length in zip((-1.5, -0.5, 0.5, 1.5), (0.75, 0.95, 0.9, 0.65), strict=True):
        root = palm + beside * spread * step
        fan = along + beside * step * rng.uniform(0.0, 0.12)
        capsule(root, root + fan * length, 0.27)
    shade = cv2.GaussianBlur(shade, (0, 0), max(0.5, 0.035 * unit))
    colour = np.empty((*window.shape, 3), np.float32)
    colour[:] = look.skin * rng.uniform(0.88, 1.1)
    colour *= shade[..., None]
    _blend(image, window, pose, look, colour, coverage, rng)


# ------------------------------------------------------------------ from cloth to picture


@dataclass(frozen=True)
class _Window:
    """A part of the photo, and the raster that is drawn for it at another resolution."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float
    shape: tuple[int, int]

    @staticmethod
    def around(image: np.ndarray, pose: _Pose, points: np.ndarray) -> _Window | None:
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
        return _Window(int(left), int(top), int(right), int(bottom), scale, shape)

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Raster coordinates of places in the photo."""
        ratio = [
            self.shape[1] / (self.right - self.left),
            self.shape[0] / (self.bottom - self.top),
        ]
        return (places - [self.left, self.top] + 0.5) * ratio - 0.5


def _wear(
    image: np.ndarray, pose: _Pose, look: _Look, cloth: _Cloth, rng: np.random.Generator
) -> None:
    """Wrap the cloth round its body and lay it over the photo, in place."""
    edge = cloth.body.points(cloth.outline[:, 0], cloth.outline[:, 1])
    ends = [edge, *[end[None] for _, end, _ in cloth.straps]]
    window = _Window.around(image, pose, np.concatenate(ends))
    if window is None:
        return
    unit, silhouette = _cast_rays(window, pose, cloth.body)
    angle = cv2.phase(unit[2], unit[0])
    angle[angle > np.pi] -= 2 * np.pi
    width, height = _CLOTH_SIZE
    columns = (angle + _CLOTH_ANGLE) * (width / (2 * _CLOTH_ANGLE)) - 0.5
    rows = unit[1] * cloth.body.radii[1] + (cloth.body.centre[1] - _CLOTH_TOP)
    rows = rows * (height / (_CLOTH_BOTTOM - _CLOTH_TOP)) - 0.5

    def wrap(flat: np.ndarray, border: int) -> np.ndarray:
        return cv2.remap(flat, columns, rows, cv2.INTER_LINEAR, borderMode=border)

    coverage = wrap(cloth.coverage, cv2.BORDER_CONSTANT) * silhouette
    light = _light(pose, look, cloth.body)
    shade = wrap(cloth.relief, cv2.BORDER_REPLICATE)
    shade *= 0.66 + 0.4 * np.maximum(
        unit[0] * light[0] + unit[1] * light[1] + unit[2] * light[2], -0.2
    )
    colour = wrap(cloth.colour, cv2.BORDER_REPLICATE)
    _draw_straps(window, pose, cloth, colour, coverage, shade)
    shade *= _slope(window, pose, look)
    colour *= shade[..., None]
    colour *= look.white.astype(np.float32)
    colour += np.float32(0.035 * look.white.mean())
    _blend(image, window, pose, look, colour, coverage, rng)


def _cast_rays(
    window: _Window, pose: _Pose, body: _Ellipsoid
) -> tuple[list[np.ndarray], np.ndarray]:
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


def _light(pose: _Pose, look: _Look, body: _Ellipsoid) -> np.ndarray:
    """The direction that light comes from, in face coordinates, from the slope of brightness."""
    right = pose.matrix[0] / np.linalg.norm(pose.matrix[0])
    down = pose.matrix[1] / np.linalg.norm(pose.matrix[1])
    towards = 3.0 * look.slope[0] * right + (2.0 * look.slope[1] - 0.35) * down
    towards = towards + pose.towards_viewer
    return (towards / np.linalg.norm(towards)).astype(np.float32)


def _slope(window: _Window, pose: _Pose, look: _Look) -> np.ndarray:
    """The fall of light over the window, float32 of its shape."""
    rows, columns = window.shape
    centre = window.pixels(pose.project([[0, 0.9, 0.3]]))[0]
    unit = pose.size * window.scale
    across = (np.arange(columns, dtype=np.float32) - np.float32(centre[0])) / np.float32(unit)
    down = (np.arange(rows, dtype=np.float32) - np.float32(centre[1])) / np.float32(unit)
    plane = 1 + np.float32(look.slope[0]) * across[None] + np.float32(look.slope[1]) * down[:, None]
    return np.clip(plane, 0.55, 1.4)


def _draw_straps(
    window: _Window,
    pose: _Pose,
    cloth: _Cloth,
    colour: np.ndarray,
    coverage: np.ndarray,
    shade: np.ndarray,
) -> None:
    """Draw the straps that the head does not hide, under the mask."""
    layer = np.zeros(window.shape, np.uint8)
    thickness = max(1, round(0.022 * pose.size * window.scale))
    steps = np.linspace(0, 1, 9)[:, None]
    for start, end, bend in cloth.straps:
        if pose.towards_viewer[0] * np.sign(end[0]) < -0.3:
            continue
        first = cloth.body.points(start[:1] * 0.97, start[1:])[0]
        line = first + (end - first) * steps + [0, bend, 0] * np.sin(np.pi * steps)
        line = line + [np.sign(end[0]) * 0.05, 0, 0] * np.sin(np.pi * steps)
        points = np.rint(window.pixels(pose.project(line)) * 16).astype(np.int32)
        cv2.polylines(layer, points[None], False, 255, thickness, cv2.LINE_AA, 4)
    visible = (layer > 0) & (coverage < 0.5)
    colour[visible] = cloth.strap_colour
    shade[visible] = 0.9
    np.maximum(coverage, layer.astype(np.float32) / 255, out=coverage)


def _blend(
    image: np.ndarray,
    window: _Window,
    pose: _Pose,
    look: _Look,
    colour: np.ndarray,
    coverage: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Lay a drawn raster over the photo, as sharp and as noisy as the photo, with a shadow."""
    size = (window.right - window.left, window.bottom - window.top)
    way = cv2.INTER_AREA if window.scale > 1 else cv2.INTER_LINEAR
    if window.shape != size[::-1]:
        colour = cv2.resize(colour, size, interpolation=way)
        coverage = cv2.resize(coverage, size, interpolation=way)
    if look.blur > 0.3:
        colour = cv2.GaussianBlur(colour, (0, 0), look.blur)
        coverage = cv2.GaussianBlur(coverage, (0, 0), look.blur)
    part = image[window.top : window.bottom, window.left : window.right]
    grain = rng.normal(0, look.noise, part.shape[:2]).astype(np.float32)
    colour = colour + grain[..., None]
    shadow = cv2.GaussianBlur(coverage, (0, 0), max(0.6, 0.07 * pose.size))
    shift = np.float32([[1, 0, 0], [0, 1, 0.04 * pose.size]])
    shadow = cv2.warpAffine(shadow, shift, size, borderMode=cv2.BORDER_REPLICATE)
    below = part * (1 - 0.35 * shadow * (1 - coverage))[..., None]
    mixed = below + (colour - below) * coverage[..., None]
    part[:] = np.clip(mixed, 0, 255).astype(np.uint8)
