"""From sources to pictures: find, classify, follow and count faces, frame by frame.

    with Sources(["0"]) as sources:
        for views in watch(sources, detector, [Watch(sources.sources[0], 0, detector)]):
            picture = canvas.draw(views)

Frames are read ahead in the sources' threads and encoded in the recording's, while this one
looks at them; the faces of all sources' frames go through the network in one batch.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np

from mask_detector.detector import Faces, MaskDetector, count_faces
from mask_detector.drawing import GREY, draw_counts, draw_faces
from mask_detector.terminal import ProgressBar
from mask_detector.text import draw_text, text_size
from mask_detector.video.people import People
from mask_detector.video.recording import fitted
from mask_detector.video.sources import Frame, Source, Sources
from mask_detector.video.tracking import FaceTracker
from mask_detector.video.view import View
from mask_detector.video.zones import Zone, inside_any
from mask_detector.wording import counts_in_words, number_of, people_in_words, printable

_GREY, _WHITE = (110, 110, 110), (255, 255, 255)
_RATE_FRAMES = 30  # the rate shown is that of so many last rounds
_TILED_SIZE = 1280, 720


class Watched(Protocol):
    """Where frames come from, as far as a :class:`Watch` needs to know."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def live(self) -> bool: ...  # noqa: D102


class Watch:
    """What is remembered of one source from frame to frame: its tracks and its people.

    Args:
        source: the source, at ``index`` among all.
        detector: whose faces it will be given.
        zones: only faces inside one of them count; without any, all do.
    """

    def __init__(
        self, source: Watched, index: int, detector: MaskDetector, zones: Sequence[Zone] = ()
    ) -> None:
        self.source, self.frames = source, 0
        self.people = People(detector.classes)
        self._index, self._zones, self._classes = index, zones, detector.classes
        self._tracker = FaceTracker(detector.classes, detector.unsure)

    def set_unsure_band(self, band: float) -> None:
        """Change the half width of the unsure band from the next frame on."""
        self._tracker.unsure_band = band

    def update(self, frame: Frame, found: Faces) -> View:
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
        return View(
            self._index,
            self.source.name,
            self.source.live,
            frame,
            faces,
            self._tracker.just_lost(),
            count_faces(inside, self._classes),
            self.people.seen(),
            found.candidates,
        )


def watch(
    sources: Sources,
    detector: MaskDetector,
    watches: Sequence[Watch],
    max_frames: int | None = None,
) -> Iterator[list[View]]:
    """What is new in the sources, round by round, until they end.

    Args:
        watches: one for each source, in order.
        max_frames: stop a source after so many of its frames were looked at.

    Yields:
        A view of each source that has a new frame; an empty list now and then while none has.
    """
    for frames in sources:
        found = detector.detect_many([frame.image for frame in frames.values()])
        yield [
            watches[index].update(frame, faces)
            for (index, frame), faces in zip(frames.items(), found, strict=True)
        ]
        for index in frames:
            if watches[index].frames == max_frames:
                sources.stop(index)


def with_progress(rounds: Iterator[list[View]], source: Source) -> Iterator[list[View]]:
    """Pass rounds on, with a progress bar on standard error if that is a terminal."""
    with ProgressBar(None, " frames") as bar:
        for views in rounds:
            # Both are known once the source is open.
            bar.update(len(views), round((source.length_s or 0) * (source.rate or 0)) or None)
            yield views


def summary(watches: Sequence[Watch], seconds: float) -> str:
    """What was seen from the start to the end, one line a source."""
    lines = []
    for each in watches:
        people = people_in_words(each.people.seen(), each.people.ever_unmasked())
        name = f"{printable(each.source.name)}: " if len(watches) > 1 else ""
        frames = number_of(each.frames, "frame")
        lines.append(f"{name}{frames}, {each.frames / seconds:.1f} per second; {people}")
    return "\n".join(lines)


class Canvas:
    """Draws views: boxes, captions and counts; several sources side by side.

    Args:
        sources: all that will be drawn.
        mirror: draw the picture as in a mirror (words stay readable).
        boxes: draw boxes and captions.
        counts: write how many there are of each label.

    Attributes:
        started: whether there is something to show.
        time_s: time of the newest view drawn.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        zones: Sequence[Zone] = (),
        mirror: bool = False,
        boxes: bool = True,
        counts: bool = True,
    ) -> None:
        self.started, self.time_s = False, 0.0
        self._sources, self._zones, self._mirror = sources, zones, mirror
        self._boxes, self._counts = boxes, counts
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
        _draw_zones(view.frame.image, self._zones)
        if self._mirror:
            view = view.mirrored()
        image = view.frame.image
        lines = [view.name] if len(self._sources) > 1 else []
        if self._counts:
            lines = [f"seen: {counts_in_words(view.people, 'nobody')}", *lines]
        bars = draw_counts(image, view.counts if self._counts else {}, *lines)
        if self._boxes:
            for face in view.faces:
                if face.outside:
                    cv2.rectangle(image, face.box[:2], face.box[2:], _GREY)
            draw_faces(image, view.inside, avoid=bars)
        return image

    def _put(self, index: int, picture: np.ndarray | None) -> None:
        width, height = self._tile
        x, y = index % self._columns * width, index // self._columns * height
        tile = self._picture[y : y + height, x : x + width]
        if picture is not None:
            tile[:] = fitted(picture, width, height)
        else:
            words = f"{self._sources[index].name}: no picture"
            draw_text(tile, words, (0, height), text_size(width, height), GREY)


def _draw_zones(image: np.ndarray, zones: Sequence[Zone]) -> None:
    height, width = image.shape[:2]
    corners = [np.array(zone.pixels(width, height)).round().astype(np.int32) for zone in zones]
    cv2.polylines(image, corners, True, _WHITE, max(1, round(min(height, width) / 400)))


class Pace:
    """Keeps a recorded video from being shown faster than it runs."""

    def __init__(self) -> None:
        self._zero: float | None = None

    def wait_s(self, views: Sequence[View]) -> float:
        """How long until these are due; 0 when they are late, and for live sources."""
        if not views or any(view.live for view in views):
            return 0.0
        now, time_s = time.monotonic(), max(view.frame.time_s for view in views)
        if self._zero is None or now > self._zero + time_s:
            self._zero = now - time_s  # a slow stretch or a pause is not made up for
        return self._zero + time_s - now
