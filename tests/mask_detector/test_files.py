from __future__ import annotations

from pathlib import Path

import pytest

from mask_detector.errors import FileError
from mask_detector.files import make_folder, write_bytes


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
