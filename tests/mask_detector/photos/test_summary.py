from __future__ import annotations

from pathlib import Path

import pytest

from mask_detector.photos.paths import Photo
from mask_detector.photos.summary import Summary, photo_line

FOUND = {"image": "a.jpg", "counts": {"with_mask": 2, "without_mask": 1}}
NOTHING = {"image": "c.jpg", "counts": {"with_mask": 0, "without_mask": 0}}
FAILED = {"image": "b.jpg", "error": "the file is empty"}
CLASSES = ("with_mask", "without_mask")


@pytest.mark.parametrize(
    ("records", "done_before", "words"),
    [
        ([], None, "0 photos, 0 failed; no faces found"),
        ([], 0, "0 photos, 0 done before, 0 failed; no faces found"),
        ([], 5, "no photos left to do, 5 done before"),
        ([FOUND], None, "1 photo, 0 failed; 3 faces: 2 Mask, 1 No Mask"),
        (
            [FOUND, FAILED, FOUND],
            1,
            "2 photos, 1 done before, 1 failed; 6 faces: 4 Mask, 2 No Mask",
        ),
    ],
)
def test_a_run_in_one_line(records, done_before, words) -> None:
    summary = Summary(CLASSES, done_before)
    for record in records:
        summary.add(record)
    assert str(summary) == words


@pytest.mark.parametrize(
    ("records", "advised"), [([FOUND], False), ([FOUND] + [NOTHING] * 3, True)]
)
def test_advice_where_there_are_fewer_faces_than_photos(records, advised) -> None:
    summary = Summary(CLASSES, advice="look closer")
    for record in records:
        summary.add(record)
    assert str(summary).endswith(" (look closer)") == advised


def test_labels_found() -> None:
    summary = Summary(CLASSES)
    assert not summary.found(CLASSES)
    summary.add({"counts": {"with_mask": 1, "without_mask": 0}})
    assert summary.found(["with_mask"]) and not summary.found(["without_mask", "unsure"])
    assert not summary.found([])


def test_a_photo_in_one_line() -> None:
    photo = Photo(Path("a.jpg"), Path("a.jpg"))
    assert photo_line(photo, FOUND) == "a.jpg: 3 faces: 2 Mask, 1 No Mask"
    assert photo_line(photo, FAILED) == "a.jpg: the file is empty"
    assert photo_line(photo, NOTHING, "look closer") == "a.jpg: no faces found (look closer)"
    assert photo_line(photo, FOUND, "look closer") == photo_line(photo, FOUND)
    photo = Photo(Path("a.jpg"), Path("a.jpg"), picture=Path("out/a.jpg"))
    assert photo_line(photo, FOUND) == "a.jpg: 3 faces: 2 Mask, 1 No Mask -> out/a.jpg"
