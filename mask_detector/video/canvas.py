"""Pictures of what was detected: boxes, captions and counts; several sources side by side.

canvas = Canvas(sources.sources)
picture = canvas.draw(views)
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mask_detector.drawing import GREY, draw_counts, draw_faces
from mask_detector.text import draw_text, text_size
from mask_detector.video.recording import fitted
from mask_detector.video.sources import Source
from mask_detector.video.view import View
from mask_detector.video.zones import Zone, draw_zones
from mask_detector.wording import counts_in_words, named, printable

_OUTSIDE = (110, 110, 110)
_TILED_SIZE = 1280, 720
_RATE_FRAMES = 30  # the displayed rate is averaged over this many rounds


@dataclass(frozen=True)
class CanvasOptions:
    """What is drawn into pictures.

    Attributes:
        zone: polygons that are outlined.
        mirror: draw the picture as in a mirror (words stay readable).
        no_boxes: draw neither boxes nor captions.
        no_counts: do not write how many faces there are of each label.
        names: labels with the words that are drawn for them; the others keep theirs.
    """

    zone: Sequence[Zone] = ()
    mirror: bool = False
    no_boxes: bool = False
    no_counts: bool = False
    names: Sequence[tuple[str, str]] = ()


class Canvas:
    """Draws views: boxes, captions and counts; several sources side by side.

    Args:
        sources: all that will be drawn.
        options: what is drawn.

    Attributes:
        started: whether there is something to show.
        time_s: time of the newest view drawn.
    """

    def __init__(self, sources: Sequence[Source], options: CanvasOptions = CanvasOptions()) -> None:
        self.started, self.time_s = False, 0.0
        self._sources, self._options = sources, options
        self._moments: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._shown: set[int] = set()
        columns = math.ceil(math.sqrt(len(sources)))
        rows = math.ceil(len(sources) / columns)
        self._columns, self._tile = columns, (_TILED_SIZE[0] // columns, _TILED_SIZE[1] // rows)
        self._picture = np.zeros((rows * self._tile[1], columns * self._tile[0], 3), np.uint8)

    def draw(self, views: Sequence[View]) -> np.ndarray:
        """The picture after these new views; a single source's is drawn into its frame."""
        if views:
            self.started = True
            self.time_s = max(self.time_s, *(view.frame.time_s for view in views))
            self._moments.append(time.monotonic())
        if len(self._sources) > 1:
            self._tile_up(views)
        elif views:
            self._picture = self._draw_view(views[0])
        return self._picture

    def _tile_up(self, views: Sequence[View]) -> None:
        self._picture = self._picture.copy()  # the last one may be on its way into a file
        for view in views:
            self._shown.add(view.source)
            self._put(view.source, self._draw_view(view))
        for index, source in enumerate(self._sources):
            if source.error or index not in self._shown:
                self._put(index, None)

    @property
    def rate(self) -> float:
        """Rounds per second, over the last ones."""
        if len(self._moments) < 2 or self._moments[-1] == self._moments[0]:
            return 0.0
        return (len(self._moments) - 1) / (self._moments[-1] - self._moments[0])

    def _draw_view(self, view: View) -> np.ndarray:
        lines = [printable(view.name)] if len(self._sources) > 1 else []
        return draw_view(view, self._options, lines)

    def _put(self, index: int, picture: np.ndarray | None) -> None:
        width, height = self._tile
        x, y = index % self._columns * width, index // self._columns * height
        tile = self._picture[y : y + height, x : x + width]
        if picture is not None:
            tile[:] = fitted(picture, width, height)
        else:
            words = f"{self._sources[index].name}: no picture"
            draw_text(tile, words, (0, height), text_size(width, height), GREY)


def draw_view(
    view: View, options: CanvasOptions = CanvasOptions(), lines: Sequence[str] = ()
) -> np.ndarray:
    """Draw a view, into its frame's image or a mirrored copy, and return the picture.

    Args:
        view: what was seen.
        options: what is drawn.
        lines: written below the counts.
    """
    if options.mirror:
        view = view.mirrored()
    image = view.frame.image
    draw_zones(image, options.zone, options.mirror)
    bars = []
    with named(dict(options.names)):
        if not options.no_counts:
            people = counts_in_words(view.people, "nobody")
            bars = draw_counts(image, view.counts, f"seen: {people}", *lines)
        elif lines:
            bars = draw_counts(image, {}, *lines)
        if not options.no_boxes:
            for face in view.faces:
                if face.outside:  # a box without a caption: it does not count
                    cv2.rectangle(image, face.box[:2], face.box[2:], _OUTSIDE)
            draw_faces(image, view.inside, view.text_size, avoid=bars)
    return image
