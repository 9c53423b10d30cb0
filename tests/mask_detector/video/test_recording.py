"""Recordings: playable, in time, with sound, whatever happens."""

from __future__ import annotations

import errno
import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mask_detector.errors import UserFacingError
from mask_detector.video import recording as module
from mask_detector.video.recording import Recording, fitted, is_part
from mask_detector.video.sound import Sound


def picture(width: int = 64, height: int = 48, grey: int = 128) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time or 0.0 for frame in container.decode(container.streams.video[0])]


def film_with_tone(path: Path, codec: str = "aac", rate: int = 48_000) -> Path:
    """Two seconds of video with a tone that begins after one second."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        sound: Any = container.add_stream(codec, rate, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        seconds = np.arange(2 * rate) / rate
        tone = (np.sin(2 * np.pi * 440 * seconds) * (seconds > 1) * 20_000).astype(np.int16)
        for start in range(0, len(tone), 1000):
            samples = av.AudioFrame.from_ndarray(tone[None, start : start + 1000], "s16", "mono")
            samples.sample_rate, samples.pts = rate, start
            container.mux(sound.encode(samples))
        for _ in range(50):
            frame = av.VideoFrame.from_ndarray(picture(), format="bgr24")
            container.mux(video.encode(frame))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_with_tone(tmp_path_factory.mktemp("talk") / "talk.mp4")


def sound_of(path: Path) -> tuple[str, float, float]:
    """A file's sound: its codec, when it becomes loud, when it ends."""
    with av.open(str(path)) as container:
        codec = container.streams.audio[0].codec_context.codec.canonical_name
        frames = [(f.time or 0.0, f.to_ndarray(), f.sample_rate) for f in container.decode(audio=0)]
    scale = np.iinfo(frames[0][1].dtype).max if frames[0][1].dtype.kind == "i" else 1.0
    loud = next(
        time_s + int(np.argmax(np.abs(samples).max(0) > 0.3 * scale)) / rate
        for time_s, samples, rate in frames
        if np.abs(samples).max() > 0.3 * scale
    )
    time_s, samples, rate = frames[-1]
    return codec, loud, time_s + samples.shape[-1] / rate


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
    assert sound_of(path) == (
        "aac",
        pytest.approx(silent, abs=0.05),
        pytest.approx(2 - start, abs=0.1),
    )
    assert times_of(path)[0] == 0


@pytest.mark.parametrize(("first", "last"), [(0, 30), (10, 25), (30, 40)])
def test_sound_ends_with_the_pictures(tmp_path: Path, talk: Path, first: int, last: int) -> None:
    with Recording(tmp_path / "out.mp4", sound_of=talk) as recording:
        for number in range(first, last):
            recording.write(picture(), number / 25)
    with av.open(str(tmp_path / "out.mp4")) as container:
        *_, end = container.decode(audio=0)
    assert end.time == pytest.approx((last - 1 - first) / 25, abs=0.05)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "becomes"),
    [
        ("talk.mp4", "libmp3lame", 44_100, "mp3"),
        ("camera.mov", "pcm_s16le", 16_000, "aac"),
        ("door.avi", "pcm_mulaw", 8_000, "aac"),
        ("studio.mkv", "flac", 96_000, "aac"),
        ("film.mkv", "ac3", 48_000, "ac3"),
        ("call.mkv", "libopus", 48_000, "opus"),
        ("tv.ts", "mp2", 48_000, "aac"),
    ],
)
def test_sound_is_copied_or_becomes_aac(
    tmp_path: Path, name: str, codec: str, rate: int, becomes: str
) -> None:
    source, path = film_with_tone(tmp_path / name, codec, rate), tmp_path / "out.mp4"
    with Recording(path, sound_of=source) as recording:
        for number in range(10, 50):
            recording.write(picture(), number / 25)
    assert sound_of(path) == (becomes, pytest.approx(0.6, abs=0.06), pytest.approx(1.6, abs=0.15))


def test_a_film_at_an_address_has_its_sound(tmp_path: Path, served: str, talk: Path) -> None:
    shutil.copy(talk, tmp_path / "talk.mp4")
    with Recording(tmp_path / "out.mp4", sound_of=f"{served}/talk.mp4") as recording:
        for number in range(50):
            recording.write(picture(), number / 25)
    assert sound_of(tmp_path / "out.mp4")[1] == pytest.approx(1, abs=0.05)


