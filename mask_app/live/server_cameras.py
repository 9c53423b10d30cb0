"""The server's cameras and streams that the administrator lets visitors watch.

However many visitors watch, each camera is opened once, and closed when the last one leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import av
import numpy as np

from mask_app.live.processing import LiveProcessor
from mask_app.live.tracks import AnnotatedTrack
from mask_detector.video.sources import Sources


class SharedCamera:
    """A camera of the server, open while somebody watches it.

    Attributes:
        error: why the last attempt to read it ended, None while it runs.
    """

    def __init__(self, source: str) -> None:
        self.error: str | None = None
        self._source = source
        self._lock = threading.Lock()
        self._watchers: set[Callable[[np.ndarray], None]] = set()
        self._thread: threading.Thread | None = None

    def join(self, watcher: Callable[[np.ndarray], None]) -> None:
        """Pass each new frame (uint8 BGR, shape (H, W, 3)) to ``watcher``, in a thread."""
        with self._lock:
            self._watchers.add(watcher)
            if self._thread is None:
                self.error = None
                self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
                self._thread.start()

    def leave(self, watcher: Callable[[np.ndarray], None]) -> None:
        """Pass no more frames to ``watcher``; may be called more than once."""
        with self._lock:
            self._watchers.discard(watcher)

    def _read(self) -> None:
        with Sources([self._source]) as sources:
            for frames in sources:
                with self._lock:
                    watchers = list(self._watchers)
                    if not watchers:
                        self._thread = None
                        return
                for frame in frames.values():
                    for watcher in watchers:
                        watcher(frame.image)
        with self._lock:
            # The reason may contain an address that visitors need not know.
            self.error = "the camera does not answer"
            self._thread = None


class ServerTrack(AnnotatedTrack):
    """The annotated pictures of a camera of the server."""

    def __init__(self, processor: LiveProcessor, camera: SharedCamera) -> None:
        super().__init__(processor)
        self._camera = camera
        self._joined = False

    async def recv(self) -> av.VideoFrame:
        """The next picture; the first call opens the camera."""
        if not self._joined:
            self._joined = True
            self.begin()
            self._camera.join(self._arrived)
        return await super().recv()

    def _arrived(self, image: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        if self._server_loop is not None and self.readyState == "live":
            self._server_loop.call_soon_threadsafe(self.put, frame)

    def stop(self) -> None:
        """End the pictures; the last visitor who leaves closes the camera."""
        self._camera.leave(self._arrived)
        super().stop()
