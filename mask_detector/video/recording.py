"""Record pictures into a video file that browsers and phones play, with a file's own sound.

    with Recording("out.mp4", rate=25, sound_of="talk.mp4") as recording:
        recording.write(image, time_s)

H.264 where FFmpeg has an encoder for it, else MPEG-4. While it grows, the file is a fragmented
MP4, playable up to its last second even after a crash or a power cut, and it is not there before
its first second is whole; closing it makes it an ordinary MP4. Encoding runs in a thread of its
own behind a short queue.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from mask_detector.errors import UserFacingError
from mask_detector.files import LateFile
from mask_detector.video.sound import Sound

RECORDING_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")

VIDEO_CLOCK = Fraction(1, 90_000)
"""Seconds in which MPEG and RTP count a video's time: every usual frame rate divides it."""

WAITING_PICTURES = 4
"""Pictures that may wait to be encoded; then `write` waits."""

_ENCODERS = ("libx264", "h264_videotoolbox", "libopenh264", "mpeg4")
_KEYFRAME_S = 1.0
_QUALITY: dict[str, dict[str, object]] = {
    "libx264": {"preset": "veryfast", "crf": "23"},
    "mpeg4": {"qscale": "4"},
}
# What begins a fragment of an MP4 and a cluster of a Matroska file: from there on it is playable.
_FIRST_FRAGMENT = {".mkv": b"\x1f\x43\xb6\x75"}
_FIRST_MP4_FRAGMENT = b"moof"
_FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


