"""Make the example photos and the example video again from their free sources.

    python -m scripts.make_examples

Masks are drawn by mask_detector/training/drawn/masks.py. The boxes and labels of all faces go to
annotations/faces.json in COCO form.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mask_detector.files import write_bytes
from mask_detector.images import write_photo
from mask_detector.training.drawn.masks import draw_mask
from scripts.source_photos import SourcePhoto, load_source_photos

FOLDER = Path(__file__).resolve().parent.parent / "examples"
CLASSES = ("with_mask", "without_mask", "incorrect_mask")

JPEG_QUALITY = 88

WORN = ("surgical", "cloth", "ffp2", "black", "white", "patterned")
"""Kinds of masks on the wall of faces, in turn."""

VIDEO_SIZE = (480, 360)
VIDEO_RATE = 20
VIDEO_FRAMES = 80
PULLED_DOWN_AT = 45
"""The first frame, counted from 0, in which the mask is under the chin."""
SLIPPING_FRAMES = 4
"""Number of frames before that in which it is under the nose."""


class Mask(NamedTuple):
    """A mask to draw."""

    style: str
    seed: int
    wearing: str = "right"


@dataclass(frozen=True)
class Example:
    """An example photo: what is cut from which source, and what is drawn on whom."""

    file: str
    source: str
    crop: tuple[int, int, int, int]  # x1, y1, x2, y2 in the source
    width: int
    drawn: Sequence[Mask | None]  # per face, from left to right; None draws nothing


EXAMPLES = (
    Example(
        "example_01.png",
        "sample6",
        (150, 180, 1810, 1180),
        800,
        (Mask("surgical", 3), None, Mask("patterned", 6), None),
    ),
    Example("example_02.jpg", "astronaut", (0, 0, 512, 512), 512, (Mask("ffp2", 1),)),
    Example("example_03.jpg", "grace_hopper", (0, 0, 512, 600), 512, (None,)),
    Example(
        "example_04.jpg",
        "sample5",
        (0, 0, 1920, 1398),
        1600,
        (
            Mask("black", 2),
            None,
            Mask("surgical", 8),
            None,
            Mask("cloth", 5),
        ),
    ),
    Example(
        "example_05.jpg",
        "sample3",
        (400, 60, 1920, 1200),
        960,
        (Mask("surgical", 11), Mask("cloth", 4, "under_nose"), Mask("surgical", 2, "under_chin")),
    ),
    Example(
        "example_06.jpg",
        "sample4",
        (60, 0, 1660, 900),
        960,
        (None, Mask("black", 9), None, Mask("white", 3)),
    ),
    Example(
        "example_07.jpg",
        "sample1",
        (240, 60, 1920, 1180),
        640,
        (None, Mask("black", 7), None),
    ),
)


def draw(photo: SourcePhoto, drawn: Sequence[Mask | None]) -> SourcePhoto:
    """The photo with masks drawn on its faces."""
    image = photo.image
    for landmarks, mask in zip(photo.landmarks, drawn, strict=True):
        if mask:
            rng = np.random.default_rng(mask.seed)
            image = draw_mask(image, landmarks, mask.style, rng, mask.wearing)
    return replace(photo, image=image)


def cut(photo: SourcePhoto, crop: tuple[int, int, int, int], width: int) -> SourcePhoto:
    """A part of the photo, scaled to a width; its faces move along."""
    x1, y1, x2, y2 = crop
    scale = width / (x2 - x1)
    size = (width, round((y2 - y1) * scale))
    image = cv2.resize(photo.image[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA)
    boxes = (photo.boxes - [x1, y1, x1, y1]) * scale
    boxes = np.clip(boxes, 0, [*size, *size])
    return replace(photo, image=image, boxes=boxes, landmarks=(photo.landmarks - [x1, y1]) * scale)


def label(mask: Mask | None) -> str:
    """The class of a face with this mask."""
    if mask is None:
        return "without_mask"
    return "with_mask" if mask.wearing == "right" else "incorrect_mask"


def wall(photos: dict[str, SourcePhoto]) -> tuple[SourcePhoto, list[str]]:
    """All photos side by side as on the wall of a video call: 24 small faces, half masked."""
    width, height = 400, 300
    cells, boxes, labels = [], [], []  # a cell for each photo, four in a row
    for index, photo in enumerate(photos.values()):
        drawn = [
            Mask(WORN[(index + face) % len(WORN)], 100 * index + face)
            if (index + face) % 2
            else None
            for face in range(len(photo.boxes))
        ]
        tall, wide = photo.image.shape[:2]
        used = min(tall, wide * height // width)
        cell = cut(draw(photo, drawn), (0, 0, used * width // height, used), width)
        cells.append(cell.image)
        column, row = index % 4 * width, index // 4 * height
        boxes.append(cell.boxes + np.tile([column, row], 2))
        labels += [label(mask) for mask in drawn]
    image = np.vstack([np.hstack(cells[start : start + 4]) for start in (0, 4)])
    return SourcePhoto("wall", image, np.concatenate(boxes), np.zeros((0, 5, 2))), labels


def write(path: Path, image: np.ndarray) -> None:
    """Write a photo; JPEG a little smaller than OpenCV would."""
    if path.suffix == ".png":
        write_photo(path, image)
    else:
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        write_bytes(path, encoded.tobytes())


def make_photos(photos: dict[str, SourcePhoto]) -> None:
    """Write the example photos and their annotations."""
    made = []
    for example in EXAMPLES:
        drawn = draw(photos[example.source], example.drawn)
        labels = [label(mask) for mask in example.drawn]
        made.append((example.file, cut(drawn, example.crop, example.width), labels))
    made.append(("example_08.jpg", *wall(photos)))
    for file, photo, _ in made:
        write(FOLDER / file, photo.image)
    (FOLDER / "annotations").mkdir(exist_ok=True)
    text = json.dumps(coco(made), indent=1)
    (FOLDER / "annotations" / "faces.json").write_text(text + "\n", encoding="utf-8")


def coco(made: Sequence[tuple[str, SourcePhoto, list[str]]]) -> dict[str, list[dict[str, object]]]:
    """Boxes and labels in COCO form."""
    # Ids count from 1; boxes are left, top, width, height.
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, (file, photo, labels) in enumerate(made, start=1):
        height, width = photo.image.shape[:2]
        images.append({"id": number, "file_name": file, "width": width, "height": height})
        for (x1, y1, x2, y2), name in zip(photo.boxes.tolist(), labels, strict=True):
            box = [round(value, 1) for value in (x1, y1, x2 - x1, y2 - y1)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": CLASSES.index(name) + 1,
                    "bbox": box,
                    "area": round(box[2] * box[3], 1),
                    "iscrowd": 0,
                }
            )
    categories: list[dict[str, object]] = [
        {"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def make_video(photo: SourcePhoto) -> None:
    """Three people: one masked, one unmasked, one who pulls her mask under her chin."""
    stages = {
        wearing: draw(photo, (Mask("patterned", 21), Mask("surgical", 11, wearing), None)).image
        for wearing in ("right", "under_nose", "under_chin")
    }
    file = str(FOLDER / "example_video.mp4")
    writer = cv2.VideoWriter(file, cv2.VideoWriter.fourcc(*"mp4v"), VIDEO_RATE, VIDEO_SIZE)
    if not writer.isOpened():
        raise RuntimeError(f"{file}: OpenCV cannot write MPEG-4 video here")
    for frame in range(VIDEO_FRAMES):
        # A slow zoom: the camera's window shrinks and moves.
        done = frame / (VIDEO_FRAMES - 1)
        wide = 1500 - 150 * done
        x, y = 380 + 60 * done, 60 + 40 * done
        scale = VIDEO_SIZE[0] / wide
        camera = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
        stage = "right"
        if frame >= PULLED_DOWN_AT - SLIPPING_FRAMES:
            stage = "under_chin" if frame >= PULLED_DOWN_AT else "under_nose"
        picture = cv2.warpAffine(
            cv2.GaussianBlur(stages[stage], (0, 0), 0.4 / scale), camera, VIDEO_SIZE
        )
        writer.write(picture)
    writer.release()


def main() -> None:
    """Write the example photos and the example video."""
    photos = load_source_photos()
    make_photos(photos)
    make_video(photos["sample3"])


if __name__ == "__main__":
    main()
