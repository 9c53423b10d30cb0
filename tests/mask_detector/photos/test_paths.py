from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_detector.detector import Face
from mask_detector.errors import PhotoError, UserFacingError
from mask_detector.photos.paths import (
    Photo,
    find_photos,
    make_folder,
    name_results,
    unique_paths,
    without_done,
    write_crops,
)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def pairs(photos: list[Photo]) -> list[tuple[str, str]]:
    return [(str(photo.path), str(photo.place)) for photo in photos]


def test_nothing_wanted_is_nothing_found() -> None:
    assert find_photos([]) == []


def test_files_are_taken_as_they_are_named(here) -> None:
    touch("a/one.jpg", "two.text")
    wanted = ["a/one.jpg", "two.text", "./two.text", "gone.png"]
    assert pairs(find_photos(wanted)) == [
        ("a/one.jpg", "one.jpg"),
        ("two.text", "two.text"),
        ("gone.png", "gone.png"),
    ]


def test_folders_give_photos_by_name_and_keep_sub_folders(here) -> None:
    touch("in/b.jpg", "in/a.PNG", "in/notes.txt", "in/.c.jpg", "in/deep/d.webp", "in/e.heic")
    flat = [("in/a.PNG", "a.PNG"), ("in/b.jpg", "b.jpg"), ("in/e.heic", "e.heic")]
    assert pairs(find_photos(["in"])) == flat
    deep = [*flat[:2], ("in/deep/d.webp", "deep/d.webp"), flat[2]]
    assert pairs(find_photos(["in"], recursive=True)) == deep


def test_output_folders_are_no_photos_unless_they_are_named(here) -> None:
    touch("in/a.jpg", "in/out/a.jpg", "in/crops/x/a.jpg")
    outputs = [Path("in/out"), Path("in/crops"), None]
    assert pairs(find_photos(["in"], True, outputs)) == [("in/a.jpg", "a.jpg")]
    assert pairs(find_photos(["in/out"], True, outputs)) == [("in/out/a.jpg", "a.jpg")]


def test_a_folder_without_photos_is_a_problem_of_its_own(here) -> None:
    touch("in/deep/a.jpg")
    (photo,) = find_photos(["in"])
    with pytest.raises(PhotoError, match=r"^in: there are no photos .* --recursive"):
        photo.check()
    (photo,) = find_photos(["in"], recursive=True)
    photo.check()


def test_folders_that_contain_themselves_end(here) -> None:
    touch("in/a.jpg")
    Path("in/loop").symlink_to(here / "in")
    assert pairs(find_photos(["in"], recursive=True)) == [("in/a.jpg", "a.jpg")]


def test_patterns(here) -> None:
    touch("b1.jpg", "b2.jpg", "deep/er/b3.jpg", "odd[1].jpg")
    assert pairs(find_photos(["b?.jpg"])) == [("b1.jpg", "b1.jpg"), ("b2.jpg", "b2.jpg")]
    assert pairs(find_photos(["**/b3.jpg"])) == [("deep/er/b3.jpg", "b3.jpg")]
    assert pairs(find_photos(["odd[1].jpg"])) == [("odd[1].jpg", "odd[1].jpg")]
    assert pairs(find_photos(["c*.jpg"])) == [("c*.jpg", "c*.jpg")]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"", []),
        (b"a.jpg\nb c.jpg\n", ["a.jpg", "b c.jpg"]),
        (b"a.jpg\r\n\r\nb.jpg", ["a.jpg", "b.jpg"]),
        (b"two\nlines.jpg\0b.jpg\0", ["two\nlines.jpg", "b.jpg"]),
        (b"-\na.jpg", ["a.jpg"]),
        (b"caf\xe9.jpg", [os.fsdecode(b"caf\xe9.jpg")]),
    ],
)
def test_standard_input(monkeypatch, data, names) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert [str(photo.path) for photo in find_photos(["-"])] == names


@pytest.mark.parametrize(
    ("wanted", "taken", "unique"),
    [
        ([], [], []),
        (["a.jpg", "a.png"], [], ["a.jpg", "a.png"]),
        (["a.jpg", "a.jpg", "A.jpg"], [], ["a.jpg", "a_2.jpg", "A_3.jpg"]),
        (["a_2.jpg", "a.jpg", "a.jpg"], [], ["a_2.jpg", "a.jpg", "a_3.jpg"]),
        (["x/a.jpg", "y/a.jpg"], ["x/../y/a.jpg"], ["x/a.jpg", "y/a_2.jpg"]),
        (["none", "none"], [], ["none", "none_2"]),
    ],
)
def test_unique_paths(here, wanted, taken, unique) -> None:
    result = unique_paths(map(Path, wanted), list(map(Path, taken)))
    assert [str(path) for path in result] == unique


