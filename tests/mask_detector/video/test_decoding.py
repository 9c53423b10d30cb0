"""Films and streams as people bring them: read whole, from where they should, upright."""

from __future__ import annotations

import errno
import gc
import itertools
import logging
import math
import struct
from collections.abc import Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from films import film, number_in, numbered
from streams import MjpegServer, RtspServer

from mask_detector.errors import SourceError
from mask_detector.video.captures import SourceOptions
from mask_detector.video.decoding import Video
from mask_detector.video.sources import Source
from mask_detector.video.timeline import Timeline


def frames_of(
    source: object, start: float = 0.0, most: int | None = None
) -> list[tuple[float | None, np.ndarray]]:
    video = Video(str(source), SourceOptions(start=start, stall=20))
    frames = []
    try:
        for frame in video.frames():
            frames.append(frame)
            if len(frames) == most:
                break
    finally:
        video.close()
    return frames


def numbers(frames: list[tuple[float | None, np.ndarray]]) -> list[int]:
    return [number_in(image) for _, image in frames]


def times(frames: list[tuple[float | None, np.ndarray]]) -> list[float | None]:
    return [time_s for time_s, _ in frames]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.mp4", {"movflags": "faststart"}),
        ("film.mp4", {}),
        ("no_duration.mkv", {"live": "1"}),
        ("film.ts", {}),
        ("film.mjpeg", {}),
    ],
)
@pytest.mark.parametrize("start", [0, 1])
def test_a_film_at_an_address_is_read_whole(
    tmp_path: Path, served: str, name: str, options: dict[str, str], start: int
) -> None:
    film(tmp_path / name, options=options, codec="mjpeg" if "mjpeg" in name else "mpeg4")
    frames = [each for each in frames_of(f"{served}/{name}", start) if (each[0] or 0) >= start]
    assert numbers(frames) == list(range(40 - len(frames), 40))
    assert len(frames) == pytest.approx(40 - 20 * start, abs=5)
    rate = 25 if name == "film.mjpeg" else 20  # which such a file does not say
    assert times(frames)[-1] == pytest.approx(39 / rate, abs=2e-3)


def test_an_index_at_the_end_is_reached_without_ranges(
    tmp_path: Path, served: str, noisy: list[np.ndarray]
) -> None:
    """Python's own server gives files only from the beginning to the end."""
    path = film(tmp_path / "film.mp4", [np.tile(each, (4, 4, 1)) for each in noisy])
    data = path.read_bytes()
    assert data.index(b"moov") > 1e5  # FFmpeg skips smaller ones by reading
    assert len(frames_of(f"{served}/film.mp4")) == 40
    assert numbers(frames_of(f"{served}/film.mp4", start=1)[-20:]) == numbers(frames_of(path)[20:])
    path.write_bytes(data[:-5000])
    with pytest.raises(SourceError, match="this is no video, or a damaged one"):
        frames_of(f"{served}/film.mp4")


def test_a_cameras_one_picture_address_gives_a_picture_again_and_again(
    tmp_path: Path, served: str
) -> None:
    (tmp_path / "now.jpg").write_bytes(cv2.imencode(".jpg", numbered(20))[1].tobytes())
    for address in (f"{served}/now.jpg", f"{served}/now.jpg?user=me"):
        assert numbers(frames_of(address, most=3)) == [20, 20, 20]


@pytest.mark.parametrize(
    "before",
    [
        b"--frame\r\nContent-Type: image/jpg\r\nContent-Length: %d\r\n\r\n",
        b"--frame\r\ncontent-type:image/jpeg\r\n\r\n",
        b"--somethingelse\r\nContent-Type: image/pjpeg\r\nX-Time: 1\r\n\r\n",
        b"--frame\n\n",
    ],
)
def test_mjpeg_is_read_whatever_stands_between_its_pictures(before: bytes) -> None:
    with MjpegServer(numbered(20), before=before) as camera:
        assert numbers(frames_of(camera.address, most=3)) == [20, 20, 20]


