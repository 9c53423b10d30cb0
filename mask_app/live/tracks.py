"""WebRTC tracks of annotated pictures, from a browser's camera.

A track processes the newest frame of its camera in a thread of its own; frames that arrive in the
meantime replace each other, so that a slow machine shows fewer pictures, never older ones.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from mask_app.live.processing import LiveProcessor
from mask_detector.video.recording import VIDEO_CLOCK, planar

logger = logging.getLogger(__name__)


class AnnotatedTrack(MediaStreamTrack):
    """The annotated pictures that are sent to one browser.

    Whatever delivers the frames calls :meth:`begin`, then :meth:`put`.
    """

    kind = "video"

    def __init__(self, processor: LiveProcessor) -> None:
        super().__init__()
        self._processor = processor
        self._newest: tuple[av.VideoFrame, float] | None = None
        self._changed = asyncio.Event()
        self._next: asyncio.Task[av.VideoFrame] | None = None
        self._server_loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live")

    def begin(self) -> None:
        """Start a stream; called in the event loop."""
        self._processor.begin()
        self._server_loop = asyncio.get_running_loop()

    def put(self, frame: av.VideoFrame) -> None:
        """Take a camera's next frame; called in the event loop."""
        self._newest = frame, time.monotonic()
        self._changed.set()

    async def recv(self) -> av.VideoFrame:
        """The next picture, as soon as there is a frame that was not processed yet.

        The frame after it is processed while the caller encodes this one.

        Raises:
            MediaStreamError: there are no more pictures.
        """
        processing, self._next = self._next or self._process_next(), None
        picture = await processing
        self._next = asyncio.create_task(self._process_next())
        # Nobody awaits the task after the last picture: its error must not be reported as lost.
        self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        return picture

    async def _process_next(self) -> av.VideoFrame:
        await self._changed.wait()
        self._changed.clear()
        if self.readyState != "live" or self._newest is None:
            raise MediaStreamError
        try:
            work = self._thread.submit(self._process, *self._newest)
        except RuntimeError:  # stopped at this very moment
            raise MediaStreamError from None
        return await asyncio.wrap_future(work)

    def _process(self, frame: av.VideoFrame, arrived: float) -> av.VideoFrame:
        image = frame.to_ndarray(format="bgr24")
        try:
            image = self._processor.process(image, arrived)
        except Exception:  # a thread that dies would leave a still picture and no message
            logger.exception("a live frame could not be processed")
            image[:] = 0  # it may show somebody who wants to be blurred
        height, width = image.shape[:2]
        picture = planar(image[: height // 2 * 2, : width // 2 * 2])
        # With the camera's own times, pictures would seem to come through a jittery network,
        # since processing times vary, and browsers would hold them back.
        picture.pts, picture.time_base = round(time.monotonic() / VIDEO_CLOCK), VIDEO_CLOCK
        return picture

    def stop(self) -> None:
        """End the pictures; may be called from any thread, and more than once."""
        if self.readyState == "live":
            super().stop()
            self._thread.shutdown(wait=False)
            self._processor.end()
            if self._server_loop is not None:
                self._server_loop.call_soon_threadsafe(self.end)

    def end(self) -> None:
        """Wake up those who wait for a picture: there are no more; called in the event loop."""
        self._newest = None
        self._changed.set()


class BrowserTrack(AnnotatedTrack):
    """The annotated pictures of a browser's own camera; for WebRTC also the sink of its frames."""

    def __init__(self, processor: LiveProcessor) -> None:
        super().__init__(processor)
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
        """Wake up those who wait, and take no more frames."""
        self._reader.cancel()
        super().end()
