from __future__ import annotations

import os
from pathlib import Path

import pytest

from mask_detector.errors import UserFacingError
from mask_detector.photos.paths import Photo, find_photos
from mask_detector.photos.planning import Results, name_results, unique_paths


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


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
    results = Results(Path(output) if output else None, None, None, *files)
    named = name_results(found, results, pictures_here)
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


@pytest.mark.parametrize(
    ("in_folder", "output", "expected"),
    [
        (True, "photos.new", "photos.new/a.jpg"),
        (True, "out.2026.11", "out.2026.11/a.jpg"),
        (False, "out.2026.11", "out.2026.11/a.jpg"),
        (True, "found.jpg", "found.jpg"),
    ],
)
def test_a_folder_for_one_photo(here, in_folder, output, expected) -> None:
    photo = Photo(Path("a.jpg"), Path("a.jpg"), in_folder=in_folder)
    (named,) = name_results([photo], Results(Path(output)))
    assert named.picture == Path(expected)


def test_a_problem_of_the_current_folder_has_no_name(here) -> None:
    results = Results(Path("../out"), Path("../crops"))
    (named,) = name_results(find_photos(["."]), results)
    assert named.problem.startswith("there are no photos")
    name_results(find_photos(["."]), Results(), pictures_here=True)


@pytest.mark.parametrize("result", ["json", "csv", "contact_sheet", "output"])
def test_files_that_are_read_are_not_replaced(here, result) -> None:
    touch("a.jpg", "weights.png")
    results = Results(**{result: Path("../", here.name, "weights.png")})
    with pytest.raises(UserFacingError, match=r"weights.png: this would replace a file"):
        name_results(find_photos(["a.jpg"]), results, read=[Path("weights.png")])


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
