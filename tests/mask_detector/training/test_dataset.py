"""Datasets: what is read, what is skipped, and that nothing related straddles the parts."""

from __future__ import annotations

import csv
import itertools
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_detector import Detections
from mask_detector.crops import cut_crops
from mask_detector.errors import DatasetError
from mask_detector.images import read_photo, write_photo
from mask_detector.training.dataset import (
    PARTS,
    Sample,
    data_report,
    draw_on_bare_faces,
    group_near_duplicates,
    part_of,
    perceptual_hashes,
    read_crop,
    read_dataset,
)

LANDMARKS = np.array([[20, 30], [44, 30], [32, 42], [24, 54], [40, 54]], np.float32)


class Finder:
    """Finds the same boxes in every photo."""

    def __init__(self, *boxes, landmarks=False):
        boxes = np.array(boxes, np.float32).reshape(-1, 4)
        points = np.repeat(LANDMARKS[None], len(boxes), axis=0) if landmarks else None
        self.found = Detections(boxes, np.ones(len(boxes), np.float32), points)

    def find(self, image):
        return self.found


def picture(seed: int, size: int = 64) -> np.ndarray:
    """A smooth picture that resembles no other."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Six photos, three of each class."""
    for index in range(6):
        path = tmp_path / ("with_mask", "without_mask")[index % 2] / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        write_photo(path, picture(index))
    return tmp_path


def read(*folders: Path, finder=None, **options):
    return read_dataset(folders, finder or Finder((8, 8, 56, 56)), progress=False, **options)


def test_folders_are_classes(folder):
    dataset = read(folder)
    assert dataset.classes == ("with_mask", "without_mask")
    assert Counter(s.label for s in dataset.samples) == {"with_mask": 3, "without_mask": 3}
    assert all(sample.photo.parent.name == sample.label for sample in dataset.samples)
    assert len({sample.group for sample in dataset.samples}) == 6
    assert not dataset.problems


def test_classes_can_be_chosen_and_ordered(folder):
    (folder / "hat").mkdir()
    write_photo(folder / "hat" / "6.png", picture(6))
    dataset = read(folder, classes=["without_mask", "hat"])
    assert dataset.classes == ("without_mask", "hat")
    assert {sample.label for sample in dataset.samples} == {"without_mask", "hat"}


def test_sub_folders_belong_to_their_class_and_hidden_ones_to_none(folder):
    for name in ("with_mask/summer", ".trash", "_old"):
        (folder / name).mkdir()
        write_photo(folder / name / "x.png", picture(50 + len(name)))
    assert len(read(folder).samples) == 7


def test_several_folders_are_one_dataset(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "with_mask").mkdir()
    write_photo(other / "with_mask" / "0.png", picture(10))
    assert len(read(folder, other).samples) == 7


def test_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match="no such dataset folder"):
        read(tmp_path / "none")


def test_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match="expected class folders"):
        read(tmp_path)


def test_one_class(folder):
    shutil.rmtree(folder / "with_mask")
    with pytest.raises(DatasetError, match="one class alone"):
        read(folder)


def test_class_that_is_not_there(folder):
    with pytest.raises(DatasetError, match="incorrect_mask"):
        read(folder, classes=["with_mask", "incorrect_mask"])


def test_class_of_unreadable_photos_alone(folder):
    for path in (folder / "with_mask").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="no usable photos of the class with_mask"):
        read(folder)


def test_unusable_files_are_listed_and_skipped(folder):
    bad = folder / "with_mask"
    (bad / "text.jpg").write_text("not a photo")
    (bad / "empty.jpg").write_bytes(b"")
    (bad / "cut.png").write_bytes((bad / "0.png").read_bytes()[:200])
    (bad / "notes.txt").write_text("two cats")
    (bad / "video.mp4").write_bytes(b"0000ftyp")
    write_photo(bad / "tiny.png", picture(90, size=9))
    (bad / ".DS_Store").write_bytes(b"hidden files are nobody's business")
    dataset = read(folder)
    assert len(dataset.samples) == 6
    for name in ("text.jpg", "empty.jpg", "cut.png", "notes.txt", "video.mp4", "tiny.png"):
        assert sum(name in problem for problem in dataset.problems) == 1, name
    assert len(dataset.problems) == 6


