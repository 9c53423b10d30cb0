from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mask_detector.errors import PhotoError, UserFacingError
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


def test_a_photo_named_by_several_paths_is_one_and_a_link_another(here) -> None:
    touch("in/a.jpg", "other/b.jpg")
    Path("linked").symlink_to("in")
    Path("in/link.jpg").symlink_to("a.jpg")
    wanted = ["in/a.jpg", "other/../in/a.jpg", str(here / "in/a.jpg"), "linked", "in/link.jpg"]
    assert pairs(find_photos(wanted)) == [("in/a.jpg", "a.jpg"), ("linked/link.jpg", "link.jpg")]


@pytest.mark.parametrize("without", ["in/out", "other/../in/out", "linked/out", "link_to_out"])
def test_an_output_folder_is_left_out_whatever_its_path(here, without) -> None:
    touch("in/a.jpg", "in/out/a.jpg", "other/b.jpg")
    Path("linked").symlink_to("in")
    Path("link_to_out").symlink_to("in/out")
    assert pairs(find_photos(["in"], True, [Path(without)])) == [("in/a.jpg", "a.jpg")]


def test_a_folder_that_may_not_be_entered_does_not_cost_the_others(here, monkeypatch) -> None:
    touch("in/a.jpg", "in/closed/b.jpg", "in/closed/c")
    look = os.stat

    def stat(path: Any, **options: Any) -> os.stat_result:
        if Path(os.fsdecode(path)).parent.name == "closed":
            raise PermissionError(13, "Permission denied")
        return look(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    found = find_photos(["in"], recursive=True)
    assert pairs(found) == [("in/a.jpg", "a.jpg"), ("in/closed/b.jpg", "closed/b.jpg")]


def test_patterns(here) -> None:
    touch("b1.jpg", "b2.jpg", "deep/er/b3.jpg", "odd[1].jpg")
    assert pairs(find_photos(["b?.jpg"])) == [("b1.jpg", "b1.jpg"), ("b2.jpg", "b2.jpg")]
    assert pairs(find_photos(["**/b3.jpg"])) == [("deep/er/b3.jpg", "b3.jpg")]
    assert pairs(find_photos(["odd[1].jpg"])) == [("odd[1].jpg", "odd[1].jpg")]
    assert pairs(find_photos(["c*.jpg"])) == [("c*.jpg", "c*.jpg")]


def test_standard_input_may_be_closed(monkeypatch) -> None:
    monkeypatch.setattr(sys, "__stdin__", None)
    with pytest.raises(UserFacingError, match="standard input is closed"):
        find_photos(["-"])


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


def test_photos_are_known_by_their_beginning(here) -> None:
    beginnings = {
        "in/jpeg_large": b"\xff\xd8\xff",
        "in/a.jpg!d": b"\xff\xd8\xff",
        "in/b.unknown": b"RIFF....WEBP",
        "in/c": b"II*\0",
        "in/d.nef": b"II*\0",  # a camera's raw file is a TIFF, too
        "in/e.bin": b"....ftypheic",
        "in/f.bin": b"something",
        "in/g.gif": b"GIF89a",
    }
    touch(*beginnings)
    for name, beginning in beginnings.items():
        Path(name).write_bytes(beginning)
    found = [photo.path.name for photo in find_photos(["in"])]
    assert found == ["a.jpg!d", "b.unknown", "c", "e.bin", "g.gif", "jpeg_large"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_in_a_folder_are_not_waited_for(here) -> None:
    touch("in/a.jpg")
    for name in ("in/b.jpg", "in/c.tif", "in/d"):
        os.mkfifo(name)
    Path("in/e.jpg").symlink_to("nowhere")
    assert pairs(find_photos(["in"])) == [("in/a.jpg", "a.jpg"), ("in/e.jpg", "e.jpg")]


def test_what_is_left_out_is_named(here, caplog) -> None:
    touch("in/a.jpg", "in/film.mp4", "in/b.nef", "in/c.NEF", "in/notes.txt", "in/.hidden.mp4")
    touch("in/@eaDir/a.jpg", "elsewhere/b.jpg", "in/found.xyz")
    Path("in/link").symlink_to(here / "elsewhere")
    found = find_photos(["in"], recursive=True, without=[Path("in/found.xyz")])
    assert pairs(found) == [("in/a.jpg", "a.jpg")]
    assert [record.getMessage() for record in caplog.records] == [
        "in: 3 other files left out (.nef, .mp4)",
        "in: 1 linked folder left out, name them to include them",
    ]


def test_a_sub_folder_that_cannot_be_read_does_not_cost_the_others(here, monkeypatch) -> None:
    touch("in/a.jpg", "in/secret/b.jpg")
    list_folder = Path.iterdir

    def iterdir(path: Path):
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    first, second = find_photos(["in"], recursive=True)
    first.check()
    with pytest.raises(PhotoError, match=r"^in/secret: .* \(Permission denied\)"):
        second.check()


def test_each_page_of_a_tiff_is_a_photo(here) -> None:
    Path("in").mkdir()
    page = Image.new("L", (4, 4))
    page.save("in/scan.tif", save_all=True, append_images=[page, page])
    found = find_photos(["in"])
    assert [photo.name for photo in found] == ["in/scan.tif", "in/scan.tif#2", "in/scan.tif#3"]
    assert [photo.frame for photo in found] == [0, 1, 2]
    assert [str(photo.place) for photo in found] == ["scan.tif", "scan_2.tif", "scan_3.tif"]


@pytest.mark.parametrize(
    ("address", "name", "sentence"),
    [
        ("https://host/a.jpg", "https://host/a.jpg", "download the photo"),
        ("HTTP://me:secret@host/*.jpg", "HTTP://me:***@host/*.jpg", "download the photo"),
        ("rtsp://me:secret@host/1", "rtsp://me:***@host/1", "name the photo's file"),
    ],
)
def test_addresses_are_no_files(here, address, name, sentence) -> None:
    (photo,) = find_photos([address])
    assert photo.name == name
    with pytest.raises(PhotoError, match=f"this is an address: {sentence}.*detect_mask_video.py"):
        photo.check()
