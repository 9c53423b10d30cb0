"""Dataset layouts as people have them, and groups.csv as they write it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from mask_detector.errors import DatasetError
from mask_detector.training.layouts import DatasetPhoto, find_photos

VOC = (
    "<annotation><object><name>{}</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>30</xmax>"
    "<ymax>30</ymax></bndbox></object></annotation>"
)
COCO = (
    '{{"images": [{{"id": 1, "file_name": "{}"}}], "categories": [{{"id": 1, "name": "{}"}}], '
    '"annotations": [{{"image_id": 1, "category_id": 1, "bbox": [2, 3, 20, 20]}}]}}'
)
YOLO = "{} 0.5 0.5 0.5 0.5"
COCO_OF_TWO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "with_mask"}, {"id": 2, "name": "without_mask"}],
        "annotations": [
            {"image_id": number, "category_id": number, "bbox": [2, 3, 20, 20]} for number in (1, 2)
        ],
    }
)


def find(folder: Path) -> tuple[dict[str, list[str]], list[str], Counter[str]]:
    """Labels by the photo's path in the folder, problems, notes."""
    problems: list[str] = []
    notes: Counter[str] = Counter()
    photos = find_photos(folder, problems, notes)
    return {p.path.relative_to(folder).as_posix(): p.labels for p in photos}, problems, +notes


def make(folder: Path, **texts: str) -> None:
    """Files in a folder, with / written as __ in their names; a photo where the text is empty."""
    for name, text in texts.items():
        stem, _, ending = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text, encoding="utf-8")
        else:
            Image.new("RGB", (50, 40)).save(path)


LAYOUTS = {
    "class folders": {"with_mask__a_png": "", "without_mask__deep__b_png": ""},
    "splits of class folders": {
        "Train__with_mask__a_png": "",
        "Validation__without_mask__b_png": "",
        "TEST__with_mask__c_png": "",
    },
    "splits in a folder": {
        "Face Mask Dataset__train__with_mask__a_png": "",
        "Face Mask Dataset__val__without_mask__b_png": "",
    },
    "images and annotations": {
        "images__a_png": "",
        "images__b_png": "",
        "annotations__a_xml": VOC.format("with_mask"),
        "annotations__b_xml": VOC.format("without_mask"),
    },
    "VOC devkit": {
        "VOC2007__JPEGImages__a_png": "",
        "VOC2007__JPEGImages__b_png": "",
        "VOC2007__Annotations__a_xml": VOC.format("with_mask"),
        "VOC2007__Annotations__b_xml": VOC.format("without_mask"),
    },
    "Ultralytics": {
        "images__train__a_png": "",
        "images__val__a_png": "",
        "labels__train__a_txt": YOLO.format(0),
        "labels__val__a_txt": YOLO.format(1),
        "data_yaml": "names: [with_mask, without_mask]",
    },
    "Roboflow YOLO": {
        "train__images__a_png": "",
        "valid__images__b_png": "",
        "train__labels__a_txt": YOLO.format(0),
        "valid__labels__b_txt": YOLO.format(1),
        "data_yaml": "names: [with_mask, without_mask]",
    },
    "Roboflow COCO": {
        "train__a_png": "",
        "valid__b_png": "",
        "train___annotations.coco_json": COCO.format("a.png", "with_mask"),
        "valid___annotations.coco_json": COCO.format("b.png", "without_mask"),
        "README.dataset_txt": "exported",
    },
    "Roboflow VOC": {
        "train__a_png": "",
        "test__b_png": "",
        "train__a_xml": VOC.format("with_mask"),
        "test__b_xml": VOC.format("without_mask"),
    },
    "Darknet": {
        "train__a_png": "",
        "valid__b_png": "",
        "train__a_txt": YOLO.format(0),
        "valid__b_txt": YOLO.format(1),
        "train___darknet_labels": "with_mask\nwithout_mask",
        "valid___darknet_labels": "with_mask\nwithout_mask",
    },
    "COCO with a folder a part": {
        "images__train__a_png": "",
        "images__val__b_png": "",
        "annotations__instances_train_json": COCO.format("a.png", "with_mask"),
        "annotations__instances_val_json": COCO.format("b.png", "without_mask"),
    },
    "COCO beside images": {
        "images__a_png": "",
        "images__b_png": "",
        "train_json": COCO.format("images/a.png", "with_mask"),
        "val_json": COCO.format("b.png", "without_mask"),
    },
    "CVAT YOLO": {
        "obj_train_data__a_png": "",
        "obj_train_data__b_png": "",
        "obj_train_data__a_txt": YOLO.format(0),
        "obj_train_data__b_txt": YOLO.format(1),
        "obj_names": "with_mask\nwithout_mask",
        "train_txt": "data/obj_train_data/a.png",
    },
    "FiftyOne COCO": {
        "data__a_png": "",
        "data__b_png": "",
        "labels_json": COCO_OF_TWO,
    },
    "annotated photos in one folder": {
        "a_png": "",
        "b_png": "",
        "a_txt": YOLO.format(0),
        "b_txt": YOLO.format(1),
        "classes_txt": "with_mask\nwithout_mask",
    },
}


