"""Files and folders for results: made, or a sentence says why not; written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import weakref
from pathlib import Path
from typing import IO, TextIO

from mask_detector.errors import FileError

STANDARD_STREAM = "-"
"""The name of standard input or standard output on a command line."""

_PENDING_NAME = re.compile(r"\.[0-9a-f]{16}\.part")

# Thumbnails, bins and indexes of Synology, QNAP, Windows, macOS, Linux and Python, in lower case.
_SYSTEM_NAMES = (
    "@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "$recycle.bin", "lost+found",
    "system volume information", "__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini",
    "__pycache__",
)  # fmt: skip


def standard_output() -> TextIO:
    """Standard output, to write results to.

    Raises:
        FileError: it was closed when the program started.
    """
    if sys.__stdout__ is None:
        raise FileError("standard output is closed: write to a file instead")
    return sys.stdout


def is_system_file(path: Path) -> bool:
    """Whether a file or folder is the system's: hidden, or a folder of thumbnails or a bin."""
    return path.name.startswith(".") or path.name.lower() in _SYSTEM_NAMES


def make_folder(path: Path) -> None:
    """Make a folder for results, and the folders above it, unless it is there.

    Raises:
        FileError: it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise FileError(f"{path}: cannot write there (this is a file)") from None
    except OSError as error:
        raise FileError(f"{path}: cannot write there ({error.strerror})") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise FileError(f"{path}: cannot write there (the folder is read-only)")


def prepare_file(path: Path) -> None:
    """Make the folder of a file for results, so that a long run does not fail at its end.

    Raises:
        FileError: the file is a folder, or its folder cannot be made or written to.
    """
    if path.is_dir():
        raise FileError(f"{path}: this is a folder, name a file")
    if not path.exists():  # a device such as /dev/null needs no folder that can be written to
        make_folder(path.parent)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file beside its final place and rename it, so that a crash leaves no half file.

    Raises:
        FileError: the folder is missing or cannot be written to.
    """
    PendingFile(path, data).put()


def same_name(path: Path) -> str:
    """Equal for two names of one file on any file system: links followed, case ignored."""
    return os.path.realpath(path).casefold()


def put_in_place(written: Path, path: Path) -> None:
    """Move a finished file to its place on the same disk; one that is there becomes PATH.previous.

    Raises:
        FileError: that is not possible.
    """
    try:
        if path.exists():
            path.replace(f"{path}.previous")
        written.replace(path)
    except OSError as error:
        raise FileError(f"{path}: cannot write there ({error.strerror})") from None


class PendingFile:
    """A file that is written beside its final place and waits there until it is put into it.

    It is deleted if it is forgotten, and when the program ends.

    Args:
        path: the final place.
        data: what is in the file.

    Raises:
        FileError: the folder is missing or cannot be written to.
    """

    def __init__(self, path: str | Path, data: bytes) -> None:
        self.path = Path(path)
        # Not the final name and more: that could be too long for the file system.
        self._temporary = self.path.with_name(f".{os.urandom(8).hex()}.part")
        self._delete = weakref.finalize(self, _unlink, self._temporary)
        try:
            with self._temporary.open("xb") as file:
                file.write(data)
        except OSError as error:
            self._delete()
            raise FileError(f"{path}: cannot write there ({error.strerror})") from None

    def put(self) -> None:
        """Rename the file to its final place, replacing what is there.

        Raises:
            FileError: that is not possible.
        """
        try:
            self._temporary.replace(self.path)
        except OSError as error:
            raise FileError(f"{self.path}: cannot write there ({error.strerror})") from None
        finally:
            self._delete()


def delete_forgotten(folder: Path) -> None:
    """Delete the pending files that a killed run has left in a folder, where no other run works."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if _PENDING_NAME.fullmatch(path.name):
                _unlink(path)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


class LateFile:
    """A file that is there once its beginning is whole; until then it is in memory.

    For writers that seek, such as FFmpeg. What is not a regular file, a device for example, is
    written to as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = io.BytesIO()

    def appear_with(self, beginning: bytes) -> None:
        """Put the file in its place if ``beginning`` has been written."""
        if isinstance(self._file, io.BytesIO) and beginning in self._file.getbuffer().tobytes():
            self._appear()

    def _appear(self) -> None:
        assert isinstance(self._file, io.BytesIO)
        data, position = self._file.getvalue(), self._file.tell()
        target = self._path.resolve()
        if target.exists() and not target.is_file():
            self._file = target.open("wb", buffering=0)
            self.write(data)
        else:
            write_bytes(target, data)
            self._file = target.open("r+b", buffering=0)
            self._file.seek(position)

    def write(self, data: bytes) -> int:
        """Write at the present position, all of it."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to another position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The present position."""
        return self._file.tell()

    def close(self) -> None:
        """Put the file in its place, if it is not there yet, and close it."""
        if isinstance(self._file, io.BytesIO):
            self._appear()
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is; one that is not there yet never will be."""
        self._file.close()
