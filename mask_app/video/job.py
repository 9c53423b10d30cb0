"""One uploaded video, processed by the video script in a process of its own.

A process keeps one visitor's long video from holding up the pages of the others, can be
cancelled at any time, and ends nothing else if a damaged file should crash a decoder.
Independent of Streamlit.
"""

from __future__ import annotations

import contextlib
import json
import logging
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
from mask_app.video.events import Event
from mask_app.video.turns import Turns
from mask_app.wording import drawn_names
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
_LONGEST_WAIT_S = 1.0  # for its turn, until it is looked again whether it was cancelled
_LEAST_TIME_S = 1.0  # of work, before its rate says anything
_NOT_PROCESSED = "this video could not be processed"
logger = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        share: fraction done, 0 to 1.
        frames_per_second: processed so far; 0 before the first frames.
        seconds_left: None where it cannot be estimated.
        place: number of jobs that must end before this one begins; 0 once it has begun.
    """

    share: float
    frames_per_second: float
    seconds_left: float | None
    place: int


class VideoJob:
    """A run of the video script on one file.

    Attributes:
        facts: of the video.
        settings: with which it is processed.
        output: the annotated video.
        records: JSON lines, one per frame; grows while the job runs.
        table: CSV, one row per face.
        error: why there is no result, None where there is one or will be.
        warning: why the result is only of a part of the video, None where it is of all.
        event_pictures: the events with their pictures, by whether everybody is hidden in them,
            once they were looked for.
    """

    def __init__(
        self,
        video: Path,
        folder: Path,
        facts: VideoFacts,
        limits: Limits,
        settings: Settings,
        model: Path,
        turns: Turns[VideoJob],
    ) -> None:
        """
        Args:
            folder: where results go; made when the job begins.
            turns: the queue of all visitors' jobs; the job joins it.
        """
        self.facts = facts
        self.settings = settings
        self.output = folder / "result.mp4"
        self.records = folder / "faces.jsonl"
        self.table = folder / "faces.csv"
        self.error: str | None = None
        self.warning: str | None = None
        self.event_pictures: dict[bool, list[Event]] = {}
        self._errors = folder / "errors.txt"
        self._command = _command(video, self, settings, model, limits)
        self._turns = turns
        self._limit_s = max(_LEAST_LIMIT_S, _LONGEST_FACTOR * facts.seconds)
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = threading.Event()
        self._reading = threading.Lock()  # progress is asked for by other sessions, too
        self._read = 0
        self._rows: list[dict[str, Any]] = []
        self._began = 0.0
        turns.join(self)
        self._thread = threading.Thread(target=self._run, name="video job", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._cancelled.is_set():
                if self._turns.wait(self, _LONGEST_WAIT_S):
                    self._work()
                    return
        except OSError:  # no space for its files, or no process can be started
            logger.exception("a video could not be processed")
            self.error = _NOT_PROCESSED
        finally:
            self._turns.leave(self)

    def _work(self) -> None:
        self._began = time.monotonic()
        self._errors.parent.mkdir()
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
        return _NOT_PROCESSED

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
        if self.waiting:
            self._turns.leave(self)
        self._thread.join()

    def rows(self) -> Sequence[dict[str, Any]]:
        """Time and counts of every frame that was processed so far."""
        with self._reading:
            if self.records.exists():
                self._read_on()
            return self._rows

    def _read_on(self) -> None:
        with self.records.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():  # a line that is not finished is read next time
            record = json.loads(line)
            self._rows.append({"time_s": record["time_s"], **record["counts"]})

    def progress(self) -> Progress:
        """How far it is, and how long it will take; waiting in the queue included."""
        rows = self.rows()
        frames = max(1, self.facts.frames)
        share = min(1.0, len(rows) / frames) if self.facts.seconds else 0.0
        spent = time.monotonic() - self._began if self._began else 0.0
        rate = len(rows) / spent if rows and spent > _LEAST_TIME_S else 0.0
        return Progress(share, rate, self._seconds_left(len(rows), rate), self._turns.place(self))

    def _seconds_left(self, done: int, rate: float) -> float | None:
        """Those of the jobs before this one included, at the rate of the first of them."""
        if not self.facts.seconds:
            return None
        if rate:
            return max(0, self.facts.frames - done) / rate
        before = self._turns.before(self)
        first = before[0].progress() if before and not self._began else None
        if first is None or not first.frames_per_second or first.seconds_left is None:
            return None
        frames = sum(job.facts.frames for job in [*before[1:], self])
        return first.seconds_left + frames / first.frames_per_second


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
    if names := drawn_names(settings.language):
        flags += ["--names", *(f"{label}={name}" for label, name in names.items())]
    return [sys.executable, str(REPOSITORY / "detect_mask_video.py"), *words, *flags]
