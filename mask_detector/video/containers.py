"""Opens video files and addresses with FFmpeg (PyAV): the one place that knows its options.

with open_container("talk.mp4") as container:
    stream = video_stream(container)
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition
from av.video.stream import VideoStream

from mask_detector.errors import SourceError
from mask_detector.video.addresses import is_address, local_path, without_password
from mask_detector.video.fetching import TemporaryVideo, fetch

HttpWay = Literal["streamed", "searched", "fetched"]
"""How what an HTTP address gives is read: as it comes; as JPEGs, wherever they begin, since cameras
write headers between them that FFmpeg refuses ("Content-Type: image/jpg"); or downloaded first,
since a server gives no part of a file whose index is at its end."""

_HIGHEST_RATE = 1000.0
_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails
_PLAYLISTS = ("hls", "dash")
_MJPEG_ENDINGS = (".mjpeg", ".mjpg")
_MJPEG_STREAMS = ("mpjpeg", "mjpeg")


def open_container(
    source: str, stall_s: float | None = None, way: HttpWay = "streamed"
) -> InputContainer:
    """Open a file by its name, whatever is in it, or an address.

    Args:
        stall_s: seconds without an answer after which reading from an address fails.
        way: how what an HTTP address gives is read.

    Raises:
        SourceError: there is no such file, no answer, or FFmpeg does not know what it is.
    """
    if not is_address(source):
        return _opened_file(source, local_path(source))
    # Little probing: a live picture should come soon, and a slow camera within the time limit.
    options = {"analyzeduration": "2000000", "fpsprobesize": "0"}
    scheme = urlsplit(source).scheme.lower()
    if scheme == "rtsp":
        options["rtsp_flags"] = "prefer_tcp"  # and UDP where a camera refuses TCP
    if scheme not in ("http", "https"):
        return _opened(source, source, options, stall_s)
    if way == "fetched":
        return _opened(source, fetch(source, stall_s))
    # What is recorded is read on where a connection broke; a stream is not.
    options |= {"reconnect": "1", "reconnect_delay_max": "5"}
    if way == "searched":
        # One JPEG is enough to know all about the stream.
        options["probesize"] = "32"
        container = _opened(source, source, options, stall_s, format="mjpeg")
        if container.streams.video[0].width:
            return container
        container.close()
        raise SourceError(f"{without_password(source)}: there is no JPEG in this stream")
    try:
        container = _opened(source, source, options, stall_s)
    except SourceError as error:
        other = another_way(source, error.__cause__)
        if other is None:
            raise
        try:
            return open_container(source, stall_s, other)
        except SourceError:
            if other == "fetched":
                raise
            raise error from None  # which says more than that there is no JPEG
    if is_picture(container) and _is_mjpeg_file(source):
        container.close()
        return open_container(source, stall_s, "searched")
    return container


def another_way(source: str, error: BaseException | None) -> HttpWay | None:
    """How an address can be read where reading it as it comes failed; None for no other way."""
    if urlsplit(source).scheme.lower() not in ("http", "https"):
        return None
    if isinstance(error, av.InvalidDataError | FileNotFoundError):
        return "searched"
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return "fetched"
    return None


def _opened_file(source: str, path: str) -> InputContainer:
    format = "mjpeg" if _is_mjpeg_file(path) else None
    try:
        # With "file:" before it a name is never taken for a protocol: 2021-05-02T12:30:00.mp4.
        return _opened(source, f"file:{path}", format=format)
    except SourceError as error:
        if isinstance(error.__cause__, av.InvalidDataError) and _is_mp4(path):
            problem = "its index is missing, it was cut off or is still being written"
            raise SourceError(f"{source}: {problem}") from None
        raise


def _opened(
    source: str,
    name: str | TemporaryVideo,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
    format: str | None = None,
) -> InputContainer:
    try:
        container = av.open(
            name, format=format, options=options, timeout=timeout, metadata_errors="replace"
        )
        return cast(InputContainer, container)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(f"{without_password(source)}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why FFmpeg failed, without the address, which may hold a password."""
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, av.InvalidDataError):
        return "this is no video, or a damaged one"
    return getattr(error, "strerror", None) or type(error).__name__


def video_stream(container: InputContainer) -> VideoStream | None:
    """The first video, pictures that belong to a song or a film left out; None for no video."""
    for stream in container.streams.video:
        if not stream.disposition & _PICTURES:
            return stream
    return None


def is_live(source: str, container: InputContainer) -> bool:
    """Whether frames come as they are taken, without an end; files of unknown length have one."""
    if not is_address(source):
        return False
    if is_picture(container):
        return True
    if container.format.name == "mjpeg" and container.size > 0 and _is_mjpeg_file(source):
        return False
    name = container.format.name
    # A server that tells a size sends a file, but for the size of a playlist, and cameras that
    # promise a size for what never ends.
    has_size = container.size > 0 and name not in (*_PLAYLISTS, *_MJPEG_STREAMS)
    return not container.duration and not has_size


def _is_mp4(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _is_mjpeg_file(source: str) -> bool:
    """Whether the name is that of JPEGs one after the other, which FFmpeg takes for one photo."""
    path = urlsplit(source).path if is_address(source) else source
    return path.lower().endswith(_MJPEG_ENDINGS)


def is_picture(container: InputContainer) -> bool:
    """Whether FFmpeg takes it for a single picture."""
    return container.format.name.endswith("_pipe") or container.format.name == "image2"


def has_timestamps(container: InputContainer) -> bool:
    """Whether packets carry times: those of raw video (.h264) do not."""
    return not _has_flag(container, Flags.no_timestamps)


def may_jump(container: InputContainer) -> bool:
    """Whether timestamps may start again or jump within the file, as in MPEG streams."""
    return _has_flag(container, Flags.ts_discont)


def has_index(container: InputContainer) -> bool:
    """Whether seeking and the duration can be relied on, since the file holds an index."""
    return not _has_flag(container, Flags.no_timestamps | Flags.ts_discont | Flags.generic_index)


def _has_flag(container: InputContainer, flag: Flags) -> bool:
    return bool(container.format.flags & cast(int, flag.value))


def frame_rate(container: InputContainer, stream: VideoStream) -> float | None:
    """Frames per second, None where nothing plausible is known."""
    rates: tuple[Any, ...] = stream.average_rate, stream.guessed_rate
    if not has_timestamps(container):
        rates = rates[::-1]  # FFmpeg calls the average 25 whatever the video itself says
    plausible = (float(each) for each in rates if each and 0 < each < _HIGHEST_RATE)
    return next(plausible, None)
