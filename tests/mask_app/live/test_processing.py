"""The live picture without a browser: what is processed, counted, hidden and left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from waiting import PATIENCE_S, run_apart, wait_until

from mask_app.live.keeping import PictureFolder, delete_old_pictures
from mask_app.live.processing import ALARM_AFTER_SECONDS, LiveProcessor
from mask_app.live.server_cameras import ServerTrack, SharedCamera
from mask_app.live.tracks import BrowserTrack
from mask_app.models import live_detector
from mask_app.settings import Settings
from mask_detector.detector import MaskDetector
from mask_detector.faces import Face, Faces
from mask_detector.images import read_photo
from mask_detector.video.zones import parse_zone

SETTINGS = Settings("yunet", 0.5, 0.1, "none", mirror=False, alarm=True, alarm_pause=5)


def face(unmasked: float, left: int = 10) -> Face:
    return Face(
        (left, 10, left + 30, 50), 0.9, {"with_mask": 1 - unmasked, "without_mask": unmasked}
    )


@dataclass
class FakeDetector:
    """Detects the faces that it was given."""

    faces: Sequence[Face] = ()
    classes: tuple[str, ...] = ("with_mask", "without_mask")
    unsure: float = 0.1
    seen: list[np.ndarray] = field(default_factory=list)
    meanwhile: Callable[[], object] = bool

    def detect(self, image: np.ndarray) -> Faces:
        self.seen.append(image.copy())
        self.meanwhile()
        return Faces(self.faces)


def live_processor(detector: FakeDetector, **settings: Any) -> LiveProcessor:
    return LiveProcessor(cast(MaskDetector, detector), replace(SETTINGS, **settings))


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)


def video_frame(number: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((60, 100, 3), number, np.uint8), format="bgr24")
    frame.pts, frame.time_base = 3000 * number, Fraction(1, 90_000)
    return frame


@pytest.mark.parametrize(
    ("faces", "counts"),
    [
        ([], {"with_mask": 0, "without_mask": 0}),
        ([face(0.1), face(0.9, left=60)], {"with_mask": 1, "without_mask": 1}),
        ([face(0.55)], {"with_mask": 0, "without_mask": 0, "unsure": 1}),
    ],
)
def test_the_newest_picture_is_counted(faces: list[Face], counts: dict[str, int]) -> None:
    processor = live_processor(FakeDetector(faces))
    assert not processor.status().running
    processor.process(noise(), time.monotonic())
    status = processor.status()
    assert status.running
    assert status.counts == counts
    assert [each for _, each in status.history] == [counts]
    assert 0 <= status.delay < 1


def test_nothing_of_an_earlier_stream_is_reported() -> None:
    processor = live_processor(FakeDetector([face(0.9)]))
    processor.process(noise(), time.monotonic())
    processor.begin()
    assert not processor.status().running
    assert processor.status().counts is None
    assert len(processor.status().history) == 1


def test_a_mirrored_picture_has_mirrored_boxes() -> None:
    detector, image = FakeDetector(), noise()
    shown = live_processor(detector, mirror=True).process(image.copy(), time.monotonic())
    assert (detector.seen[0] == image).all()
    assert (shown == image[:, ::-1]).all()
    detector.faces = [face(0.9, left=5)]
    plain, mirrored = (
        live_processor(detector, mirror=mirror).process(image.copy(), 0.0)
        for mirror in (False, True)
    )
    edge = plain[40, 5]
    assert (edge != image[40, 5]).any()
    assert (mirrored[40, 99 - 5] == edge).all()


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    ("unmasked", "blur", "hidden"),
    [(0.1, "all", True), (0.9, "without_mask", True), (0.1, "without_mask", False)],
)
def test_blurred_faces_are_gone_also_where_the_detector_misses_them_for_a_frame(
    unmasked: float, blur: str, hidden: bool, mirror: bool
) -> None:
    detector, image = FakeDetector([face(unmasked)]), noise()
    processor = live_processor(detector, blur=blur, mirror=mirror)
    inside = (slice(20, 40), slice(15, 35))
    for number, faces in enumerate([detector.faces, detector.faces, [], detector.faces]):
        detector.faces = faces
        # A change of the settings must not show anybody either.
        detector.unsure = 0.1 + number / 100
        processor.settings = replace(processor.settings, alarm_pause=5 + number)
        shown = processor.process(image.copy(), 1000 + number / 25)
        shown = shown[:, ::-1] if mirror else shown
        detail, before = (each[inside].std(axis=(0, 1)).mean() for each in (shown, image))
        assert (detail < before / 3) == hidden


def detail_of(picture: bytes) -> float:
    """How much the middle of a JPEG, where the face is, differs within itself."""
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    height, width = image.shape[:2]
    middle = image[height // 3 : height // 2, width // 3 : 2 * width // 3]
    return float(middle.std(axis=(0, 1)).mean())


def test_pictures_of_people_without_a_mask_are_blurred_unless_asked(tmp_path: Path) -> None:
    def watched(**settings: Any) -> LiveProcessor:
        processor = live_processor(FakeDetector([face(0.9)]), **settings)
        if not settings:
            processor.takes_pictures = False
        elif settings["event_faces"]:
            processor.folder = PictureFolder(tmp_path, "North")
        for step in range(8):
            processor.process(noise(), time.monotonic() + step / 10)
        assert len(processor.status().events) == 1
        return processor

    def picture(processor: LiveProcessor) -> bytes:
        return processor.status().events[0].picture

    assert picture(watched()) == b""  # as at a door
    hidden, shown = watched(event_faces=False), watched(event_faces=True)
    assert detail_of(picture(hidden)) < detail_of(picture(shown)) / 2
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [picture(shown)]
    assert detail_of(picture(watched(event_faces=True, blur="without_mask"))) < 20
    # Who is to be hidden from now on is hidden in what is there, too.
    clear = picture(shown)
    shown.settings = replace(shown.settings, alarm=False)
    assert picture(shown) == clear
    shown.settings = replace(shown.settings, event_faces=False)
    assert detail_of(picture(shown)) < detail_of(clear) / 2


def test_faces_below_the_confidence_are_found_to_be_hidden(examples: Path) -> None:
    """Small pictures and reports hide everybody, also where the live picture hides nobody."""
    detector = live_detector(replace(SETTINGS, confidence=1.0))
    faces = detector.detect(read_photo(examples / "example_02.jpg"))
    assert not faces
    assert faces.candidates


def test_a_folder_of_pictures_stays_small_and_forgets(tmp_path: Path) -> None:
    stranger, old = tmp_path / "mine.jpg", tmp_path / "door_20200101_000000_North_1.jpg"
    for path in (stranger, old):
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    PictureFolder(tmp_path, "a/b").keep(b"picture", 7)
    delete_old_pictures(tmp_path, days=1)
    assert not old.exists()
    assert stranger.exists()
    assert len(list(tmp_path.iterdir())) == 2
    folder = PictureFolder(tmp_path / "new", "North & South")
    for track in range(5):
        folder.keep(b"picture", track)
    delete_old_pictures(tmp_path / "new", days=1, most=3)
    assert len(list((tmp_path / "new").iterdir())) == 3
    shutil.rmtree(tmp_path / "new")
    folder.keep(b"picture", 9)  # a folder that went away ends nothing
    delete_old_pictures(tmp_path / "new", days=1)


@pytest.mark.parametrize("mirror", [False, True])
def test_faces_outside_the_zones_neither_count_nor_raise_alarms(mirror: bool) -> None:
    detector, image = FakeDetector([face(0.9), face(0.9, left=60)]), noise()
    processor = live_processor(detector, mirror=mirror, zones=(parse_zone("0,0,0.5,0,0.5,1,0,1"),))
    for step in range(9):
        shown = processor.process(image.copy(), 1000 + step * ALARM_AFTER_SECONDS / 4)
    status = processor.status()
    assert status.counts == {"with_mask": 0, "without_mask": 1}
    assert (status.alarms, len(status.events)) == (1, 1)
    assert shown[30, -51 if mirror else 50].min() > 200  # the zone's edge
    processor.settings = replace(processor.settings, zones=())
    processor.process(image.copy(), 1003)
    assert processor.status().counts == {"with_mask": 0, "without_mask": 2}


def test_the_next_view_is_a_copy_of_what_the_camera_sees() -> None:
    image, processor = noise(), live_processor(FakeDetector([face(0.9)]), mirror=True)
    assert processor.next_view(patience_s=0) is None
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(processor.next_view, PATIENCE_S)
        wait_until(lambda: processor.process(image.copy(), 0.0) is not None and asked.done())
    view = asked.result()
    assert view is not None
    assert (view.frame.image == image).all()
    assert view.counts["without_mask"] == 1
    assert processor.status().began is not None


def test_a_change_of_settings_begins_nothing_again() -> None:
    detector = FakeDetector([face(0.9)])
    processor = live_processor(detector)
    for step in range(40):
        detector.unsure = 0.1 + step / 1000
        processor.settings = replace(SETTINGS, alarm_pause=5 + step)
        processor.process(noise(), 1000 + step / 10)
    assert processor.status().alarms == 1
    assert processor.status().people == {"with_mask": 0, "without_mask": 1}


def test_one_sound_a_person_however_long_they_stay() -> None:
    processor = live_processor(FakeDetector([face(0.9)]))
    now = 1000.0
    for step in range(40):
        processor.process(noise(), now + step * ALARM_AFTER_SECONDS / 4)
        if step * ALARM_AFTER_SECONDS / 4 < ALARM_AFTER_SECONDS:
            assert processor.status().alarms == 0
    assert processor.status().alarms == 1
    processor.begin()  # its people are others, with the same numbers
    for step in range(4):
        processor.process(noise(), now + 10 + step * ALARM_AFTER_SECONDS / 4)
    events = processor.status().events
    assert [event.track for event in events] == [1, 1]
    assert [event.seconds for event in events] == pytest.approx([0.75, 9.75], abs=0.05)


def test_no_sound_where_none_is_wanted() -> None:
    processor = live_processor(FakeDetector([face(0.9)]), alarm=False)
    for step in range(8):
        processor.process(noise(), 1000.0 + step)
    assert processor.status().alarms == 0


class Camera:
    """Stands for WebRTC's incoming track; ``given``: the number of frames that came so far."""

    def __init__(self, frames: Sequence[av.VideoFrame], pause: float) -> None:
        self._frames, self._pause, self.given = list(frames), pause, 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(self._pause)
        if not self._frames:
            await asyncio.sleep(3600)
        self.given += 1
        return self._frames.pop(0)


