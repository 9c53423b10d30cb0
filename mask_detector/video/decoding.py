"""Video files and network streams, decoded by FFmpeg (PyAV)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import av
import numpy as np

from mask_detector.errors import SourceError
from mask_detector.video.addresses import is_address, without_password
from mask_detector.video.captures import FOLDER_RATE, Capture, SourceOptions


class Video(Capture):
    """A video file or a network stream, decoded by FFmpeg."""

    def __init__(self, address: str, options: SourceOptions) -> None:
        self._address = address
        network = is_address(address)
        settings, timeout = {}, None
        if network:
            # Little probing and no reordering buffer: the picture should be now's.
            settings = {"analyzeduration": "2000000", "fflags": "nobuffer"}
            timeout = options.stall
            if urlsplit(address).scheme.startswith("rtsp"):
                settings["rtsp_transport"] = "tcp"
        try:
            self._container = av.open(
                address, options=settings, timeout=timeout, metadata_errors="replace"
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
        if options.start and not self.live:
            with contextlib.suppress(av.FFmpegError):  # what cannot be sought is read through
                self._container.seek(round((options.start + self._zero) * av.time_base))

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """Decoded frames, upright; a damaged packet is left out."""
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
        """Close the file or the connection."""
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
