"""The live page's frames: find the faces, draw them, count them, remember the last minutes.

Knows nothing of Streamlit: WebRTC asks a :class:`LivePicture` for pictures, the page asks a
:class:`LiveView` what was seen.

Every picture that is shown is the one its boxes were found in. Drawing older boxes into newer
pictures would look smoother on a slow machine, but they would trail behind people who move,
and a blur that trails behind a face hides nothing.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from mask_app.settings import Settings
from mask_detector.detector import MaskDetector
from mask_detector.drawing import draw_faces
from mask_detector.video.people import UnmaskedRule
from mask_detector.video.recording import VIDEO_CLOCK, planar
from mask_detector.video.sources import Frame
from mask_detector.video.view import View
from mask_detector.video.watching import Watch

logger = logging.getLogger(__name__)

HISTORY_SECONDS = 300
ALARM_AFTER_SECONDS = 1.0
"""Somebody must be without a mask for so long before a sound is made."""

_RATE_SECONDS = 2.0


@dataclass(frozen=True)
class Report:
    """What the page shows beside the picture.

    Attributes:
        running: frames came in within the last seconds.
        counts: people in the newest picture, per class; None before the first one.
        people: distinct people since the start, per class.
        frames_per_second: pictures looked at.
        delay: seconds from a frame's arrival to its picture, waiting included.
        history: (time.time(), counts), one a second, oldest first.
        alarms: sounds asked for since the view was made.
    """

    running: bool = False
    counts: dict[str, int] | None = None
    people: dict[str, int] | None = None
    frames_per_second: float = 0.0
    delay: float = 0.0
    history: tuple[tuple[float, dict[str, int]], ...] = ()
    alarms: int = 0


@dataclass(frozen=True)
class _LiveSource:
    """A visitor's camera, as its :class:`Watch` knows it."""

    name: str = "camera"
    live: bool = True


class LiveView:
    """One visitor's live picture.

    Attributes:
        detector: looks at the frames; replaced whole when a setting changes.
        settings: what the visitor chose; replaced whole.
    """

    def __init__(self, detector: MaskDetector, settings: Settings) -> None:
        self.detector = detector
        self.settings = settings
        self._lock = threading.Lock()
        self._history: deque[tuple[float, dict[str, int]]] = deque(maxlen=HISTORY_SECONDS)
        self._alarms = 0
        self.begin()

    def begin(self) -> None:
        """Forget what belonged to an earlier stream, except for the history."""
        with self._lock:
            self._counts: dict[str, int] | None = None
            self._done: deque[tuple[float, float]] = deque()  # when a picture was ready, how late
            self._people: dict[str, int] | None = None
            self._watch = Watch(_LiveSource(), 0, self.detector)
            self._rule = UnmaskedRule(ALARM_AFTER_SECONDS)

    def look(self, image: np.ndarray, arrived: float) -> np.ndarray:
        """Find, follow, count and draw the faces of one picture.

        Args:
            image: uint8 BGR, shape (H, W, 3); drawn into.
            arrived: ``time.monotonic()`` when it came in.

        Returns:
            The picture to show.
        """
        settings, detector = self.settings, self.detector
        found = detector.detect(image)
        with self._lock:
            self._watch.set_unsure_band(detector.unsure)
            view = self._watch.update(Frame(image, self._watch.frames, arrived), found)
            self._remember(view, settings)
        view.hide(settings.blur)
        if settings.mirror:
            view = view.mirrored()
        image = draw_faces(view.frame.image, view.faces)
        now = time.monotonic()
        with self._lock:
            self._done.append((now, now - arrived))
            while now - self._done[0][0] > _RATE_SECONDS:
                self._done.popleft()
        return image

    def _remember(self, view: View, settings: Settings) -> None:
        self._counts, self._people = view.counts, view.people
        second = int(time.time())
        if not self._history or second > self._history[-1][0]:
            self._history.append((second, self._counts))
        self._rule.cooldown_s = settings.alarm_pause
        if self._rule.due(view.inside, view.frame.time_s) and settings.alarm:
            self._alarms += 1

    def report(self) -> Report:
        """What was seen lately."""
        now = time.monotonic()
        with self._lock:
            lately = [delay for ready, delay in self._done if now - ready <= _RATE_SECONDS]
            if not lately:
                return Report(history=tuple(self._history), alarms=self._alarms)
            span = max(now - self._done[0][0], 0.5)
            return Report(
                running=True,
                counts=self._counts,
                people=self._people,
                frames_per_second=len(lately) / span,
                delay=statistics.median(lately),
                history=tuple(self._history),
                alarms=self._alarms,
            )