@pytest.mark.parametrize("texts", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path, texts):
    make(tmp_path, **texts)
    found, problems, _ = find(tmp_path)
    assert len(found) == sum(not text for text in texts.values())
    assert {label for labels in found.values() for label in labels} == {"with_mask", "without_mask"}
    assert problems == []


def test_empty_folder(tmp_path):
    assert find(tmp_path) == ({}, [], Counter())


def test_parts_are_read_together_and_that_is_noted(tmp_path):
    make(tmp_path, train__mask__a_png="", test__mask__b_png="", samples__c_png="")
    found, problems, notes = find(tmp_path)
    assert len(found) == 2
    assert notes == {"photos from test, train, which are split again by groups": 2}
    assert problems == [
        f"{tmp_path / 'samples'}: left out, it is no class of test, train beside it"
    ]


def test_class_folders_beside_a_part(tmp_path):
    make(tmp_path, mask__a_png="", none__b_png="", test__mask__c_png="", test__none__d_png="")
    assert len(find(tmp_path)[0]) == 4


def test_class_folders_beside_unsorted_photos(tmp_path):
    make(tmp_path, mask__a_png="", none__b_png="", test__c_png="")
    found, problems, _ = find(tmp_path)
    assert found == {"mask/a.png": ["mask"], "none/b.png": ["none"]}
    assert "test: 1 photo in no class folder" in problems[0]


def test_parts_in_parts_are_never_classes(tmp_path):
    make(tmp_path, **{"train__" * 8 + "a_png": ""})
    with pytest.raises(DatasetError, match="too deep"):
        find(tmp_path)


def test_part_without_annotations_is_left_out_and_named(tmp_path):
    make(tmp_path, train__mask__a_png="", test__b_png="", val__images__c_png="")
    found, problems, _ = find(tmp_path)
    assert found == {"train/mask/a.png": ["mask"]}
    assert len(problems) == 2
    assert "test: 1 photo in no class folder and without annotations" in problems[0]
    assert "val: expected annotations/ or labels/ beside images/" in problems[1]


def test_photos_beside_class_folders_are_named(tmp_path):
    make(tmp_path, mask__a_png="", plot_png="", notes_txt="my photos", _old__b_png="")
    found, problems, _ = find(tmp_path)
    assert found == {"mask/a.png": ["mask"]}
    assert problems == [f"{tmp_path}: 1 photo in no class folder and without annotations, left out"]


def test_photos_beside_annotated_ones_are_named(tmp_path):
    texts = {"images__a_png": "", "labels__a_txt": YOLO.format(0), "classes_txt": "with_mask"}
    make(tmp_path, **texts, with_mask__q_png="", plot_png="", _old__b_png="", notes__c_csv="mine")
    found, problems, _ = find(tmp_path)
    assert found == {"images/a.png": ["with_mask"]}
    assert problems == [
        f"{place}: 1 photo beside images/ and its annotations, left out"
        for place in (tmp_path, tmp_path / "with_mask")
    ]


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"images__a_png": ""}, "expected annotations/ or labels/ beside images/"),
        ({"images__a_png": "", "labels__b_png": ""}, "expected Pascal VOC"),
        ({"train__images__a_png": ""}, "train: expected annotations/ or labels/"),
    ],
)
def test_unusable_layouts_are_a_sentence(tmp_path, texts, sentence):
    make(tmp_path, **texts)
    with pytest.raises(DatasetError, match=sentence):
        find(tmp_path)