@pytest.mark.parametrize("transport", ["any", "udp"])
def test_rtsp_takes_the_transport_that_the_camera_has(transport: str) -> None:
    with RtspServer(numbered(20, 160, 120), transport=transport) as camera:
        ((_, image),) = frames_of(camera.address, most=1)
    assert image.shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("name", "codec", "keyframes"),
    [
        ("film.mp4", "libx264", 250),
        ("film.mkv", "libx264", 7),
        ("film.ts", "libx264", 12),
        ("film.ts", "mpeg2video", 15),
        ("film.h264", "libx264", 12),
        ("film.avi", "mpeg4", 12),
        ("film.mpg", "mpeg2video", 12),
        ("film.mjpg", "mjpeg", 12),
    ],
)
@pytest.mark.parametrize("start", [0.0, 0.5, 1.25])
def test_a_start_is_where_it_should_be(
    tmp_path: Path, name: str, codec: str, keyframes: int, start: float
) -> None:
    rate = 25 if codec == "mjpeg" else 20
    path = film(tmp_path / name, codec=codec, keyframes=keyframes, rate=rate)
    frames = frames_of(path, start)
    assert start - (times(frames)[0] or 0) < keyframes / 20 + 0.1
    frames = [each for each in frames if (each[0] or 0) >= start - 1e-3]
    expected = list(range(math.ceil(start * rate), 40))
    assert numbers(frames) == expected
    assert times(frames) == pytest.approx([n / rate for n in expected], abs=2e-3)


def test_an_error_after_seeking_gives_no_frame_twice(tmp_path: Path) -> None:
    class Broken(Video):
        def _packets(self) -> Iterator[av.Packet]:
            yield from itertools.islice(super()._packets(), 10)
            raise OSError(errno.EIO, "Input/output error")

    video = Broken(str(film(tmp_path / "film.mp4")), SourceOptions(start=1))
    shown = []
    with pytest.raises(SourceError, match="Input/output error"):
        for _, image in video.frames():
            shown.append(number_in(image))
    video.close()
    assert shown == sorted(set(shown))


def test_joined_files_go_on_in_time(tmp_path: Path) -> None:
    part = film(tmp_path / "part.ts", codec="libx264").read_bytes()
    (tmp_path / "both.ts").write_bytes(part + part)
    frames = frames_of(tmp_path / "both.ts")
    assert numbers(frames) == [*range(40), *range(40)]
    assert times(frames) == pytest.approx([n / 20 for n in range(80)], abs=0.01)
    later = [each for each in frames_of(tmp_path / "both.ts", 3) if (each[0] or 0) >= 3]
    assert numbers(later) == list(range(20, 40))


class PacketStub:
    """What a :class:`Timeline` sees of a packet."""

    time_base = Fraction(1, 10)
    duration = 2

    def __init__(self, ticks: int | None) -> None:
        self.dts = self.pts = ticks


@pytest.mark.parametrize(
    ("jumps", "ticks", "expected"),
    [
        (True, [], []),
        (True, [10, 12, 14, 10, 12], [10, 12, 14, 16, 18]),
        (True, [10, 12, 3000, 3002], [10, 12, 14, 16]),
        (False, [10, 12, 3000, 3002], [10, 12, 3000, 3002]),
        (True, [10, 12, 60, 62], [10, 12, 60, 62]),
        (True, [10, None, 12], [10, None, 12]),
        (False, [10, 12, 14, 0, 2, 0, 2], [10, 12, 14, 16, 18, 20, 22]),
    ],
)
def test_timestamps_only_go_on(
    jumps: bool, ticks: list[int | None], expected: list[int | None]
) -> None:
    timeline, packets = Timeline(jumps), [PacketStub(each) for each in ticks]
    for packet in packets:
        timeline.correct(packet)  # type: ignore[arg-type]
    assert [packet.pts for packet in packets] == expected
    assert [packet.dts for packet in packets] == expected


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    """A display matrix as MP4 holds it."""
    one = 1 << 16
    return struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)