class LivePicture(MediaStreamTrack):
    """What is sent to one browser: always the newest frame of a camera, looked at.

    Looking happens in a thread of its own; frames that come meanwhile replace each other.
    Whatever gives the frames calls :meth:`begin`, then :meth:`put`.
    """

    kind = "video"

    def __init__(self, view: LiveView) -> None:
        super().__init__()
        self._view = view
        self._newest: tuple[av.VideoFrame, float] | None = None
        self._changed = asyncio.Event()
        self._next: asyncio.Task[av.VideoFrame] | None = None
        self._server_loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")

    def begin(self) -> None:
        """A stream begins; called in the event loop."""
        self._view.begin()
        self._server_loop = asyncio.get_running_loop()

    def put(self, frame: av.VideoFrame) -> None:
        """Take a camera's next frame; called in the event loop."""
        self._newest = frame, time.monotonic()
        self._changed.set()

    async def recv(self) -> av.VideoFrame:
        """The next picture, as soon as there is a frame that was not looked at yet.

        While whoever asked encodes it, the one after it is looked at.
        """
        looking, self._next = self._next or self._looked_at(), None
        picture = await looking
        self._next = asyncio.create_task(self._looked_at())
        # After the last picture nobody comes to hear that there are no more.
        self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        return picture

    async def _looked_at(self) -> av.VideoFrame:
        await self._changed.wait()
        self._changed.clear()
        if self.readyState != "live" or self._newest is None:
            raise MediaStreamError
        try:
            work = self._thread.submit(self._look, *self._newest)
        except RuntimeError:  # stopped in this very moment
            raise MediaStreamError from None
        return await asyncio.wrap_future(work)

    def _look(self, frame: av.VideoFrame, arrived: float) -> av.VideoFrame:
        image = frame.to_ndarray(format="bgr24")
        try:
            image = self._view.look(image, arrived)
        except Exception:  # a thread that dies would leave a still picture and no word
            logger.exception("a live picture could not be looked at")
            image[:] = 0  # it may show somebody who wants to be blurred
        height, width = image.shape[:2]
        picture = planar(image[: height // 2 * 2, : width // 2 * 2])
        # Stamped with the camera's own times, pictures would seem to come through a jittery
        # network, since looking takes now more and now less: browsers would hold them back.
        picture.pts, picture.time_base = round(time.monotonic() / VIDEO_CLOCK), VIDEO_CLOCK
        return picture

    def stop(self) -> None:
        """End the pictures; may be called from any thread, and more than once."""
        if self.readyState == "live":
            super().stop()
            self._thread.shutdown(wait=False)
            if self._server_loop is not None:
                self._server_loop.call_soon_threadsafe(self.end)

    def end(self) -> None:
        """Whoever waits for a picture learns that there are none; called in the event loop."""
        self._newest = None
        self._changed.set()


class BrowserPicture(LivePicture):
    """The pictures of a browser's own camera: a sink for its frames in WebRTC's eyes."""

    def __init__(self, view: LiveView) -> None:
        super().__init__(view)
        self._camera: MediaStreamTrack | None = None

    def addTrack(self, track: MediaStreamTrack) -> None:
        """Take the frames of this camera."""
        self._camera = track

    def hasTrack(self) -> bool:
        """Whether there is a camera."""
        return self._camera is not None

    def start(self) -> None:
        """Begin to take frames; called in the event loop."""
        self.begin()
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        assert self._camera is not None
        try:
            while self.readyState == "live":
                frame = await self._camera.recv()
                if isinstance(frame, av.VideoFrame):
                    self.put(frame)
        except MediaStreamError:
            self.stop()

    def end(self) -> None:
        """The same, and frames are taken no more."""
        self._reader.cancel()
        super().end()
