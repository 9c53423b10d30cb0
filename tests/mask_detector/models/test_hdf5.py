"""HDF5 files that lead elsewhere, never end, or unpack to more than there is room for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mask_detector.errors import ModelFileError, UserFacingError
from mask_detector.models.hdf5 import open_hdf5


def external_link(file: h5py.File) -> None:
    file["secret"] = h5py.ExternalLink("other.h5", "/values")


def soft_link(file: h5py.File) -> None:
    file["again"] = h5py.SoftLink("/")


def cycle(file: h5py.File) -> None:
    group = file.create_group("group")
    group["itself"] = group


def deep(file: h5py.File) -> None:
    group = file
    for _ in range(100):
        group = group.create_group("g")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("values", (10,), "u1", external=[("/etc/hostname", 0, 10)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((10,), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "values", (10,))
    file.create_virtual_dataset("values", layout)


def never_written(file: h5py.File) -> None:
    file.create_dataset("values", (1 << 40,), "f4", chunks=(1 << 20,))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (external_link, "a link .secret., which is never followed"),
        (soft_link, "a link .again."),
        (cycle, "nested more than 64 levels"),
        (deep, "nested more than 64 levels"),
        (external_storage, "values lies in another file"),
        (virtual, "values lies in another file"),
        (never_written, "arrays exceed 2 GiB"),
    ],
)
def test_refused(tmp_path: Path, make: Callable[[h5py.File], None], sentence: str) -> None:
    path = tmp_path / "some.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(ModelFileError, match=f"^{path}: .*{sentence}"):
        open_hdf5(path)


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.h5"
    with h5py.File(path, "w") as file:
        file["values"] = np.arange(1000)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ModelFileError, match=f"^{path}: the HDF5 file is damaged"):
        open_hdf5(path)


def test_plain_data_opens(tmp_path: Path) -> None:
    path = tmp_path / "plain.h5"
    with h5py.File(path, "w") as file:
        file["group/values"] = np.arange(3)
        file["empty"] = h5py.Empty("f4")
    with open_hdf5(path) as file:
        assert file["group/values"][:].tolist() == [0, 1, 2]


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)  # as if it were not installed
    with pytest.raises(UserFacingError, match=r"needs h5py, .*-r requirements\.txt"):
        open_hdf5(tmp_path / "some.h5")
