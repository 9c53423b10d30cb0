"""How results look: the colours and display names of classes, boxes and labels on a picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from mask_detector.detector import Face

Colour = tuple[int, int, int]

DISPLAY_NAMES = {
    "with_mask": "Mask",
    "without_mask": "No Mask",
    "incorrect_mask": "Mask worn wrong",
    "unsure": "Unsure",
}

GREEN, RED, AMBER, PURPLE = (0, 170, 0), (0, 0, 230), (0, 165, 245), (190, 0, 170)
_COLOURS: dict[str, Colour] = {
    "with_mask": GREEN,
    "without_mask": RED,
    "incorrect_mask": PURPLE,
    "unsure": AMBER,
}
_OTHER_COLOURS: tuple[Colour, ...] = ((200, 120, 0), (160, 160, 0), (0, 90, 170), (120, 60, 200))

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def display_name(label: str) -> str:
    """The words for a class: ``with_mask`` is "Mask"; a class of one's own is "Like This"."""
    return DISPLAY_NAMES.get(label) or label.replace("_", " ").replace("-", " ").title()


def colour_of(label: str, classes: Iterable[str] = ()) -> Colour:
    """BGR colour of a class; classes of one's own get theirs by their place in ``classes``."""
    if label in _COLOURS:
        return _COLOURS[label]
    others = [name for name in classes if name not in _COLOURS]
    return _OTHER_COLOURS[others.index(label) % len(_OTHER_COLOURS) if label in others else 0]


def caption(face: Face) -> str:
    """The words beside a face: "Mask 97.3%"; "Mask? 58.1%" where it is unsure."""
    mark = "?" if face.unsure else ""
    track = "" if face.track is None else f"#{face.track} "
    return f"{track}{display_name(face.label)}{mark} {face.probability:.1%}"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """The counts as a sentence would have them: "3 faces: 2 Mask, 1 No Mask"."""
    total = sum(counts.values())
    if not total:
        return "no faces found"
    parts = ", ".join(f"{n} {display_name(label)}" for label, n in counts.items() if n)
    return f"{total} face{'s' if total > 1 else ''}: {parts}"


def draw_faces(image: np.ndarray, faces: Iterable[Face]) -> np.ndarray:
    """Draw a box and a caption for each face into ``image`` (uint8 BGR) and return it.

    Sizes follow the picture's; captions stay inside it and beside their boxes' top edge.
    """
    faces = list(faces)
    height, width = image.shape[:2]
    draw_boxes(image, faces)
    for face in faces:
        x1, y1, x2, _ = face.box
        text = caption(face)
        # A caption as wide as its face is best, within what can be read and what looks right.
        scale = _text_scale(text, x2 - x1, width, height)
        draw_text(image, text, (x1, y1), scale, _face_colour(face))
    return image


def draw_boxes(image: np.ndarray, faces: Iterable[Face]) -> np.ndarray:
    """Draw the boxes alone into ``image`` (uint8 BGR) and return it."""
    thickness = max(1, round(min(image.shape[:2]) / 300))
    for face in faces:
        x1, y1, x2, y2 = face.box
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), _face_colour(face), thickness)
    return image


def draw_counts(image: np.ndarray, counts: Mapping[str, int], *extra: str) -> np.ndarray:
    """Write the counts, and any extra words, into the upper left corner of ``image``."""
    scale = max(0.4, min(image.shape[:2]) / 800)
    y = 0
    lines = [(f"{display_name(name)}: {n}", colour_of(name, counts)) for name, n in counts.items()]
    for text, colour in [*lines, *((words, (60, 60, 60)) for words in extra)]:
        y = draw_text(image, text, (0, y), scale, colour, below=True)
    return image


def draw_text(
    image: np.ndarray,
    text: str,
    corner: tuple[int, int],
    scale: float,
    colour: Colour,
    below: bool = False,
) -> int:
    """Write white words on a coloured bar, moved so that the bar lies inside the picture.

    Args:
        corner: x, y where the bar's lower left corner should be (upper left with ``below``).

    Returns:
        y of the bar's lower edge.
    """
    # OpenCV's fonts hold ASCII alone: accents are dropped rather than drawn as "??".
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    stroke = max(1, round(scale * 2))
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, scale, stroke)
    pad = max(1, round(4 * scale))
    bar_width, bar_height = text_width + 2 * pad, text_height + baseline + pad
    x = max(0, min(corner[0], image.shape[1] - bar_width))
    top = corner[1] if below else corner[1] - bar_height
    top = max(0, min(top, image.shape[0] - bar_height))
    cv2.rectangle(image, (x, top), (x + bar_width, top + bar_height), colour, cv2.FILLED)
    place = (x + pad, top + text_height + pad)
    cv2.putText(image, text, place, _FONT, scale, (255, 255, 255), stroke, cv2.LINE_AA)
    return top + bar_height


def _face_colour(face: Face) -> Colour:
    return colour_of("unsure" if face.unsure else face.label, face.probabilities)


def _text_scale(text: str, box_width: int, width: int, height: int) -> float:
    (unit_width, _), _ = cv2.getTextSize(text, _FONT, 1.0, 2)
    largest = max(0.35, min(height, width) / 700)
    smallest = max(0.3, min(height, width) / 1800)
    scale = float(np.clip(1.2 * box_width / unit_width, smallest, largest))
    return min(scale, width / unit_width)  # a caption never is wider than the picture