def test_an_archive_is_no_folder(tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match="unpack"):
        find(tmp_path / "photos.zip")


def test_photos_without_annotations_are_counted(tmp_path):
    make(tmp_path, images__a_png="", images__b_png="", annotations__a_xml=VOC.format("mask"))
    found, _, notes = find(tmp_path)
    assert found == {"images/a.png": ["mask"]}
    assert notes == {"photos without usable annotations, left out": 1}


def test_crowds_are_counted(tmp_path):
    crowd = COCO.format("a.png", "mask").replace('"bbox"', '"iscrowd": 1, "bbox"')
    make(tmp_path, images__a_png="", annotations__c_json=crowd)
    found, _, notes = find(tmp_path)
    assert found == {"images/a.png": []}
    assert notes == {"boxes marked as crowds or difficult, not used": 1}


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two classes whose photos have the same names."""
    make(tmp_path, mask__1_png="", mask__2_png="", none__1_png="", none__2_png="")
    return tmp_path


def groups(folder: Path, table: str) -> dict[str, str]:
    (folder / "groups.csv").write_text(table, encoding="utf-8")
    found: list[DatasetPhoto] = find_photos(folder, [], Counter())
    return {p.path.relative_to(folder).as_posix(): p.group for p in found if p.group}


@pytest.mark.parametrize(
    "name",
    [
        "mask/1.png",
        "mask\\1.png",
        "./mask/1.png",
        ".\\Mask\\1.PNG",
        "mask/1",
        " mask/1.png ",
        "{folder}/mask/1.png",
    ],
)
@pytest.mark.parametrize("heading", ["file,group", "image,group", "\ufefffile,label,group"])
def test_names_of_photos_in_groups(photos, heading, name):
    row = name.format(folder=photos.name) + (",x,anna" if "label" in heading else ",anna")
    assert groups(photos, f"{heading}\n{row}\n") == {"mask/1.png": "anna"}


@pytest.mark.parametrize(
    "table",
    [
        "file;group\r\nmask/1.png;anna, ben\r\n",
        "file\tgroup\nmask/1.png\tanna, ben\n",
        'File, Group\nmask/1.png,"anna, ben"\n',
    ],
    ids=["semicolons", "tabs", "capitals and spaces"],
)
def test_tables_as_spreadsheets_write_them(photos, table):
    assert groups(photos, table) == {"mask/1.png": "anna, ben"}


def test_name_without_a_folder_groups_all_that_have_it(photos):
    table = "file,group\n1.png,anna\nnone/2.png,ben\n"
    assert groups(photos, table) == {
        "mask/1.png": "anna",
        "none/1.png": "anna",
        "none/2.png": "ben",
    }
    exact = groups(photos, "file,group\nnone/1.png,ben\n1.png,anna\n")
    assert exact == {"mask/1.png": "anna", "none/1.png": "ben"}


def test_names_that_fit_no_photo_are_told(photos):
    (photos / "groups.csv").write_text("file,group\nmask/1.png,anna\nmask/7.png,ben\n")
    problems: list[str] = []
    find_photos(photos, problems, Counter())
    (problem,) = problems
    assert "1 of its names fit no photo (the first is 'mask/7.png')" in problem
    (photos / "groups.csv").write_text("file,group\nmask/7.png,ben\n")
    with pytest.raises(DatasetError, match="none of its names fits a photo"):
        find_photos(photos, [], Counter())


def test_groups_of_annotated_photos(tmp_path):
    make(tmp_path, **LAYOUTS["Ultralytics"])
    table = "image,group\ntrain/a.png,anna\nval/a,ben\n"
    assert groups(tmp_path, table) == {"images/train/a.png": "anna", "images/val/a.png": "ben"}
