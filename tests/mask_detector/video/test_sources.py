"""Cameras, files, folders and streams, the streams real and cut at will."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from streams import MjpegServer, RtspServer, free_port
from waiting import PATIENCE_S, wait_until

from mask_detector.errors import SourceError
from mask_detector.video import captures
from mask_detector.video import sources as module
from mask_detector.video.addresses import without_password
from mask_detector.video.captures import SourceOptions
from mask_detector.video.sources import Frame, Sources


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    wait_until(
        lambda: not [t for t in threading.enumerate() if t not in before and "read" in t.name]
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.1)


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """A video of 50 frames, 25 a second, each as bright as its number times five."""
    path = tmp_path / "numbered.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for number in range(50):
            image = np.full((48, 64, 3), 5 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def read(*names: object, options: SourceOptions | None = None) -> list[Frame]:
    with Sources([str(name) for name in names], options) as sources:
        frames = [frame for each in sources for frame in each.values()]
    sources.check()
    return frames


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("0", "0"),
        ("films/a@b:c.mp4", "films/a@b:c.mp4"),
        ("rtsp://door/1", "rtsp://door/1"),
        ("rtsp://door:554/a@b", "rtsp://door:554/a@b"),
        ("rtsp://token@door/1", "rtsp://***@door/1"),
        ("rtsp://me:secret@door/1", "rtsp://me:***@door/1"),
        ("rtsp://me:se@cr/et@door:554/1", "rtsp://me:***@door:554/1"),
        ("rtsp://me:1234@door/1", "rtsp://me:***@door/1"),
        ("http://door/v?user=me&pwd=secret&x=1", "http://door/v?user=me&pwd=***&x=1"),
        ("http://door/v?auth_token=secret#top", "http://door/v?auth_token=***#top"),
        ("http://door/v?loginuse=me&loginpas=secret", "http://door/v?loginuse=me&loginpas=***"),
        ("http://door/v?psw=secret&x=1", "http://door/v?psw=***&x=1"),
        ("http://door/v?usr=me&pw=secret", "http://door/v?usr=me&pw=***"),
        ("https://store/v.mp4?se=2026&sig=secret", "https://store/v.mp4?se=2026&sig=***"),
        ("https://store/v?X-Amz-Signature=secret", "https://store/v?X-Amz-Signature=***"),
        (
            "rtsp://door:554/user=me_password=se_cret_channel=1_stream=0.sdp",
            "rtsp://door:554/user=me_password=***_channel=1_stream=0.sdp",
        ),
        (
            "rtsp://door/user=me&password=secret&channel=1",
            "rtsp://door/user=me&password=***&channel=1",
        ),
        ("http://door/password-free/keys/?design=1", "http://door/password-free/keys/?design=1"),
        ("http://door/key=1/cat.jpg", "http://door/key=***/cat.jpg"),
        ("http://door/" + "a_pas" * 1000, "http://door/" + "a_pas" * 1000),
        ("films/key=3_pw=2.mp4", "films/key=3_pw=2.mp4"),
        ("not 'mqtt://me:12#secret@host/t'", "not 'mqtt://me:***@host/t'"),
    ],
)
def test_a_password_is_never_shown(source: str, shown: str) -> None:
    assert without_password(source) == shown


def test_a_file_gives_every_frame_however_slow_its_reader(numbered: Path) -> None:
    with Sources([str(numbered)]) as sources:
        frames: list[Frame] = []
        for each in sources:
            frames += each.values()
            time.sleep(0.002)
    assert [frame.number for frame in frames] == list(range(50))
    assert [frame.image[0, 0, 0] for frame in frames] == [5 * n for n in range(50)]
    assert [frame.time_s for frame in frames] == pytest.approx(
        [n / 25 for n in range(50)], abs=1e-3
    )
    assert frames[0].image.flags.writeable


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (SourceOptions(start=1), range(25, 50)),
        (SourceOptions(end=0.5), range(13)),
        (SourceOptions(start=1, end=1.2), range(25, 31)),
        (SourceOptions(every=20), range(0, 50, 20)),
    ],
)
def test_a_part_of_a_file(numbered: Path, options: SourceOptions, numbers: range) -> None:
    frames = read(numbered, options=options)
    assert [frame.number for frame in frames] == list(numbers)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [5 * n for n in numbers]
    if not options.start:
        assert [frame.given for frame in frames] == [n + 1 for n in numbers]


@pytest.mark.parametrize("start", [2, 9])
def test_a_start_after_the_end_is_an_error(numbered: Path, tmp_path: Path, start: int) -> None:
    (tmp_path / "folder").mkdir()
    cv2.imwrite(str(tmp_path / "folder" / "1.png"), picture(8, 8))
    for source, end in ((numbered, "1.96"), (tmp_path / "folder", "0.00")):
        words = rf"there is nothing from {start} s on, the last frame is at {end} s"
        with pytest.raises(SourceError, match=words):
            read(source, options=SourceOptions(start=start))


def test_options_that_leave_no_frame_are_an_error(numbered: Path) -> None:
    with Sources([str(numbered)], SourceOptions(start=1, end=1.04, every=20)) as sources:
        assert not any(sources)
        with pytest.raises(SourceError, match="no frame is left by --start, --end and --every"):
            sources.check()


def test_stopping_before_the_first_frame_is_no_error() -> None:
    with Sources(["rtsp://127.0.0.1:9/camera"]) as sources:
        assert next(iter(sources)) == {}
    assert sources.check()


def test_a_folder_without_a_photo_that_can_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(SourceError, match="no photo in this folder can be read"):
        read(tmp_path)


def test_a_video_that_is_named_like_a_picture_is_read(numbered: Path, tmp_path: Path) -> None:
    assert len(read(numbered.rename(tmp_path / "video.jpg"))) == 50


def test_a_folder_is_read_in_the_order_that_people_count(tmp_path: Path) -> None:
    for number, name in ((1, "1"), (2, "2"), (10, "10"), (11, "10²")):
        cv2.imwrite(str(tmp_path / f"frame{name}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / "frame3.png").write_text("not a photo")
    (tmp_path / "notes.txt").touch()
    frames = read(tmp_path)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10, 11]


@pytest.mark.parametrize("format", ["webp", "gif", "png"])
def test_an_animation_is_read_with_its_times(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"clip.{format}"
    first, *others = [Image.new("RGB", (32, 24), (grey, 40, 40)) for grey in (0, 100, 200)]
    first.save(path, save_all=True, append_images=others, duration=[200, 500, 10], lossless=True)
    frames = read(path)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.2, 0.7])
    assert [frame.image[0, 0].tolist() for frame in frames] == [[40, 40, x] for x in (0, 100, 200)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("photo.png", "this is a photo: use detect_mask_image.py, or name a folder of frames"),
        ("damaged.webp", "this is no picture, or a damaged one"),
    ],
)
def test_a_photo_is_no_video(tmp_path: Path, name: str, words: str) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "photo.png")
    (tmp_path / "damaged.webp").write_bytes(b"RIFF0000WEBP")
    with pytest.raises(SourceError, match=words):
        read(tmp_path / name)


@pytest.mark.parametrize("seen", [0, 2])
def test_whatever_ends_a_reader_is_an_error_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: int
) -> None:
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(8, 8))
    pictures = [picture(8, 8)] * seen

    def broken(path: Path) -> np.ndarray:
        return pictures.pop() if pictures else np.zeros(path.stat)  # type: ignore[call-overload]

    monkeypatch.setattr(captures, "read_photo", broken)
    with Sources([str(tmp_path)]) as sources:
        assert sum(len(frames) for frames in sources) == seen
    assert "reading failed (TypeError" in str(sources.sources[0].error)
    if seen:
        assert sources.check() is False
    else:
        with pytest.raises(SourceError):
            sources.check()


@pytest.mark.parametrize("count", [1, 3])
def test_sources_that_cannot_be_opened_say_why(tmp_path: Path, count: int) -> None:
    missing = [str(tmp_path / f"{number}.mp4") for number in range(count)]
    with pytest.raises(SourceError, match=r"0\.mp4: there is no such file"):
        read(*missing)


def test_a_camera_that_is_not_there_names_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_cameras", lambda: [0, 2])
    with pytest.raises(SourceError, match=r"camera 88 cannot be opened \(cameras found: 0, 2\)"):
        read("88")


class Camera:
    """A camera that gives three frames and is then pulled out; opened again, it works."""

    opened = 0

    def __init__(self, number: int) -> None:
        type(self).opened += 1
        self._left = 3

    def isOpened(self) -> bool:
        return type(self).opened != 2  # right after it was pulled out it is not there

    def read(self) -> tuple[bool, np.ndarray | None]:
        self._left -= 1
        time.sleep(0.01)
        return (True, picture(64, 48)) if self._left >= 0 else (False, None)

    def set(self, setting: int, value: float) -> bool:
        return True

    def get(self, setting: int) -> float:
        return 30.0

    def release(self) -> None:
        pass


def test_a_camera_that_is_pulled_out_is_opened_again(
    quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    with Sources(["0"]) as sources:
        numbers: list[int] = []
        while not numbers or numbers[-1] < 3:
            numbers += [frame.number for frame in next(iter(sources)).values()]
    assert Camera.opened == 3
    assert sources.sources[0].live
    assert "camera 0 gives no more frames; trying again" in messages(caplog)


def test_a_camera_that_raises_anything_is_opened_again(
    quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Camera):
        def read(self) -> tuple[bool, np.ndarray | None]:
            if type(self).opened == 1 and self._left == 1:
                raise cv2.error("odd")
            return super().read()

        def isOpened(self) -> bool:
            return True

    monkeypatch.setattr(Odd, "opened", 0)
    monkeypatch.setattr(cv2, "VideoCapture", Odd)
    with Sources(["0"]) as sources:
        while Odd.opened < 2:
            next(iter(sources))
    assert "0: reading failed (error('odd')); trying again" in messages(caplog)


def test_one_broken_source_does_not_stop_the_others(numbered: Path, tmp_path: Path) -> None:
    with Sources([str(tmp_path / "no.mp4"), str(numbered), str(numbered)]) as sources:
        indices = [index for frames in sources for index in frames]
    assert (indices.count(0), indices.count(1), indices.count(2)) == (0, 50, 50)
    assert sources.check() is False


def test_a_live_source_gives_its_newest_frame(quick: None) -> None:
    with MjpegServer(picture(64, 48), rate=100) as camera, Sources([camera.address]) as sources:
        source, rounds = sources.sources[0], iter(sources)
        for _ in range(3):
            came = source._number
            while source._number < came + 5:  # while a frame is processed, five more come
                time.sleep(0.01)
            numbers = [frame.number for frame in next(rounds).values()]
            assert numbers[0] >= came + 4
    assert source.live


def collect(
    sources: Sources, steps: list[tuple[Callable[[Frame], bool], Callable[[], None]]]
) -> list[Frame]:
    """Read on; when a frame answers a step's question, do what the step says, in order."""
    taken, deadline = [], time.monotonic() + PATIENCE_S
    for frames in sources:
        for frame in frames.values():
            taken.append(frame)
            if steps and steps[0][0](frame):
                steps.pop(0)[1]()
        assert time.monotonic() < deadline
    assert not steps
    return taken


