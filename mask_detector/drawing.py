"""How results look: the colours of classes, boxes and captions on a picture.

draw_faces(image, detector.detect(image))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from mask_detector.faces import EVEN_CHANCE, Face
from mask_detector.text import Bar, Colour, bar_size, draw_bar, text_size
from mask_detector.wording import display_name

GREEN, RED, AMBER, PURPLE = (0, 170, 0), (0, 0, 230), (0, 165, 245), (190, 0, 170)
GREY = (70, 70, 70)
_COLOURS: dict[str, Colour] = {
    "with_mask": GREEN,
    "without_mask": RED,
    "incorrect_mask": PURPLE,
    "unsure": AMBER,
}
_OTHER_COLOURS: tuple[Colour, ...] = ((200, 120, 0), (160, 160, 0), (0, 90, 170), (120, 60, 200))

_TINT = 0.25  # of a face without a caption
_LARGE_FACE = (
    6  # times the caption's height: from that face height on, the caption fits inside the box
)
# Where more of the captions than this have no room, all are shortened to their numbers; among so
# many faces, those that are small for their caption are.
_CROWDED_SHARE = 0.3
_CROWD = 6
_WIDEST_IN_CROWD = 3  # times the width of the face


def colour_of(label: str, classes: Iterable[str] = ()) -> Colour:
    """BGR colour of a class; custom classes get theirs by their place in ``classes``."""
    if label in _COLOURS:
        return _COLOURS[label]
    others = [name for name in classes if name not in _COLOURS]
    return _OTHER_COLOURS[others.index(label) % len(_OTHER_COLOURS) if label in others else 0]


def caption(face: Face, short: bool = False) -> str:
    """The text beside a face: "Mask 97.3%" or, short, "97%"; with "?" where it is unsure.

    A label with less than an even chance has a "?" instead of its probability.
    """
    track = "" if face.track is None else f"#{face.track} "
    likely = face.probability >= EVEN_CHANCE
    mark = "" if likely and not face.unsure else "?"
    if short:
        return f"{track}{face.probability:.0%}{mark}" if likely else f"{track}?"
    number = f" {face.probability:.1%}" if likely else ""
    return f"{track}{display_name(face.label)}{mark}{number}"


def draw_faces(
    image: np.ndarray, faces: Iterable[Face], size: int | None = None, avoid: Sequence[Bar] = ()
) -> np.ndarray:
    """Draw a box and a caption for each face into ``image`` and return it.

    All captions have the same size. They stay inside the picture, off each other and off the
    other faces. Where many have no room they are shortened to their numbers; a face whose caption
    has no room at all is tinted in its colour instead.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        faces: N = 0 changes nothing.
        size: height of the text in pixels; None lets the picture and the faces decide.
        avoid: where captions must not be, x1, y1, x2, y2 in pixels.
    """
    height, width = image.shape[:2]
    # The large faces are in front: their captions get room first.
    faces = sorted(faces, key=lambda face: face.box[0] - face.box[2])
    if size is None:
        size = text_size(width, height, [face.box[2] - face.box[0] for face in faces])
    places = _caption_places(faces, size, (width, height), avoid, short=False)
    if sum(place is None for place in places) > _CROWDED_SHARE * len(places):
        places = _caption_places(faces, size, (width, height), avoid, short=True)
    for face, place in zip(faces, places, strict=True):
        if place is None:
            _tint(image, face)
    draw_boxes(image, faces)
    for face, place in zip(faces, places, strict=True):
        if place is not None:
            text, left, top = place
            draw_bar(image, text, (left, top), size, _face_colour(face))
    return image


def _caption_places(
    faces: Sequence[Face], size: int, picture: tuple[int, int], avoid: Sequence[Bar], short: bool
) -> list[tuple[str, int, int] | None]:
    """The text of each caption and x, y of its bar's upper left corner; None without room."""
    # Each (N, 4): what the next caption must stay off, other faces and captions placed before.
    boxes = np.array([face.box for face in faces]).reshape(-1, 4)
    bars = np.array(avoid).reshape(-1, 4)
    places: list[tuple[str, int, int] | None] = []
    for number, face in enumerate(faces):
        obstacles = np.vstack([bars, np.delete(boxes, number, axis=0)])
        widest = _WIDEST_IN_CROWD * (face.box[2] - face.box[0])
        too_wide = len(faces) >= _CROWD and bar_size(caption(face), size)[0] > widest
        place = None
        if not (short or too_wide):
            place = _free(caption(face), face, size, picture, obstacles)
        if place is None:
            place = _free(caption(face, short=True), face, size, picture, obstacles)
        places.append(place)
        if place is not None:
            text, left, top = place
            bar_width, bar_height = bar_size(text, size)
            bars = np.vstack([bars, (left, top, left + bar_width, top + bar_height)])
    return places


