"""A camera for a day, at 24 times its speed: what the video script holds must stay flat.

    python -m benchmarks.endurance.camera OPTIONS OF detect_mask_video.py

runs the video script with clocks that go 24 times as fast, so that an hour is a day for all that
the script measures in time: minutes of the counts, pauses of alerts, the age of snapshots, the time
stamps of the recording. The camera is an MJPEG stream of this machine. It is cut every now and
then, as cameras are.
"""

from __future__ import annotations

import functools
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.endurance import EXAMPLES, Row, environment, whole
from benchmarks.endurance.hostile import MJPEG_HEADER, jpeg_part, serve
from benchmarks.process import Growth, Held, held

SPEED = 24
"""Seconds that pass for the script in one real second."""

RATE = 25
"""Pictures that the camera sends in a second."""

CUT_AFTER = 3750
"""Pictures after which the connection is cut: two and a half minutes, an hour for the script."""

SIZE = (320, 240)
FLAT_MIB = 10.0
WARM_UP_S = 20
EVERY_S = 0.5
"""Between two readings of what the process holds."""


def accelerated(clock: Callable[[], float]) -> Callable[[], float]:
    """A clock that goes ``SPEED`` times as fast as another one."""
    start = clock()
    return lambda: start + SPEED * (clock() - start)


def run_accelerated(arguments: list[str]) -> None:
    """Run the video script with clocks that go ``SPEED`` times as fast."""
    # Waits of threads keep the true clock: it is threading's own since its import.
    time.monotonic, time.time = accelerated(time.monotonic), accelerated(time.time)
    written = time.strftime
    time.strftime = lambda form, when=None: written(form, when or time.localtime(time.time()))
    import detect_mask_video
    from mask_detector import command_line

    sys.argv = ["detect_mask_video.py", *arguments]
    command_line.run(detect_mask_video.main)


@functools.cache
def _parts() -> list[bytes]:
    """The example video as parts of an MJPEG stream, forwards and backwards."""
    with av.open(str(EXAMPLES / "example_video.mp4")) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    small: list[np.ndarray] = [cv2.resize(frame, SIZE) for frame in frames]
    jpegs = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in small]
    return [jpeg_part(jpeg) for jpeg in (*jpegs, *reversed(jpegs))]


def _stream() -> Iterator[bytes]:
    yield MJPEG_HEADER
    due = time.monotonic()
    for part in itertools.islice(itertools.cycle(_parts()), CUT_AFTER):
        yield part
        due = max(due + 1 / RATE, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))


def camera(seconds: float, folder: Path) -> Row:
    """Let the script watch the camera for ``seconds``, and check what it wrote."""
    folder.mkdir()
    options = ["--detector", "yunet", "--detector-size", "320", "--no-display", "--blur", "all"]
    options += ["--stall", "600", "--snapshots", "snapshots", "--snapshots-days", "0.25"]
    options += ["--alert", "command:true", "--alert-cooldown", "600", "--output", "out.mp4"]
    options += ["--output-split", "60"]
    options += ["--json", "faces.jsonl", "--csv", "faces.csv", "--counts", "counts.csv"]
    with serve(_stream) as address, (folder / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "benchmarks.endurance.camera", "--source", address]
        start = time.monotonic()
        with subprocess.Popen(
            [*command, *options], cwd=folder, env=environment(), stdout=log, stderr=log
        ) as process:
            samples = list(_samples(process, start + seconds))
            took = time.monotonic() - start
            process.send_signal(signal.SIGTERM)
            status = process.wait(300)
    return _checked(folder, samples, took * SPEED / 3600, status)


def _samples(process: subprocess.Popen[bytes], end: float) -> Iterator[Held]:
    time.sleep(min(WARM_UP_S, (end - time.monotonic()) / 2))
    while process.poll() is None and time.monotonic() < end:
        yield held(process.pid)
        time.sleep(EVERY_S)


def _checked(folder: Path, samples: list[Held], hours: float, status: int) -> Row:
    row = Row(f"{hours:.1f} hours of a camera at {SPEED} times its speed, all outputs on", 1)
    log = (folder / "log.txt").read_text()
    if status:
        row.faults.append(f"ended with {status}: {log[-300:]}")
    records = whole.json_records(folder / "faces.jsonl", row.faults)
    faces = whole.csv_rows(folder / "faces.csv", row.faults)
    minutes = whole.csv_rows(folder / "counts.csv", row.faults)
    parts = sorted(folder.glob("out_*.mp4"))
    frames = sum(whole.recorded_frames(part, row.faults) or 0 for part in parts)
    if frames != len(records):
        row.faults.append(f"{frames} frames are recorded, {len(records)} have a record")
    if len(faces) != sum(len(record["faces"]) for record in records):
        row.faults.append(
            f"{len(faces)} rows of faces in the CSV, not as many as in the JSON lines"
        )
    growth = Growth.of(samples)
    if growth.mebibytes > FLAT_MIB or not growth.steady:
        row.faults.append("memory, threads or files grew")
    most = Held(*map(max, zip(*samples, strict=True)))
    row.outcome = (
        f"{len(records):,} frames in {len(parts)} files of 60 minutes, {len(faces):,} faces, "
        f"{len(minutes):,} minutes counted, "
        f"{log.count('is back')} reconnections; memory {samples[0].mebibytes:.0f} MiB at first, "
        f"at most {most.mebibytes:.0f}, grew by {growth.mebibytes:.1f} from the first quarter to "
        f"the last; at most {most.threads} threads and {most.files} open files, "
        f"{'steady' if growth.steady else 'growing'}"
    )
    return row


if __name__ == "__main__":
    run_accelerated(sys.argv[1:])
