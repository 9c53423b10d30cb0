"""Writes a camera's people into the history, minute by minute, without holding up its pictures."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from mask_app.history.store import HistoryStore, minute_now
from mask_detector.errors import FileError
from mask_detector.video.people import People

logger = logging.getLogger(__name__)

# One thread for all sessions: SQLite lets one write at a time anyway.
_writer = ThreadPoolExecutor(1, thread_name_prefix="history")


class MinuteRecorder:
    """Counts each person once: in the minute in which they left, or the camera was stopped.

    Args:
        store: where to.
        camera: the camera's name.
        shared: it is a camera of the server, which several viewers may watch at the same time.
        clock: gives the minute since 1970.
    """

    def __init__(
        self,
        store: HistoryStore,
        camera: str,
        shared: bool,
        clock: Callable[[], int] = minute_now,
    ) -> None:
        self.store, self.camera = store, camera
        self._viewer = "" if shared else uuid4().hex
        self._clock = clock
        self._lock = threading.Lock()
        self._written: Counter[str] = Counter()
        self._minute: int | None = None
        self._people: People | None = None
        self._ended: People | None = None

    def take(self, people: People) -> None:
        """Take in the people of a stream after a frame; another object begins a new stream."""
        with self._lock:
            if people is self._ended:  # a last frame that was on its way
                return
            if people is not self._people:
                self._end()
                self._people, self._written = people, Counter(people.gone())
            minute = self._clock()
            if self._minute is None:
                self._minute = minute
            elif minute != self._minute:
                self._write(Counter(people.gone()))
                self._minute = minute

    def end(self) -> None:
        """The stream has ended; may be called more than once."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._people is not None:
            # Other viewers of a shared camera go on, and count those who are in sight later.
            shared = not self._viewer
            self._write(Counter(self._people.gone() if shared else self._people.seen()))
            self._ended = self._people
        self._people, self._minute = None, None

    def _write(self, total: Counter[str]) -> None:
        new = total - self._written
        self._written = total
        assert self._minute is not None
        _writer.submit(_add, self.store, self._minute, self.camera, self._viewer, dict(new))


def wait_until_written(patience_s: float) -> None:
    """Wait until what was recorded so far is in the file.

    Raises:
        TimeoutError: it takes longer.
    """
    _writer.submit(bool).result(patience_s)


def _add(
    store: HistoryStore, minute: int, camera: str, viewer: str, people: dict[str, int]
) -> None:
    try:
        store.add(minute, camera, viewer, people)
    except FileError as error:
        logger.error("%s", error)  # the pictures go on; the page says it when it reads the file
