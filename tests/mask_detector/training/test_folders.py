"""Folders and text files: what is passed over, links, byte-order marks."""

from __future__ import annotations

import os

import pytest

from mask_detector.errors import DatasetError
from mask_detector.training.folders import files_below, read_text, sub_folders


@pytest.fixture
def problems() -> list[str]:
    return []


def test_empty_folder(tmp_path, problems):
    assert (files_below(tmp_path, problems), sub_folders(tmp_path, problems)) == ([], [])
    assert problems == []


def test_system_files_and_folders_are_left_out(tmp_path, problems):
    names = ("@eaDir", "__MACOSX", ".ipynb_checkpoints", "#recycle", "$RECYCLE.BIN", "lost+found")
    for name in (*names, "photos"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").touch()
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._b.jpg", "b.jpg"):
        (tmp_path / "photos" / name).touch()
    assert sub_folders(tmp_path, problems) == [tmp_path / "photos"]
    names = [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path, problems)]
    assert names == ["photos/a.jpg", "photos/b.jpg"]
    assert problems == []


def test_linked_folders_are_read_once_and_loops_are_named(tmp_path, problems):
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    elsewhere.mkdir()
    folder.mkdir()
    (elsewhere / "a.jpg").touch()
    (elsewhere / "up").symlink_to(elsewhere)
    (folder / "b.jpg").touch()
    for name, target in (("1", elsewhere), ("2", elsewhere), ("self", "."), ("parent", "..")):
        (folder / name).symlink_to(target)
    names = [path.relative_to(folder).as_posix() for path in files_below(folder, problems)]
    assert names == ["1/a.jpg", "b.jpg"]
    assert sorted(problem.partition(": ")[0] for problem in problems) == [
        str(folder / name) for name in ("1/up", "2", "parent", "self")
    ]
    problems.clear()
    assert sub_folders(folder, problems) == [folder / "1", folder / "2"]
    assert len(problems) == 2


def test_links_to_nowhere_and_pipes_are_named_and_not_opened(tmp_path, problems):
    (tmp_path / "a.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "b.jpg").symlink_to("b.jpg")
    os.mkfifo(tmp_path / "c.jpg")
    assert files_below(tmp_path, problems) == []
    assert len(problems) == 3


def test_folder_that_is_not_there_is_named(tmp_path, problems):
    assert files_below(tmp_path / "none", problems) == []
    assert "cannot be read (No such file" in problems[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_without_its_mark(tmp_path, encoding):
    (tmp_path / "a.txt").write_text("café\n", encoding=encoding)
    assert read_text(tmp_path / "a.txt", 100) == "café\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"caf\xe9", "save it as UTF-8"),
        (b"\xff\xfe\x00", "save it as UTF-8"),
        (b"a" * 101, "too large"),
        (None, "cannot be read"),
    ],
)
def test_other_content_is_a_sentence(tmp_path, content, sentence):
    if content:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"a\.txt: .*{sentence}"):
        read_text(tmp_path / "a.txt", 100)
