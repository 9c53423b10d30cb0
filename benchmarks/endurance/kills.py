"""Scripts that are stopped at random moments: every file that is left must be whole.

SIGKILL leaves no time to tidy up: a file that was being written may remain under its temporary
name, which begins with a dot. After any other signal nothing of that kind may be left.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import cv2

from benchmarks.endurance import EXAMPLES, REPOSITORY, Deadline, Row, environment, whole
from mask_detector.images import read_photo

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LIMIT_S = 300
"""Longer after a signal is a hang."""


class Script(ABC):
    """A script under attack; it writes into ``folder`` and nowhere else."""

    name: str
    words: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def options(self) -> list[str]:
        """Options for the next run, with the folder made ready for it."""

    @abstractmethod
    def check(self, number: signal.Signals, faults: list[str]) -> None:
        """Look at what a run left that ``number`` stopped; add a sentence for each fault."""

    def command(self) -> list[str]:
        """What starts the next run."""
        return [sys.executable, str(REPOSITORY / self.name), *self.options()]

    def _empty(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)


class PhotoScript(Script):
    """All its outputs; after each stop a run with --skip-done must complete the records."""

    name = "detect_mask_image.py"
    words = "with --json, --csv, --output, --crops; completed by --skip-done"
    photos = 8

    def options(self) -> list[str]:
        """Small photos, and a file for each output."""
        self._empty()
        photos = self.folder.with_name("photos")
        if not photos.exists():
            photos.mkdir()
            sources = sorted(EXAMPLES.glob("example_0*.*g"))
            for number in range(self.photos):
                image = read_photo(sources[number % len(sources)])
                width = 400 + number
                height = round(image.shape[0] * width / image.shape[1])
                cv2.imwrite(str(photos / f"{number:02}.png"), cv2.resize(image, (width, height)))
        return self._outputs(photos)

    def _outputs(self, photos: Path) -> list[str]:
        options = ["--image", str(photos), "--detector", "yunet", "--detector-size", "320"]
        for name in ("json", "csv"):
            options += [f"--{name}", str(self.folder / f"faces.{name}")]
        for name in ("output", "crops"):
            options += [f"--{name}", str(self.folder / name)]
        return options

    def check(self, number: signal.Signals, faults: list[str]) -> None:
        """All files whole, and completed by a second run."""
        json, csv = self.folder / "faces.json", self.folder / "faces.csv"
        whole.json_records(json, faults)
        whole.csv_rows(csv, faults)
        whole.pictures(self.folder, faults)
        options = self._outputs(self.folder.with_name("photos"))
        done = subprocess.run(
            [sys.executable, str(REPOSITORY / self.name), *options, "--skip-done"],
            env=environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            faults.append(f"--skip-done ended with {done.returncode}: {done.stderr[-200:]}")
        records, rows = whole.json_records(json, faults), whole.csv_rows(csv, faults)
        faults += whole.once_each(records, rows, self.photos)
        if whole.pictures(self.folder / "output", faults) != self.photos:
            faults.append("after --skip-done pictures are missing")


class VideoScript(Script):
    """All its files; after a signal that can be caught all end with the same frame."""

    name = "detect_mask_video.py"
    words = "with --output, --json, --csv, --counts, --snapshots"

    def options(self) -> list[str]:
        """A file for each output."""
        self._empty()
        options = ["--source", str(EXAMPLES / "example_video.mp4"), "--detector", "yunet"]
        options += ["--no-display", "--snapshots", str(self.folder / "snapshots")]
        for name, file in {"output": "out.mp4", "json": "faces.jsonl"}.items():
            options += [f"--{name}", str(self.folder / file)]
        for name in ("csv", "counts"):
            options += [f"--{name}", str(self.folder / f"{name}.csv")]
        return options

    def check(self, number: signal.Signals, faults: list[str]) -> None:
        """All files whole, and all of them end with the same frame."""
        records = whole.json_records(self.folder / "faces.jsonl", faults)
        for name in ("csv", "counts"):
            whole.csv_rows(self.folder / f"{name}.csv", faults)
        whole.pictures(self.folder / "snapshots", faults)
        frames = whole.recorded_frames(self.folder / "out.mp4", faults) or 0
        if frames > len(records) or (number != signal.SIGKILL and frames != len(records)):
            faults.append(f"{frames} frames are recorded, {len(records)} have a record")


class TrainingScript(Script):
    """An old model or the new one is there at any time; each run goes on from the last."""

    name = "train_mask_detector.py"
    words = "over an older model; each run goes on from the last one with --resume"
    photos = 24

    def options(self) -> list[str]:
        """A short training over an older model, or the next part of one."""
        model = self.folder / "small.model"
        self.folder.mkdir(exist_ok=True)
        if not model.exists():
            shutil.copy(REPOSITORY / "mask_detector.model", model)
        options = ["--dataset", str(self._photos()), "--weights", "none", "--image-size", "32"]
        options += ["--alpha", "0.35", "--drawn-masks", "0", "--head-epochs", "1", "--epochs", "1"]
        options += ["--model", str(model), "--plot", str(self.folder / "plot.png")]
        begun = (self.folder / "small.model.training" / "settings.json").exists()
        return [*options, "--resume"] if begun else options

    def _photos(self) -> Path:
        """A part of the starter set, so that most of a run is not the search for faces."""
        photos = self.folder.with_name("training photos")
        for folder in () if photos.exists() else ("with_mask", "without_mask"):
            (photos / folder).mkdir(parents=True)
            for path in sorted((REPOSITORY / "dataset" / folder).iterdir())[: self.photos]:
                shutil.copy(path, photos / folder)
        return photos

    def check(self, number: signal.Signals, faults: list[str]) -> None:
        """A model whole, the old one or the new one, and every chart."""
        model = self.folder / "small.model"
        whole.models([model, Path(f"{model}.previous")], faults)
        whole.pictures(self.folder, faults)


def attack(script: Script, deadline: Deadline, most: int) -> Row:
    """Run a script once undisturbed, then stop it at random moments of a run as long as that."""
    row = Row(f"`{script.name}` stopped at a random moment, {script.words}")
    start = time.monotonic()
    status, errors = _run(script.command())
    seconds = time.monotonic() - start
    if status:
        row.faults.append(f"undisturbed it ended with {status}: {errors[-300:]}")
        return row
    rng = random.Random(0)
    temporary = 0
    while row.tried < most and deadline.left:
        number = SIGNALS[row.tried % len(SIGNALS)]
        faults: list[str] = []
        status, errors = _run(script.command(), number, rng.uniform(0, seconds))
        if status is None:
            faults.append(f"did not end within {LIMIT_S} s")
        # Before the script's main has begun, Python itself answers a signal.
        if "Traceback" in errors and "in main" in errors:
            faults.append(f"a traceback: {' '.join(errors.split()[-60:])}")
        left = whole.temporary_files(script.folder) if script.folder.exists() else []
        if left and number != signal.SIGKILL:
            faults.append(f"left {', '.join(path.name for path in left)}")
        for path in left:
            path.unlink()
        temporary += len(left) if number == signal.SIGKILL else 0
        if script.folder.exists():
            script.check(number, faults)
        row.faults += [f"run {row.tried}, {number.name}: {fault}" for fault in faults]
        row.tried += 1
    row.outcome = (
        f"a third each by SIGKILL, SIGTERM and SIGINT, at up to {seconds:.1f} s; "
        f"SIGKILL left {temporary} files under temporary names"
    )
    return row


def _run(
    command: list[str], number: signal.Signals | None = None, after: float = LIMIT_S
) -> tuple[int | None, str]:
    """Run to the end or to a signal after some seconds; the exit status, None for a hang."""
    with subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    ) as process:
        if number is not None:
            with suppress(subprocess.TimeoutExpired):
                errors = process.communicate(timeout=after)[1]
                return process.returncode, errors
            process.send_signal(number)
        try:
            errors = process.communicate(timeout=LIMIT_S)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[1]
        return process.returncode, errors


def _heed_ctrl_c() -> None:
    """A shell starts background jobs with Ctrl-C ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