class Recording:
    """A video file being written.

    The first picture fixes the size; later ones of another size are fitted into it with bars.

    Args:
        path: its ending chooses the container, one of ``RECORDING_SUFFIXES``.
        rate: frames per second, roughly: pictures carry their own times.
        sound_of: a recorded video, a file or an address, whose sound is copied, shifted and cut
            as the pictures are; anything else has none.
        split_s: seconds after which a new file is begun, ``out_001.mp4``, ``out_002.mp4``, …;
            None writes one file.

    Attributes:
        sound_of: may be set to None until the first picture has come.

    Raises:
        UserFacingError: the file cannot be written, at once or later.
    """

    def __init__(
        self,
        path: str | Path,
        rate: float | None = None,
        sound_of: str | Path | None = None,
        split_s: float | None = None,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in RECORDING_SUFFIXES:
            raise UserFacingError(
                f"{path}: a recording's name ends in {', '.join(RECORDING_SUFFIXES)}"
            )
        self._split_s, self._parts = split_s, 0
        self._check_writable(self.path if split_s is None else part_path(self.path, 1))
        self._rate = rate or 25.0
        self.sound_of = sound_of
        self._waiting: queue.Queue[tuple[np.ndarray, float] | None] = queue.Queue(WAITING_PICTURES)
        self._error: UserFacingError | None = None
        self._thread = threading.Thread(target=self._encode_all, name="record", daemon=True)
        self._thread.start()

    def write(self, image: np.ndarray, time_s: float) -> None:
        """Hand over a picture (uint8 BGR, not changed from now on) shown from ``time_s`` on."""
        if self._error:
            raise self._error
        self._waiting.put((image, time_s))

    def close(self) -> None:
        """Encode what waits and finish the file."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        if self._error:
            raise self._error

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @staticmethod
    def _check_writable(path: Path) -> None:
        is_new = not path.exists()
        try:
            path.open("ab").close()  # an older recording stays until a second was recorded
            if is_new:
                path.unlink()
        except OSError as error:
            raise UserFacingError(f"{path}: cannot write there ({error.strerror})") from None

    def _encode_all(self) -> None:
        file: _File | None = None
        while (item := self._waiting.get()) is not None:
            if self._error:
                continue  # keep taking, so that nobody waits for a full queue
            try:
                if file and self._split_s and item[1] - file.start_s >= self._split_s:
                    file.finish()
                    file = None
                if file is None:
                    file = _File(self._next_path(), *item, self._rate, self.sound_of)
                file.write(*item)
            except Exception as error:  # if this thread died, `write` would wait forever
                self._error = self._explained(error)
        try:
            if file and not self._error:
                file.finish()
        except Exception as error:
            self._error = self._explained(error)
        if file and self._error:
            file.abandon()

    def _next_path(self) -> Path:
        self._parts += 1
        return self.path if self._split_s is None else part_path(self.path, self._parts)

    def _explained(self, error: Exception) -> UserFacingError:
        if isinstance(error, UserFacingError):
            return error
        reason = getattr(error, "strerror", None) or repr(error)
        return UserFacingError(f"{self.path}: recording failed ({reason})")


def part_path(path: Path, number: int) -> Path:
    """The file of a split recording's part, counted from 1: ``out_001.mp4``."""
    return path.with_name(f"{path.stem}_{number:03d}{path.suffix}")


def is_part(path: Path, recording: Path) -> bool:
    """Whether a split recording may write to ``path``."""
    pattern = rf"{re.escape(recording.stem)}_\d{{3,}}{re.escape(recording.suffix)}"
    same_folder = path.resolve().parent == recording.resolve().parent
    return same_folder and re.fullmatch(pattern, path.name) is not None


class _File:
    """The container, its picture stream and its sound; used only by the recording's thread."""

    def __init__(
        self, path: Path, first: np.ndarray, first_s: float, rate: float, sound_of: Any
    ) -> None:
        self.start_s, self._last = first_s, -1
        # H.264 halves the colour's resolution: sides must be even.
        self._size = max(2, first.shape[1] // 2 * 2), max(2, first.shape[0] // 2 * 2)
        suffix = path.suffix.lower()
        self._file = LateFile(path)
        self._fragment = _FIRST_FRAGMENT.get(suffix, _FIRST_MP4_FRAGMENT)
        options = {"flush_packets": "1"}
        if suffix == ".mkv":
            options["cluster_time_limit"] = str(round(1e3 * _KEYFRAME_S))
        else:
            fragment_us = str(round(1e6 * _KEYFRAME_S))
            options |= {"movflags": "hybrid_fragmented", "frag_duration": fragment_us}
        self._container = av.open(self._file, "w", format=_FORMATS[suffix], options=options)
        name = next(name for name in _ENCODERS if name in av.codecs_available)
        stream = self._container.add_stream(name, rate=Fraction(rate).limit_denominator(1001))
        self._stream = cast(VideoStream, stream)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = dict(_QUALITY.get(name, {}))
        self._stream.codec_context.time_base = VIDEO_CLOCK
        # Pictures out of order would need an edit list, which a growing MP4 cannot have.
        self._stream.codec_context.max_b_frames = 0
        self._stream.codec_context.gop_size = max(1, round(rate * _KEYFRAME_S))
        self._sound = Sound.of(str(sound_of), self._container, first_s) if sound_of else None

    def write(self, image: np.ndarray, time_s: float) -> None:
        frame = planar(fitted(image, *self._size))
        # Times must grow: two pictures of the same time lie one tick apart.
        self._last = max(self._last + 1, round((time_s - self.start_s) / VIDEO_CLOCK))
        frame.pts, frame.time_base = self._last, VIDEO_CLOCK
        self._container.mux(self._stream.encode(frame))
        if self._sound and not self._sound.write_until(time_s - self.start_s):
            self._sound = None
        self._file.appear_with(self._fragment)

    def finish(self) -> None:
        """Encode what waits, write the index, put the file in its place."""
        self._container.mux(self._stream.encode(None))
        if self._sound:
            self._sound.finish()
            self._sound.close()
        self._container.close()
        self._file.close()

    def abandon(self) -> None:
        """Let go of what could not be finished."""
        if self._sound:
            self._sound.close()
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        self._file.abandon()


def planar(image: np.ndarray) -> av.VideoFrame:
    """A picture (uint8 BGR, both sides even) in the format that video encoders take, yuv420p.

    FFmpeg would start threads of its own for each picture to do the same.
    """
    height, width = image.shape[:2]
    planes = np.empty((height * 3 // 2, width), np.uint8)
    cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420, dst=planes)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def fitted(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture made to fill that size, its proportions kept, black bars where it cannot."""
    if image.shape[:2] == (height, width):
        return image
    old_height, old_width = image.shape[:2]
    scale = min(width / old_width, height / old_height)
    new_width, new_height = max(1, round(old_width * scale)), max(1, round(old_height * scale))
    if abs(old_width - width) <= 1 and abs(old_height - height) <= 1:
        new_width, new_height = width, height  # a codec's even sides need no bars
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - new_width) // 2, (height - new_height) // 2
    canvas[top : top + new_height, left : left + new_width] = cv2.resize(
        image, (new_width, new_height), interpolation=method
    )
    return canvas
