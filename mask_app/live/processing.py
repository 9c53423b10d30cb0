"""What happens to the live page's frames: detect faces, follow, hide, draw and count them.

Independent of Streamlit and WebRTC: ``tracks`` passes frames to a :class:`LiveProcessor`, the
page asks it for a :class:`LiveStatus`.

Each picture that is shown is the one its boxes were detected in. Drawing older boxes on newer
pictures would look smoother on a slow machine, but they would trail behind people who move,
and a blur that trails behind a face hides nothing.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from concurrent.futures import Future, TimeoutError
from dataclasses import dataclass, replace

import numpy as np

from mask_app.history.recorder import MinuteRecorder
from mask_app.live.keeping import PictureFolder
from mask_app.live.sight import Seen, Sight
from mask_app.settings import Settings
from mask_app.video import pictures
from mask_app.video.events import Event, EventLog
from mask_app.wording import drawn_names
from mask_detector.detector import MaskDetector
from mask_detector.video.canvas import CanvasOptions, draw_view
from mask_detector.video.people import UNMASKED, UnmaskedRule, happens_to
from mask_detector.video.sources import Frame
from mask_detector.video.view import View
from mask_detector.video.watching import Watch

HISTORY_SECONDS = 300
ALARM_AFTER_SECONDS = 1.0
"""How long somebody must be without a mask before a sound is played."""

_RATE_SECONDS = 2.0
_MOST_EVENTS = 200


@dataclass(frozen=True)
class LiveStatus:
    """What the page shows beside the picture.

    Attributes:
        running: frames came in within the last seconds.
        counts: people in the newest picture, per class; None before the first one.
        people: distinct people since the start, per class; None before the first picture.
        frames_per_second: processed frames per second.
        delay: seconds from a frame's arrival to its picture, waiting included.
        history: (time.time(), counts), one per second, oldest first.
        alarms: sounds asked for since the processor was made.
        events: times in which people wore no mask, by ``time.time()``, newest first.
        seen: whether the camera can see anybody.
        doubts: times in which people were unsure, in the same way.
        began: ``time.time()`` when the camera was started, None before.
    """

    running: bool = False
    counts: dict[str, int] | None = None
    people: dict[str, int] | None = None
    frames_per_second: float = 0.0
    delay: float = 0.0
    history: tuple[tuple[float, dict[str, int]], ...] = ()
    alarms: int = 0
    events: tuple[Event, ...] = ()
    seen: Seen = "clear"
    doubts: tuple[Event, ...] = ()
    began: float | None = None


@dataclass(frozen=True)
class _Camera:
    """A visitor's camera, as its :class:`Watch` knows it."""

    name: str = "camera"
    live: bool = True