def test_photo_under_a_wrong_ending_is_used(folder):
    (folder / "with_mask" / "0.png").rename(folder / "with_mask" / "0.jpg")
    assert len(read(folder).samples) == 6


def test_largest_face_is_the_sample(folder):
    dataset = read(folder, finder=Finder((0, 0, 10, 10), (20, 20, 60, 60), (1, 1, 30, 20)))
    assert {sample.box for sample in dataset.samples} == {(20, 20, 60, 60)}
    assert dataset.notes["photos with several faces, of which the largest is taken"] == 6


def test_photo_without_a_face_is_kept_whole(folder):
    dataset = read(folder, finder=Finder())
    assert {sample.box for sample in dataset.samples} == {(0, 0, 64, 64)}
    assert dataset.notes["photos without a face found, kept whole"] == 6


def test_exact_copies_are_dropped(folder):
    shutil.copy(folder / "with_mask" / "0.png", folder / "with_mask" / "copy.png")
    dataset = read(folder)
    assert len(dataset.samples) == 6
    assert dataset.notes["exact copies dropped"] == 1


def test_photo_under_two_labels_is_reported_and_not_used(folder):
    shutil.copy(folder / "with_mask" / "0.png", folder / "without_mask" / "same.png")
    dataset = read(folder)
    assert len(dataset.samples) == 5
    (problem,) = dataset.problems
    assert "0.png" in problem
    assert "same.png" in problem


VARIANTS = {
    "smaller": lambda image: cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA),
    "mirrored": lambda image: image[:, ::-1],
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.25, beta=20),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.7),
    "grey": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
    "blurred": lambda image: cv2.GaussianBlur(image, (5, 5), 0),
    "mirrored and darker": lambda image: cv2.convertScaleAbs(image[:, ::-1], alpha=0.75),
    "compressed": lambda image: cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR
    ),
}


@pytest.fixture(scope="module")
def face_photos(repository) -> list[np.ndarray]:
    """A real face of each person of the starter set."""
    with (repository / "dataset" / "groups.csv").open(newline="") as file:
        first = {row["group"]: row["file"] for row in csv.DictReader(file)}
    return [read_photo(repository / "dataset" / name) for name in first.values()]


@pytest.mark.parametrize("change", VARIANTS.values(), ids=VARIANTS)
def test_changed_copies_are_near_duplicates(face_photos, change):
    images = [*face_photos, *map(change, face_photos)]
    hashes = np.array([perceptual_hashes(image) for image in images], np.uint64)
    groups = group_near_duplicates(hashes)
    for index in range(len(face_photos)):
        assert groups[index] == groups[index + len(face_photos)]


def test_different_people_are_no_near_duplicates(face_photos):
    hashes = np.array([perceptual_hashes(image) for image in face_photos], np.uint64)
    assert group_near_duplicates(hashes) == list(range(len(face_photos)))


def test_copies_never_straddle_the_parts(tmp_path, face_photos):
    for index, image in enumerate(face_photos):
        label = tmp_path / ("with_mask", "without_mask")[index % 2]
        label.mkdir(exist_ok=True)
        write_photo(label / f"{index}.png", image)
        for name, change in VARIANTS.items():
            write_photo(label / f"{index} {name}.png", change(image))
    samples = read(tmp_path).samples
    assert len(samples) == len(face_photos) * (1 + len(VARIANTS))
    parts: dict[str, set[str]] = {}
    for sample in samples:
        origin = sample.photo.stem.split()[0]
        parts.setdefault(origin, set()).add(part_of(sample.group, 0.4))
    assert all(len(part) == 1 for part in parts.values())
    assert {part for (part,) in parts.values()} == set(PARTS)


def test_no_pictures_make_no_groups():
    assert group_near_duplicates(np.empty((0, 2), np.uint64)) == []


