#!/usr/bin/env python3
"""Draw docs/images/failures.jpg: what the shipped model gets wrong, and how often, on drawn cases.

    python -m scripts.draw_failures

Unmasked faces of the starter set get a mask under the nose or the chin, a hand or a scarf drawn
over them, or are reduced to 8 pixels; each row shows the worst of a kind. Only photos whose licence
allows it are shown, so these are drawn cases, not the real ones of the test photos.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

import face_detector
from mask_detector.classifier import Classifier
from mask_detector.crops import cut_crops
from mask_detector.drawing import GREEN, RED
from mask_detector.images import read_photo, write_photo
from mask_detector.models.default_model import DEFAULT_MODEL
from mask_detector.models.model_file import read_model
from mask_detector.text import draw_text
from mask_detector.training.drawn.masks import OCCLUSIONS, draw_mask, draw_occlusion

REPOSITORY = Path(__file__).resolve().parent.parent
SHOWN, SIDE, TINY = 8, 120, 8
CASES = {
    "under_nose": "mask under the nose, called Mask",
    "under_chin": "mask under the chin, called Mask",
    "hand": "hand in front of the mouth, called Mask",
    "scarf": "scarf over the mouth, called Mask",
    "veil": "veil over nose and mouth, called Mask",
    "tiny": f"unmasked face of {TINY} pixels, called Mask",
}


def main() -> int:
    """Draw the picture and print how often each case goes wrong."""
    classifier = Classifier(read_model(DEFAULT_MODEL))
    mask = classifier.classes.index("with_mask")
    detector = face_detector.load("yunet", thorough=False)
    faces = []
    for path in sorted((REPOSITORY / "dataset" / "without_mask").glob("*.jpg")):
        image = read_photo(path)
        found = detector.find(image)
        if len(found) and found.landmarks is not None:
            faces.append((image, found.boxes[:1], found.landmarks[0]))
    # Each case on all faces; the worst of them are shown.
    rows = []
    for case, title in CASES.items():
        crops = np.concatenate(
            [crop(*face, case, seed, classifier) for seed, face in enumerate(faces)]
        )
        wrong = classifier.probabilities(crops)[:, mask]
        share = f"{(wrong > 0.5).mean():.0%} of {len(crops)}"
        print(f"{title}: {share}")
        rows.append(row(f"{title}: {share}", crops, wrong))
    write_photo(REPOSITORY / "docs" / "images" / "failures.jpg", np.vstack(rows))
    return 0


def crop(
    image: np.ndarray,
    box: np.ndarray,
    landmarks: np.ndarray,
    case: str,
    seed: int,
    classifier: Classifier,
) -> np.ndarray:
    """The classifier's crop of a face made hard, RGB (1, S, S, 3)."""
    rng = np.random.default_rng(seed)
    if case in OCCLUSIONS:
        image = draw_occlusion(image, landmarks, case, rng)
    elif case == "tiny":
        scale = TINY / (box[0, 2:] - box[0, :2]).max()
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        box = box * scale
    else:
        image = draw_mask(image, landmarks, None, rng, case)
    card = classifier.card
    return cut_crops(image, box, card.input_size, card.margin, card.square)


def row(title: str, crops: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """The worst crops side by side under their title, BGR."""
    bar = np.full((26, SHOWN * SIDE, 3), 255, np.uint8)
    cv2.putText(bar, title, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    shown = []
    for index in np.argsort(-wrong)[:SHOWN]:
        picture = cv2.resize(crops[index][..., ::-1], (SIDE, SIDE))
        colour = RED if wrong[index] > 0.5 else GREEN
        draw_text(picture, f"Mask {wrong[index]:.0%}", (0, SIDE), 12, colour)
        shown.append(picture)
    return np.vstack([bar, np.hstack(shown)])


if __name__ == "__main__":
    sys.exit(main())
