"""From sources to views: detect, classify, track and count faces, frame by frame.

    with Sources(["0"]) as sources:
        for views in watch(sources, detector, [Watch(sources.sources[0], 0, detector)]):
            picture = canvas.draw(views)            # see canvas.py

Frames are read ahead in the sources' threads and encoded in the recording's, while this thread
processes them; the faces of all sources' frames go through the network in one batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TextIO

from mask_detector.detector import MaskDetector
from mask_detector.faces import Face, Faces, count_faces
from mask_detector.terminal import ProgressBar, say
from mask_detector.text import text_size
from mask_detector.video.captures import SourceOptions
from mask_detector.video.people import People
from mask_detector.video.sources import Frame, Source, Sources
from mask_detector.video.tracking import FaceTracker
from mask_detector.video.view import View
from mask_detector.video.zones import Zone, zone_of
from mask_detector.wording import number_of, people_in_words

CANDIDATE_S = 0.2
"""Seconds for which the place of a candidate stays hidden."""

_SIZE_FOLLOWS = 0.1  # of the way to the text size wanted, from frame to frame


class Watched(Protocol):
    """Where frames come from, as far as a :class:`Watch` needs to know."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def live(self) -> bool: ...  # noqa: D102


class Watch:
    """The state of one source from frame to frame: its tracks and its people.

    Attributes:
        frames: how many have been processed.
        faces: how many were found in them, counted in each frame.

    Args:
        source: the source, at ``index`` among all.
        detector: the detector whose faces :meth:`update` gets.
        zones: only faces inside one of them count; without any, all do.
    """

    def __init__(
        self, source: Watched, index: int, detector: MaskDetector, zones: Sequence[Zone] = ()
    ) -> None:
        self.source, self.frames, self.faces = source, 0, 0
        self.people = People(detector.classes)
        self._index, self._zones, self._classes = index, zones, detector.classes
        self._tracker = FaceTracker(detector.classes, detector.unsure)
        self._candidates: list[tuple[float, Face]] = []
        self._text_size = 0.0

    def set_unsure_band(self, band: float) -> None:
        """Change the half width of the unsure band from the next frame on."""
        self._tracker.unsure_band = band

    def set_zones(self, zones: Sequence[Zone]) -> None:
        """Change the zones from the next frame on."""
        self._zones = zones

    def update(self, frame: Frame, found: Faces) -> View:
        """Track the faces detected in the next frame."""
        # Candidates come and go around the lowest score: their places stay hidden in between.
        self._candidates = [
            (seen_s, face)
            for seen_s, face in self._candidates
            if frame.time_s - CANDIDATE_S <= seen_s <= frame.time_s
        ] + [(frame.time_s, face) for face in found.candidates]
        faces = self._tracker.update(found, frame.time_s)
        height, width = frame.image.shape[:2]
        if self._zones:
            zones = [zone_of(self._zones, face.box, width, height) for face in faces]
            faces = [
                replace(face, outside=zone is None, zone=zone.name if zone else "")
                for face, zone in zip(faces, zones, strict=True)
            ]
        inside = [face for face in faces if not face.outside]
        self.people.see(inside, frame.time_s)
        self.frames += 1
        self.faces += len(found)
        # The captions' size follows people who come closer slowly, rather than jump.
        size = text_size(width, height, [face.box[2] - face.box[0] for face in inside])
        last = self._text_size or size
        self._text_size = last + _SIZE_FOLLOWS * (size - last)
        return View(
            self._index,
            self.source.name,
            self.source.live,
            frame,
            faces,
            self._tracker.just_lost(),
            count_faces(inside, self._classes),
            self.people.seen(),
            [face for _, face in self._candidates],
            round(self._text_size),
        )


def watch(
    sources: Sources,
    detector: MaskDetector,
    watches: Sequence[Watch],
    max_frames: int | None = None,
) -> Iterator[list[View]]:
    """Process what is new in the sources, round by round, until they end.

    Args:
        watches: one for each source, in order.
        max_frames: stop a source after this many processed frames.

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


def track(
    detector: MaskDetector,
    source: int | str | Path,
    options: SourceOptions | None = None,
    max_frames: int | None = None,
) -> Iterator[View]:
    """The views of one source; :meth:`MaskDetector.track` explains the arguments.

    Raises:
        SourceError: the source cannot be opened, or went away for good.
    """
    with Sources([str(source)], options or SourceOptions()) as sources:
        for views in watch(sources, detector, [Watch(sources.sources[0], 0, detector)], max_frames):
            yield from views
        if error := sources.sources[0].error:
            raise error


def with_progress(
    rounds: Iterator[list[View]], source: Source, shown: bool = True
) -> Iterator[list[View]]:
    """Pass rounds on, with a progress bar on standard error if that is a terminal."""
    with ProgressBar(None, " frames", shown=shown) as bar:
        for views in rounds:
            # Both are known once the source is open.
            bar.update(len(views), round((source.length_s or 0) * (source.rate or 0)) or None)
            yield views


def print_summary(
    watches: Sequence[Watch], seconds: float, file: TextIO | None = None, advice: str = ""
) -> None:
    """Print frames and people from the start to the end, one line per source.

    Args:
        watches: one for each source.
        seconds: how long it took.
        file: where to; None is standard output.
        advice: what is said of a source with fewer faces than frames.
    """
    for each in watches:
        people = people_in_words(each.people.seen(), each.people.ever_unmasked())
        name = f"{each.source.name}: " if len(watches) > 1 else ""
        frames = number_of(each.frames, "frame")
        said = f" ({advice})" if advice and each.faces < each.frames else ""
        say(f"{name}{frames}, {each.frames / seconds:.1f} per second; {people}{said}", file)


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
            self._zero = now - time_s  # a slow stretch or a pause is not caught up
        return self._zero + time_s - now
