"""YOLO: class names in all the forms that tools and people write them, boxes and polygons."""

from __future__ import annotations

import pytest
from PIL import Image

from mask_detector.errors import DatasetError
from mask_detector.training.annotations import read_annotations
from mask_detector.training.annotations.yolo import read_class_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: [with_mask, without_mask]", {0: "with_mask", 1: "without_mask"}),
        ("names:\n- with_mask\n- without_mask\nnc: 2", {0: "with_mask", 1: "without_mask"}),
        ("names: {0: with_mask, 1: without_mask}", {0: "with_mask", 1: "without_mask"}),
        ("names:\n  3: a\n  1: b", {3: "a", 1: "b"}),
        ("names: {'0': a, '1': b}", {0: "a", 1: "b"}),
        ("names: [yes, no]", {0: "yes", 1: "no"}),
        ("names: {0: on, 1: off}", {0: "on", 1: "off"}),
        ("names: [1, 2.50, 2020-01-01, null]", {0: "1", 1: "2.50", 2: "2020-01-01", 3: "null"}),
        ("\ufeffnames: [a, b]", {0: "a", 1: "b"}),
    ],
)
def test_names_in_yaml(tmp_path, text, names):
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_class_names(path) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nc: 2",
        "[a, b]",
        "names: with_mask without_mask",
        "names: 2",
        "names:",
        "names: []",
        "names: ['', b]",
        "names: [[a], b]",
        "names: [{0: a}, {1: b}]",
        "names: {first: a, second: b}",
        "names: {0.5: a}",
        "names: {0: a",
        "a: &a [x]\nnames: [*a, *a]",
        "names: &a [*a]",
        "--- 1\n--- 2",
        "names: " + "[" * 5_000,
        "names: " + "[" * 100_000 + "]" * 100_000,
        "names: [" + "a, " * 200_000 + "b]",
        "names: {" + "9" * 5_000 + ": a}",
        "!!python/object/apply:os.system [exit]",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_other_yaml_is_a_sentence(tmp_path, text):
    path = tmp_path / "data.yaml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"data\.yaml: ") as error:
        read_class_names(path)
    assert len(str(error.value)) < 400


def test_names_in_text(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_bytes(b"\xef\xbb\xbfwith_mask\r\nwithout mask \r\n\r\n")
    assert read_class_names(path) == {0: "with_mask", 1: "without mask"}
    path.write_bytes(b"caf\xe9")
    with pytest.raises(DatasetError, match="save it as UTF-8"):
        read_class_names(path)
    path.write_bytes(b"\n")
    with pytest.raises(DatasetError, match="no class names"):
        read_class_names(path)


def test_polygons_give_their_bounding_box(tmp_path):
    Image.new("RGB", (200, 100)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("0 0.1 0.2 0.4 0.1 0.3 0.5")
    (tmp_path / "_darknet.labels").write_text("with_mask\n")
    photos, problems = read_annotations(tmp_path, tmp_path)
    assert problems == []
    assert photos[0].boxes.round(3).tolist() == [[20, 10, 80, 50]]
