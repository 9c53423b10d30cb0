"""The long run: its long video is the example again and again, in time."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import pytest

from benchmarks import video_loop


def test_video_is_cut_together_with_itself(tmp_path):
    once = video_loop.frames_of(video_loop.EXAMPLE)
    video_loop.repeated(video_loop.EXAMPLE, tmp_path / "long.mp4", 3)
    assert video_loop.frames_of(tmp_path / "long.mp4") == 3 * once
    with av.open(str(tmp_path / "long.mp4")) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    steps = {round(b - a, 3) for a, b in itertools.pairwise(times)}
    assert steps == {0.05}  # 20 frames a second, also from one round to the next


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux's /proc")
def test_a_long_run_processes_every_nth_frame(tmp_path):
    lasted = video_loop.long_run(120, tmp_path, every=2)
    assert lasted.frames == 120
    assert not lasted.failed
    assert "120" in str(lasted)
