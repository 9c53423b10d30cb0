"""Snapshots of people without a mask, and their retention."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from mask_detector.errors import UserFacingError
from mask_detector.images import read_photo
from mask_detector.video import snapshots as module
from mask_detector.video.snapshots import AFTER_S, Snapshots
from mask_detector.video.sources import Frame
from mask_detector.video.tracking import TrackedFace
from mask_detector.video.view import View


def view(time_s: float, label: str, track: int = 1, unsure: bool = False, source: int = 0) -> View:
    face = TrackedFace((40, 20, 60, 50), 0.9, {label: 1.0}, unsure, track, label)
    image = np.zeros((80, 100, 3), np.uint8)
    image[20:50, 40:60] = 200
    name = "rtsp://me:***@door/1"
    return View(source, name, True, Frame(image, 0, time_s), [face], [], {}, {})


def test_one_picture_of_each_unmasked_person(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "new" / "folder", keep_days=7)
    for step in range(30):
        for track, label in ((1, "without_mask"), (2, "with_mask"), (3, "without_mask")):
            snapshots.take(view(step / 10, label, track, unsure=track == 3))
    (path,) = (tmp_path / "new" / "folder").iterdir()
    assert path.name.endswith("_1_rtsp-me-door-1_1.jpg")
    picture = read_photo(path)
    assert picture.shape == (30 + 2 * 9, 20 + 2 * 6, 3)
    assert picture[20:30, 10:20].mean() > 180


def test_a_short_time_without_a_mask_is_not_kept(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, keep_days=7)
    for step in range(20):
        snapshots.take(view(step * AFTER_S / 3, "without_mask" if step % 3 else "with_mask"))
    assert list(tmp_path.iterdir()) == []


def test_sources_whose_names_end_alike_keep_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.time, "strftime", lambda form: "20260101_120000")
    snapshots = Snapshots(tmp_path, keep_days=7)
    for time_s in (0.0, AFTER_S):
        for source in (0, 1):
            snapshots.take(view(time_s, "without_mask", source=source))
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_too_old_goes_and_strangers_stay(tmp_path: Path) -> None:
    names = ["bare_20200101_120000_0_1.jpg", "bare_20200101_120000_0_2.jpg", "holiday.jpg"]
    for name in names:
        (tmp_path / name).touch()
    eight_days_ago = time.time() - 8 * 86_400
    for name in (names[0], names[2]):
        os.utime(tmp_path / name, (eight_days_ago, eight_days_ago))
    Snapshots(tmp_path, keep_days=7)
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserFacingError, match="cannot write there"):
        Snapshots(tmp_path / "file" / "folder", keep_days=7)


def test_a_folder_that_is_gone_does_not_end_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIDY_EVERY_S", 0.0)
    snapshots = Snapshots(tmp_path / "folder", keep_days=7)
    (tmp_path / "folder").rmdir()
    for step in range(10):
        snapshots.take(view(step * AFTER_S, "without_mask"))
    assert "cannot write there" in caplog.text
    assert "old pictures are not deleted" in caplog.text