MATRICES = [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)]
MATRICES += [(0, b, c, 0) for b in (1, -1) for c in (1, -1)]


@pytest.mark.parametrize("numbers", MATRICES)
def test_a_video_is_shown_as_its_display_matrix_says(
    tmp_path: Path, numbers: tuple[int, int, int, int]
) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:8, :8] = 255  # the upper left corner
    path = film(tmp_path / "phone.mp4", [image])
    before, _, after = path.read_bytes().rpartition(matrix(1, 0, 0, 1))  # the track's
    path.write_bytes(before + matrix(*numbers) + after)
    ((_, shown),) = frames_of(path)
    # The point goes from the middle (x, y) to (ax + cy, bx + dy).
    a, b, c, d = numbers
    x, y = a * -1 + c * -1, b * -1 + d * -1
    height, width = shown.shape[:2]
    assert (width, height) == ((64, 48) if a else (48, 64))
    bright = shown[..., 0] > 128
    rows, columns = np.nonzero(bright)
    assert (np.sign(columns.mean() - width / 2), np.sign(rows.mean() - height / 2)) == (x, y)


@pytest.mark.parametrize(
    ("pixel", "size"),
    [
        (Fraction(64, 45), (91, 48)),
        (Fraction(8, 9), (64, 54)),
        (Fraction(1, 1), (64, 48)),
        (Fraction(1, 100), (64, 48)),
    ],
)
def test_pixels_become_square(tmp_path: Path, pixel: Fraction, size: tuple[int, int]) -> None:
    path = film(tmp_path / "dvd.mkv", 2, codec="libx264", pixel=pixel)
    assert frames_of(path)[0][1].shape[1::-1] == size


def with_cover(path: Path, video: Path | None) -> None:
    """A file with a picture that belongs to it, before its video or instead of one."""
    cover = cv2.imencode(".jpg", numbered(50))[1].tobytes()
    with av.open(str(path), "w") as target:
        picture = target.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic.value
        sound = target.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", 48_000)
        source = av.open(str(video)) if video else None
        film_stream = source and target.add_stream_from_template(source.streams.video[0])
        packet = av.Packet(cover)
        packet.stream, packet.pts, packet.dts = picture, 0, 0
        packet.is_keyframe = True
        target.mux(packet)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), "fltp", "mono")
        samples.sample_rate = 48_000
        target.mux(sound.encode(samples))
        target.mux(sound.encode(None))
        if source:
            for each in source.demux(video=0):
                if each.dts is not None:
                    each.stream = film_stream
                    target.mux(each)
            source.close()


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    with_cover(tmp_path / "film.mp4", film(tmp_path / "plain.mp4"))
    assert numbers(frames_of(tmp_path / "film.mp4")) == list(range(40))
    with_cover(tmp_path / "song.mp3", None)
    with pytest.raises(SourceError, match="there is no video in this"):
        frames_of(tmp_path / "song.mp3")


@pytest.fixture
def noisy() -> list[np.ndarray]:
    """Frames of a known size in bytes, more or less."""
    random = np.random.default_rng(0)
    return [random.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(40)]


@pytest.mark.parametrize(
    ("name", "options"),
    [("film.mp4", {"movflags": "faststart"}), ("film.mkv", {}), ("film.avi", {})],
)
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_file_that_is_cut_off_gives_its_frames_and_says_so(
    tmp_path: Path, noisy: list[np.ndarray], name: str, options: dict[str, str], share: float
) -> None:
    path = film(tmp_path / name, noisy, options=options)
    whole = path.read_bytes()
    assert len(frames_of(path)) == 40
    path.write_bytes(whole[: round(share * len(whole))])
    video, count = Video(str(path), SourceOptions()), 0
    with pytest.raises(SourceError, match=rf"{name}: the file is cut off, it ends at \d\.\d+"):
        for _ in video.frames():
            count += 1
    video.close()
    assert 0 < count < 40


