"""Standard streams that are closed or full: a sentence or the work done, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")

PROGRAMS = {
    "photos": "detect_mask_image.py --image examples/example_02.jpg --detector yunet --json -",
    "video": "detect_mask_video.py --source examples/example_video.mp4 --detector yunet "
    "--no-display --max-frames 2 --json -",
    "training": "train_mask_detector.py --dataset nowhere",
    "weights": "-m face_detector.weights",
    "convert": "-m mask_detector.convert nowhere new.model",
}
RESULTS = {"photos", "video", "weights"}
"""These have something to write to standard output; the others end with a sentence."""


@pytest.mark.parametrize(
    ("streams", "output_works"),
    [
        (">/dev/full", False),
        (">&-", False),
        ("2>&-", True),
        ("2>/dev/full <&-", True),
        ("<&- >&- 2>&-", False),
    ],
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_closed_and_full_streams(
    repository: Path, program: str, streams: str, output_works: bool
) -> None:
    if "/dev/full" in streams and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' {PROGRAMS[program]} {streams}"],
        cwd=repository,
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if program == "weights" and streams != ">/dev/full":
        assert done.returncode == 0  # its work is to fetch files
    elif program in RESULTS:
        assert (done.returncode == 0) == output_works
        assert bool(done.stdout) == output_works
    else:
        assert done.returncode == 2
    if done.returncode and "2>" not in streams:
        assert len(done.stderr.strip().splitlines()) == 1
