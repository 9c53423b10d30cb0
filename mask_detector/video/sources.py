"""Where frames come from: cameras, video files, folders of frames, HTTP and RTSP streams.

    with Sources(["rtsp://user:password@door/1", "0"]) as sources:
        for frames in sources:          # a frame of each source that has a new one
            ...

Each source is read in a thread of its own and reconnected there. A live one (a camera, a stream)
gives its newest frame and skips what came meanwhile; a recorded one gives every frame. The number
of waiting frames is bounded, so memory is too.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mask_detector.errors import SourceError
from mask_detector.video.addresses import is_address, without_password
from mask_detector.video.captures import Capture, SourceOptions, find_cameras
from mask_detector.video.opening import open_capture
from mask_detector.video.timeline import Clock

logger = logging.getLogger(__name__)

WAITING_FRAMES = 4
"""Decoded frames of a recorded source that may wait to be processed."""

FIRST_CONNECTION_S = 10.0
"""How long a stream that never gave a frame is tried for, where ``give_up`` says nothing."""

_SAME_TIME_S = 1e-3

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Waits between attempts to reconnect: the first, doubled each time up to the longest."""


@dataclass(frozen=True)
class Frame:
    """A frame and its place in its source.

    Attributes:
        image: uint8 BGR, shape (H, W, 3).
        number: counted from 0 as the source gave them: what a live source's reader skipped counts.
        time_s: seconds from the start of the file; for live sources from the first frame that
            any of them gave.
        reconnects: how often the source had come back by then.
        given: frames that the source had given by then, over all reconnections: this one, and those
            that were skipped.
        read_at: when it was read, as ``time.monotonic`` counts.
    """

    image: np.ndarray
    number: int
    time_s: float
    reconnects: int = 0
    given: int = 0
    read_at: float = field(default_factory=time.monotonic, compare=False)


