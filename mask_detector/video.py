"""From sources to pictures: find, classify, follow and count faces, frame by frame.

    with Sources(["0"]) as sources:
        for views in watch(sources, detector, [Watch("0", detector)]):
            picture = canvas.draw(views)

Frames are read ahead in the sources' threads and encoded in the recording's, while this one
looks at them; the faces of all sources' frames go through the network in one batch.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mask_detector.detector import Face, MaskDetector, count_faces
from mask_detector.drawing import display_name, draw_counts, draw_faces, draw_text
from mask_detector.people import People
from mask_detector.recording import fitted
from mask_detector.sources import Frame, Source, Sources
from mask_detector.tracking import FaceTracker, TrackedFace
from mask_detector.zones import Zone, draw_zones, inside_any

_GREY = (110, 110, 110)
_RATE_FRAMES = 30  # the rate shown is that of so many last rounds
_TILED_SIZE = 1280, 720


@dataclass(frozen=True)
class View:
    """What was seen in one frame of one source.

    Attributes:
        source: the source's index.
        name: the source's name, without its password.
        frame: the frame; its image is the view's own to draw on.
        faces: numbered, with labels decided over time.
        counts: of the faces inside the zones.
        people: distinct people inside the zones so far.
    """

    source: int
    name: str
    frame: Frame
    faces: list[TrackedFace]
    counts: dict[str, int]
    people: dict[str, int]


class Watch:
    """What is remembered of one source from frame to frame: its tracks and its people.

    Args:
        detector: whose faces it will be given.
        zones: only faces inside one of them count; without any, all do.
    """

    def __init__(
        self, detector: MaskDetector, zones: Sequence[Zone] = (), name: str = "", index: int = 0
    ) -> None:
        self.frames = 0
        self.people = People(detector.classes)
        self._zones, self._name, self._index = zones, name, index
        self._classes = detector.classes
        self._tracker = FaceTracker(detector.classes, detector.unsure)

    def look(self, frame: Frame, found: Sequence[Face]) -> View:
        """Follow the faces that were found in the next frame."""
        faces = self._tracker.update(found, frame.time_s)
        if self._zones:
            height, width = frame.image.shape[:2]
            faces = [
                replace(face, outside=not inside_any(self._zones, face.box, width, height))
                for face in faces
            ]
        inside = [face for face in faces if not face.outside]
        self.people.see(inside, frame.time_s)
        self.frames += 1
        counts = count_faces(inside, self._classes)
        return View(self._index, self._name, frame, faces, counts, self.people.seen())


def watch(
    sources: Sources,
    detector: MaskDetector,
    watches: Sequence[Watch],
    max_frames: int | None = None,
) -> Iterator[list[View]]:
    """What is new in the sources, round by round, until they end.

    Args:
        watches: one for each source, in order.
        max_frames: stop a source after so many frames were looked at.

    Yields:
        A view of each source that has a new frame; an empty list now and then while none has.
    """
    for frames in sources:
        found = detector.detect_many([frame.image for frame in frames.values()])
        yield [
            watches[index].look(frame, faces)
            for (index, frame), faces in zip(frames.items(), found, strict=True)
        ]
        if max_frames is not None:
            for index in frames:
                if watches[index].frames >= max_frames:
                    sources.stop(index)


class Canvas:
    """Draws views: boxes, labels, counts and rate; several sources side by side.

    Args:
        sources: all that will be drawn.
        mirror: draw the picture as in a mirror (words stay readable).
    """

    def __init__(
        self, sources: Sequence[Source], zones: Sequence[Zone] = (), mirror: bool = False
    ) -> None:
        self._sources, self._zones, self._mirror = sources, zones, mirror
        self._moments: deque[float] = deque(maxlen=_RATE_FRAMES)
        columns = math.ceil(math.sqrt(len(sources)))
        rows = math.ceil(len(sources) / columns)
        self._columns, self._tile = columns, (_TILED_SIZE[0] // columns, _TILED_SIZE[1] // rows)
        self._tiled = np.zeros((rows * self._tile[1], columns * self._tile[0], 3), np.uint8)
        self._shown: set[int] = set()

    def draw(self, views: Sequence[View]) -> np.ndarray:
        """The picture after these new views; it is drawn into a single source's frame."""
        self._moments.append(time.monotonic())
        if len(self._sources) == 1 and views:
            return self._draw_view(views[0])
        self._tiled = self._tiled.copy()  # the last one may still be on its way to a file
        for view in views:
            self._shown.add(view.source)
            self._put(view.source, self._draw_view(view))
        for index, source in enumerate(self._sources):
            if source.error or index not in self._shown:
                self._put(index, None)
        return self._tiled

    @property
    def rate(self) -> float:
        """Rounds a second, lately."""
        if len(self._moments) < 2 or self._moments[-1] == self._moments[0]:
            return 0.0
        return (len(self._moments) - 1) / (self._moments[-1] - self._moments[0])

    def _draw_view(self, view: View) -> np.ndarray:
        image, faces = draw_zones(view.frame.image, self._zones), view.faces
        if self._mirror:
            image, faces = cv2.flip(image, 1), [_mirrored(face, image.shape[1]) for face in faces]
        for face in faces:
            if face.outside:
                cv2.rectangle(image, face.box[:2], face.box[2:], _GREY)
        draw_faces(image, [face for face in faces if not face.outside])
        seen = ", ".join(f"{n} {display_name(label)}" for label, n in view.people.items())
        name = [view.name] if len(self._sources) > 1 else []
        return draw_counts(image, view.counts, f"seen: {seen}", f"{self.rate:.0f} fps", *name)

    def _put(self, index: int, picture: np.ndarray | None) -> None:
        width, height = self._tile
        x, y = index % self._columns * width, index // self._columns * height
        tile = self._tiled[y : y + height, x : x + width]
        if picture is not None:
            tile[:] = fitted(picture, width, height)
        else:
            words = f"{self._sources[index].name}: no picture"
            draw_text(tile, words, (0, height), height / 800, _GREY)


def _mirrored(face: TrackedFace, width: int) -> TrackedFace:
    x1, y1, x2, y2 = face.box
    return replace(face, box=(width - x2, y1, width - x1, y2))


class Pace:
    """Keeps a recorded video from being shown faster than it runs."""

    def __init__(self) -> None:
        self._zero: float | None = None

    def wait_s(self, time_s: float) -> float:
        """How long until the frame of ``time_s`` is due; 0 when it is late."""
        now = time.monotonic()
        if self._zero is None or now > self._zero + time_s:
            self._zero = now - time_s  # a slow stretch or a pause is not made up for
        return self._zero + time_s - now