def test_sound_that_a_mov_cannot_hold_becomes_aac(tmp_path: Path) -> None:
    source = film_with_tone(tmp_path / "call.mkv", "libopus")
    with Recording(tmp_path / "out.mov", sound_of=source) as recording:
        for number in range(50):
            recording.write(picture(), number / 25)
    assert sound_of(tmp_path / "out.mov")[0] == "aac"


@pytest.mark.parametrize("name", ["missing.mp4", "http://127.0.0.1:1/x"])
def test_what_has_no_sound_is_recorded_without(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Recording(tmp_path / "out.mp4", sound_of=name) as recording:
        recording.write(picture(), 0)
    assert len(times_of(tmp_path / "out.mp4")) == 1
    assert "recorded without sound" in caplog.text


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
for number in range(int(sys.argv[2])):
    recording.write(random.integers(0, 255, (48, 64, 3), np.uint8), number / 25)
os._exit(1)
"""


@pytest.mark.parametrize(
    ("suffix", "count"), [(".mp4", 500), (".mkv", 500), (".mp4", 20), (".mkv", 2)]
)
def test_a_crash_leaves_what_was_recorded_until_then_or_no_file(
    tmp_path: Path, repository: Path, suffix: str, count: int
) -> None:
    path = tmp_path / f"out{suffix}"
    done = subprocess.run([sys.executable, "-c", CRASH, str(path), str(count)], cwd=repository)
    assert done.returncode == 1
    if count < 25:
        assert list(tmp_path.iterdir()) == []
        return
    times = times_of(path)
    assert len(times) > 400  # twenty seconds, but for what was in the encoder
    assert times == pytest.approx([number / 25 for number in range(len(times))], abs=2e-3)


def test_a_recording_is_there_once_its_first_second_is(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")
    with Recording(path) as recording:
        for number in range(20):
            recording.write(picture(), number / 25)
        assert path.read_bytes() == b"older"
    assert len(times_of(path)) == 20


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_is_split_into_files_that_play(tmp_path: Path, suffix: str, talk: Path) -> None:
    path = tmp_path / f"out.x{suffix}"
    with Recording(path, sound_of=talk, split_s=0.8) as recording:
        for number in range(50):
            recording.write(picture(), number / 25)
    parts = sorted(tmp_path.iterdir())
    assert [part.name for part in parts] == [f"out.x_{n:03d}{suffix}" for n in (1, 2, 3)]
    assert [len(times_of(part)) for part in parts] == [20, 20, 10]
    assert all(times_of(part)[0] == pytest.approx(0, abs=0.01) for part in parts)
    _, loud, end = sound_of(parts[1])
    assert (loud, end) == pytest.approx((0.2, 0.8), abs=0.07)
    assert all(is_part(part, path) for part in parts)
    assert not is_part(tmp_path / f"out.x_1{suffix}", path)


def test_whatever_stops_the_encoder_is_an_error_of_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "planar", lambda image: image.no_such_thing)
    with (
        pytest.raises(UserFacingError, match=r"recording failed \(AttributeError"),
        Recording(tmp_path / "out.mp4") as recording,
    ):
        for number in range(200):  # many more than may wait
            recording.write(picture(), number / 25)
    assert list(tmp_path.iterdir()) == []


def test_sound_that_ends_early_ends_no_recording(
    tmp_path: Path, talk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Sound):
        def _from_start(self, start_s: float) -> Iterator[Any]:
            yield from itertools.islice(super()._from_start(start_s), 50)
            raise OSError(errno.EIO, "Input/output error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Sound", Broken)
        with Recording(tmp_path / "out.mp4", sound_of=talk) as recording:
            for number in range(50):
                recording.write(picture(), number / 25)
    assert len(times_of(tmp_path / "out.mp4")) == 50
    assert "the recording's sound ends early: Input/output error" in caplog.text
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(audio=0)) == pytest.approx(50, abs=3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    words = r"out\.mp4: recording failed \(No space left"
    with pytest.raises(UserFacingError, match=words), Recording(path) as recording:
        for number in range(200):
            recording.write(picture(), number / 25)