def test_groups_reach_through_others():
    """The ends of the chain differ in 12 bits, neighbours in 6."""
    chain = np.array([[0], [0b111111], [0b111111111111], [0xFFFFFFFF00000000]], np.uint64)
    assert group_near_duplicates(chain) == [0, 0, 0, 3]


def test_groups_against_a_search_of_every_pair():
    random = np.random.default_rng(5)
    centres = random.integers(0, 2**63, 150, dtype=np.uint64)
    hashes = np.repeat(centres, 5)
    for _ in range(3):
        hashes ^= np.uint64(1) << random.integers(0, 64, len(hashes)).astype(np.uint64)
    hashes = np.stack([hashes, random.permutation(hashes)], axis=1)
    group = list(range(len(hashes)))
    for one, other in itertools.combinations(range(len(hashes)), 2):
        pairs = [(one, other), (other, one)]
        if any((int(hashes[a, 0]) ^ int(h)).bit_count() <= 8 for a, b in pairs for h in hashes[b]):
            old, new = sorted((group[one], group[other]), reverse=True)
            group = [new if g == old else g for g in group]
    assert group_near_duplicates(hashes) == group


def test_groups_file_is_believed(folder):
    rows = "file,group\nwith_mask/0.png,anna\nwithout_mask/1.png,anna\nwith_mask/2.png,ben\n"
    (folder / "groups.csv").write_text(rows)
    groups = {sample.photo.name: sample.group for sample in read(folder).samples}
    assert groups["0.png"] == groups["1.png"] == "anna"
    assert groups["2.png"] == "ben"
    assert len(set(groups.values())) == 5


