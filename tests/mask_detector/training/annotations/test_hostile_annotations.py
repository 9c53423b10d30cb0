"""Damaged and hostile annotation files: every one ends in a sentence, and soon."""

from __future__ import annotations

import json
import random

import pytest
from PIL import Image

from mask_detector.errors import DatasetError
from mask_detector.training.annotations import read_annotations
from mask_detector.training.groups import read_groups

VALID = {
    "a.xml": b"<annotation><filename>a.png</filename><object><name>m</name><difficult>0"
    b"</difficult><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>40</xmax><ymax>30</ymax></bndbox>"
    b"</object></annotation>",
    "a.txt": b"0 0.5 0.5 0.2 0.2\n1 0.3 0.3 0.1 0.1\n",
    "data.yaml": b"path: .\nnames:\n  0: with_mask\n  1: 'without_mask'\nnc: 2\n",
    "c.json": json.dumps(
        {
            "images": [{"id": 1, "file_name": "a.png"}],
            "categories": [{"id": 1, "name": "m"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 20, 20]}],
        }
    ).encode(),
    "groups.csv": b"image,group\na.png,anna\nb.png,ben\n",
}
TOKENS = [
    b"1e400", b"NaN", b"-1", b"null", b"true", b"{}", b"[[", b"]", b"\xff\xfe", b"\x00", b"\n",
    b'"', b"9" * 400, b"9" * 5000, b"<a>", b"&lt;", b"&x;",
    b"<!DOCTYPE a>", b": ", b"*a", b"&a ", b"../..",
    b"../..", b",", b";", b"\xed\xa0\x80", "\u202e".encode(),
]  # fmt: skip


def mutants(content: bytes, count: int):
    """Copies with bytes changed, cut out or repeated, and with odd tokens put in."""
    chance = random.Random(1)
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(changed) + 1)
            end = min(len(changed), start + chance.randint(0, 12))
            kind = chance.randrange(4)
            if kind == 0 and start < len(changed):
                changed[start] = chance.randrange(256)
            elif kind == 1:
                del changed[start:end]
            elif kind == 2:
                changed[start:start] = changed[start:end]
            else:
                changed[start:end] = chance.choice(TOKENS)
        yield bytes(changed)


@pytest.mark.parametrize("mutated", VALID)
def test_mutants_raise_only_our_errors(tmp_path, mutated):
    Image.new("RGB", (50, 40)).save(tmp_path / "a.png")
    others = {"a.txt": ["data.yaml"], "data.yaml": ["a.txt"]}.get(mutated, [])
    for name in others:
        (tmp_path / name).write_bytes(VALID[name])
    accepted = 0
    for content in mutants(VALID[mutated], 150):
        (tmp_path / mutated).write_bytes(content)
        try:
            if mutated == "groups.csv":
                read_groups(tmp_path / mutated)
            else:
                read_annotations(tmp_path, tmp_path)
            accepted += 1
        except DatasetError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 700
    assert 0 < accepted < 150


HOSTILE = {
    "deep.json": b"[" * 200_000,
    "deep_object.json": b'{"images": ' * 100_000,
    "huge_number.json": b'{"images": [{"id": ' + b"9" * 10_000 + b"}]}",
    "deep.xml": b"<annotation>" + b"<a>" * 100_000,
    "closed.xml": b"<annotation>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</annotation>",
    "laughs.xml": b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><a>&b;</a>',
    "wide.xml": '<!DOCTYPE a [<!ENTITY a "ha">]><annotation>&a;</annotation>'.encode("utf-16"),
    "outside.xml": b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation/>',
    "large.xml": b"<annotation>" + b" " * 9_000_000 + b"</annotation>",
    "encoding.xml": b"<?xml version='1.0' encoding='gb2312'?><annotation/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_sentences(tmp_path, name):
    Image.new("RGB", (50, 40)).save(tmp_path / "a.png")
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(DatasetError) as error:
        read_annotations(tmp_path, tmp_path)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    "box",
    [
        "[2, 3, 1e400, 9]",
        "[2, 3, " + "9" * 400 + ", 9]",
        "[2, 3, NaN, 9]",
        "[-1e308, -1e308, 1e308, 1e308]",
        '["2", "3", "x", "9"]',
        "[[2], 3, 4, 5]",
        "{}",
        "null",
    ],
)
def test_odd_numbers_leave_out_one_photo(tmp_path, box):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (50, 40)).save(tmp_path / name)
    text = VALID["c.json"].decode()
    text = text.replace('}], "categories"', '}, {"id": 2, "file_name": "b.png"}], "categories"')
    odd = '{"image_id": 2, "category_id": 1, "bbox": ' + box + "}"
    (tmp_path / "c.json").write_text(text.replace("]}]}", "]}, " + odd + "]}"))
    photos, problems = read_annotations(tmp_path, tmp_path)
    assert [photo.path.name for photo in photos] == ["a.png"]
    assert len(problems) == 1
