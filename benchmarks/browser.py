"""The app and a Chromium whose camera plays a file, for benchmarks and tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
MEMORY = {"MALLOC_ARENA_MAX": "2"}
"""As `make app`, the container and the service set it: glibc otherwise keeps the freed memory of
each thread that ever ran, and every start of the camera brings new ones."""

_START_TIMEOUT_S = 300

_QUIET_BROWSER = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # A container has little shared memory, and root may not have Chromium's own sandbox.
    "--disable-dev-shm-usage",
    "--no-sandbox",
)


def chromium() -> str | None:
    """The Chromium or Chrome of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class App:
    """A running app.

    Attributes:
        temporary: where its temporary files go.
        log: its output so far.
        started: when, by ``time.monotonic()``.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        port: int,
        temporary: Path,
        log: Path,
        started: float,
    ) -> None:
        self.process = process
        self.url = f"http://localhost:{port}"
        self.temporary = temporary
        self.log = log
        self.started = started

    def threads(self) -> int:
        """Number of its threads now; Linux only."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def memory_mib(self) -> float:
        """Its resident memory now; Linux only."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def running_app(folder_of_app: Path = REPOSITORY, **environment: str) -> Iterator[App]:
    """The app, started as README says, with temporary files of its own.

    Args:
        folder_of_app: where ``app.py`` is: another one than this app may be started to compare.
        environment: variables to set.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="app_test_") as folder:
        log = Path(folder) / "log.txt"
        temporary = Path(folder) / "tmp"
        temporary.mkdir()
        started = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
                cwd=folder_of_app,
                env={**os.environ, **MEMORY, "TMPDIR": str(temporary), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for(f"http://localhost:{port}/_stcore/health", process, log)
            yield App(process, port, temporary, log, started)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text()}")


@contextlib.contextmanager
def _running_playwright() -> Iterator[Any]:
    """Playwright, which cannot be started twice in a thread: the one that runs, if any."""
    from playwright.sync_api import sync_playwright

    if _playwright:
        yield _playwright[0]
        return
    with sync_playwright() as started:
        _playwright.append(started)
        try:
            yield started
        finally:
            _playwright.clear()


_playwright: list[Any] = []


@contextlib.contextmanager
def running_browser(camera: Path | None = None) -> Iterator[Any]:
    """Headless Chromium; ``camera`` is the .y4m or .mjpeg file that its camera plays forever."""
    flags = list(_QUIET_BROWSER)
    if camera is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ]
    with _running_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        try:
            yield browser
        finally:
            browser.close()


def camera_file(video: Path, path: Path, filters: str = "fps=25,scale=640:480") -> Path:
    """A video made into what Chromium's fake camera plays."""
    words = f"ffmpeg -y -loglevel error -i IN -vf {filters} -pix_fmt yuv420p -f yuv4mpegpipe OUT"
    places = {"IN": str(video), "OUT": str(path)}
    subprocess.run([places.get(word, word) for word in words.split()], check=True)
    return path
