"""Opening HDF5 files from anywhere: only data inside the file is read, and only so much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mask_detector.errors import ModelFileError, missing_package
from mask_detector.models.trial import try_in_child

LARGEST_BYTES = 2 << 30


def check_hdf5(path: Path) -> None:
    """Read a file once in a child process: HDF5's library crashes or hangs on damaged ones.

    Raises:
        ModelFileError: the file is missing, damaged or too large, or refers to other files; the
            text does not name it.
        UserFacingError: h5py is not installed.
    """
    _import_h5py()
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise ModelFileError("there is no such file") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"cannot be read ({error})") from None
    if size > LARGEST_BYTES:
        raise ModelFileError(f"the file is larger than {LARGEST_BYTES >> 30} GiB")
    try_in_child("the HDF5 file", "hdf5", path.resolve())


def open_hdf5(path: Path) -> Any:
    """An open ``h5py.File``, of which everything was read before.

    Raises:
        ModelFileError: as :func:`check_hdf5`; the text names the file.
        UserFacingError: h5py is not installed.
    """
    h5py = _import_h5py()
    try:
        check_hdf5(path)
        return h5py.File(path, "r")
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except (OSError, ValueError, RuntimeError):
        raise ModelFileError(f"{path}: the HDF5 file is damaged or incomplete") from None


def _import_h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise missing_package(error) from None
    return h5py
