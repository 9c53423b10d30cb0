"""Opening HDF5 files from anywhere: only data inside the file is read, and only so much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mask_detector.errors import ModelFileError, missing_package

LARGEST_BYTES = 2 << 30
"""Of a model file, and of all arrays in it together."""
_MOST_OBJECTS = 50_000
_MOST_LEVELS = 64


def open_hdf5(path: Path, walk: bool = True) -> Any:
    """Open an HDF5 file for reading.

    Args:
        walk: check every group and array first; without it only attributes may be read.

    Returns:
        An open ``h5py.File``.

    Raises:
        ModelFileError: the file is missing, damaged or too large, or refers to other files.
        UserFacingError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise missing_package(error) from None
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ModelFileError(f"{path}: the file is larger than {LARGEST_BYTES >> 30} GiB")
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise ModelFileError(f"{path}: there is no such file") from None
    except (OSError, ValueError, RuntimeError):
        raise ModelFileError(f"{path}: this is not an HDF5 file, or damaged") from None
    try:
        if walk:
            _check_objects(file)
    except ModelFileError as error:
        file.close()
        raise ModelFileError(f"{path}: {error}") from None
    except Exception:  # h5py raises nearly anything on damaged files
        file.close()
        raise ModelFileError(f"{path}: the HDF5 file is damaged or incomplete") from None
    return file


def _check_objects(file: Any) -> None:
    """Refuse links, data in other files, deep or endless nesting, and more data than fits."""
    import h5py

    total, count, open_groups = 0, 0, [(file, 0)]
    while open_groups:
        group, level = open_groups.pop()
        if level > _MOST_LEVELS:
            raise ModelFileError(f"its groups are nested more than {_MOST_LEVELS} levels deep")
        for name in group:
            count += 1
            if count > _MOST_OBJECTS:
                raise ModelFileError(f"it has more than {_MOST_OBJECTS} groups and arrays")
            # Soft links too: they can lead in circles, and Keras writes none.
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelFileError(f"it contains a link ({name}), which is never followed")
            member = group[name]
            if isinstance(member, h5py.Group):
                open_groups.append((member, level + 1))
            elif isinstance(member, h5py.Dataset):
                if member.external or member.is_virtual:
                    raise ModelFileError(f"its array {name} lies in another file")
                # What is compressed, or never written, may be far larger than the file.
                total += member.size * member.dtype.itemsize if member.size else 0
                if total > LARGEST_BYTES:
                    raise ModelFileError(f"its arrays exceed {LARGEST_BYTES >> 30} GiB")