def pictures(
    photos: list[str], output: str | None, files: tuple[str, ...] = (), pictures_here: bool = False
) -> list[str | None]:
    found = [Photo(Path(p), Path(Path(p).name)) for p in photos]
    out = None if output is None else Path(output)
    named = name_results(found, out, None, list(map(Path, files)), pictures_here)
    return [photo.picture and str(photo.picture) for photo in named]


@pytest.mark.parametrize(
    ("photos", "output", "expected"),
    [
        ([], "out", []),
        (["a.jpg"], None, [None]),
        (["a.jpg"], "new.png", ["new.png"]),
        (["a.jpg"], "deep/new.png", ["deep/new.png"]),
        (["a.jpg"], "out", ["out/a.jpg"]),
        (["a.jpg"], "dots.v2", ["dots.v2/a.jpg"]),
        (["a.jpg", "x/a.jpg"], "out", ["out/a.jpg", "out/a_2.jpg"]),
        (["a.heic", "b.gif", "c"], "out", ["out/a.png", "out/b.png", "out/c.png"]),
    ],
)
def test_where_pictures_go(here, photos, output, expected) -> None:
    Path("dots.v2").mkdir()
    assert pictures(photos, output) == expected


def test_pictures_here_are_named_after_the_photo(here) -> None:
    photos = ["x/a.jpg", "y/a.png", "b_mask.png", "b.jpg"]
    expected = ["a_mask.png", "a_mask_2.png", "b_mask_mask.png", "b_mask_2.png"]
    assert pictures(photos, None, pictures_here=True) == expected


def test_lists_keep_their_names_and_pictures_make_way(here) -> None:
    assert pictures(["sheet.jpg"], "out", ("out/sheet.jpg",)) == ["out/sheet_2.jpg"]


@pytest.mark.parametrize(
    ("photos", "output", "files", "message"),
    [
        (["a.jpg", "b.jpg"], "out.jpg", [], "names one picture for 2 photos"),
        (["a.jpg"], "out.txt", [], "pictures have one of these endings"),
        (["a.jpg"], "./a.jpg", [], "would replace"),
        (["a.jpg"], "link.jpg", [], "would replace"),
        (["a.jpg"], None, ["link.jpg"], "would replace"),
        (["a.jpg"], "out.jpg", ["out.jpg"], "would replace"),
        (["a.jpg"], "a.jpg/out", [], "cannot write there"),
    ],
)
def test_results_that_cannot_be(here, photos, output, files, message) -> None:
    touch("a.jpg")
    Path("link.jpg").symlink_to("a.jpg")
    with pytest.raises(UserFacingError, match=message):
        pictures(photos, output, files)


def test_a_device_is_a_file_to_write_to(here, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # /dev is read-only for most people
    assert pictures(["a.jpg"], None, (os.devnull,)) == [None]


def test_make_folder(here) -> None:
    make_folder(Path("a/b/c"))
    make_folder(Path("a/b"))
    touch("file")
    for path in ("file", "file/below"):
        with pytest.raises(UserFacingError, match=f"^{path}: cannot write there"):
            make_folder(Path(path))


def face(*box: int, mask: float = 0.9, unsure: bool = False) -> Face:
    return Face(box, 0.9, {"with_mask": mask, "without_mask": 1 - mask}, unsure)


def test_crops_stay_inside_the_picture(here) -> None:
    image = np.zeros((100, 80, 3), np.uint8)
    faces = [face(0, 0, 20, 40), face(60, 50, 80, 100, mask=0.1), face(30, 30, 40, 40, unsure=True)]
    write_crops(image, faces, Path("faces"), Path("deep/photo.v2"))
    shapes = {str(p): cv2.imread(str(p)).shape[:2] for p in Path("faces").rglob("*.*")}
    assert shapes == {
        "faces/with_mask/deep/photo.v2_1.jpg": (48, 24),
        "faces/without_mask/deep/photo.v2_2.jpg": (60, 24),
        "faces/unsure/deep/photo.v2_3.jpg": (14, 14),
    }


def test_what_is_done(here) -> None:
    touch("out/a.jpg", "out/b.jpg")
    Path("found.jsonl").write_text(
        '{"image": "a.jpg", "faces": []}\n[]\n{"image": "b.jpg", "error": "…"}\n{"image": "c.jp'
    )
    photos = [
        Photo(Path(name), Path(name), picture=Path("out", name))
        for name in ("a.jpg", "b.jpg", "c.jpg")
    ]

    def left(records: str | None) -> list[str]:
        return [str(photo.path) for photo in without_done(photos, records)]

    assert left("found.jsonl") == ["b.jpg", "c.jpg"]
    assert left(None) == left("-") == ["c.jpg"]
    assert left("no_earlier_run.jsonl") == ["a.jpg", "b.jpg", "c.jpg"]
