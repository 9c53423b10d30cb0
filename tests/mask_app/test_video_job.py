"""Uploaded videos: which are refused, and what becomes of the others."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from waiting import wait_until

from mask_app.config import Limits
from mask_app.settings import Settings
from mask_app.video_job import VideoJob, check_video
from mask_detector.errors import SourceError

SETTINGS = Settings("yunet", 0.5, 0.1, "none", mirror=False, alarm=False, alarm_pause=5)


def test_facts_of_a_video(examples: Path) -> None:
    facts = check_video(examples / "example_video.mp4", Limits())
    assert (facts.width, facts.height, facts.seconds, facts.frames) == (480, 360, 4.0, 80)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(video_minutes=0), "0 are accepted"),
        (Limits(video_megapixels=0), "480 x 360 is too large a picture"),
    ],
)
def test_too_much_is_refused(examples: Path, limits: Limits, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        check_video(examples / "example_video.mp4", limits)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video at all",
        b"\0\0\0\x18ftypmp42" + bytes(3000),
        b"#EXTM3U\n#EXTINF:4,\n%s\n#EXT-X-ENDLIST\n",  # a playlist would open other files
        b"ffconcat version 1.0\nfile %s\n",
    ],
)
def test_what_is_no_video_is_refused(content: bytes, tmp_path: Path, examples: Path) -> None:
    path = tmp_path / "upload.mp4"
    shutil.copy(examples / "example_video.mp4", tmp_path / "other.mp4")
    path.write_bytes(content.replace(b"%s", b"other.mp4"))
    with pytest.raises(SourceError):
        check_video(path, Limits())


@pytest.fixture
def begin(examples: Path, model: Path, tmp_path: Path) -> Iterator[Callable[..., VideoJob]]:
    jobs: list[VideoJob] = []

    def begin(video: Path, turn: threading.Semaphore) -> VideoJob:
        folder = tmp_path / str(len(jobs))
        folder.mkdir()
        facts = check_video(examples / "example_video.mp4", Limits())
        jobs.append(VideoJob(video, folder, facts, Limits(), SETTINGS, model, turn))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.cancel()


def test_the_result_plays_and_every_frame_is_counted(
    begin: Callable[..., VideoJob], examples: Path
) -> None:
    turn = threading.Semaphore(1)
    job = begin(examples / "example_video.mp4", turn)
    shares = []
    while job.running:
        shares.append(job.progress()[0])
        time.sleep(0.05)
    assert job.error is None
    assert shares == sorted(shares)
    rows = job.rows()
    assert [row["time_s"] for row in rows] == pytest.approx([n / 20 for n in range(80)], abs=0.01)
    assert all(row["with_mask"] + row["without_mask"] <= 3 for row in rows)
    with av.open(str(job.output)) as result:
        assert sum(1 for _ in result.decode(video=0)) == 80
    assert job.table.read_text().count("\n") > 80
    assert turn.acquire(blocking=False)


def test_cancelling_is_quick_and_frees_the_turn(
    begin: Callable[..., VideoJob], examples: Path
) -> None:
    turn = threading.Semaphore(1)
    first = begin(examples / "example_video.mp4", turn)
    wait_until(lambda: not first.waiting)
    second = begin(examples / "example_video.mp4", turn)
    assert second.waiting
    second.cancel()
    assert not second.running
    first.cancel()  # it waits for the job's thread
    assert not first.running
    assert first.error is None
    assert turn.acquire(blocking=False)


def test_a_failure_is_a_sentence_without_the_file(
    begin: Callable[..., VideoJob], tmp_path: Path
) -> None:
    broken = tmp_path / "upload.mp4"
    broken.write_bytes(bytes(100))
    job = begin(broken, threading.Semaphore(1))
    wait_until(lambda: not job.running)
    assert job.error
    assert str(tmp_path) not in job.error
