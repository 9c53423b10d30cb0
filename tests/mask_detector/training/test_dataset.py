"""Datasets: what is read, what is skipped, and that nothing related straddles the parts."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from face_detector import Detections
from mask_detector.errors import DatasetError
from mask_detector.images import write_photo
from mask_detector.training.dataset import data_report, read_dataset
from mask_detector.training.groups import PARTS, part_of

LANDMARKS = np.array([[20, 30], [44, 30], [32, 42], [24, 54], [40, 54]], np.float32)


class FixedDetector:
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


def voc(name: str, *boxes: tuple[str, int, int, int, int]) -> str:
    """Boxes (label, x1, y1, x2, y2) of a photo in Pascal VOC's form, which counts from 1."""
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for label, x1, y1, x2, y2 in boxes
    )
    return f"<annotation><filename>{name}</filename>{objects}</annotation>"


def read(*folders: Path, detector=None, **options):
    return read_dataset(
        folders, detector or FixedDetector((8, 8, 56, 56)), progress=False, **options
    )


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
    with pytest.raises(DatasetError, match="only one class"):
        read(folder)


def test_class_that_is_not_there(folder):
    with pytest.raises(DatasetError, match="incorrect_mask"):
        read(folder, classes=["with_mask", "incorrect_mask"])


def test_class_with_only_unreadable_photos(folder):
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
    dataset = read(folder, detector=FixedDetector((0, 0, 10, 10), (20, 20, 60, 60), (1, 1, 30, 20)))
    assert {sample.box for sample in dataset.samples} == {(20, 20, 60, 60)}
    assert dataset.notes["photos with several faces, of which the largest is taken"] == 6


def test_only_the_first_page_is_used_and_that_is_noted(folder):
    first, second = (Image.fromarray(picture(seed)) for seed in (30, 31))
    first.save(folder / "with_mask" / "scan.tif", save_all=True, append_images=[second])
    dataset = read(folder)
    assert len(dataset.samples) == 7
    assert dataset.notes == {"photos of several pages, of which the first is used": 1}


def test_photo_without_a_face_is_kept_whole(folder):
    dataset = read(folder, detector=FixedDetector())
    assert {sample.box for sample in dataset.samples} == {(0, 0, 64, 64)}
    assert dataset.notes["photos without a face found, kept whole"] == 6


def test_exact_copies_are_dropped(folder):
    shutil.copy(folder / "with_mask" / "0.png", folder / "with_mask" / "copy.png")
    dataset = read(folder)
    assert len(dataset.samples) == 6
    assert dataset.notes["copies of another photo, dropped"] == 1


@pytest.mark.parametrize("named", ["0.png", "copy.png"])
def test_one_of_exact_copies_keeps_the_group_of_either(folder, named):
    shutil.copy(folder / "with_mask" / "0.png", folder / "with_mask" / "copy.png")
    (folder / "groups.csv").write_text(f"file,group\nwith_mask/{named},anna\n")
    assert "anna" in {sample.group for sample in read(folder).samples}


