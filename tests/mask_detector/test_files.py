from __future__ import annotations

from pathlib import Path

import pytest

from mask_detector.errors import FileError
from mask_detector.files import (
    PendingFile,
    delete_forgotten,
    make_folder,
    put_in_place,
    write_bytes,
)


def test_make_folder(tmp_path) -> None:
    make_folder(tmp_path / "a/b/c")
    make_folder(tmp_path / "a/b")
    (tmp_path / "file").touch()
    for path in ("file", "file/below"):
        with pytest.raises(FileError, match=f"{path}: cannot write there"):
            make_folder(tmp_path / path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"] and path.read_bytes() == b"second"
    with pytest.raises(FileError, match=r"cannot write there \(No such file"):
        write_bytes(Path(tmp_path / "none" / "a.bin"), b"")


def test_a_pending_file_waits_until_it_is_put(tmp_path) -> None:
    pending = PendingFile(tmp_path / "a.bin", b"whole")
    (temporary,) = tmp_path.iterdir()
    assert temporary.name.startswith(".")
    pending.put()
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"whole"


def test_a_finished_file_replaces_one_that_is_kept(tmp_path) -> None:
    path = tmp_path / "a.model"
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
        put_in_place(tmp_path / name, path)
    texts = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert texts == {"a.model": "second", "a.model.previous": "first"}
    (tmp_path / "b.model").touch()
    (tmp_path / "b.model.previous").mkdir()
    with pytest.raises(FileError, match=r"b\.model: cannot write there"):
        put_in_place(path, tmp_path / "b.model")


def test_a_forgotten_file_is_deleted(tmp_path) -> None:
    pending = PendingFile(tmp_path / "a.bin", b"whole")
    del pending
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_deleted(tmp_path) -> None:
    pending = PendingFile(tmp_path / "a.bin", b"whole")
    (tmp_path / ".mine.part").touch()
    delete_forgotten(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".mine.part"]
    with pytest.raises(FileError, match=r"a.bin: cannot write there"):
        pending.put()
    delete_forgotten(tmp_path / "none")
