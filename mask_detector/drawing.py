"""How results look: the colours and display names of classes, boxes and labels on a picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from mask_detector.detector import Face
from mask_detector.wording import display_name

Colour = tuple[int, int, int]

GREEN, RED, AMBER, PURPLE = (0, 170, 0), (0, 0, 230), (0, 165, 245), (190, 0, 170)
_COLOURS: dict[str, Colour] = {
    "with_mask": GREEN,
    "without_mask": RED,
    "incorrect_mask": PURPLE,
    "unsure": AMBER,
}
_OTHER_COLOURS: tuple[Colour, ...] = ((200, 120, 0), (160, 160, 0), (0, 90, 170), (120, 60, 200))

_LIGHT_INK, _DARK_INK = (255, 255, 255), (20, 20, 20)
_BRIGHT = 140  # luma of a colour that white words cannot be read on

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def colour_of(label: str, classes: Iterable[str] = ()) -> Colour:
    """BGR colour of a class; classes of one's own get theirs by their place in ``classes``."""
    if label in _COLOURS:
        return _COLOURS[label]
    others = [name for name in classes if name not in _COLOURS]
    return _OTHER_COLOURS[others.index(label) % len(_OTHER_COLOURS) if label in others else 0]


def caption(face: Face, short: bool = False) -> str:
    """The words beside a face: "Mask 97.3%", or "97%"; with "?" where it is unsure."""
    track = "" if face.track is None else f"#{face.track} "
    mark = "?" if face.unsure else ""
    if short:
        return f"{track}{face.probability:.0%}{mark}"
    return f"{track}{display_name(face.label)}{mark} {face.probability:.1%}"


def draw_faces(image: np.ndarray, faces: Iterable[Face]) -> np.ndarray:
    """Draw a box and a caption for each face into ``image`` (uint8 BGR) and return it.

    Sizes follow the picture's. Captions stay inside it and off each other. In a crowd a caption
    is shortened to its number, or left to the box's colour, where there is no room for it.
    """
    height, width = image.shape[:2]
    # The large faces are in front: theirs are the captions that must find room.
    faces = sorted(faces, key=lambda face: face.box[0] - face.box[2])
    draw_boxes(image, faces)
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    bars = np.empty((0, 4))
    for number, face in enumerate(faces):
        # A caption as wide as its face is best, within what can be read and what looks right.
        scale = _text_scale(caption(face), face.box[2] - face.box[0], width, height)
        others = np.delete(boxes, number, axis=0)
        place = _caption_place(face, scale, width, height, bars, others)
        if place is not None:
            text, bar = place
            bars = np.vstack([bars, bar])
            _draw_bar(image, text, bar[:2], scale, _face_colour(face))
    return image


def _caption_place(
    face: Face, scale: float, width: int, height: int, bars: np.ndarray, boxes: np.ndarray
) -> tuple[str, tuple[int, int, int, int]] | None:
    """The words and the bar for a face's caption, clear of other bars, and of boxes if possible."""
    x1, y1, x2, y2 = face.box
    long, short = caption(face), caption(face, short=True)
    for text, obstacles in (
        (long, np.vstack([bars, boxes])),
        (short, np.vstack([bars, boxes])),
        (long, bars),
        (short, bars),
    ):
        bar_width, bar_height = _bar_size(text, scale)
        if bar_width > width or bar_height > height:
            continue
        for left, top in (
            (x1, y1 - bar_height),
            (x2 - bar_width, y1 - bar_height),
            (x1, y2),
            (x2 - bar_width, y2),
        ):
            left, top = _inside(left, width - bar_width), _inside(top, height - bar_height)
            bar = (left, top, left + bar_width, top + bar_height)
            if not _touches_any(bar, obstacles):
                return text, bar
    return None


def _inside(position: int, largest: int) -> int:
    return max(0, min(position, largest))


def _touches_any(bar: tuple[int, int, int, int], boxes: np.ndarray) -> bool:
    left, top, right, bottom = bar
    apart = (
        (boxes[:, 0] >= right)
        | (boxes[:, 2] <= left)
        | (boxes[:, 1] >= bottom)
        | (boxes[:, 3] <= top)
    )
    return not apart.all()


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
    """Write words on a coloured bar, moved so that the bar lies inside the picture.

    Args:
        corner: x, y where the bar's lower left corner should be (upper left with ``below``).

    Returns:
        y of the bar's lower edge.
    """
    bar_width, bar_height = _bar_size(text, scale)
    left = _inside(corner[0], image.shape[1] - bar_width)
    top = _inside(corner[1] - (0 if below else bar_height), image.shape[0] - bar_height)
    _draw_bar(image, text, (left, top), scale, colour)
    return top + bar_height


def _bar_size(text: str, scale: float) -> tuple[int, int]:
    """Width and height of a bar of words."""
    (width, height), baseline = cv2.getTextSize(_ascii(text), _FONT, scale, _stroke(scale))
    return width + 2 * _pad(scale), height + baseline + _pad(scale)


def _draw_bar(
    image: np.ndarray, text: str, corner: Sequence[int], scale: float, colour: Colour
) -> None:
    """Write words on a coloured bar, its upper left corner at ``corner``."""
    left, top = corner
    width, height = _bar_size(text, scale)
    cv2.rectangle(image, (left, top), (left + width - 1, top + height - 1), colour, cv2.FILLED)
    (_, text_height), _ = cv2.getTextSize(_ascii(text), _FONT, scale, _stroke(scale))
    place = (left + _pad(scale), top + text_height + _pad(scale))
    ink = _DARK_INK if _brightness(colour) > _BRIGHT else _LIGHT_INK
    cv2.putText(image, _ascii(text), place, _FONT, scale, ink, _stroke(scale), cv2.LINE_AA)


def _ascii(text: str) -> str:
    """OpenCV's fonts hold ASCII alone: accents are dropped rather than drawn as "??"."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _stroke(scale: float) -> int:
    return max(1, round(scale * 2))


def _pad(scale: float) -> int:
    return max(1, round(4 * scale))


def _brightness(colour: Colour) -> float:
    """Luma of a BGR colour, 0 to 255 (ITU-R BT.601)."""
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def _face_colour(face: Face) -> Colour:
    return colour_of(face.counted_as, face.probabilities)


def _text_scale(text: str, box_width: int, width: int, height: int) -> float:
    (unit_width, _), _ = cv2.getTextSize(text, _FONT, 1.0, 2)
    largest = max(0.35, min(height, width) / 700)
    smallest = max(0.3, min(height, width) / 1800)
    return float(np.clip(1.2 * box_width / unit_width, smallest, largest))
