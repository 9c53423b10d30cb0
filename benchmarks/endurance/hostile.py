"""Streams that send what no camera should: each ends in a sentence, or goes on, in bounded memory.

The servers speak HTTP; the video script reads them with short limits, and its peak memory is what
Linux counts for the process.
"""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import cv2
import numpy as np

from benchmarks.endurance import EXAMPLES, REPOSITORY, Deadline, Row, environment

MEMORY_MIB = 700
"""The bound; reading an ordinary stream takes 200 to 300 MiB."""

BYTES_PER_S = 125e6
"""1 Gbit/s: FFmpeg keeps an unfinished picture until --stall ends it, so memory grows with it."""

SECONDS = 12
"""How long a stream that gives frames is read; a limit of the script's own ends the others."""

LIMIT_S = 120
"""Longer is a hang."""

_OK = b"HTTP/1.1 200 OK\r\n"
MJPEG_HEADER = _OK + b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def _jpeg(width: int, height: int) -> bytes:
    photo = cv2.imread(str(EXAMPLES / "example_02.jpg"))
    assert photo is not None
    return cv2.imencode(".jpg", cv2.resize(photo, (width, height)))[1].tobytes()


def jpeg_part(jpeg: bytes, length: int | None = None) -> bytes:
    """A picture as a part of an MJPEG stream, with its length or a wrong one."""
    size = len(jpeg) if length is None else length
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"


def _for_ever(piece: bytes, pause: float = 0) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(pause)


def _endless_header() -> Iterator[bytes]:
    yield _OK
    yield from _for_ever(b"X-Filler: " + b"a" * 8000 + b"\r\n")


def _endless_header_line() -> Iterator[bytes]:
    yield _OK + b"X-Filler: "
    yield from _for_ever(b"a" * 8000)


def _endless_part_header() -> Iterator[bytes]:
    yield MJPEG_HEADER + b"--frame\r\n"
    yield from _for_ever(b"X-Filler: " + b"a" * 8000 + b"\r\n")


def _dripping_header() -> Iterator[bytes]:
    yield _OK + b"X-Filler: "
    yield from _for_ever(b"a", 0.2)


def _garbage() -> Iterator[bytes]:
    yield MJPEG_HEADER
    rng = np.random.default_rng(0)
    while True:
        yield rng.bytes(1 << 16)


def _garbage_as_video() -> Iterator[bytes]:
    yield _OK + b"Content-Type: video/mp4\r\n\r\n"
    rng = np.random.default_rng(0)
    while True:
        yield rng.bytes(1 << 16)


def _endless_picture() -> Iterator[bytes]:
    yield MJPEG_HEADER + jpeg_part(_jpeg(640, 480)[:-2], 1 << 40)[:-2]
    yield from _for_ever(bytes(1 << 16))


def _sizes_change() -> Iterator[bytes]:
    yield MJPEG_HEADER
    sizes = ((320, 240), (64, 48), (1920, 1080), (16, 16), (240, 320), (3840, 2160))
    parts = [jpeg_part(_jpeg(*size)) for size in sizes]
    while True:
        for part in parts:
            yield part
            time.sleep(0.05)


def _truncated_pictures() -> Iterator[bytes]:
    yield MJPEG_HEADER
    jpeg = _jpeg(640, 480)
    yield from _for_ever(jpeg_part(jpeg[: len(jpeg) // 3]) + jpeg_part(jpeg[:20]), 0.02)


def _stalls() -> Iterator[bytes]:
    yield MJPEG_HEADER
    part = jpeg_part(_jpeg(320, 240))
    for _ in range(10):
        yield part
        time.sleep(0.05)
    time.sleep(3600)


def _silence() -> Iterator[bytes]:
    time.sleep(3600)
    yield b""


def _redirects() -> Iterator[bytes]:
    yield b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"


def _cuts() -> Iterator[bytes]:
    yield MJPEG_HEADER + jpeg_part(_jpeg(320, 240)) * 3


STREAMS: dict[str, Callable[[], Iterator[bytes]]] = {
    "headers without an end": _endless_header,
    "a header line without an end": _endless_header_line,
    "a part's header without an end": _endless_part_header,
    "a header that drips": _dripping_header,
    "random bytes as MJPEG": _garbage,
    "random bytes as MP4": _garbage_as_video,
    "a picture without an end": _endless_picture,
    "another size each frame, 16×16 to 3840×2160": _sizes_change,
    "pictures that are cut off": _truncated_pictures,
    "silence after ten frames": _stalls,
    "silence from the start": _silence,
    "redirections in a circle": _redirects,
    "cut after three frames, again and again": _cuts,
}


@contextmanager
def serve(stream: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """A server that answers every request with a stream; gives its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(65536)
                free_at = time.monotonic()
                for piece in stream():
                    self.request.sendall(piece)
                    # What was not sent in time is not caught up with.
                    free_at = max(free_at + len(piece) / BYTES_PER_S, time.monotonic() - 0.1)
                    time.sleep(max(0.0, free_at - time.monotonic()))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
        server.shutdown()


def read_stream(address: str) -> tuple[str, float]:
    """Let the video script read a stream; how that ended, in words, and its peak MiB."""
    command = [sys.executable, str(REPOSITORY / "detect_mask_video.py"), "--source", address]
    command += ["--detector", "yunet", "--no-display", "--json", os.devnull]
    command += ["--give-up", "3", "--stall", "2"]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        stop = threading.Timer(SECONDS, process.terminate)  # SIGTERM: files are finished
        kill = threading.Timer(LIMIT_S, process.kill)
        stop.start()
        kill.start()
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stop.cancel()
        kill.cancel()
    peak = usage.ru_maxrss / 1024
    if process.returncode == -9:
        return f"did not end within {LIMIT_S} s", peak
    if process.returncode < 0 or "Traceback" in errors:
        return f"ended with {process.returncode}: {errors.strip()[-200:]}", peak
    return "", peak


def hostile_streams(deadline: Deadline, rounds: int) -> list[Row]:
    """Read each stream up to ``rounds`` times."""
    rows = {name: Row(f"stream: {name}") for name in STREAMS}
    peaks = dict.fromkeys(STREAMS, 0.0)
    for _ in range(rounds):
        for name, stream in STREAMS.items():
            if not deadline.left:
                break
            with serve(stream) as address:
                fault, peak = read_stream(address)
            peaks[name] = max(peaks[name], peak)
            rows[name].tried += 1
            if peak > MEMORY_MIB:
                fault = fault or f"took {peak:.0f} MiB"
            rows[name].faults += [fault] if fault else []
    for name, row in rows.items():
        row.outcome = f"at most {peaks[name]:.0f} MiB"
    return [row for row in rows.values() if row.tried]