class Source:
    """One source: opened, read, and reopened where it drops.

    Attributes:
        name: its name in output: the camera's number, the file, or the address without its
            password.
        live: whether only the newest frame counts; known once it is open.
        length_s, rate: see :class:`Capture`; known once it is open.
        error: why it ended, None where it came to its end.
        seen: whether it ever gave a frame.
    """

    def __init__(self, source: str, options: SourceOptions, clock: Clock | None = None) -> None:
        self.name = without_password(source)
        self.live = False
        self.length_s: float | None = None
        self.rate: float | None = None
        self.error: SourceError | None = None
        self.seen = False
        self._stopped = threading.Event()
        self._source = source
        self._options = options
        self._clock = clock or Clock()
        self._number = self._reconnects = self._given = 0

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Give no more frames after the one that is being read."""
        self._stopped.set()

    def frames(self) -> Iterator[Frame]:
        """The frames that the options ask for, over all reconnections.

        Raises:
            SourceError: it cannot be opened, or stayed away for too long.
        """
        last_frame, wait = time.monotonic(), FIRST_WAIT_S
        while not self._stopped.is_set():
            try:
                with contextlib.closing(self._open()) as capture:
                    if self.live and self.seen:
                        logger.warning("%s is back", self.name)
                        self._reconnects += 1
                    for frame in self._numbered(capture):
                        last_frame, wait = time.monotonic(), FIRST_WAIT_S
                        self.seen = True
                        yield frame
                        if self._stopped.is_set():
                            return
                return
            except Exception as reason:
                # A reader that dies of anything else would look like one that came to its end.
                if isinstance(reason, SourceError):
                    error = reason
                else:
                    why = without_password(repr(reason))
                    error = SourceError(f"{self.name}: reading failed ({why})")
                if not self._may_return():
                    raise self._explained(error) from None
                patience = self._options.give_up
                if patience is None:
                    patience = float("inf") if self.seen else FIRST_CONNECTION_S
                left = last_frame + patience - time.monotonic()
                if left <= 0:
                    raise SourceError(f"{error}; given up after {patience:g} s") from None
                wait_now = min(wait, left)
                logger.warning("%s; trying again in %.0f s", error, wait_now)
                self._stopped.wait(wait_now)
                wait = min(2 * wait, LONGEST_WAIT_S)

    def _open(self) -> Capture:
        capture = open_capture(self._source, self._options)
        self.live, self.length_s, self.rate = capture.live, capture.length_s, capture.rate
        return capture

    def _numbered(self, capture: Capture) -> Iterator[Frame]:
        options, end_s = self._options, None
        for media_s, image in capture.frames():
            self._given += 1
            options.check_size(self.name, image.shape[0] * image.shape[1])
            if media_s is None:
                seconds = self._clock.seconds()
            elif media_s < options.start - _SAME_TIME_S:
                end_s = media_s
                continue
            else:
                seconds = media_s
                if not self.seen and options.start and self.rate:
                    self._number = round(seconds * self.rate)
            if options.end is not None and seconds > options.end:
                return
            end_s = None
            if self._number % options.every == 0:
                yield Frame(image, self._number, seconds, self._reconnects, self._given)
            self._number += 1
        if end_s is not None:
            raise SourceError(
                f"{self.name}: there is nothing from {options.start:g} s on, "
                f"the last frame is at {end_s:.2f} s"
            )

    def _may_return(self) -> bool:
        if is_address(self._source):
            return self.live or not self.seen
        return self.live and self.seen

    def _explained(self, error: SourceError) -> SourceError:
        if not self._source.isdecimal() or self.seen:
            return error
        cameras = find_cameras()
        found = "cameras found: " + ", ".join(map(str, cameras)) if cameras else "no camera found"
        return SourceError(f"{error} ({found}); --source also takes a video file or an address")


class Sources:
    """Several sources, each read in a thread of its own.

    Iterating gives what is new, ``{index of the source: Frame}``; an empty dict when nothing
    came for ``patience`` seconds, so that a window can answer its keys meanwhile. It ends when
    every source has.

    Attributes:
        sources: in the order given; a source's ``error`` says why it ended.
    """

    def __init__(
        self, sources: Sequence[str], options: SourceOptions | None = None, patience: float = 0.1
    ) -> None:
        clock = Clock()
        self.sources = [Source(source, options or SourceOptions(), clock) for source in sources]
        self._patience = patience
        self._waiting: list[deque[Frame]] = [deque() for _ in self.sources]
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read, args=pair, name=f"read {pair[0].name}", daemon=True)
            for pair in zip(self.sources, self._waiting, strict=True)
        ]
        self._running = len(self._threads)
        self._all_ended = False

    def __enter__(self) -> Sources:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for index in range(len(self.sources)):
            self.stop(index)
        for thread in self._threads:
            # A thread that waits for a stream's next byte ends by itself, at its time-out.
            thread.join(timeout=1)

    def check(self) -> bool:
        """Whether no source went away for good.

        Raises:
            SourceError: all ended, or failed, and none of them ever gave a frame.
        """
        errors = [source.error for source in self.sources if source.error]
        if not any(source.seen for source in self.sources):
            if errors:
                raise errors[0]
            if self._all_ended:  # else the user has stopped them
                names = ", ".join(source.name for source in self.sources)
                raise SourceError(f"{names}: no frame is left by --start, --end and --every")
        return not errors

    def stop(self, index: int) -> None:
        """End one source; what it has read ahead is dropped."""
        with self._changed:
            self.sources[index].stop()
            self._waiting[index].clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[dict[int, Frame]]:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: any(self._waiting) or not self._running, self._patience
                )
                frames = {
                    index: waiting.popleft()
                    for index, waiting in enumerate(self._waiting)
                    if waiting
                }
                if not frames and not self._running:
                    self._all_ended = True
                    return
                self._changed.notify_all()
            yield frames

    def _read(self, source: Source, waiting: deque[Frame]) -> None:
        try:
            for frame in source.frames():
                with self._changed:
                    if source.live:
                        waiting.clear()
                    self._changed.wait_for(lambda: len(waiting) < WAITING_FRAMES or source.stopped)
                    if source.stopped:
                        return
                    waiting.append(frame)
                    self._changed.notify_all()
        except SourceError as error:
            source.error = error
            if source.seen or len(self.sources) > 1:  # else check() raises it
                logger.error("%s", error)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
