"""The sound of a recorded video, copied or re-encoded into a recording of its pictures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from mask_detector.errors import SourceError
from mask_detector.video import containers
from mask_detector.video.addresses import without_password
from mask_detector.video.timeline import Timeline

logger = logging.getLogger(__name__)

_COPIED_MOV = ("aac", "mp3", "ac3", "eac3", "alac")
_COPIED = (*_COPIED_MOV, "opus")
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_USUAL_RATE = 48_000
_ANSWER_S = 10.0


class Sound:
    """Sound that follows the pictures: copied where the container can hold it, else made AAC.

    Args:
        source: the open video that has it.
        target: the recording, before its first packet.
        start_s: time in the source at which the recording begins.
    """

    def __init__(self, source: InputContainer, target: OutputContainer, start_s: float) -> None:
        self._source, self._target = source, target
        stream = source.streams.audio[0]
        self._input: AudioStream = stream
        self._zero_s = (source.start_time or 0) / av.time_base + start_s
        self._encoder: AudioStream | None = None
        self._packets = self._from_start(start_s)
        # Read before anything is added to the recording: it may fail.
        self._next = next(self._packets, None)
        name = stream.codec_context.codec.canonical_name
        if name in (_COPIED_MOV if target.format.name == "mov" else _COPIED):
            self._output = target.add_stream_from_template(stream)
        else:
            rate = stream.rate if stream.rate in _AAC_RATES else _USUAL_RATE
            layout = "mono" if stream.channels == 1 else "stereo"
            self._encoder = self._output = target.add_stream("aac", rate=rate, layout=layout)

    @classmethod
    def of(
        cls,
        name: str,
        target: OutputContainer,
        start_s: float,
        way: containers.HttpWay = "streamed",
    ) -> Sound | None:
        """The sound of a file or an address, None where it has none; a loss is reported."""
        try:
            source = containers.open_container(name, _ANSWER_S, way)
        except SourceError as error:
            logger.warning("recorded without sound: %s", error)
            return None
        problem: Exception | None = None
        if source.streams.audio:
            try:
                return cls(source, target, start_s)
            except (av.FFmpegError, OSError, ValueError, AttributeError) as error:
                problem = error  # AttributeError: there is no decoder for it, nor its context
        source.close()
        if way == "streamed" and containers.another_way(name, problem) == "fetched":
            return cls.of(name, target, start_s, "fetched")
        if problem:
            logger.warning("%s: recorded without its sound", without_password(name))
        return None

    def write_until(self, time_s: float) -> bool:
        """Write what sounds until ``time_s`` of the recording.

        Returns:
            False where the source cannot be read any further: the sound ends there, closed.
        """
        while (packet := self._next) is not None:
            seconds = self._seconds(packet)
            if seconds is not None and seconds > time_s:
                return True
            if seconds is not None and seconds >= 0:
                self._write(packet, seconds)
            try:
                self._next = next(self._packets, None)
            except (av.FFmpegError, OSError) as error:
                logger.warning("the recording's sound ends early: %s", containers.reason(error))
                self.finish()
                self.close()
                return False
        return True

    def finish(self) -> None:
        """Write what the encoder holds."""
        if self._encoder:
            self._target.mux(self._encoder.encode(None))

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _write(self, packet: Packet, seconds: float) -> None:
        if not self._encoder:
            packet.pts = packet.dts = round(seconds / packet.time_base)
            packet.stream = self._output
            self._target.mux(packet)
            return
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            return  # a damaged packet is silence
        for frame in frames:
            assert isinstance(frame, AudioFrame)
            frame.time_base = Fraction(1, frame.sample_rate)
            frame.pts = round(seconds * frame.sample_rate)
            seconds += frame.samples / frame.sample_rate
            self._target.mux(self._encoder.encode(frame))

    def _seconds(self, packet: Packet) -> float | None:
        if packet.pts is None:
            return None
        return float(packet.pts * packet.time_base) - self._zero_s

    def _from_start(self, start_s: float) -> Iterator[Packet]:
        if start_s and containers.has_index(self._source):
            self._source.seek(round(self._zero_s * av.time_base))
        timeline = Timeline(containers.may_jump(self._source))
        for packet in self._source.demux(self._input):
            timeline.correct(packet)
            yield packet
