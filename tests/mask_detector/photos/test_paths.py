from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from mask_detector.errors import PhotoError
from mask_detector.photos.paths import Photo, find_photos


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
    outputs = [Path("in/out"), Path("in/crops")]
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
