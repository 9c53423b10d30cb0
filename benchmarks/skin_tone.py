"""Measure the skin tone of annotated faces, as slices for benchmarks.accuracy.

    python -m benchmarks.skin_tone --images photos/images --annotations photos/annotations \\
        --output skin_tone.csv
    python -m benchmarks.accuracy --images photos/images --annotations photos/annotations \\
        --slices skin_tone.csv

The measure is the individual typology angle of the skin between and above the eyes and on the upper
cheeks, after a correction for the photo's light. Dermatologists take it with an instrument that
touches the skin. From a photo it is rough: shade, flash and the camera's own processing remain, so
one face may well be in a neighbouring class. benchmarks/README.md says how rough.
It says nothing of where somebody comes from.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

import face_detector
from benchmarks.accuracy import add_photo_options, choose_photos
from face_detector.detections import iou
from mask_detector import command_line
from mask_detector.errors import PhotoError
from mask_detector.files import make_folder, write_bytes
from mask_detector.images import read_photo
from mask_detector.text_files import csv_line
from mask_detector.training.annotations import read_annotations

GROUP = "measured skin tone"

# Del Bino and Bernerd, British Journal of Dermatology 169 (2013): very light above 55, light above
# 41, intermediate above 28, tan above 10, brown above -30, dark. Two classes each are one here.
LOWEST_ANGLES = {"light": 41.0, "intermediate": 10.0, "dark": -90.0}

# Medians over annotated faces of people who look at the camera, as shares of the box: where eyes
# and corners of the mouth are that no face detector finds.
_USUAL_LANDMARKS = np.array([[0.29, 0.36], [0.71, 0.36], [0.5, 0.57], [0.33, 0.74], [0.67, 0.74]])

_CROP, _FACE_IN_CROP = 240, 100  # pixels: where landmarks are looked for
_LEAST_POINTS = 40


# fmt: off
def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    add_photo_options(parser)
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="CSV", help="write the slices here")
    return parser.parse_args(argv)
# fmt: on


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every face; 1 where photos had to be left out."""
    args = parse_arguments(argv)
    make_folder(args.output.parent)
    photos, problems = read_annotations(args.images, args.annotations)
    photos = choose_photos(photos, problems, args)
    detector = face_detector.load("yunet", size=_CROP)
    lines = [csv_line(["image", "x1", "y1", "x2", "y2", GROUP])]
    tones: Counter[str] = Counter()
    for photo in tqdm(photos, desc="Measuring", unit="photo", disable=None):
        try:
            image = read_photo(photo.path)
        except PhotoError as error:
            problems.append(str(error))
            continue
        for box in photo.boxes.astype(np.float64):
            angle = typology_angle(image, box, find_landmarks(detector, image, box))
            tone = tone_of(angle)
            tones[tone or "not measured"] += 1
            if tone:
                lines.append(csv_line([photo.path.name, *(round(side) for side in box), tone]))
    write_bytes(args.output, "".join(lines).encode())
    print(", ".join(f"{count} {tone}" for tone, count in sorted(tones.items())))
    for problem in problems:
        print(f"left out: {problem}", file=sys.stderr)
    return command_line.FAILED if problems else command_line.OK


def tone_of(angle: float) -> str | None:
    """The class of an individual typology angle in degrees; None for NaN.

    >>> tone_of(60.0), tone_of(20.0), tone_of(-40.0)
    ('light', 'intermediate', 'dark')
    """
    return next((tone for tone, lowest in LOWEST_ANGLES.items() if angle >= lowest), None)