@pytest.mark.parametrize(("second", "used"), [("mask none", 2), ("none mask", 0)])
def test_boxes_of_copies_may_come_in_another_order(tmp_path, second, used):
    boxes = {"mask": (10, 10, 40, 40), "none": (60, 10, 90, 40)}
    for name, labels in (("a", "mask none"), ("b", "none mask")):
        where = boxes if name == "a" else dict(zip(second.split(), boxes.values(), strict=True))
        (tmp_path / name / "images").mkdir(parents=True)
        write_photo(tmp_path / name / "images" / "scene.png", picture(1, 100))
        (tmp_path / name / "annotations").mkdir()
        (tmp_path / name / "annotations" / "scene.xml").write_text(
            voc("scene.png", *((label, *where[label]) for label in labels.split()))
        )
    annotated(tmp_path / "c", 2, "mask", "10 10 80 80")
    annotated(tmp_path / "c", 3, "none", "10 10 80 80")
    dataset = read(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert len(dataset.samples) == 2 + used
    assert len(dataset.problems) == (used == 0)


def test_photo_under_two_labels_is_reported_and_not_used(folder):
    shutil.copy(folder / "with_mask" / "0.png", folder / "without_mask" / "same.png")
    dataset = read(folder)
    assert len(dataset.samples) == 5
    (problem,) = dataset.problems
    assert "0.png" in problem
    assert "same.png" in problem


def test_changed_copies_never_straddle_the_parts(tmp_path):
    for index in range(24):
        label = tmp_path / ("with_mask", "without_mask")[index % 2]
        label.mkdir(exist_ok=True)
        image = picture(index)
        for name, change in (("", image), (" mirrored", image[:, ::-1]), (" dark", image // 2)):
            write_photo(label / f"{index}{name}.png", change)
    samples = read(tmp_path).samples
    assert len(samples) == 24 * 3
    parts: dict[str, set[str]] = {}
    for sample in samples:
        parts.setdefault(sample.photo.stem.split()[0], set()).add(part_of(sample.group, 0.4))
    assert all(len(part) == 1 for part in parts.values())
    assert {part for (part,) in parts.values()} == set(PARTS)


def test_groups_file_is_believed(folder):
    rows = "file,group\nwith_mask/0.png,anna\nwithout_mask/1.png,anna\nwith_mask/2.png,ben\n"
    (folder / "groups.csv").write_text(rows)
    groups = {sample.photo.name: sample.group for sample in read(folder).samples}
    assert groups["0.png"] == groups["1.png"] == "anna"
    assert groups["2.png"] == "ben"
    assert len(set(groups.values())) == 5


def test_photos_that_resemble_named_ones_join_their_group(folder):
    write_photo(folder / "with_mask" / "brighter.jpg", picture(0) // 2 + 90)
    write_photo(folder / "with_mask" / "mirrored.jpg", picture(0)[:, ::-1])
    for index, name in enumerate(("1_jpg.rf.12ab.png", "1_jpg.rf.34cd.png")):
        write_photo(folder / "without_mask" / name, picture(20 + index))
    write_photo(folder / "with_mask" / "like the named.jpg", picture(2))
    (folder / "groups.csv").write_text(
        "file,group\nwith_mask/0.png,anna\nwithout_mask/1_jpg.rf.34cd.png,ben\n"
        "2.png,carl\nlike the named.jpg,eve\n"  # these are alike: the file is believed
    )
    groups = {sample.photo.name: sample.group for sample in read(folder).samples}
    assert groups["brighter.jpg"] == groups["mirrored.jpg"] == groups["0.png"] == "anna"
    assert groups["1_jpg.rf.12ab.png"] == groups["1_jpg.rf.34cd.png"] == "ben"
    assert (groups["like the named.jpg"], groups["2.png"]) == ("eve", "carl")
    assert len(set(groups.values())) == 8


@pytest.mark.parametrize("content", [b"photo,person\na,b\n", b"\xff\xfe\x00"])
def test_groups_file_of_another_form(folder, content):
    (folder / "groups.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"groups\.csv"):
        read(folder)


def test_part_without_a_class_is_a_sentence(folder):
    with pytest.raises(DatasetError, match="part has no photos of the class"):
        read(folder).parts(0.2)


def test_annotated_photos_give_a_sample_a_box(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    write_photo(tmp_path / "images" / "scene.png", picture(1, 200))
    boxes = ("mask", 11, 11, 40, 40), ("none", 61, 11, 100, 50), ("mask", 121, 11, 124, 14)
    (tmp_path / "annotations" / "scene.xml").write_text(voc("scene.png", *boxes))
    dataset = read(tmp_path, detector=FixedDetector((9, 9, 41, 41), landmarks=True))
    assert [(s.label, s.box) for s in dataset.samples] == [
        ("mask", (10, 10, 40, 40)),
        ("none", (60, 10, 100, 50)),
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
    assert read(folder, detector=FixedDetector((8, 8, 40, 40))).digest != digest


def test_report_tells_counts_and_problems(folder):
    (folder / "with_mask" / "text.jpg").write_text("not a photo")
    report = data_report(read(folder), 0.2)
    rows = {line.split()[0]: line.split()[1:] for line in report.splitlines()[:3]}
    assert rows["class"] == ["train", "validation", "test", "all"]
    for name in ("with_mask", "without_mask"):
        counts = list(map(int, rows[name]))
        assert counts[-1] == 3 == sum(counts[:-1])
    assert "6 faces in 6 groups" in report
    assert "1 problem:" in report
    assert "text.jpg" in report


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("unsure", "reserved"), ("a\x1b[2J", "control character"), ("x" * 65, "65 characters")],
)
def test_names_that_no_class_may_have(folder, name, sentence):
    (folder / "with_mask").rename(folder / name)
    with pytest.raises(DatasetError, match=sentence):
        read(folder)


def test_only_crowds_is_a_sentence(folder):
    shutil.rmtree(folder / "with_mask")
    (folder / "without_mask").rename(folder / "images")
    crowd = (
        '{"images": [{"id": 1, "file_name": "1.png"}], "categories": [{"id": 1, "name": "a"}], '
        '"annotations": [{"image_id": 1, "category_id": 1, "bbox": [2, 3, 20, 20], "iscrowd": 1}]}'
    )
    (folder / "faces.json").write_text(crowd)
    with pytest.raises(DatasetError, match="all 1 boxes are marked as crowds"):
        read(folder)


def test_augmented_copies_of_roboflow_are_one_group(folder):
    for index, name in enumerate(("0_jpg.rf.12ab.png", "0_jpg.rf.34cd.png", "0_jpg.rf.56ef.png")):
        write_photo(folder / "with_mask" / name, picture(20 + index))
    write_photo(folder / "with_mask" / "like.png", picture(21)[:, ::-1])
    groups = {sample.photo.name: sample.group for sample in read(folder).samples}
    assert len({group for name, group in groups.items() if ".rf." in name or "like" in name}) == 1
    assert len(set(groups.values())) == 7


def annotated(folder: Path, index: int, label: str, box: str) -> None:
    """A photo with one box, its corners separated by spaces, in Pascal VOC's form."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "annotations").mkdir(exist_ok=True)
    write_photo(folder / "images" / f"{index}.png", picture(index, 100))
    x1, y1, x2, y2 = map(int, box.split())
    text = voc(f"{index}.png", (label, x1, y1, x2, y2))
    (folder / "annotations" / f"{index}.xml").write_text(text)


def test_masks_worn_wrongly_are_taught_between_two_classes(tmp_path):
    for index, label in enumerate(["with_mask", "without_mask", "incorrect_mask"] * 30):
        annotated(tmp_path, index, label, "10 10 80 80")
    two = read(tmp_path, classes=["with_mask", "without_mask"])
    assert len(two.samples) == 60
    assert len(two.worn_wrongly) == 30
    counts = {
        part: Counter(s.label for s in samples)["incorrect_mask"]
        for part, samples in two.parts(0.3).items()
    }
    assert counts["test"] == 0
    assert counts["train"] > counts["validation"] > 0
    assert "30 faces with masks worn wrongly" in data_report(two, 0.3)
    assert not read(tmp_path).worn_wrongly  # a class of its own


def test_each_folder_may_have_a_share_of_its_own(tmp_path):
    for index in range(60):
        label = ("with_mask", "without_mask")[index % 2]
        annotated(tmp_path / ("small", "large")[index // 30], index, label, "10 10 80 80")
    dataset = read(tmp_path / "small", tmp_path / "large")
    parts = dataset.parts([0.1, 0.9], 0.2)
    counts = Counter(sample.photo.parts[-3] for sample in parts["test"])
    assert counts["small"] < 10
    assert counts["large"] > 20


@pytest.mark.parametrize(
    ("found", "box"),
    [
        ((20, 40, 70, 88), (20, 40, 70, 88)),  # the face in the box from hair to chin
        ((0, 0, 15, 15), (9, 29.25, 80, 90)),  # another: the upper quarter is left out
    ],
)
def test_boxes_from_hair_to_chin_become_the_detector_s(folder, tmp_path_factory, found, box):
    other = tmp_path_factory.mktemp("tall")
    annotated(other, 9, "with_mask", "10 10 80 90")
    dataset = read(folder, detector=FixedDetector(found, landmarks=True), reboxed=[other])
    (sample,) = [s for s in dataset.samples if s.photo.parent.name == "images"]
    assert sample.box == box
    assert (sample.landmarks is not None) == (box == found)
