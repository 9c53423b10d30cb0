"""Which faces a photo has: by its annotations, by the teachers, by both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_detector import Detections
from face_detector.training.photos import TrainingPhoto, read_training_photos
from face_detector.training.shared import DatasetError

FACE, STRANGER, DOUBT = (10, 10, 40, 40), (60, 10, 90, 40), (10, 60, 40, 90)


class Teacher:
    """Sees the annotated face, another one, and something that may be a face."""

    def find(self, image: np.ndarray) -> Detections:
        boxes = np.array([FACE, STRANGER, DOUBT], np.float32)
        landmarks = np.repeat((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, 5, axis=1)
        return Detections(boxes, np.array([0.9, 0.8, 0.5], np.float32), landmarks)


Write = Callable[[str], Path]


@pytest.fixture
def write_photo(tmp_path: Path) -> Write:
    def write(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(name))
        cv2.imwrite(str(path), rng.integers(0, 256, (100, 100, 3)).astype(np.uint8))
        return path

    return write


@pytest.fixture
def annotated(tmp_path: Path, write_photo: Write) -> Path:
    """A folder with one photo, whose one face is annotated half a pixel beside the teacher's."""
    write_photo("scenes/images/a.png")
    folder = tmp_path / "scenes"
    (folder / "annotations").mkdir()
    (folder / "annotations" / "classes.txt").write_text("without_mask\n")
    x1, y1, x2, y2 = np.array(FACE) / 100 + 0.005
    row = f"0 {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n"
    (folder / "annotations" / "a.txt").write_text(row)
    return folder


def test_annotated_photos(annotated: Path) -> None:
    (photo,), problems = read_training_photos([annotated], [], [Teacher()], progress=False)
    assert problems == [] and photo.annotated
    np.testing.assert_allclose(photo.boxes, [np.array(FACE) + 0.5, STRANGER], atol=1e-4)
    assert photo.by_people.tolist() == [True, False] and photo.bare.tolist() == [True, False]
    assert np.isfinite(photo.landmarks).all()
    assert photo.hard_negatives.tolist() == [list(DOUBT)] and not len(photo.ignored)


def test_reboxed_photos(annotated: Path) -> None:
    (photo,), _ = read_training_photos([], [annotated], [Teacher()], progress=False)
    assert not photo.annotated and not photo.by_people.any()
    assert photo.boxes.tolist() == [list(FACE), list(STRANGER)]
    assert photo.ignored.tolist() == [list(DOUBT)] and not len(photo.hard_negatives)


def test_class_folders(tmp_path: Path, write_photo: Write) -> None:
    for name in ("without_mask/a.png", "with_mask/bb.png", "with_mask/ccc.png"):
        write_photo(f"faces/{name}")
    (tmp_path / "faces" / "with_mask" / "broken.jpg").write_bytes(b"none")
    folder = tmp_path / "faces"
    photos, problems = read_training_photos([folder], [], [Teacher()], progress=False)
    assert [photo.path.name for photo in photos] == ["bb.png", "ccc.png", "a.png"]
    assert len(problems) == 1 and "broken.jpg" in problems[0]
    assert [photo.bare.tolist() for photo in photos] == [[False] * 2, [False] * 2, [True] * 2]
    assert {photo.part for photo in photos} == {"train", "validation", "test"}
    assert all(photo.ignored.tolist() == [list(DOUBT)] for photo in photos)


@pytest.mark.parametrize("content", [[], ["notes.txt"]])
def test_no_photos(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match="no photos; expected class folders"):
        read_training_photos([tmp_path], [], [Teacher()], progress=False)
    with pytest.raises(DatasetError, match="no such dataset folder"):
        read_training_photos([tmp_path / "missing"], [], [Teacher()], progress=False)


def test_photos_are_kept_as_json_and_read_back() -> None:
    photo = TrainingPhoto(
        path=Path("a") / "b.jpg",
        part="train",
        annotated=True,
        boxes=np.array([[1.1, 2.2, 3.3, 4.4]], np.float32),
        by_people=np.array([True]),
        landmarks=np.full((1, 5, 2), np.nan, np.float32),
        bare=np.array([False]),
        ignored=np.empty((0, 4), np.float32),
        hard_negatives=np.array([[0.1, 0.2, 0.3, 0.4]] * 2, np.float32),
        scores=np.array([0.3], np.float32),
        drawn_seed=7,
    )
    again = TrainingPhoto.from_json(json.loads(json.dumps(photo.as_json())))
    for field in dataclasses.fields(TrainingPhoto):
        before, after = getattr(photo, field.name), getattr(again, field.name)
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before