def _free(
    text: str, face: Face, size: int, picture: tuple[int, int], obstacles: np.ndarray
) -> tuple[str, int, int] | None:
    """The first place around a face's box where the bar of a text touches no obstacle.

    Args:
        picture: width and height in pixels.
        obstacles: (N, 4), x1, y1, x2, y2 in pixels.
    """
    (width, height), (bar_width, bar_height) = picture, bar_size(text, size)
    if bar_width > width or bar_height > height:
        return None
    x1, y1, x2, y2 = face.box
    tops = [y1 - bar_height, y2]
    if y2 - y1 > _LARGE_FACE * bar_height:
        tops += [y2 - bar_height, y1]  # inside, over the chin rather than the eyes
    for top in tops:
        if not 0 <= top <= height - bar_height:
            continue
        for left in (x1, x2 - bar_width):
            left = max(0, min(left, width - bar_width))
            bar = (left, top, left + bar_width, top + bar_height)
            if not _touches_any(bar, obstacles):
                return text, left, top
    return None


def _touches_any(bar: Bar, boxes: np.ndarray) -> bool:
    left, top, right, bottom = bar
    apart = (
        (boxes[:, 0] >= right)
        | (boxes[:, 2] <= left)
        | (boxes[:, 1] >= bottom)
        | (boxes[:, 3] <= top)
    )
    return not apart.all()


def _tint(image: np.ndarray, face: Face) -> None:
    x1, y1, x2, y2 = face.box
    patch = image[y1:y2, x1:x2]
    patch[:] = (1 - _TINT) * patch + _TINT * np.array(_face_colour(face))


def draw_boxes(image: np.ndarray, faces: Iterable[Face]) -> np.ndarray:
    """Draw only the boxes into ``image`` (uint8 BGR, shape (H, W, 3)) and return it."""
    thickness = max(1, round(min(image.shape[:2]) / 240))
    for face in faces:
        x1, y1, x2, y2 = face.box
        # Thick lines would cover small faces.
        thin = max(1, min(thickness, (x2 - x1) // 12))
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), _face_colour(face), thin)
    return image


def draw_counts(
    image: np.ndarray, counts: Mapping[str, int], *extra: str, size: int | None = None
) -> list[Bar]:
    """Write the counts in a row at the top left of ``image``, each line of other text below.

    Args:
        image: uint8 BGR, shape (H, W, 3); drawn into.
        size: height of the text in pixels; None lets the picture decide.

    Returns:
        Where the text is, for ``draw_faces(..., avoid=...)``.
    """
    height, width = image.shape[:2]
    size = size or text_size(width, height)
    bars: list[Bar] = []
    x = y = 0
    for name, number in counts.items():
        text = f"{display_name(name)}: {number}"
        if x and x + bar_size(text, size)[0] > width:
            x, y = 0, bars[-1][3]
        bars.append(draw_bar(image, text, (x, y), size, colour_of(name, counts)))
        x = bars[-1][2]
    for line in extra:
        y = min(bars[-1][3], height - 1) if bars else 0
        bars.append(draw_bar(image, line, (0, y), size, GREY))
    return bars


def _face_colour(face: Face) -> Colour:
    # A label with less than an even chance must not look certain.
    likely = face.probability >= EVEN_CHANCE
    return colour_of(face.counted_as if likely else "unsure", face.probabilities)
