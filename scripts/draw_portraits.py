"""Draw the picture at the top of the README: two portraits as the photo script boxes them.

python -m scripts.draw_portraits
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mask_detector import MaskDetector
from mask_detector.drawing import draw_faces
from mask_detector.images import read_photo, write_photo

REPOSITORY = Path(__file__).resolve().parent.parent
PORTRAITS = ("example_02.jpg", "example_03.jpg")
PICTURE = REPOSITORY / "docs" / "images" / "portraits.jpg"
HEIGHT = 512


def main() -> None:
    """Detect, draw, put side by side, write."""
    detector = MaskDetector.load(detector="yunet")
    drawn = []
    for name in PORTRAITS:
        photo = read_photo(REPOSITORY / "examples" / name)
        width = round(photo.shape[1] * HEIGHT / photo.shape[0])
        photo = cv2.resize(photo, (width, HEIGHT), interpolation=cv2.INTER_AREA)
        drawn.append(draw_faces(photo, detector.detect(photo)))
    write_photo(PICTURE, np.hstack(drawn))


if __name__ == "__main__":
    main()