class LiveProcessor:
    """Processes one visitor's live frames.

    Attributes:
        detector: detects the faces; replaced as a whole when a setting changes.
        recorder: keeps the numbers of people over days; None where the administrator has none.
        takes_pictures: a small picture of each person without a mask is held for the list.
        folder: keeps those pictures; None, unless the administrator asks for it.
    """

    def __init__(self, detector: MaskDetector, settings: Settings) -> None:
        self.detector = detector
        self._settings = settings
        self.recorder: MinuteRecorder | None = None
        self.takes_pictures = True
        self.folder: PictureFolder | None = None
        self._lock = threading.Lock()
        self._history: deque[tuple[float, dict[str, int]]] = deque(maxlen=HISTORY_SECONDS)
        self._events, self._doubts = EventLog(_MOST_EVENTS), EventLog(_MOST_EVENTS)
        self._alarms = 0
        self._asked: deque[Future[View]] = deque()
        self.begin()

    @property
    def settings(self) -> Settings:
        """The visitor's settings; replaced as a whole."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        if settings.event_blur not in ("none", self._settings.event_blur):
            with self._lock:  # who is hidden from now on was so always
                self._events.change_pictures(pictures.blurred)
        self._settings = settings

    def begin(self) -> None:
        """Forget what belonged to an earlier stream, except for the history and the events."""
        with self._lock:
            self._counts: dict[str, int] | None = None
            self._people: dict[str, int] | None = None
            self._done: deque[tuple[float, float]] = deque()  # time of completion, delay
            self._classes = self.detector.classes
            self._watch = Watch(_Camera(), 0, self.detector)
            self._sight = Sight()
            self._began: float | None = None
            self._events.begin()
            self._doubts.begin()
            self._alarm_rule = UnmaskedRule(ALARM_AFTER_SECONDS)

    def process(self, image: np.ndarray, arrived: float) -> np.ndarray:
        """Detect, follow, hide, draw and count the faces of the next frame.

        Args:
            image: uint8 BGR, shape (H, W, 3); is changed.
            arrived: ``time.monotonic()`` when it came in.

        Returns:
            The picture to show: uint8 BGR, shape (H, W, 3).
        """
        settings, detector = self.settings, self.detector
        if detector.classes != self._classes:
            self.begin()
        self._sight.look(image, arrived)
        detected = detector.detect(image)
        with self._lock:
            self._watch.set_unsure_band(detector.unsure)
            self._watch.set_zones(settings.zones)
            view = self._watch.update(Frame(image, self._watch.frames, arrived), detected)
            self._remember(view, settings)
            if self.recorder is not None:
                self.recorder.take(self._watch.people)
        while self._asked:
            frame = replace(view.frame, image=view.frame.image.copy())
            self._asked.popleft().set_result(replace(view, frame=frame))
        view.hide(settings.blur)
        # The page has the counts beside the picture.
        names = tuple(drawn_names(settings.language).items())
        options = CanvasOptions(settings.zones, settings.mirror, no_counts=True, names=names)
        image = draw_view(view, options)
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
        # By the clock, at the time when the frame came in.
        now = time.time() - time.monotonic() + view.frame.time_s
        self._began = now if self._began is None else self._began

        def picture(track: int) -> bytes:
            jpeg = pictures.picture_of(view, track, settings.event_blur)
            if self.folder is not None and jpeg:
                self.folder.keep(jpeg, track)
            return jpeg

        for log, label in ((self._events, UNMASKED), (self._doubts, "unsure")):
            faces = [face for face in view.inside if happens_to(face.counted_as) == label]
            people = [(face.track, face.zone) for face in faces if face.track is not None]
            log.see(now, people, picture if self.takes_pictures and log is self._events else None)
        self._alarm_rule.cooldown_s = settings.alarm_pause
        if self._alarm_rule.due(view.inside, view.frame.time_s) and settings.alarm:
            self._alarms += 1

    def end(self) -> None:
        """The stream has ended; may be called more than once."""
        if self.recorder is not None:
            self.recorder.end()

    def next_view(self, patience_s: float) -> View | None:
        """What is seen next, a copy: nobody is hidden in it, and it is not mirrored.

        Args:
            patience_s: seconds to wait for it.

        Returns:
            None where no frame comes.
        """
        asked: Future[View] = Future()
        self._asked.append(asked)
        try:
            return asked.result(patience_s)
        except TimeoutError:
            return None

    def status(self) -> LiveStatus:
        """What was detected in the last seconds, and the history."""
        now = time.monotonic()
        with self._lock:
            delays = [delay for ready, delay in self._done if now - ready <= _RATE_SECONDS]
            status = LiveStatus(
                people=self._people,
                history=tuple(self._history),
                alarms=self._alarms,
                events=tuple(self._events.events()[::-1]),
                doubts=tuple(self._doubts.events()[::-1]),
                began=self._began,
            )
            if not delays:
                return status
            return replace(
                status,
                running=True,
                counts=self._counts,
                frames_per_second=len(delays) / max(now - self._done[0][0], 0.5),
                delay=statistics.median(delays),
                seen=self._sight.seen,
            )
