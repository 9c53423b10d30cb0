"""Make the starter set again from its free sources.

    python -m scripts.make_starter_set

Every face of the source photos gives pictures of both classes: unmasked ones, a few with a hand
or a scarf in front of the mouth, and as many with drawn masks, each framed in its own way. All
pictures of one person are one group in groups.csv, so that a split by group keeps people apart.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mask_detector.files import write_bytes
from mask_detector.training.drawn.masks import draw_mask, draw_occlusion
from scripts.source_photos import SourcePhoto, load_source_photos

FOLDER = Path(__file__).resolve().parent.parent / "dataset"
PICTURES_A_FACE = 4
"""Pictures that each face gives to each class."""

JPEG_QUALITY = 88

WORN = ("surgical", "cloth", "ffp2", "black", "white", "patterned")
"""Kinds of masks, in turn."""

HELD = ("hand", "scarf")
"""What some unmasked faces have before their mouth, in turn."""

SAME_PERSON = {
    ("sample3", 1): ("sample1", 2),
    ("sample2", 2): ("sample1", 1),
    ("sample4", 0): ("sample1", 1),
    ("sample6", 2): ("sample4", 1),
}
"""Faces (photo, place from the left) that may be a person of another photo, to be on the safe
side: they share a group."""


def pictures(photos: dict[str, SourcePhoto]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Class, group and picture, one after the other."""
    turn = 0
    for photo in photos.values():
        for face, (box, landmarks) in enumerate(zip(photo.boxes, photo.landmarks, strict=True)):
            name, place = SAME_PERSON.get((photo.name, face), (photo.name, face))
            group = f"{name}-{place}"
            others = np.delete(photo.boxes, face, axis=0)
            # One generator a picture, so that each can be made again by itself.
            for _ in range(PICTURES_A_FACE):
                turn += 1
                rng = np.random.default_rng(turn)
                masked = draw_mask(photo.image, landmarks, WORN[turn % len(WORN)], rng)
                yield "with_mask", group, frame(masked, box, others, rng)
                unmasked = photo.image
                if turn % 8 == 0:
                    kind = HELD[turn // 8 % len(HELD)]
                    unmasked = draw_occlusion(unmasked, landmarks, kind, rng)
                yield "without_mask", group, frame(unmasked, box, others, rng)


def frame(
    image: np.ndarray, box: np.ndarray, others: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Cut out one face with a margin, shifted and turned a little, in its own light.

    The margin ends where another face would come into the picture.
    """
    x1, y1, x2, y2 = box.tolist()
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    side = max(x2 - x1, y2 - y1)
    half = side * (0.5 + rng.uniform(0.2, 0.5))
    for other in others:
        gap = np.maximum(np.maximum(other[:2] - centre, centre - other[2:]), 0).max()
        half = max(min(half, gap), 0.6 * side)
    centre = centre + rng.uniform(-0.06, 0.06, 2) * side
    pixels = int(rng.integers(160, 225))
    turn = cv2.getRotationMatrix2D(centre.tolist(), rng.uniform(-12, 12), pixels / (2 * half))
    turn[:, 2] += pixels / 2 - centre
    if pixels < 2 * half:  # a shrunk picture must be smoothed before, or it is jagged
        image = cv2.GaussianBlur(image, (0, 0), 0.4 * 2 * half / pixels)
    picture = cv2.warpAffine(image, turn, (pixels, pixels), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:
        picture = cv2.flip(picture, 1)
    light = picture.astype(np.float32) * rng.uniform(0.75, 1.2) + rng.uniform(-12, 12)
    return np.clip(light, 0, 255).astype(np.uint8)


def main() -> None:
    """Write the photos of the starter set and their groups.csv."""
    photos = load_source_photos()
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["file", "label", "group"])
    for label in ("with_mask", "without_mask"):
        shutil.rmtree(FOLDER / label, ignore_errors=True)
        (FOLDER / label).mkdir()
    for number, (label, group, picture) in enumerate(pictures(photos)):
        file = f"{label}/{group}-{number:03d}.jpg"
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        write_bytes(FOLDER / file, encoded.tobytes())
        rows.writerow([file, label, group])
    write_bytes(FOLDER / "groups.csv", table.getvalue().encode())


if __name__ == "__main__":
    main()
