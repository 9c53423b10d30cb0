"""Which faces a photo has: by its annotations, by the teachers, by both."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
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


def read(
    folders: list[Path], reboxed: Sequence[Path] = ()
) -> tuple[list[TrainingPhoto], list[str]]:
    """The photos and the problems."""
    problems: list[str] = []
    photos = read_training_photos(folders, reboxed, [Teacher()], problems, Counter(), False)
    return photos, problems


Write = Callable[[str], Path]


@pytest.fixture
def write_photo(tmp_path: Path) -> Write:
    def write(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(zlib.crc32(name.encode()))
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
    (photo,), problems = read([annotated])
    assert problems == [] and photo.annotated
    np.testing.assert_allclose(photo.boxes, [np.array(FACE) + 0.5, STRANGER], atol=1e-4)
    assert photo.by_people.tolist() == [True, False] and photo.bare.tolist() == [True, False]
    assert np.isfinite(photo.landmarks).all()
    assert photo.hard_negatives.tolist() == [list(DOUBT)] and not len(photo.ignored)


def test_reboxed_photos(annotated: Path) -> None:
    (photo,), _ = read([], [annotated])
    assert not photo.annotated and not photo.by_people.any()
    assert photo.boxes.tolist() == [list(FACE), list(STRANGER)]
    assert photo.ignored.tolist() == [list(DOUBT)] and not len(photo.hard_negatives)


def test_class_folders(tmp_path: Path, write_photo: Write) -> None:
    for name in ("without_mask/a.png", "with_mask/bb.png", "with_mask/ccc.png"):
        write_photo(f"faces/{name}")
    (tmp_path / "faces" / "with_mask" / "broken.jpg").write_bytes(b"none")
    folder = tmp_path / "faces"
    (folder / "groups.csv").write_text("file,group\na,anna\nbb,ben\nccc,carla\n")
    photos, problems = read([folder])
    assert [photo.path.name for photo in photos] == ["bb.png", "ccc.png", "a.png"]
    assert len(problems) == 1 and "broken.jpg" in problems[0]
    assert [photo.bare.tolist() for photo in photos] == [[False] * 2, [False] * 2, [True] * 2]
    assert {photo.part for photo in photos} == {"train", "validation", "test"}
    assert all(photo.ignored.tolist() == [list(DOUBT)] for photo in photos)


@pytest.mark.parametrize("splits", [True, False], ids=["train and valid", "one folder"])
def test_layouts_are_those_of_the_mask_classifier(
    tmp_path: Path, write_photo: Write, splits: bool
) -> None:
    for folder in ("set/train", "set/valid") if splits else ("set",):
        write_photo(f"{folder}/images/{len(folder)}.png")
        labels = tmp_path / folder / "labels"
        labels.mkdir()
        # One face is of another class, one smaller than what the mask classifier learns from.
        rows = "0 0.25 0.25 0.3 0.3\n1 0.8 0.8 0.04 0.04\n"
        (labels / f"{len(folder)}.txt").write_text(rows)
    (tmp_path / "set" / "data.yaml").write_text("names: [with_mask, dog]\n")
    write_photo("set/__MACOSX/a.png")
    photos, problems = read([tmp_path / "set"])
    assert [photo.by_people.tolist() for photo in photos] == [[True, True, False]] * (1 + splits)
    (problem,) = problems
    assert "unknown classes (dog)" in problem


def test_groups_named_by_the_ends_of_paths_stay_together(
    tmp_path: Path, write_photo: Write
) -> None:
    paths = [write_photo(f"faces/with_mask/{number}.png") for number in range(12)]
    rows = "".join(f"{path.name},{number % 4}\n" for number, path in enumerate(paths))
    groups = tmp_path / "faces" / "groups.csv"
    groups.write_text("file,group\n" + rows)
    photos, problems = read([tmp_path / "faces"])
    parts = {(int(photo.path.stem) % 4, photo.part) for photo in photos}
    assert len(photos) == 12 and len(parts) == 4 and not problems
    groups.write_text("file,group\nnobody.png,a\n")
    with pytest.raises(DatasetError, match="none of its names fits a photo"):
        read([tmp_path / "faces"])


def test_copies_are_used_once(tmp_path: Path, write_photo: Write) -> None:
    path = write_photo("faces/with_mask/a.png")
    (path.parent / "b.png").write_bytes(path.read_bytes())
    photos, _ = read([tmp_path / "faces"])
    assert [photo.path.name for photo in photos] == ["a.png"]


@pytest.mark.parametrize("content", [[], ["notes.txt"]])
def test_no_photos(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match="no photos; expected class folders"):
        read([tmp_path])
    with pytest.raises(DatasetError, match="no such dataset folder"):
        read([tmp_path / "missing"])


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
