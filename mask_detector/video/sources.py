"""Where frames come from: cameras, video files, folders of frames, HTTP and RTSP streams.

    with Sources(["rtsp://user:password@door/1", "0"]) as sources:
        for frames in sources:          # a frame of each source that has a new one
            ...

Each source is read in a thread of its own. A live one (a camera, a stream) hands out its newest
frame, whatever was missed; a recorded one hands out every frame. Waiting frames are bounded, so
memory is too.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import cv2
import numpy as np

from mask_detector.errors import PhotoError, SourceError
from mask_detector.images import is_photo, read_photo

logger = logging.getLogger(__name__)

WAITING_FRAMES = 4
"""Decoded frames of a recorded source that may wait to be looked at."""

NEVER_REACHED_S = 10.0
"""How long a stream that was never reached is tried for, unless told otherwise."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""Waits between attempts to reconnect: the first, doubled each time up to the longest."""

FOLDER_RATE = 25.0
"""Frames a second that a folder of frames stands for."""

_MOST_CAMERAS = 10
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&;][^=&;#]*(?:pass|pwd|token|secret|key|auth)[^=&;#]*=)[^&;#]*"
)


@dataclass(frozen=True)
class Frame:
    """A frame and its place in its source.

    Attributes:
        image: uint8 BGR, shape (H, W, 3).
        number: counted from 0 as the source gave them: what a live source's reader skipped counts.
        time_s: seconds from the start of the file; for live sources from the first frame that
            any of them gave.
    """

    image: np.ndarray
    number: int
    time_s: float


@dataclass(frozen=True)
class SourceOptions:
    """How sources are read.

    Attributes:
        start: seconds into a recorded source at which to begin.
        end: seconds into a source at which to stop; None reads on.
        every: of so many frames the first is taken.
        give_up: seconds without a frame after which a live source is given up; None keeps
            trying one that was seen before, and tries one never reached for NEVER_REACHED_S.
        stall: seconds without a frame after which a live source counts as dropped.
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1
    give_up: float | None = None
    stall: float = 10.0


def without_password(source: str) -> str:
    """The source as it may be shown: without its password.

    >>> without_password("rtsp://me:secret@door/1?token=abc")
    'rtsp://me:***@door/1?token=***'
    """
    # Up to the last @, for passwords in which nobody escaped an @ or a slash; not from a port on.
    source = re.sub(r"^(\w[\w+.-]*://[^/:@]*):(?!\d+(?:[/?#]|$)).*@", r"\1:***@", source)
    return _SECRET_PARAMETER.sub(r"\1***", source)


def is_address(source: str) -> bool:
    """Whether the source is a network address rather than a camera or a file."""
    return re.match(r"[a-zA-Z][\w+.-]+://", source) is not None


def check_outputs(outputs: Iterable[str | Path | None], sources: Iterable[str]) -> None:
    """Raise SourceError where an output would overwrite a source."""
    inputs = [path for path in map(Path, sources) if path.is_file()]
    for output in outputs:
        if output and Path(output).exists():
            for path in inputs:
                if path.samefile(output):
                    raise SourceError(f"{output}: this is a source, write to another file")


def find_cameras() -> list[int]:
    """Numbers of the cameras that this machine has."""
    if sys.platform.startswith("linux"):
        # OpenCV complains aloud about each number that it tries in vain.
        devices = (path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*"))
        numbers: Sequence[int] = sorted(map(int, devices))
    else:
        numbers = range(_MOST_CAMERAS)
    found = []
    for number in numbers:
        capture = _quiet_capture(number)
        if capture.isOpened() and capture.read()[0]:
            found.append(number)
        capture.release()
    return found


def _quiet_capture(number: int) -> cv2.VideoCapture:
    """Open a camera without what OpenCV prints about each way it tries."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(number)
    finally:
        cv2.utils.logging.setLogLevel(level)


class _Capture:
    """An open source: its frames as (seconds, image), until it ends or drops.

    Attributes:
        live: only the newest frame matters, and the source has no end of its own.
        length_s: duration of a recorded source where it is known.
        rate: frames a second where it is known.
    """

    live = True
    length_s: float | None = None
    rate: float | None = None

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """The frames in order, with their time in the file, None for live sources.

        Raises:
            SourceError: the source went away.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release what the source holds."""


class _Camera(_Capture):
    """A camera of this machine, by its number."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._capture = _quiet_capture(number)
        # One frame that waits, not the driver's usual four: no lag builds up.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._image = self._read()
        if self._image is None:
            self._capture.release()
            raise SourceError(f"camera {number} cannot be opened")
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or None

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        while self._image is not None:
            yield None, self._image
            self._image = self._read()
        raise SourceError(f"camera {self._number} gives no frames any more")

    def _read(self) -> np.ndarray | None:
        return self._capture.read()[1] if self._capture.isOpened() else None

    def close(self) -> None:
        self._capture.release()


class _Folder(_Capture):
    """Photos of a folder, in the order of their names."""

    live = False
    rate = FOLDER_RATE

    def __init__(self, path: Path, options: SourceOptions) -> None:
        self._paths = sorted((each for each in path.iterdir() if is_photo(each)), key=_natural)
        if not self._paths:
            raise SourceError(f"{path}: there are no photos in this folder")
        self._first = round(options.start * FOLDER_RATE)
        self.length_s = len(self._paths) / FOLDER_RATE

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        for number, path in enumerate(self._paths[self._first :], start=self._first):
            try:
                yield number / FOLDER_RATE, read_photo(path)
            except PhotoError as error:
                logger.warning("%s", error)


def _natural(path: Path) -> list[Any]:
    """Sorts frame2 before frame10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]


