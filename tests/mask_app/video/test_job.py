"""Uploaded videos: which are refused, and how the others are processed."""

from __future__ import annotations

import errno
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from waiting import wait_until

from mask_app.config import Limits
from mask_app.settings import Settings
from mask_app.video.job import VideoJob, check_video
from mask_app.video.turns import Turns
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

    def begin(
        video: Path,
        turns: Turns[VideoJob],
        limits: Limits = Limits(),  # noqa: B008
    ) -> VideoJob:
        folder = tmp_path / str(len(jobs))
        facts = check_video(examples / "example_video.mp4", Limits())
        jobs.append(VideoJob(video, folder, facts, limits, SETTINGS, model, turns))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.cancel()


def with_sound(video: Path, path: Path) -> Path:
    """The video with a tone of its duration."""
    with av.open(str(video)) as source, av.open(str(path), "w") as film:
        pictures = film.add_stream_from_template(source.streams.video[0])
        sound = film.add_stream("aac", rate=16_000, layout="mono")
        tone = np.sin(np.arange(4 * 16_000, dtype=np.float32) / 6)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        film.mux([*sound.encode(frame), *sound.encode(None)])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                film.mux(packet)
    return path


def test_the_result_plays_and_every_frame_is_counted(
    begin: Callable[..., VideoJob], examples: Path, tmp_path: Path
) -> None:
    turns: Turns[VideoJob] = Turns(1)
    job = begin(with_sound(examples / "example_video.mp4", tmp_path / "upload.mp4"), turns)
    shares = []
    while job.running:
        shares.append(job.progress().share)
        time.sleep(0.05)
    assert job.error is None
    assert shares == sorted(shares)
    rows = job.rows()
    assert [row["time_s"] for row in rows] == pytest.approx([n / 20 for n in range(80)], abs=0.01)
    assert all(row["with_mask"] + row["without_mask"] <= 3 for row in rows)
    with av.open(str(job.output)) as result:
        assert sum(1 for _ in result.decode(video=0)) == 80
        result.seek(0)
        heard = [float(frame.time) for frame in result.decode(audio=0)]
    assert heard[0] < 0.1
    assert heard[-1] > 3.9
    assert job.table.read_text().count("\n") > 80
    assert not turns.before(job)


def test_cancelling_is_quick_and_frees_the_slot(
    begin: Callable[..., VideoJob], examples: Path
) -> None:
    turns: Turns[VideoJob] = Turns(1)
    first = begin(examples / "example_video.mp4", turns)
    wait_until(lambda: not first.waiting)
    second = begin(examples / "example_video.mp4", turns)
    third = begin(examples / "example_video.mp4", turns)
    assert second.waiting
    assert [job.progress().place for job in (first, second, third)] == [0, 1, 2]
    second.cancel()
    assert third.progress().place == 1
    third.cancel()
    assert not second.running
    first.cancel()  # it waits for the job's thread
    assert not first.running
    assert first.error is None
    assert not turns.before(third)


def test_a_failure_is_a_sentence_without_the_file(
    begin: Callable[..., VideoJob], tmp_path: Path
) -> None:
    broken = tmp_path / "upload.mp4"
    broken.write_bytes(bytes(100))
    job = begin(broken, Turns(1))
    wait_until(lambda: not job.running)
    assert job.error
    assert str(tmp_path) not in job.error


def test_no_space_for_the_result_is_a_sentence(
    begin: Callable[..., VideoJob], examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_process(*command: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    turns: Turns[VideoJob] = Turns(1)
    job = begin(examples / "example_video.mp4", turns)
    wait_until(lambda: not job.running)
    assert job.error == "this video could not be processed"
    assert not turns.before(job)


@pytest.mark.parametrize(
    ("sizes", "result", "sentence"),
    [
        ([(64, 48), (640, 480)], True, "a frame is too large, at most 0.1 megapixels are accepted"),
        ([(640, 480)], False, "a frame is too large, at most 0.1 megapixels are accepted"),
    ],
)
def test_frames_that_become_too_large_end_it(
    begin: Callable[..., VideoJob],
    tmp_path: Path,
    sizes: list[tuple[int, int]],
    result: bool,
    sentence: str,
) -> None:
    """What came before is shown, with the reason why there is no more."""
    film = tmp_path / "upload.ts"
    with film.open("wb") as whole:
        for width, height in sizes:
            part = tmp_path / f"{width}.ts"
            with av.open(str(part), "w") as container:
                stream = container.add_stream("mpeg2video", rate=25, width=width, height=height)
                for shade in range(8):
                    image = np.full((height, width, 3), 20 * shade, np.uint8)
                    frame = av.VideoFrame.from_ndarray(image, format="bgr24")
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            whole.write(part.read_bytes())
    job = begin(film, Turns(1), Limits(video_megapixels=cast(int, 0.1)))
    wait_until(lambda: not job.running)
    assert (job.warning if result else job.error) == sentence
    assert (job.error is None) == job.output.exists() == bool(job.rows()) == result