def test_a_slow_detector_gets_only_the_newest_frame() -> None:
    detector = FakeDetector()
    camera = Camera([video_frame(10 * n) for n in range(1, 21)], 0.01)
    detector.meanwhile = lambda: wait_until(lambda: camera.given > 6 * len(detector.seen))

    async def watch() -> list[av.VideoFrame]:
        picture = BrowserTrack(live_processor(detector))
        picture.addTrack(cast(Any, camera))
        picture.start()
        pictures = [await picture.recv() for _ in range(3)]
        picture.stop()
        return pictures

    pictures = run_apart(watch())
    greys = [int(np.median(each.to_ndarray(format="bgr24"))) for each in pictures]
    assert greys == sorted(set(greys))
    assert greys[-1] >= 120  # five of six frames were replaced before their turn
    assert len(detector.seen) == 3
    # A browser shows pictures by their times: when they were ready, not when a camera took them.
    times = [float(each.time or 0) for each in pictures]
    assert times == sorted(set(times))
    assert not {each.pts for each in pictures} & {3000 * grey for grey in greys}


def test_the_next_picture_is_processed_while_one_is_encoded() -> None:
    detector = FakeDetector()

    async def watch() -> None:
        picture = BrowserTrack(live_processor(detector))
        picture.addTrack(cast(Any, Camera([video_frame(n) for n in (10, 20)], 0.05)))
        picture.start()
        await picture.recv()
        while len(detector.seen) < 2:  # while the first one is encoded and sent
            await asyncio.sleep(0.01)
        picture.stop()

    run_apart(watch())