def test_an_mp4_without_its_index_is_explained(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(SourceError, match="its index is missing, it was cut off or is still"):
        frames_of(path)


def test_damaged_frames_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = film(tmp_path / "film.mp4", codec="libx264")
    with av.open(str(path)) as container:
        middle = [packet for packet in container.demux(video=0) if packet.size][10:13]
    data = bytearray(path.read_bytes())
    for packet in middle:
        assert packet.pos is not None
        data[packet.pos : packet.pos + 4] = b"\xff\xff\xff\xff"  # the NAL unit's length
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        frames = frames_of(path)
    assert len(frames) == 37
    assert "film.mp4: 3 damaged frames left out" in caplog.text


@pytest.mark.parametrize(
    "name", ["2021-05-02T12:30:00.mp4", "100%.mp4", "a%03d.mp4", "http:x.mp4", "-i.mp4"]
)
def test_a_name_is_never_a_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    film(tmp_path / "plain.mp4", 3).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(frames_of(name)) == 3
    assert len(frames_of((tmp_path / name).as_uri())) == 3


def test_raw_video_has_the_rate_that_it_says(tmp_path: Path) -> None:
    frames = frames_of(film(tmp_path / "raspivid.h264", codec="libx264"))
    assert times(frames) == pytest.approx([n / 20 for n in range(40)])


def test_a_photo_is_sent_to_the_photo_script(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(cv2.imencode(".png", numbered(9))[1].tobytes())
    with pytest.raises(SourceError, match=r"this is a photo: use detect_mask_image\.py"):
        frames_of(path)


@pytest.mark.parametrize("name", ["film.ts", "film.mkv", "film.mp4"])
def test_a_file_that_is_still_being_written_is_read_to_where_it_is(
    tmp_path: Path, name: str
) -> None:
    whole = film(
        tmp_path / f"whole_{name}",
        codec="libx264",
        options={"movflags": "frag_keyframe+empty_moov"} if name.endswith("mp4") else {},
    ).read_bytes()
    with (tmp_path / name).open("wb", buffering=0) as growing:
        growing.write(whole[: len(whole) // 2])
        video = Video(str(tmp_path / name), SourceOptions())
        frames = video.frames()
        next(frames)
        growing.write(whole[len(whole) // 2 :])
        found: list[object] = [frames]
        try:
            found += list(frames)
        except SourceError as error:
            assert "cut off" in str(error)
        video.close()
    assert len(found) > 5


@pytest.mark.parametrize("codec", ["mpeg2video", "h264"])
@pytest.mark.parametrize(
    ("limit", "sizes", "complaint"),
    [
        (None, [(64, 48), (640, 480)], None),
        (0.1, [(64, 48), (320, 240)], None),
        (0.1, [(64, 48), (640, 480)], "a frame is too large, at most 0.1 megap"),
        (0.1, [(640, 480)], "a frame is too large"),
    ],
)
def test_a_limit_of_pixels_holds_for_each_frame(
    tmp_path: Path,
    codec: str,
    limit: float | None,
    sizes: list[tuple[int, int]],
    complaint: str | None,
) -> None:
    parts = [
        film(tmp_path / f"{width}.ts", [numbered(n, width, height) for n in range(8)], codec=codec)
        for width, height in sizes
    ]
    path = tmp_path / "film.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    shapes = set()
    with pytest.raises(SourceError, match=complaint) if complaint else nullcontext():
        for frame in Source(str(path), SourceOptions(max_megapixels=limit)).frames():
            shapes.add(frame.image.shape[1::-1])
    assert shapes == {size for size in sizes if not limit or size[0] * size[1] <= limit * 1e6}


def test_decoded_frames_do_not_wait_for_the_garbage_collector(examples: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        assert len(frames_of(examples / "example_video.mp4")) == 80
        waiting = [each for each in gc.get_objects() if isinstance(each, av.VideoFrame)]
        assert len(waiting) < 10
    finally:
        gc.enable()