def lose_patience(sources: Sources) -> None:
    """Give up soon what fails from now on; until now a busy machine could be slow."""
    source = sources.sources[0]
    source._options = replace(source._options, give_up=0.5)


def messages(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


def test_a_stream_that_is_cut_is_taken_up_in_another_size(
    quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    servers = [MjpegServer(picture(64, 48))]

    def cut() -> None:
        servers[0].close()
        back = threading.Timer(
            0.5, lambda: servers.append(MjpegServer(picture(96, 80), servers[0].port))
        )
        back.start()

    def end() -> None:
        lose_patience(sources)
        servers[1].close()

    steps = [
        (lambda frame: frame.number >= 5, cut),
        (lambda frame: frame.image.shape == (80, 96, 3), end),
    ]
    with Sources([servers[0].address]) as sources:
        frames = collect(sources, steps)
    shapes = list(dict.fromkeys(frame.image.shape for frame in frames))
    assert shapes == [(48, 64, 3), (80, 96, 3)]
    numbers, times = [f.number for f in frames], [f.time_s for f in frames]
    assert numbers == sorted(set(numbers))
    assert times == sorted(times)
    error = sources.sources[0].error
    assert error is not None
    assert "given up after 0.5 s" in str(error)
    assert "is back" in messages(caplog)
    assert "secret" not in messages(caplog) + str(error)


def test_a_frozen_stream_counts_as_dropped(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    with MjpegServer(picture(64, 48)) as camera:

        def freeze() -> None:
            camera.frozen = True
            threading.Timer(1.5, lambda: setattr(camera, "frozen", False)).start()

        def end() -> None:
            lose_patience(sources)
            camera.close()

        steps = [
            (lambda frame: frame.number >= 5, freeze),
            (lambda frame: frame.time_s > 1.5, end),
        ]
        with Sources([camera.address], SourceOptions(stall=0.7)) as sources:
            frames = collect(sources, steps)
    assert "no answer in time; trying again" in messages(caplog)
    gaps = [b.time_s - a.time_s for a, b in pairwise(frames)]
    assert max(gaps) > 0.7


def test_waits_grow_to_thirty_seconds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []
    source = module.Source(f"http://127.0.0.1:{free_port()}/", SourceOptions(give_up=1e6))

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:
            source.stop()

    monkeypatch.setattr(source._stopped, "wait", wait)
    with caplog.at_level(logging.WARNING):
        assert list(source.frames()) == []
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_stream_never_reached_is_given_up(quick: None) -> None:
    with pytest.raises(SourceError, match=r"Connection refused; given up after 0\.5 s"):
        read(f"rtsp://me:secret@127.0.0.1:{free_port()}/", options=SourceOptions(give_up=0.5))


def test_rtsp_is_cut_comes_back_in_another_size_and_dies(
    quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    first = RtspServer(np.zeros((120, 160, 3), np.uint8))
    servers = [first]

    def cut() -> None:
        first.close()
        servers.append(RtspServer(np.zeros((240, 320, 3), np.uint8), first.port))

    def end() -> None:
        lose_patience(sources)
        servers[1].close()

    steps = [
        (lambda frame: frame.number >= 5, cut),
        (lambda frame: frame.image.shape == (240, 320, 3), end),
    ]
    try:
        with Sources([first.address]) as sources:
            frames = collect(sources, steps)
    finally:
        for server in servers:
            server.close()
    assert {frame.image.shape for frame in frames} == {(120, 160, 3), (240, 320, 3)}
    assert "given up after 0.5 s" in str(sources.sources[0].error)
    assert "secret" not in messages(caplog)
