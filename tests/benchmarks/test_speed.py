"""The speed benchmark: its frames hold the faces they claim, its turns and ratios are fair."""

from __future__ import annotations

import numpy as np
import pytest

import face_detector
from benchmarks import cluster, engines, speed_chart, speed_frames, speed_report
from benchmarks.engines import BATCHED, CLASSIC, ENGINES, SSD, YUNET
from benchmarks.large_photos import Comparison
from benchmarks.measuring import Measured, Repeats, take_turns
from benchmarks.process import Growth, Held
from benchmarks.speed_processes import FolderRun
from benchmarks.speed_report import Results, readme_table
from benchmarks.video_loop import Cost, LongRun


@pytest.fixture(scope="module")
def yunet() -> face_detector.FaceDetector:
    return face_detector.load("yunet", size=640)


@pytest.mark.parametrize("size", engines.FRAME_SIZES)
@pytest.mark.parametrize("faces", engines.FACE_COUNTS)
def test_frames_hold_as_many_faces_as_they_say(yunet, size, faces):
    frames = speed_frames.frames_with_faces(*size, faces, count=3)
    assert [frame.shape for frame in frames] == [(size[1], size[0], 3)] * 3
    found = [len(yunet.find(frame)) for frame in frames]
    assert all(faces - faces // 8 <= each <= faces for each in found), found
    assert not np.array_equal(frames[0], frames[1])  # a video, not a still


def test_tasks_take_turns_and_the_warm_up_does_not_count():
    calls = []

    def task(name: str, *values: float):
        left = iter(values)

        def measure() -> float:
            calls.append(name)
            return next(left)

        return measure

    measured = take_turns({"a": task("a", 9, 1, 3), "b": task("b", 9, 2, 4)}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert measured == {"a": Measured((1, 3)), "b": Measured((2, 4))}


def results(**milliseconds: float) -> Results:
    """A whole report in which an engine takes the same time for everything."""
    one = {name: Measured((milliseconds[name],)) for name in milliseconds}
    row = one, dict.fromkeys(one, 1.0)
    return Results(
        photo={
            f"{name}{how}": (value, value)
            for name, value in one.items()
            for how in ("", ", thorough")
        },
        load=one,
        folder={
            CLASSIC: FolderRun(60, one[CLASSIC]),
            SSD: FolderRun(500, one[SSD], 1.2, 1.1),
            f"{SSD}, thorough": FolderRun(40, one[SSD], 1.25, 1.1),
            YUNET: FolderRun(600, one[YUNET], 1.2, 1.1),
        },
        video={(size, n): row for size in engines.FRAME_SIZES for n in engines.FACE_COUNTS},
        by_faces=dict.fromkeys(engines.FACE_GRID, row),
        by_pixels=dict.fromkeys(engines.PIXEL_GRID, row),
        records={"yunet": Cost((8, 10), (8, 10))},
        long_run=LongRun(10_000, Growth(0.25, True), False),
        parts={
            SSD: {"read and decode": 2, "detect": 20, "record": 0, "draw": 1, "encode": 1},
        },
        large_photos=Comparison([0.1], [0.04]),
        cluster=cluster.Cost(2000, Measured((30,)), Measured((33,))),
        listing=cluster.Memory({10_000: 150, 1_000_000: 153}),
    )


def test_report_and_chart(tmp_path, monkeypatch):
    monkeypatch.setattr(speed_report, "_cores", lambda: 2)
    measured = results(**{CLASSIC: 100, BATCHED: 50, SSD: 20, YUNET: 5})
    figures = {what: value for what, value, _ in measured.ratios()}
    assert figures["640×480 video, 1 face, SSD: classic ÷ ours"] == 5
    assert figures["640×480 video, 16 faces, YuNet: classic ÷ ours"] == 20
    assert figures["a frame with 16 faces ÷ one with 1, YuNet"] == 1
    assert figures["folder, YuNet, pictures: time ÷ that of detection only, on all cores"] == 1.2
    assert figures["processor time, 2,000 photos: cluster ÷ photo script"] == 1.1
    assert figures["12 megapixels, YuNet, one pass, records only: decoded whole ÷ smaller"] == 2.5
    assert figures["yunet: rate with tracking, counts, JSON, recording ÷ without"] == 0.8
    text = speed_report.report(measured, Repeats())
    assert all(engine in text for engine in ENGINES)
    assert "| 640×480 video, 1 face, YuNet: classic ÷ ours | 20.00 | 18 |" in text
    # The start takes 19.976 s, in which two cores could process as much as 79.9 ms a photo.
    assert "| SSD | 2.0 | 20.0 | 0.0 | 1.0 | 1.0 | 1.20 | 1.10 | 5.20 | 5.10 |" in text
    # Detection takes 80 ms of a photo's 100, the start 998.8 ms of each of 40 photos, reading 2.
    assert "SSD 13.54 with pictures and 13.51 without (80 ms of detection a photo" in text
    assert "| a video frame of 640 × 480, 1 face | 100 ms | 20 ms | 5 ms |" in readme_table(
        measured
    )
    speed_chart.chart(measured, tmp_path / "images" / "chart.png")
    assert (tmp_path / "images" / "chart.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([Held(100, 5, 9)], Growth(0, True)),
        ([Held(100 + n % 3, 5 + (n == 2), 9) for n in range(12)], Growth(0, True)),
        ([Held(100 + n, 5, 9) for n in range(12)], Growth(9, True)),
        ([Held(100, 5 + (n > 8), 9) for n in range(12)], Growth(0, False)),
        ([Held(100, 5, 9 + (n == 11)) for n in range(12)], Growth(0, False)),
    ],
)
def test_growth_of_what_a_process_holds(samples, expected):
    assert Growth.of(samples) == expected