def test_a_failing_detector_shows_black_never_the_camera() -> None:
    class Broken(FakeDetector):
        def detect(self, image: np.ndarray) -> list[Face]:
            raise RuntimeError("out of order")

    async def watch() -> av.VideoFrame:
        picture = BrowserTrack(live_processor(Broken(), blur="all"))
        picture.addTrack(cast(Any, Camera([video_frame(200)], 0)))
        picture.start()
        shown = await picture.recv()
        picture.stop()
        return shown

    assert run_apart(watch()).to_ndarray(format="bgr24").max() < 20


def test_stopping_leaves_no_thread_and_wakes_who_waits() -> None:
    async def watch() -> None:
        picture = BrowserTrack(live_processor(FakeDetector()))
        picture.addTrack(cast(Any, Camera([video_frame(1)], 0)))
        picture.start()
        await picture.recv()
        waiting = asyncio.ensure_future(picture.recv())
        await asyncio.sleep(0.01)
        await asyncio.get_running_loop().run_in_executor(None, picture.stop)
        with pytest.raises(MediaStreamError):
            await asyncio.wait_for(waiting, PATIENCE_S)
        assert picture.readyState == "ended"

    run_apart(watch())
    wait_until(lambda: not live_threads())


def live_threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("live", "camera"))]


def test_a_shared_camera_is_open_while_somebody_watches(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mask_app.live import server_cameras

    opened = []

    class CountedSources(server_cameras.Sources):
        def __init__(self, sources: Sequence[str]) -> None:
            opened.append(sources)
            super().__init__(sources)

    monkeypatch.setattr(server_cameras, "Sources", CountedSources)
    camera = SharedCamera(str(examples / "example_video.mp4"))

    async def watch() -> None:
        pictures = [ServerTrack(live_processor(FakeDetector()), camera) for _ in range(2)]
        for picture in pictures:
            assert (await asyncio.wait_for(picture.recv(), PATIENCE_S)).width == 480
        for picture in pictures:
            picture.stop()

    run_apart(watch())
    assert len(opened) == 1
    wait_until(lambda: not live_threads())


def test_a_camera_that_is_not_there_is_reported_without_its_address() -> None:
    camera = SharedCamera("/nowhere/secret.mp4")
    camera.join(lambda image: None)
    wait_until(lambda: camera.error is not None)
    assert camera.error is not None
    assert "secret" not in camera.error
