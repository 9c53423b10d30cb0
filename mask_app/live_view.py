"""The live page's frames: find the faces, draw them, count them, remember the last minutes.

Knows nothing of Streamlit: a video thread calls :meth:`LiveView.on_frame`, the page reads
:meth:`LiveView.report`.

Every picture that is shown is the one its boxes were found in. Drawing older boxes into newer
pictures would look smoother on a slow machine, but they would trail behind people who move,
and a blur that trails behind a face hides nothing.
"""

from __future__ import annotations

import logging
import math
import statistics
import threading
import time
from collections import deque
from dataclasses import dataclass, field

import av
import cv2
import numpy as np

from mask_app.settings import Settings
from mask_detector.detector import MaskDetector, count_faces
from mask_detector.drawing import draw_faces
from mask_detector.privacy import hide_faces

logger = logging.getLogger(__name__)

HISTORY_SECONDS = 300
_RATE_SECONDS = 2.0
_CLOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Report:
    """What the page shows beside the picture.

    Attributes:
        running: frames came in within the last seconds.
        counts: people in the newest picture, per class; None before the first one.
        frames_per_second: pictures looked at.
        delay: seconds from a frame's arrival to its picture, waiting included.
        history: (time.time(), counts), one a second, oldest first.
        alarms: sounds asked for since the view was made.
    """

    running: bool = False
    counts: dict[str, int] | None = None
    frames_per_second: float = 0.0
    delay: float = 0.0
    history: tuple[tuple[float, dict[str, int]], ...] = ()
    alarms: int = 0


@dataclass
class FrameClock:
    """Tells how late frames are whose own time stamps have an unknown start.

    The frame that came through quickest within the last seconds counts as not late at all.
    """

    _offsets: deque[tuple[float, float]] = field(default_factory=deque)

    def arrived(self, stamp: float, now: float) -> float:
        """Seconds that the frame stamped ``stamp`` has waited, seen at ``now``."""
        offset = now - stamp
        while self._offsets and now - self._offsets[0][0] > _CLOCK_SECONDS:
            self._offsets.popleft()
        # Only what may become the least offset is kept: the deque ascends.
        while self._offsets and self._offsets[-1][1] >= offset:
            self._offsets.pop()
        self._offsets.append((now, offset))
        return offset - self._offsets[0][1]


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
        self._last_alarm = -math.inf
        self.begin()

    def begin(self) -> None:
        """Forget what belonged to the last stream: its clock, its people, its counts."""
        with self._lock:
            self._clock = FrameClock()
            self._done: deque[tuple[float, float]] = deque()  # when ready, how late
            self._counts: dict[str, int] | None = None

    def on_frame(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Look at one frame of the browser's camera and give the picture to send back."""
        image = frame.to_ndarray(format="bgr24")
        try:
            image = self.look(image, frame.time)
        except Exception:  # a video thread that dies would leave a still picture and no word
            logger.exception("a live picture could not be looked at")
            image[:] = 0  # it may show somebody who wants to be blurred
        return av.VideoFrame.from_ndarray(image, format="bgr24")

    def look(self, image: np.ndarray, stamp: float) -> np.ndarray:
        """Find, count and draw the faces of one picture.

        Args:
            image: uint8 BGR, shape (H, W, 3).
            stamp: when it was taken, in seconds from any start.
        """
        arrived = time.monotonic()
        settings, detector = self.settings, self.detector
        waited = self._clock.arrived(stamp, arrived)
        if settings.mirror:
            image = cv2.flip(image, 1)
        faces = detector.detect(image)
        counts = count_faces(faces, detector.classes)
        hide_faces(image, faces, settings.blur)
        draw_faces(image, faces)
        now = time.monotonic()
        with self._lock:
            self._counts = counts
            self._done.append((now, waited + now - arrived))
            while now - self._done[0][0] > _RATE_SECONDS:
                self._done.popleft()
            self._remember(counts, now)
        return image

    def _remember(self, counts: dict[str, int], now: float) -> None:
        second = int(time.time())
        if not self._history or second > self._history[-1][0]:
            self._history.append((second, counts))
        bare = counts.get("without_mask", 0) > 0
        if self.settings.alarm and bare and now - self._last_alarm >= self.settings.alarm_pause:
            self._alarms += 1
            self._last_alarm = now

    def report(self) -> Report:
        """What was seen lately."""
        now = time.monotonic()
        with self._lock:
            lately = [delay for ready, delay in self._done if now - ready <= _RATE_SECONDS]
            span = now - self._done[0][0] if lately else math.inf
            return Report(
                running=bool(lately),
                counts=self._counts,
                frames_per_second=len(lately) / max(span, 0.5) if lately else 0.0,
                delay=statistics.median(lately) if lately else 0.0,
                history=tuple(self._history),
                alarms=self._alarms,
            )