def find_landmarks(
    detector: face_detector.FaceDetector, image: np.ndarray, box: np.ndarray
) -> np.ndarray:
    """Eyes, nose and corners of the mouth of one annotated face, in pixels: float (5, 2).

    Where the detector finds no face in the box, they are where they usually are in a box: a face
    that is hard to find must not be left out for that reason.
    """
    sides = box[2:] - box[:2]
    scale = _FACE_IN_CROP / sides.max()
    shift = _CROP / 2 - (box[:2] + box[2:]) / 2 * scale
    crop = cv2.warpAffine(
        image,
        np.column_stack([np.eye(2) * scale, shift]),
        (_CROP, _CROP),
        flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    found = detector.find(crop)
    if found.landmarks is not None and len(found.boxes):
        there = box.reshape(2, 2) * scale + shift
        overlap = iou(there.reshape(1, 4), found.boxes)[0]
        best = int(overlap.argmax())
        if overlap[best] > 0.2:  # annotators' boxes may reach from the hair to the chin
            return (found.landmarks[best] - shift) / scale
    return box[:2] + _USUAL_LANDMARKS * sides


def typology_angle(image: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> float:
    """Individual typology angle of a face's skin after correction for the light.

    ITA = arctan((L* - 50) / b*), in degrees, with the medians of the skin's CIELAB values
    (Chardon et al., International Journal of Cosmetic Science 13, 1991).

    Args:
        image: uint8 BGR, (H, W, 3).
        box: float (4,), x1, y1, x2, y2 in pixels of ``image``.
        landmarks: float (5, 2): right eye, left eye, nose tip, right and left corner of the
            mouth.

    Returns:
        Degrees, -90 to 90; NaN where too few pixels look like skin, as in photos without colours.
    """
    pixels = _skin_region(image, landmarks)
    if len(pixels) < _LEAST_POINTS:
        return float("nan")
    corrected = _linear(pixels) * _light_correction(image, box)
    lab = cv2.cvtColor(np.clip(corrected, 0, 1)[None].astype(np.float32), cv2.COLOR_LBGR2Lab)[0]
    lightness, red, yellow = lab.T
    hue = np.degrees(np.arctan2(yellow, red))
    # Skin of all tones lies between red and yellow; masks, glasses and grey hair mostly do not.
    skin = (hue > 10) & (hue < 95) & (np.hypot(red, yellow) > 5) & (lightness > 5)
    skin &= pixels.max(axis=1) < 253  # overexposed pixels tell no colour
    if skin.sum() < 0.15 * len(pixels):
        return float("nan")
    # Brows, hair and shade are darker than the skin, highlights brighter.
    darkest, brightest = np.quantile(lightness[skin], [0.35, 0.97])
    skin &= (lightness >= darkest) & (lightness <= brightest)
    return float(np.degrees(np.arctan2(np.median(lightness[skin]) - 50, np.median(yellow[skin]))))


def _skin_region(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """BGR pixels above and below the eyes, where masks leave the skin free: uint8 (N, 3)."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    height = float(np.linalg.norm(mouth - eyes))
    if height < 4:
        return np.empty((0, 3), np.uint8)
    down = (mouth - eyes) / height
    right = np.array([-down[1], down[0]])
    # Turned heads have eyes that are close together.
    width = max(abs(float((landmarks[1] - landmarks[0]) @ right)), height / 2)
    across, along = np.meshgrid(np.linspace(-0.66, 0.66, 23), np.linspace(-0.55, 0.4, 20))
    beside_eyes = np.abs(along) > 0.14
    points = (
        eyes
        + across[beside_eyes][:, None] * width * right
        + along[beside_eyes][:, None] * height * down
    )
    pixels = np.rint(points).astype(int)
    inside = ((pixels >= 0) & (pixels < image.shape[1::-1])).all(axis=1)
    return image[pixels[inside, 1], pixels[inside, 0]]


def _light_correction(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Gains of linear B, G and R that make the light white and the brightest things near white.

    The light's colour is taken from the whole photo by Shades of Grey (Finlayson and Trezzi, Color
    Imaging Conference 2004), its strength from what is brightest around the face.
    """
    photo = _linear(_reduced(image, 256))
    unclipped = photo[photo.max(axis=1) < 0.95]
    seen = unclipped if len(unclipped) > 100 else photo
    colour = np.maximum((seen**6).mean(axis=0) ** (1 / 6), 1e-4)
    # A photo of one coloured wall must not turn the wall grey.
    gains = np.clip(colour.mean() / colour, 0.67, 1.5)
    half = (box[2:] - box[:2]).max()
    left, top = np.maximum((box[:2] + box[2:]) / 2 - half, 0).astype(int)
    around = image[top : top + int(2 * half) + 1, left : left + int(2 * half) + 1]
    luminance = np.array([0.0722, 0.7152, 0.2126])
    brightest = np.quantile(_linear(_reduced(around, 96)) @ luminance, 0.97)
    # In the shade of a sunlit photo, there may be nothing white around a face.
    brightest = max(brightest, 0.5 * np.quantile(photo @ luminance, 0.99), 1e-3)
    return gains * float(np.clip(0.9 / brightest, 0.7, 6))


def _reduced(image: np.ndarray, side: int) -> np.ndarray:
    """The picture with at most this longer side: uint8 (h, w, 3)."""
    scale = min(1.0, side / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _linear(pixels: np.ndarray) -> np.ndarray:
    """Linear light of sRGB values, uint8 (..., 3): float64 (N, 3) in [0, 1]."""
    values = pixels.reshape(-1, 3) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


if __name__ == "__main__":
    command_line.run(main)
