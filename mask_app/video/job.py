"""One uploaded video, processed by the video script in a process of its own.

A process keeps one visitor's long video from holding up the pages of the others, can be
cancelled at any time, and ends nothing else if a damaged file should crash a decoder.
Independent of Streamlit.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from mask_app.config import Limits
from mask_app.settings import Settings
from mask_detector.command_line import FAILED
from mask_detector.errors import SourceError
from mask_detector.video import containers
from mask_detector.video.captures import FOLDER_RATE

REPOSITORY = Path(__file__).resolve().parents[2]
# A playlist that is named like a video would make FFmpeg open other files or addresses.
_CONTAINERS = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,m4v"}
_NICENESS = 10
_LONGEST_FACTOR = 30  # times its own duration; a video that takes longer is given up
_LEAST_LIMIT_S = 300


@dataclass(frozen=True)
class VideoFacts:
    """What is known of a video before it is processed.

    Attributes:
        width: in pixels, of the first frames.
        height: in pixels, of the first frames.
        seconds: duration; 0 where the file does not say.
        frames: how many there should be.
    """

    width: int
    height: int
    seconds: float
    frames: int


def check_video(path: Path, limits: Limits) -> VideoFacts:
    """Read what an uploaded video is, and refuse what is too much.

    Args:
        path: the file.
        limits: the administrator's.

    Raises:
        SourceError: it is not a video, too long or too large.
    """
    try:
        with av.open(str(path), options=_CONTAINERS, metadata_errors="replace") as container:
            stream = containers.video_stream(container)
            if stream is None:
                raise SourceError("there is no video in this file")
            seconds = (container.duration or 0) / av.time_base
            rate = containers.frame_rate(container, stream) or FOLDER_RATE
            width, height = stream.width, stream.height
    except (av.FFmpegError, OSError, ValueError):
        raise SourceError("this is not a video, or it is damaged") from None
    if width * height > limits.video_megapixels * 1_000_000:
        raise SourceError(
            f"{width} x {height} is too large a picture, "
            f"at most {limits.video_megapixels} megapixels are accepted"
        )
    if seconds > limits.video_minutes * 60:
        raise SourceError(
            f"the video is {seconds / 60:.0f} minutes long, "
            f"at most {limits.video_minutes} are accepted"
        )
    return VideoFacts(width, height, seconds, round(seconds * rate))


class VideoJob:
    """A run of the video script on one file.

    Attributes:
        facts: of the video.
        output: the annotated video.
        records: JSON lines, one per frame; grows while the job runs.
        table: CSV, one row per face.
        error: why there is no result, None where there is one or will be.
        warning: why the result is only of a part of the video, None where it is of all.
    """

    def __init__(
        self,
        video: Path,
        folder: Path,
        facts: VideoFacts,
        limits: Limits,
        settings: Settings,
        model: Path,
        slots: threading.Semaphore,
    ) -> None:
        """
        Args:
            folder: where results go; must exist.
            slots: the job holds one while it runs; their number limits the jobs that run at once.
        """
        self.facts = facts
        self.output = folder / "result.mp4"
        self.records = folder / "faces.jsonl"
        self.table = folder / "faces.csv"
        self.error: str | None = None
        self.warning: str | None = None
        self._errors = folder / "errors.txt"
        self._command = _command(video, self, settings, model, limits)
        self._slots = slots
        self._limit_s = max(_LEAST_LIMIT_S, _LONGEST_FACTOR * facts.seconds)
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = threading.Event()
        self._read = 0
        self._rows: list[dict[str, Any]] = []
        self._began = 0.0
        self._thread = threading.Thread(target=self._run, name="video job", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._slots.acquire(timeout=0.2):
            if self._cancelled.is_set():
                return
        try:
            if not self._cancelled.is_set():
                self._work()
        finally:
            self._slots.release()

    def _work(self) -> None:
        self._began = time.monotonic()
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={k: v for k, v in os.environ.items() if not k.startswith("MASK_APP_")},
            )
        if hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)
        while self._process.poll() is None:
            if self._cancelled.wait(0.1):
                self._stop()
            elif time.monotonic() - self._began > self._limit_s:
                self._stop()
                self.error = "processing this video took too long"
        if self._process.returncode and not self._cancelled.is_set() and self.error is None:
            if self._process.returncode == FAILED and self.output.exists():
                self.warning = self._error_message()
            else:
                self.error = self._error_message()

    def _stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _error_message(self) -> str:
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        last = lines[-1] if lines else ""
        # The script's own sentences name the file; anything else is not for visitors.
        video = self._command[self._command.index("--source") + 1]
        _, found, sentence = last.partition(f"{video}: ")
        if found:
            return sentence
        return "this video could not be processed"

    @property
    def waiting(self) -> bool:
        """Other visitors' videos are processed first."""
        return self.running and not self._began

    @property
    def running(self) -> bool:
        """Whether it has neither finished nor failed nor been cancelled."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Stop at once; may be called more than once."""
        self._cancelled.set()
        self._thread.join()

    def rows(self) -> Sequence[dict[str, Any]]:
        """Time and counts of every frame that was processed so far."""
        if self.records.exists():
            with self.records.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            for line in whole.splitlines():  # a line that is not finished is read next time
                record = json.loads(line)
                self._rows.append({"time_s": record["time_s"], **record["counts"]})
        return self._rows

    def progress(self) -> tuple[float, float | None]:
        """Fraction done, 0 to 1, and seconds left, None where they cannot be estimated."""
        rows = self.rows()
        if not rows or not self.facts.seconds:
            return 0.0, None
        share = min(1.0, len(rows) / max(1, self.facts.frames))
        spent = time.monotonic() - self._began
        return share, spent / share - spent if spent > 1 else None


def _command(
    video: Path, job: VideoJob, settings: Settings, model: Path, limits: Limits
) -> list[str]:
    options = {
        "--source": video,
        "--output": job.output,
        "--json": job.records,
        "--csv": job.table,
        "--model": model,
        "--detector": settings.detector,
        "--confidence": settings.confidence,
        "--unsure": settings.unsure,
        "--blur": settings.blur,
        # A file may be longer than it says, and its frames may become larger.
        "--end": limits.video_minutes * 60,
        "--max-megapixels": limits.video_megapixels,
    }
    words = [word for option in options.items() for word in map(str, option)]
    # The page has the counts beside the picture.
    flags = ["--no-counts", "--no-display", *(f"--zone={zone.text}" for zone in settings.zones)]
    return [sys.executable, str(REPOSITORY / "detect_mask_video.py"), *words, *flags]
