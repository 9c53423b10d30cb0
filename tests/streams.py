"""Streams for tests: MJPEG over HTTP from this process, RTSP from the system's GStreamer."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")
PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
SYSTEM_PYTHON = "/usr/bin/python3"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MjpegServer:
    """Serves one picture over and over as an MJPEG stream, as IP cameras do.

    Attributes:
        picture: what is served from now on.
        frozen: connections stay open but nothing comes.
        rate: pictures a second.

    Args:
        before: what stands before each picture, with its length for ``%d``.
    """

    def __init__(
        self, picture: np.ndarray, port: int = 0, rate: int = 40, before: bytes = PART
    ) -> None:
        self.picture, self.rate, self.frozen = picture, rate, False
        self._going = True
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while camera._going:
                        if not camera.frozen:
                            jpeg = cv2.imencode(".jpg", camera.picture)[1].tobytes()
                            head = before.replace(b"%d", str(len(jpeg)).encode())
                            self.wfile.write(head + jpeg + b"\r\n")
                        time.sleep(1 / camera.rate)
                self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://me:secret@127.0.0.1:{self.port}/video"

    def close(self) -> None:
        """Cut every connection and answer no more."""
        self._going = False
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._going:
            self.close()


class RtspServer:
    """The same over RTSP, from GStreamer's server."""

    def __init__(
        self, picture: np.ndarray, port: int = 0, rate: int = 20, transport: str = "any"
    ) -> None:
        self.port = port or free_port()
        check = "import gi; gi.require_version('GstRtspServer', '1.0')"
        if (
            not Path(SYSTEM_PYTHON).exists()
            or subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True).returncode
        ):
            pytest.skip(
                "needs GStreamer's RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 "
                "python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
                "gstreamer1.0-plugins-ugly"
            )
        self._folder = tempfile.TemporaryDirectory()
        shown = Path(self._folder.name) / "picture.jpg"
        cv2.imwrite(str(shown), picture)
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, RTSP_SERVER, str(self.port), shown, str(rate), transport],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        with self._process.stdout as output:
            if "ready" not in output.readline():
                raise RuntimeError("the RTSP server did not start")

    @property
    def address(self) -> str:
        return f"rtsp://me:secret@127.0.0.1:{self.port}/door"

    def close(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