@pytest.mark.parametrize("content", [b"photo,person\na,b\n", b"\xff\xfe\x00"])
def test_groups_file_of_another_form(folder, content):
    (folder / "groups.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"groups\.csv"):
        read(folder)


def test_part_of_a_group_never_changes():
    """Written down once: a release that moves photos into the test part makes old figures void."""
    parts = {part: [n for n in range(20) if part_of(f"person {n}", 0.2) == part] for part in PARTS}
    assert parts["validation"] == [0, 5, 6, 18]
    assert parts["test"] == [7, 13, 16, 17, 19]


def test_larger_test_part_contains_the_smaller_one():
    groups = [str(n) for n in range(1000)]
    small = {g for g in groups if part_of(g, 0.1) == "test"}
    large = {g for g in groups if part_of(g, 0.3) == "test"}
    assert small < large


def test_parts_have_their_shares():
    parts = Counter(part_of(str(n), 0.2) for n in range(10_000))
    assert parts["test"] / 10_000 == pytest.approx(0.2, abs=0.02)
    assert parts["validation"] / 10_000 == pytest.approx(0.08, abs=0.02)


def test_part_without_a_class_is_a_sentence(folder):
    with pytest.raises(DatasetError, match="part has no photos of the class"):
        read(folder).parts(0.2)


def test_annotated_photos_give_a_sample_a_box(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    write_photo(tmp_path / "images" / "scene.png", picture(1, 200))
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{x + 1}</xmin><ymin>11</ymin>"
        f"<xmax>{x + side}</xmax><ymax>{10 + side}</ymax></bndbox></object>"
        for label, x, side in (("mask", 10, 30), ("bare", 60, 40), ("mask", 120, 4))
    )
    (tmp_path / "annotations" / "scene.xml").write_text(
        "<annotation><filename>scene.png</filename><size><width>200</width><height>200</height>"
        f"</size>{objects}</annotation>"
    )
    dataset = read(tmp_path, finder=Finder((9, 9, 41, 41), landmarks=True))
    assert [(s.label, s.box) for s in dataset.samples] == [
        ("mask", (10, 10, 40, 40)),
        ("bare", (60, 10, 100, 50)),
    ]
    assert len({sample.group for sample in dataset.samples}) == 1
    assert dataset.samples[0].landmarks is not None  # of the face found there
    assert dataset.samples[1].landmarks is None
    assert any("4 x 4 px" in problem for problem in dataset.problems)


def test_digest_tells_data_apart(folder, tmp_path_factory):
    digest = read(folder).digest
    moved = tmp_path_factory.mktemp("moved")
    shutil.copytree(folder, moved, dirs_exist_ok=True)
    assert read(moved).digest == digest
    shutil.move(moved / "with_mask" / "0.png", moved / "without_mask" / "0.png")
    assert read(moved).digest != digest
    assert read(folder, finder=Finder((8, 8, 40, 40))).digest != digest


def test_report_tells_counts_and_problems(folder):
    (folder / "with_mask" / "text.jpg").write_text("not a photo")
    report = data_report(read(folder), 0.2)
    rows = {line.split()[0]: line.split()[1:] for line in report.splitlines()[:3]}
    assert rows["class"] == ["train", "validation", "test", "all"]
    for name in ("with_mask", "without_mask"):
        counts = list(map(int, rows[name]))
        assert counts[-1] == 3 == sum(counts[:-1])
    assert "6 faces in 6 groups" in report
    assert "1 skipped" in report
    assert "text.jpg" in report


def bare_sample(**values) -> Sample:
    return Sample(Path("a.png"), "without_mask", "g", (8, 8, 56, 56), **values)


@pytest.mark.parametrize("dose", [0.0, 0.5, 2.0])
def test_dose_of_drawn_faces(dose):
    bare = [bare_sample(landmarks=LANDMARKS)] * 40
    drawn = draw_on_bare_faces(bare, ("with_mask", "without_mask"), dose, 0)
    assert len(drawn) == 40 * dose


def test_only_bare_faces_with_landmarks_are_drawn_on():
    masked = Sample(Path("b.png"), "with_mask", "g", (8, 8, 56, 56), LANDMARKS)
    assert draw_on_bare_faces([masked, bare_sample()], ("with_mask", "without_mask"), 2, 0) == []


def test_drawn_faces_are_labelled_by_what_is_drawn():
    bare = [bare_sample(landmarks=LANDMARKS)] * 300
    wanted = {
        "right": "with_mask",
        "under_chin": "without_mask",
        "hand": "without_mask",
        "scarf": "without_mask",
    }
    drawn = draw_on_bare_faces(bare, ("with_mask", "without_mask"), 1, 0)
    assert {sample.drawn: sample.label for sample in drawn} == wanted
    masks = sum(sample.drawn == "right" for sample in drawn)
    assert masks / len(drawn) == pytest.approx(0.5, abs=0.1)
    three = draw_on_bare_faces(bare, ("with_mask", "without_mask", "incorrect_mask"), 1, 0)
    wanted["under_nose"] = "incorrect_mask"
    assert {sample.drawn: sample.label for sample in three} == wanted


def test_drawing_is_seeded():
    bare = [bare_sample(landmarks=LANDMARKS)] * 20
    classes = ("with_mask", "without_mask")

    def seeds(seed: int) -> list[tuple[str, int]]:
        return [(s.drawn, s.drawn_seed) for s in draw_on_bare_faces(bare, classes, 1, seed)]

    assert seeds(1) == seeds(1) != seeds(2)


@pytest.mark.parametrize("drawn", ["right", "under_nose", "under_chin", "hand", "scarf"])
def test_drawn_crop_differs_and_comes_again(tmp_path, drawn):
    path = tmp_path / "face.png"
    write_photo(path, picture(3))
    plain = Sample(path, "without_mask", "g", (8, 8, 56, 56), LANDMARKS)
    covered = Sample(path, "with_mask", "g", (8, 8, 56, 56), LANDMARKS, drawn, 11)
    assert not np.array_equal(read_crop(plain, 48, 0.2), read_crop(covered, 48, 0.2))
    np.testing.assert_array_equal(read_crop(covered, 48, 0.2), read_crop(covered, 48, 0.2))


def test_training_crop_is_detection_s_crop(tmp_path):
    path = tmp_path / "face.png"
    write_photo(path, picture(4))
    sample = Sample(path, "with_mask", "g", (5.5, 8, 50, 61))
    (wanted,) = cut_crops(read_photo(path), np.array([sample.box]), 40, 0.15)
    np.testing.assert_array_equal(read_crop(sample, 40, 0.15), wanted)
