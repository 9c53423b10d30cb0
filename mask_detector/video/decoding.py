"""Video files and network streams, decoded by FFmpeg (PyAV): upright frames of square pixels."""

from __future__ import annotations

import errno
import itertools
import logging
import math
import time
from collections.abc import Iterator

import av
import numpy as np
from av.packet import Packet
from av.video.reformatter import VideoReformatter

from mask_detector.errors import SourceError
from mask_detector.video import containers
from mask_detector.video.addresses import is_address, without_password
from mask_detector.video.captures import FOLDER_RATE, Capture, SourceOptions
from mask_detector.video.orientation import display_matrix, square_pixels, upright
from mask_detector.video.timeline import Timeline
from mask_detector.wording import number_of

logger = logging.getLogger(__name__)

POLL_S = 0.2
"""Least time between two requests to a camera's one-picture address."""

_SAME_TIME_S = 1e-3
_CUT_OFF_S = 0.5  # a video may end by so much before the file's length says
_LONGEST_GROUP = 1000  # packets from one keyframe to the next that may wait undecoded


class Video(Capture):
    """A video file or a network stream.

    Args:
        address: a file's name or an address.
        options: ``start`` and ``stall`` matter here.

    Raises:
        SourceError: it cannot be opened, or there is no video in it.
    """

    def __init__(self, address: str, options: SourceOptions) -> None:
        self._address, self._options = address, options
        self._name = without_password(address)
        self._open()
        self.rate = containers.frame_rate(self._container, self._stream)
        if not self.live and self._container.duration:
            self.length_s = self._container.duration / av.time_base

    def _open(self, way: containers.HttpWay = "streamed") -> None:
        self._opened_at, self._way = time.monotonic(), way
        self._container = containers.open_container(self._address, self._options.stall, way)
        stream = containers.video_stream(self._container)
        problem = None
        if stream is None:
            problem = "there is no video in this"
        elif containers.is_picture(self._container) and not is_address(self._address):
            problem = "this is a photo: use detect_mask_image.py, or name a folder of frames"
        if stream is None or problem:
            self._container.close()
            raise SourceError(f"{self._name}: {problem}")
        self._stream = stream
        self.live = containers.is_live(self._address, self._container)
        # Threads that decode several frames at once would hold a live picture back.
        stream.thread_type = "SLICE" if self.live else "AUTO"
        if self._options.max_megapixels:
            most = round(self._options.max_megapixels * 1e6)
            stream.codec_context.options = {"max_pixels": str(most)}
        start = self._container.start_time
        # Time of the file's start; where it is not known, that of its first packet.
        self._zero_s = None if start is None else start / av.time_base
        self._timeline = Timeline(jumps=containers.may_jump(self._container))
        self._skipped = 0  # packets before ``start`` that were not decoded
        self._lost = 0  # packets that could not be decoded
        self._cut_off = False  # the file ends within a packet
        self._shown_s = 0.0  # time of the last frame
        self._others_end_s = 0.0  # where the other streams end so far, in the file's timestamps

    def frames(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """Decoded frames; a recorded video begins at ``start`` or less than a second before.

        What is missing is reported: damaged frames that were left out as a warning, a file that
        ends too early as an error once its frames have been given.
        """
        try:
            count = 0
            for frame in self._read_somehow():
                count += 1
                yield frame
            if count == 1 and self._is_picture_address():
                yield from self._poll()
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self._name}: {containers.reason(error)}") from None
        if self.live:
            raise SourceError(f"{self._name}: the stream ended")
        if self._lost:
            logger.warning("%s: %s left out", self._name, number_of(self._lost, "damaged frame"))
        if not count:
            raise SourceError(f"{self._name}: no frame of it can be read")
        self._check_whole()

    def close(self) -> None:
        """Close the file or the connection."""
        self._container.close()

    def _read(self) -> Iterator[tuple[float | None, np.ndarray]]:
        number, last_s, matrix = 0, 0.0, None
        converter = VideoReformatter()  # one for all: each starts threads of its own
        for packet in self._packets_from_start():
            try:
                decoded = packet.decode()
            except av.InvalidDataError:
                # Also where a frame has more pixels than FFmpeg was told to accept.
                self._options.check_size(self._name, self._stream.width * self._stream.height)
                self._lost += 1  # the next are usually whole
                continue
            except av.FFmpegError as error:
                if error.errno == errno.EINVAL:  # so do other decoders, which forget the size
                    self._options.check_size(self._name, math.inf)
                raise
            for frame in decoded:
                self._options.check_size(self._name, frame.width * frame.height)
                if number == 0:
                    matrix = display_matrix(frame)
                image = converter.reformat(frame, format="bgr24").to_ndarray()
                image = upright(square_pixels(image, self._stream), matrix)
                last_s = max(last_s, self._time(frame, self._skipped + number))
                number, self._shown_s = number + 1, last_s
                yield None if self.live else last_s, image

    def _read_somehow(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """Frames, read in another way where an address gives none in the first."""
        given = False
        try:
            for frame in self._read():
                given = True
                yield frame
            return
        except (av.FFmpegError, OSError) as error:
            way = containers.another_way(self._address, error)
            is_mjpeg = self._container.format.name == "mpjpeg"
            if given or way is None or (way == "searched") != is_mjpeg:
                raise
        self._container.close()
        self._open(way)
        yield from self._read()

    def _poll(self) -> Iterator[tuple[float | None, np.ndarray]]:
        """Ask for a camera's picture again and again."""
        came = True
        while came:
            time.sleep(max(0.0, self._opened_at + POLL_S - time.monotonic()))
            self._container.close()
            self._open()
            came = False
            for frame in self._read():
                came = True
                yield frame

    def _time(self, frame: av.VideoFrame, number: int) -> float:
        """Seconds from the start of the file."""
        if frame.time is None or not containers.has_timestamps(self._container):
            return number / (self.rate or FOLDER_RATE)
        return max(0.0, frame.time - (self._zero_s or 0.0))

    # Where to begin -----------------------------------------------------------------------------

    def _packets_from_start(self) -> Iterator[Packet]:
        """The video's packets from the last keyframe that is not later than ``start``."""
        start_s = 0.0 if self.live else self._options.start
        if not start_s:
            return self._packets()
        if containers.has_index(self._container):
            if packets := self._sought(start_s):
                return packets
            self._container.close()
            self._open(self._way)
        return self._read_through(start_s)

    def _sought(self, start_s: float) -> Iterator[Packet] | None:
        """The packets after seeking, None where that failed or landed too late."""
        self._zero_s = self._zero_s or 0.0
        try:
            self._container.seek(round((start_s + self._zero_s) * av.time_base))
            packets = self._packets()
            first = next(packets, None)
        except (av.FFmpegError, OSError):
            return None
        if first is None or self._seconds(first) > start_s + _SAME_TIME_S:
            return None
        return itertools.chain([first], packets)

    def _read_through(self, start_s: float) -> Iterator[Packet]:
        """Read from the beginning, and decode only what ``start_s`` needs."""
        packets = self._packets()
        group: list[Packet] = []
        for number, packet in enumerate(packets):
            seconds = self._seconds(packet, number)
            if packet.is_keyframe and seconds <= start_s:
                self._skipped += len(group)
                group = []
            group.append(packet)
            if seconds > start_s or len(group) > _LONGEST_GROUP or not packet.size:
                break
        yield from group
        yield from packets

    def _seconds(self, packet: Packet, number: int = 0) -> float:
        """A packet's place in the file; that of a flushing packet, which has none, is the end."""
        if not packet.size:
            return float("inf")
        if not containers.has_timestamps(self._container):
            return number / (self.rate or FOLDER_RATE)
        ticks = packet.dts if packet.pts is None else packet.pts
        return float((ticks or 0) * packet.time_base) - (self._zero_s or 0.0)

    def _packets(self) -> Iterator[Packet]:
        """The video's packets, timestamps corrected, noting where the file's streams end."""
        for packet in self._container.demux():
            is_video = packet.stream is self._stream
            if is_video:
                if self._zero_s is None and packet.pts is not None:
                    self._zero_s = float(packet.pts * packet.time_base)
                self._timeline.correct(packet)
            elif packet.pts is not None and not packet.is_corrupt:
                end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self._others_end_s = max(self._others_end_s, end_s)
            self._cut_off = packet.is_corrupt if packet.size else self._cut_off
            if is_video:
                yield packet

    # What is missing ----------------------------------------------------------------------------

    def _check_whole(self) -> None:
        """Raise SourceError where the file ends earlier than its own index says."""
        if not containers.has_index(self._container):
            return  # its duration is FFmpeg's estimate
        stream, zero_s = self._stream, self._zero_s or 0.0
        end_s, length_s = self._timeline.end_s or 0.0, self.length_s or 0.0
        if stream.duration and stream.time_base:  # the video's own: others may go on for longer
            end_s -= zero_s
            length_s = (
                float(((stream.start_time or 0) + stream.duration) * stream.time_base) - zero_s
            )
        elif self._options.start and self._container.streams.subtitles:
            length_s = 0.0  # one that is shown to the end may lie before what was read
        else:  # the file's, which counts from its start or from 0
            end_s = max(end_s, self._others_end_s)
        if self._cut_off or end_s < length_s - _CUT_OFF_S:
            whole = f" of {length_s:.2f}" if length_s > self._shown_s + _CUT_OFF_S else ""
            shown = f"{self._shown_s:.2f}{whole} s"
            raise SourceError(f"{self._name}: the file is cut off, it ends at {shown}")

    def _is_picture_address(self) -> bool:
        name = self._container.format.name
        return self.live and (containers.is_picture(self._container) or name == "mjpeg")