class _Video(_Capture):
    """A video file or a network stream, decoded by FFmpeg."""

    def __init__(self, address: str, how: SourceOptions) -> None:
        self._address = address
        network = is_address(address)
        options, timeout = {}, None
        if network:
            # Little probing and no reordering buffer: the picture should be now's.
            options = {"analyzeduration": "2000000", "fflags": "nobuffer"}
            timeout = how.stall
            if urlsplit(address).scheme.startswith("rtsp"):
                options["rtsp_transport"] = "tcp"
        try:
            self._container = av.open(
                address, options=options, timeout=timeout, metadata_errors="replace"
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{without_password(address)}: {_reason(error)}") from None
        if not self._container.streams.video:
            self._container.close()
            raise SourceError(f"{without_password(address)}: there is no video in this")
        self._stream = self._container.streams.video[0]
        # Threads that decode several frames at once would hold a live picture back.
        self.live = network and not self._container.duration
        self._stream.thread_type = "SLICE" if self.live else "AUTO"
        if not self.live and self._container.duration:
            self.length_s = self._container.duration / av.time_base
        self.rate = float(self._stream.average_rate) if self._stream.average_rate else None
        self._zero = (self._container.start_time or 0) / av.time_base
        if how.start and not self.live:
            with contextlib.suppress(av.FFmpegError):  # what cannot be sought is read through
                self._container.seek(round((how.start + self._zero) * av.time_base))

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        number = 0
        try:
            for packet in self._container.demux(self._stream):
                try:
                    decoded = packet.decode()
                except av.InvalidDataError:
                    continue  # one damaged packet; the next are usually whole
                for frame in decoded:
                    yield self._time(frame, number), _upright(frame)
                    number += 1
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{without_password(self._address)}: {_reason(error)}") from None
        if self.live:
            raise SourceError(f"{without_password(self._address)}: the stream ended")
        if not number:
            raise SourceError(f"{without_password(self._address)}: no frame of it can be read")

    def _time(self, frame: av.VideoFrame, number: int) -> float | None:
        if self.live:
            return None
        if frame.time is None:
            return number / (self.rate or FOLDER_RATE)
        return max(0.0, frame.time - self._zero)

    def close(self) -> None:
        self._container.close()


def _upright(frame: av.VideoFrame) -> np.ndarray:
    image = frame.to_ndarray(format="bgr24")
    quarter_turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _reason(error: Exception) -> str:
    """Why FFmpeg failed, without the address, which may hold a password."""
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, av.InvalidDataError):
        return "this is no video, or a damaged one"
    return getattr(error, "strerror", None) or type(error).__name__


class Clock:
    """Seconds since it was first asked."""

    def __init__(self) -> None:
        self._zero: float | None = None
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Seconds since the first call."""
        with self._lock:
            now = time.monotonic()
            self._zero = now if self._zero is None else self._zero
            return now - self._zero


class Source:
    """One source, opened, read and reopened as told.

    Attributes:
        name: what it may be called in output: the camera's number, the file, or the address
            without its password.
        live: whether only the newest frame counts; known once it was opened.
        error: why it ended, None where it simply came to its end.
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
        self._number = 0

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Give no more frames, at the latest when the one that is waited for has come."""
        self._stopped.set()

    def frames(self) -> Iterator[Frame]:
        """Every frame that was asked for, over all reconnections.

        Raises:
            SourceError: it cannot be opened, or stayed away for too long.
        """
        last_frame, wait = time.monotonic(), FIRST_WAIT_S
        while not self._stopped.is_set():
            try:
                with contextlib.closing(self._open()) as capture:
                    if self.live and self.seen:
                        logger.warning("%s is back", self.name)
                    for frame in self._numbered(capture):
                        last_frame, wait = time.monotonic(), FIRST_WAIT_S
                        self.seen = True
                        yield frame
                        if self._stopped.is_set():
                            return
                return
            except SourceError as error:
                if not self._may_return():
                    raise self._explained(error) from None
                patience = self._options.give_up
                if patience is None:
                    patience = float("inf") if self.seen else NEVER_REACHED_S
                left = last_frame + patience - time.monotonic()
                if left <= 0:
                    raise SourceError(f"{error}; given up after {patience:g} s") from None
                wait_now = min(wait, left)
                logger.warning("%s; trying again in %.0f s", error, wait_now)
                self._stopped.wait(wait_now)
                wait = min(2 * wait, LONGEST_WAIT_S)

    def _open(self) -> _Capture:
        capture: _Capture
        path = Path(self._source)
        if self._source.isdecimal():
            capture = _Camera(int(self._source))
        elif not is_address(self._source) and path.is_dir():
            capture = _Folder(path, self._options)
        else:
            capture = _Video(self._source, self._options)
        self.live, self.length_s, self.rate = capture.live, capture.length_s, capture.rate
        return capture

    def _numbered(self, capture: _Capture) -> Iterator[Frame]:
        options = self._options
        for media_s, image in capture.frames():
            if media_s is None:
                seconds = self._clock.seconds()
            elif media_s < options.start:
                continue
            else:
                seconds = media_s
                if not self.seen and options.start and self.rate:
                    self._number = round(seconds * self.rate)
            if options.end is not None and seconds > options.end:
                return
            if self._number % options.every == 0:
                yield Frame(image, self._number, seconds)
            self._number += 1

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
        sources: in the order given; a source's ``error`` tells why it ended.
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
            SourceError: none of them ever gave a frame, and one says why.
        """
        errors = [source.error for source in self.sources if source.error]
        if errors and not any(source.seen for source in self.sources):
            raise errors[0]
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
            if source.seen or len(self.sources) > 1:
                logger.error("%s", error)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
