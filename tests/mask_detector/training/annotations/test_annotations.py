"""Annotated photos: the three formats, and what is wrong with strangers' files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mask_detector.errors import DatasetError
from mask_detector.images import read_photo
from mask_detector.training.annotations import read_annotations

WIDTH, HEIGHT = 200, 100
BOX = [20.0, 10.0, 60.0, 50.0]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (WIDTH, HEIGHT), "grey").save(folder / name)
    return folder


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    folder = tmp_path / "annotations"
    folder.mkdir()
    return folder


def voc(*marks: str, filename: str = "") -> str:
    # The size is wrong on purpose: the photo's own counts.
    size = "<size><width>7</width><height>7</height></size>"
    return f"<annotation><filename>{filename}</filename>{size}{''.join(marks)}</annotation>"


def voc_mark(label: str, *corners: object, difficult: int = 0) -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{n}>{c}</{n}>" for n, c in zip(names, corners, strict=True))
    return (
        f"<object><name>{label}</name><difficult>{difficult}</difficult>"
        f"<bndbox>{box}</bndbox></object>"
    )


def write_voc(folder: Path) -> None:
    (folder / "a.xml").write_text(voc(voc_mark("with_mask", 21, 11, 60, 50)))
    (folder / "b.xml").write_text(voc())


def write_yolo(folder: Path) -> None:
    (folder / "classes.txt").write_text("without_mask\nwith_mask\n")
    (folder / "a.txt").write_text("1 0.2 0.3 0.2 0.4\n\n")
    (folder / "b.txt").write_text("")


def write_yolo_yaml(folder: Path) -> None:
    write_yolo(folder)
    (folder / "classes.txt").unlink()
    (folder.parent / "data.yaml").write_text("nc: 2\nnames: {0: without_mask, 1: with_mask}\n")


def coco(**changes: object) -> dict[str, object]:
    return {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "elsewhere/b.png"}],
        "categories": [{"id": 3, "name": "with_mask"}],
        "annotations": [{"image_id": 7, "category_id": 3, "bbox": [20, 10, 40, 40]}],
        **changes,
    }


def write_coco(folder: Path) -> None:
    (folder / "instances.json").write_text(json.dumps(coco()))


def test_an_empty_folder_of_annotations_is_one_sentence(images, annotations):
    with pytest.raises(DatasetError, match=r"annotations: expected Pascal VOC .* found none"):
        read_annotations(images, annotations)


def test_an_empty_folder_of_photos_is_one_sentence(images, annotations):
    write_voc(annotations)
    for path in images.iterdir():
        path.unlink()
    with pytest.raises(
        DatasetError, match=r"no photo of .*images is usable .* 2 problems: .*a\.xml"
    ):
        read_annotations(images, annotations)


@pytest.mark.parametrize("write", [write_voc, write_yolo, write_yolo_yaml, write_coco])
def test_formats_agree(images, annotations, write):
    write(annotations)
    photos, problems = read_annotations(images, annotations)
    assert problems == []
    assert [photo.path for photo in photos] == [images / "a.jpg", images / "b.png"]
    with_face, without = photos
    assert with_face.boxes.dtype == np.float32
    assert with_face.boxes == pytest.approx(np.array([BOX]))
    assert with_face.labels == ["with_mask"]
    assert (without.boxes.shape, without.labels) == ((0, 4), [])


def test_coco_file_by_name(images, annotations):
    write_coco(annotations)
    photos, _ = read_annotations(images, annotations / "instances.json")
    assert photos[0].boxes.tolist() == [BOX]


def test_photos_in_folders_of_the_same_layout(images, annotations):
    (images / "train").mkdir()
    (images / "a.jpg").rename(images / "train" / "a.jpg")
    write_voc(annotations)
    photos, problems = read_annotations(images, annotations)
    assert (photos[1].path, problems) == (images / "train" / "a.jpg", [])


def test_boxes_refer_to_the_photo_as_displayed(images, annotations):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees: 100 wide, 200 high
    Image.new("RGB", (WIDTH, HEIGHT)).save(images / "a.jpg", exif=exif)
    (annotations / "a.xml").write_text(voc(voc_mark("with_mask", 11, 151, 50, 200)))
    photos, problems = read_annotations(images, annotations)
    assert (photos[0].boxes.tolist(), problems) == ([[10, 150, 50, 200]], [])


def test_boxes_are_cut_at_the_edge(images, annotations):
    mark = voc_mark("with_mask", 0, -4, 60, 50)
    (annotations / "a.xml").write_text(voc(mark, voc_mark("with_mask", 181, 81, 210, 105)))
    photos, _ = read_annotations(images, annotations)
    assert photos[0].boxes.tolist() == [[0, 0, 60, 50], [180, 80, 200, 100]]


def test_difficult_and_crowds_are_ignored_regions(images, annotations):
    (annotations / "a.xml").write_text(voc(voc_mark("with_mask", 21, 11, 60, 50, difficult=1)))
    photos, _ = read_annotations(images, annotations)
    assert (photos[0].ignored.tolist(), photos[0].labels) == ([BOX], [])
    (annotations / "a.xml").unlink()
    crowd = {"image_id": 7, "category_id": 3, "bbox": [20, 10, 40, 40], "iscrowd": 1}
    (annotations / "c.json").write_text(json.dumps(coco(annotations=[crowd])))
    photos, _ = read_annotations(images, annotations)
    assert (photos[0].ignored.tolist(), photos[0].labels) == ([BOX], [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not readable XML"),
        ("<annotation>", "not readable XML"),
        ("<html/>", "expected Pascal VOC's <annotation>, found <html>"),
        (voc(voc_mark("with_mask", 150, 10, 400, 60)), "lies outside the photo of 200 x 100"),
        (voc(voc_mark("with_mask", 60, 10, 20, 60)), "is empty"),
        (voc(voc_mark("with_mask", 60, "ten", 80, 60)), "expected a number, found 'ten'"),
        (voc(voc_mark("with_mask", 60, "nan", 80, 60)), "expected a finite number"),
        (voc("<object><name>with_mask</name></object>"), "no <bndbox>"),
        (voc(voc_mark("", 21, 11, 60, 50)), "has no class"),
    ],
)
def test_broken_voc_files_are_listed(images, annotations, text, sentence):
    write_voc(annotations)
    (annotations / "b.xml").write_text(text)
    photos, problems = read_annotations(images, annotations)
    assert [photo.path.name for photo in photos] == ["a.jpg"]
    assert len(problems) == 1
    assert problems[0].startswith(str(annotations / "b.xml"))
    assert sentence in problems[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("5 0.2 0.3 0.2 0.4", "class 5 is unknown, known are 0 without_mask, 1 with_mask"),
        ("0.5 0.2 0.3 0.2 0.4", "class 0.5 is unknown"),
        ("1 0.2 0.3 0.2", "expected class, x, y, width, height"),
        ("1 50 40 20 30", "expected shares of the photo from 0 to 1"),
        ("with_mask 0.2 0.3 0.2 0.4", "expected a number"),
    ],
)
def test_broken_yolo_files_are_listed(images, annotations, text, sentence):
    write_yolo(annotations)
    (annotations / "b.txt").write_text(text)
    photos, problems = read_annotations(images, annotations)
    assert [photo.path.name for photo in photos] == ["a.jpg"]
    assert [sentence in problem for problem in problems] == [True]


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ({"category_id": 9, "bbox": [1, 1, 9, 9]}, "unknown (9)"),
        ({"category_id": 3}, "bbox"),
        ({"category_id": 3, "bbox": [1, 1, 9]}, "expected four numbers"),
        ({"category_id": 3, "bbox": 4}, "expected four numbers"),
        ({"category_id": 3, "bbox": [500, 1, 9, 9]}, "lies outside"),
    ],
)
def test_broken_coco_photos_are_listed(images, annotations, mark, sentence):
    marks = [*coco()["annotations"], {"image_id": 8, **mark}]
    (annotations / "c.json").write_text(json.dumps(coco(annotations=marks)))
    photos, problems = read_annotations(images, annotations)
    assert [photo.path.name for photo in photos] == ["a.jpg"]
    assert [sentence in problem for problem in problems] == [True]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.txt": "0 0.5 0.5 0.1 0.1"}, "need a classes.txt or data.yaml"),
        ({"a.txt": "", "data.yaml": "path: x"}, "no class names can be read"),
        ({"a.txt": "", "data.yaml": "a: b: c"}, "no class names can be read"),
        ({"a.txt": "", "a.xml": voc()}, "keep one kind"),
        ({"a.json": "{", "c.txt": ""}, "not readable JSON"),
        ({"a.json": "[]"}, "not COCO JSON"),
        ({"a.json": '{"images": []}'}, "not COCO JSON, 'categories' is missing"),
        ({"a.json": "{}", "b.json": "{}"}, r"a\.json: this is not COCO JSON"),
    ],
)
def test_unusable_folders_are_one_sentence(images, annotations, files, sentence):
    for name, text in files.items():
        (annotations / name).write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_annotations(images, annotations)


@pytest.mark.parametrize("missing", ["images", "annotations"])
def test_missing_folders_are_named(images, annotations, missing):
    places = {"images": images, "annotations": annotations, missing: images / "nowhere"}
    with pytest.raises(DatasetError, match="nowhere: there"):
        read_annotations(places["images"], places["annotations"])


def test_missing_and_damaged_photos_are_listed(images, annotations):
    write_voc(annotations)
    (annotations / "c.xml").write_text(voc())
    (images / "b.png").write_bytes(b"not a photo")
    photos, problems = read_annotations(images, annotations)
    assert [photo.path.name for photo in photos] == ["a.jpg"]
    assert "b.png cannot be read" in problems[0]
    assert f"there is no photo c in {images}" in problems[1]


def test_photos_of_the_same_name(images, annotations):
    Image.new("RGB", (WIDTH, HEIGHT)).save(images / "a.png")
    mark = voc_mark("with_mask", 21, 11, 60, 50)
    (annotations / "a.xml").write_text(voc(mark, filename="a.png"))
    (annotations / "b.xml").write_text(voc(filename="b.png"))
    photos, _ = read_annotations(images, annotations)
    assert photos[0].path.name == "a.png"
    (annotations / "a.xml").write_text(voc(mark))
    _, problems = read_annotations(images, annotations)
    assert "its photo may be" in problems[0]


def test_annotated_twice(images, annotations):
    write_voc(annotations)
    (annotations / "again").mkdir()
    (annotations / "again" / "a.xml").write_text(voc())
    photos, problems = read_annotations(images, annotations)
    assert photos[0].labels == ["with_mask"]
    assert "a.jpg has been annotated already" in problems[0]


def test_several_coco_files_for_different_photos(images, annotations):
    parts = [{"id": 7, "file_name": "a.jpg"}], [{"id": 7, "file_name": "b.png"}]
    for name, part in zip(("train", "val"), parts, strict=True):
        (annotations / f"instances_{name}.json").write_text(json.dumps(coco(images=part)))
    (annotations / "licences.json").write_text("{}")
    photos, problems = read_annotations(images, annotations)
    assert [photo.boxes.tolist() for photo in photos] == [[BOX], [BOX]]
    (problem,) = problems
    assert "licences.json: this is not COCO JSON" in problem
    (annotations / "again.json").write_text(json.dumps(coco()))
    with pytest.raises(
        DatasetError, match=r"again\.json and .* annotate the same photo \('a\.jpg'\)"
    ):
        read_annotations(images, annotations)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("ending", ["jpg", "tif", "png"])
def test_shares_are_of_the_photo_as_displayed(images, annotations, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    (images / "a.jpg").unlink()
    Image.new("RGB", (WIDTH, HEIGHT)).save(images / f"a.{ending}", exif=exif)
    write_yolo(annotations)
    photos, problems = read_annotations(images, annotations)
    height, width = read_photo(images / f"a.{ending}").shape[:2]
    assert photos[0].boxes.tolist() == [[0.1 * width, 0.1 * height, 0.3 * width, 0.5 * height]]
    assert problems == []


@pytest.mark.parametrize(
    "name", ["images\\a.jpg", "./a.jpg", "A.JPG", "C:\\photos\\a.jpg", "a", " a.jpg "]
)
def test_photos_are_found_by_the_names_that_tools_write(images, annotations, name):
    (annotations / "c.json").write_text(json.dumps(coco(images=[{"id": 7, "file_name": name}])))
    photos, _ = read_annotations(images, annotations)
    assert photos[0].path == images / "a.jpg"


def test_names_in_decomposed_letters(images, annotations):
    """macOS stores é as e and an accent."""
    (images / "a.jpg").rename(images / "e\u0301.jpg")
    named = coco(images=[{"id": 7, "file_name": "\u00e9.jpg"}])
    (annotations / "c.json").write_text(json.dumps(named), encoding="utf-8")
    assert read_annotations(images, annotations)[0][0].labels == ["with_mask"]


def test_photos_of_the_same_name_in_folders_of_the_same_layout(images, annotations):
    for index, part in enumerate(("train", "val")):
        (images / part).mkdir()
        (annotations / part).mkdir()
        Image.new("RGB", (WIDTH, HEIGHT)).save(images / part / "0.jpg")
        (annotations / part / "0.txt").write_text(f"{index} 0.2 0.3 0.2 0.4")
    (annotations.parent / "data.yaml").write_text("names: [without_mask, with_mask]")
    photos, problems = read_annotations(images, annotations)
    labels = {photo.path.parent.name: photo.labels for photo in photos}
    assert (labels, problems) == ({"train": ["without_mask"], "val": ["with_mask"]}, [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_no_part_of_the_text(images, annotations, encoding):
    write_yolo(annotations)
    for path in annotations.iterdir():
        path.write_text(path.read_text(), encoding=encoding)
    assert read_annotations(images, annotations)[0][0].labels == ["with_mask"]
    for path in annotations.iterdir():
        path.unlink()
    (annotations / "c.json").write_text(json.dumps(coco()), encoding=encoding)
    assert read_annotations(images, annotations)[0][0].labels == ["with_mask"]
    (annotations / "c.json").unlink()
    (annotations / "a.xml").write_text(voc(voc_mark("with_mask", 21, 11, 60, 50)), encoding)
    assert read_annotations(images, annotations)[0][0].labels == ["with_mask"]
