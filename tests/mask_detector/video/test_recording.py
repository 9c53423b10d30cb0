"""Recordings: playable, in time, with sound, whatever happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from mask_detector.errors import UserFacingError
from mask_detector.video.recording import Recording, fitted


def picture(width: int = 64, height: int = 48, grey: int = 128) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time or 0.0 for frame in container.decode(container.streams.video[0])]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of video with a tone that begins after one second."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("mpeg4", rate=25), container.add_stream("aac", 48_000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        moments = np.arange(96_000) / 48_000
        tone = (np.sin(2 * np.pi * 440 * moments) * (moments > 1)).astype(np.float32)
        for start in range(0, len(tone), 1024):
            samples = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            samples.sample_rate, samples.pts = 48_000, start
            container.mux(sound.encode(samples))
        for _ in range(50):
            frame = av.VideoFrame.from_ndarray(picture(), format="bgr24")
            container.mux(video.encode(frame))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_pictures_keep_their_times(tmp_path: Path, suffix: str) -> None:
    path, times = tmp_path / f"out{suffix}", [0, 0.04, 0.1, 0.5, 2.25]
    with Recording(path) as recording:
        for time_s in times:
            recording.write(picture(), 7 + time_s)
    assert times_of(path) == pytest.approx(times, abs=2e-3)


def test_it_is_h264_that_every_player_knows(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with Recording(path) as recording:
        recording.write(picture(), 0)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    # An ordinary file once it is closed: browsers learn its length from the head.
    assert b"moof" not in path.read_bytes()[: path.read_bytes().index(b"mdat")]


def test_pictures_of_one_moment_do_not_stop_it(tmp_path: Path) -> None:
    with Recording(tmp_path / "out.mp4") as recording:
        for time_s in (0, 0.1, 0.1, 0.05, 0.2):
            recording.write(picture(), time_s)
    assert len(times_of(tmp_path / "out.mp4")) == 5


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (65, 48)])
def test_odd_sizes(tmp_path: Path, width: int, height: int) -> None:
    with Recording(tmp_path / "out.mp4") as recording:
        recording.write(picture(width, height), 0)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert abs(stream.width - width) <= 1
        assert abs(stream.height - height) <= 1


def test_another_size_is_fitted_into_the_first(tmp_path: Path) -> None:
    with Recording(tmp_path / "out.mp4") as recording:
        recording.write(picture(64, 48), 0)
        recording.write(picture(200, 48, grey=250), 1)
    with av.open(str(tmp_path / "out.mp4")) as container:
        *_, last = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert last.shape == (48, 64)
    assert last[24].min() > 200  # across the middle
    assert last[:12].max() < 40  # bars above and below
    assert last[-12:].max() < 40


@pytest.mark.parametrize(
    ("width", "height", "bars"), [(64, 48, 0), (65, 49, 0), (640, 480, 0), (48, 48, 16)]
)
def test_fitted(width: int, height: int, bars: int) -> None:
    image = fitted(picture(width, height, 200), 64, 48)
    assert image.shape == (48, 64, 3)
    assert np.all(image == 0, axis=(0, 2)).sum() == bars


@pytest.mark.parametrize(("start", "silent"), [(0.0, 1.0), (0.6, 0.4)])
def test_a_files_sound_goes_along_in_time(
    tmp_path: Path, talk: Path, start: float, silent: float
) -> None:
    path = tmp_path / "out.mp4"
    with Recording(path, sound_of=talk) as recording:
        for number in range(round(start * 25), 50):
            recording.write(picture(), number / 25)
    with av.open(str(path)) as container:
        frames = [(f.time or 0.0, f.to_ndarray()) for f in container.decode(audio=0)]
    first_loud = next(time_s for time_s, samples in frames if np.abs(samples).max() > 0.3)
    assert first_loud == pytest.approx(silent, abs=0.05)
    assert frames[-1][0] == pytest.approx(2 - start, abs=0.1)
    assert times_of(path)[0] == 0


@pytest.mark.parametrize("sound_of", ["0", "missing.mp4", "rtsp://127.0.0.1:1/x"])
def test_what_has_no_sound_is_recorded_without(tmp_path: Path, sound_of: str) -> None:
    with Recording(tmp_path / "out.mp4", sound_of=sound_of) as recording:
        recording.write(picture(), 0)
    assert len(times_of(tmp_path / "out.mp4")) == 1


def test_without_a_picture_there_is_no_file_and_an_older_one_stays(tmp_path: Path) -> None:
    (tmp_path / "old.mp4").write_bytes(b"precious")
    for name in ("new.mp4", "old.mp4"):
        Recording(tmp_path / name).close()
    assert [path.name for path in tmp_path.iterdir()] == ["old.mp4"]
    assert (tmp_path / "old.mp4").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "words"), [("out.gif", "ends in .mp4"), ("none/out.mp4", "cannot write there")]
)
def test_where_it_cannot_be_written_is_said(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UserFacingError, match=words):
        Recording(tmp_path / name)


CRASH = """
import os, sys
import numpy as np
from mask_detector.video.recording import Recording
recording, random = Recording(sys.argv[1]), np.random.default_rng(0)
for number in range(500):
    recording.write(random.integers(0, 255, (48, 64, 3), np.uint8), number / 25)
os._exit(1)
"""


def test_a_crash_leaves_what_was_recorded_until_then(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "out.mp4"
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], cwd=repository)
    assert done.returncode == 1
    times = times_of(path)
    assert len(times) > 400  # twenty seconds, but for what was in the encoder
    assert times == pytest.approx([number / 25 for number in range(len(times))], abs=2e-3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    words = r"out\.mp4: recording failed \(No space left"
    with pytest.raises(UserFacingError, match=words), Recording(path) as recording:
        for number in range(200):
            recording.write(picture(), number / 25)
