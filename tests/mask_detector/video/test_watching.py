"""The video loop: views, pictures, several sources at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from streams import MjpegServer

from mask_detector.detector import MaskDetector
from mask_detector.faces import Face, Faces
from mask_detector.text import text_size
from mask_detector.video.captures import SourceOptions
from mask_detector.video.sources import Frame, Source, Sources
from mask_detector.video.view import View
from mask_detector.video.watching import CANDIDATE_S, Pace, Watch, print_summary, watch
from mask_detector.video.zones import Zone, parse_zone


class SquareDetector:
    """Finds an unmasked face on the lower left of every picture, and notes the batches."""

    classes = ("with_mask", "without_mask")
    unsure = 0.1

    def __init__(self) -> None:
        self.batches: list[int] = []

    def detect_many(self, images: Sequence[np.ndarray]) -> list[Faces]:
        self.batches.append(len(images))
        return [Faces([self._face(*image.shape[:2])]) for image in images]

    def _face(self, height: int, width: int) -> Face:
        box = (width // 10, height * 6 // 10, width * 3 // 10, height * 8 // 10)
        return Face(box, 0.9, {"with_mask": 0.2, "without_mask": 0.8})


@pytest.fixture
def detector() -> Any:
    return SquareDetector()


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Two folders of frames, three and five of them."""
    for name, count in (("three", 3), ("five", 5)):
        (tmp_path / name).mkdir()
        for number in range(count):
            grey = np.full((60, 80, 3), 100, np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), grey)
    return [str(tmp_path / "three"), str(tmp_path / "five")]


def watching(
    detector: Any, names: Sequence[str], max_frames: int | None = None, zones: Sequence[Zone] = ()
) -> tuple[list[View], list[Watch]]:
    with Sources(names) as sources:
        while not all(map(lambda q, s: q or s.error, sources._waiting, sources.sources)):
            time.sleep(0.01)  # so that frames of both are in one batch
        watches = [Watch(each, n, detector, zones) for n, each in enumerate(sources.sources)]
        rounds = watch(sources, cast(MaskDetector, detector), watches, max_frames)
        return [view for views in rounds for view in views], watches


def test_views_of_a_file_are_all_of_it(detector: Any, folders: list[str]) -> None:
    views, watches = watching(detector, folders[1:])
    assert [view.frame.number for view in views] == [0, 1, 2, 3, 4]
    assert [face.track for view in views for face in view.faces] == [1] * 5
    assert views[-1].counts == {"with_mask": 0, "without_mask": 1}
    assert not views[0].live
    assert watches[0].frames == 5


def test_several_sources_share_a_batch_and_end_one_by_one(
    detector: Any, folders: list[str], tmp_path: Path
) -> None:
    views, watches = watching(detector, [*folders, str(tmp_path / "missing")])
    assert [each.frames for each in watches] == [3, 5, 0]
    assert sorted({view.name for view in views}) == sorted(folders)
    assert sum(detector.batches) == 8
    assert max(detector.batches) == 2
    assert all(view.faces[0].track == 1 for view in views)  # numbers are each source's own


def test_max_frames_holds_for_each_source(detector: Any, folders: list[str]) -> None:
    _, watches = watching(detector, folders, max_frames=2)
    assert [each.frames for each in watches] == [2, 2]


def test_faces_outside_the_zones_do_not_count(detector: Any, folders: list[str]) -> None:
    views, _ = watching(detector, folders[:1], zones=[parse_zone("door=0.5,0,1,0,1,1,0.5,1")])
    for view in views:
        assert view.counts == {"with_mask": 0, "without_mask": 0}
        assert view.inside == []
        assert view.record(named=False)["faces"][0]["outside_zone"] is True


def test_a_record_names_its_source_where_there_are_several(
    detector: Any, folders: list[str]
) -> None:
    view = watching(detector, folders[:1])[0][0]
    assert "source" not in view.record(named=False)
    assert view.record(named=True)["source"] == folders[0]


def test_an_idle_source_gives_empty_rounds(detector: Any) -> None:
    camera = MjpegServer(np.zeros((60, 80, 3), np.uint8))
    with camera, Sources([camera.address], SourceOptions(stall=5)) as sources:
        watches = [Watch(sources.sources[0], 0, detector)]
        rounds = watch(sources, cast(MaskDetector, detector), watches)
        while not (views := next(rounds)):
            pass
        assert views[0].live
        camera.frozen = True
        assert any(not next(rounds) for _ in range(50))


def view_of(image: np.ndarray, source: int = 0, time_s: float = 0.0) -> View:
    face = Watch(Source("0", SourceOptions()), source, cast(MaskDetector, SquareDetector()))
    found = SquareDetector().detect_many([image])[0]
    return face.update(Frame(image, 0, time_s), found)


def test_captions_change_their_size_slowly() -> None:
    follow = Watch(Source("0", SourceOptions()), 0, cast(MaskDetector, SquareDetector()))
    image, sizes = np.zeros((400, 600, 3), np.uint8), []
    for number, width in enumerate([200, *[30] * 60]):
        face = Face(
            (60, 200, 60 + width, 200 + width), 0.9, {"with_mask": 0.9, "without_mask": 0.1}
        )
        view = follow.update(Frame(image, number, number / 25), Faces([face]))
        sizes.append(view.text_size)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == text_size(600, 400, [200]) and sizes[-1] == text_size(600, 400, [30])
    assert sizes[0] - sizes[1] <= 1 < sizes[0] - sizes[-1]


def test_a_candidate_stays_hidden_for_a_moment() -> None:
    follow = Watch(Source("0", SourceOptions()), 0, cast(MaskDetector, SquareDetector()))
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    candidate = Face((30, 20, 50, 45), 0.25, {"with_mask": 0.5, "without_mask": 0.5})
    hidden = {}
    for time_s in (0.0, 0.1, CANDIDATE_S + 0.05):
        found = Faces([], [candidate] if not time_s else [])
        view = follow.update(Frame(image.copy(), 0, time_s), found)
        assert not view.faces and not sum(view.counts.values())
        view.hide("without_mask", "solid")
        hidden[time_s] = not view.frame.image[20:45, 30:50].any()
    assert list(hidden.values()) == [True, True, False]


@pytest.mark.parametrize(
    ("times", "clock", "waits"),
    [
        ([3, 3.5, 4], [10, 10, 10], [0, 0.5, 1]),
        ([3, 3.5, 4], [10, 10.5, 11], [0, 0, 0]),
        ([3, 3.1, 4.1], [10, 20, 20.2], [0, 0, 0.8]),  # what is late is not caught up with
    ],
)
def test_a_recorded_video_is_shown_no_faster_than_it_runs(
    times: list[float], clock: list[float], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(clock)
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    pace, image = Pace(), np.zeros((9, 9, 3), np.uint8)
    waited = [pace.wait_s([view_of(image, time_s=time_s)]) for time_s in times]
    monkeypatch.undo()
    assert waited == pytest.approx(waits)
    assert pace.wait_s([]) == 0


def test_the_summary_has_a_line_for_each_source(
    detector: Any, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, watches = watching(detector, folders)
    print_summary(watches, seconds=2.0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    nobody = "nobody in sight for long enough to count"
    assert lines[0] == f"{folders[0]}: 3 frames, 1.5 per second; {nobody}"
    watches[0].faces = 2  # fewer than frames
    print_summary(watches, seconds=2.0, advice="look closer")
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{lines[0]} (look closer)" and second == lines[1]
