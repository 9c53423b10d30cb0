"""Text files of whole lines: what a run that is killed leaves behind can be read and continued."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mask_detector.errors import FileError
from mask_detector.files import STANDARD_STREAM, standard_output
from mask_detector.terminal import printable

_BLOCK = 65_536

# https://owasp.org/www-community/attacks/CSV_Injection, with the full-width forms.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class TextFile:
    """A text file, or standard output for ``-``, written in whole lines that arrive at once.

    Args:
        append: go on after the lines of an earlier run. Otherwise the first line replaces them: a
            run that ends before it has any loses none.

    Attributes:
        is_new: there are no lines to go on after.
        replaces: there are lines that the first one will replace.
    """

    def __init__(self, path: str | Path, append: bool) -> None:
        self.path = path
        self.is_new, self.replaces = True, False
        self.is_stream = str(path) == STANDARD_STREAM
        self._stream = standard_output() if self.is_stream else None
        self._file: io.FileIO | None = None
        if self.is_stream:
            return
        try:
            if append:
                self.is_new = drop_half_line(Path(path)) == 0
            # Without a buffer a line is one call of the system's: killed, it is there or not.
            self._file = io.FileIO(path, "a")
            # The size of a device or a pipe is 0.
            self.replaces = not append and os.fstat(self._file.fileno()).st_size > 0
        except OSError as error:
            raise FileError(f"{path}: cannot write there ({error.strerror})") from None

    def write(self, text: str) -> None:
        """Write lines, each with its end, in one piece."""
        try:
            if self._stream is not None:
                if self._stream.isatty():  # a file's name must not steer the terminal
                    text = "\n".join(map(printable, text.split("\n")))
                self._stream.write(text)
                self._stream.flush()
            elif self._file is not None:
                if self.replaces:
                    self._file.truncate(0)
                    self.replaces = False
                data = memoryview(encoded(text))
                while data:
                    data = data[self._file.write(data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise FileError(f"{self.path}: cannot write ({error.strerror})") from None

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._file is not None:
            with suppress(OSError):  # write() has reported what goes wrong
                self._file.close()


def encoded(text: str) -> bytes:
    """The text as it is written: an undecodable byte of a file's name as ``\\udcXX``."""
    return text.encode("utf-8", errors="backslashreplace")


def drop_half_line(path: Path) -> int:
    """Cut what follows a file's last line end, left by a crash; returns the bytes that stay."""
    if not path.is_file():
        return 0
    with path.open("rb+") as file:
        # From the end, block by block: the file may be large, half a line is not.
        end = file.seek(0, io.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                file.truncate(start + found + 1)
                return start + found + 1
            end = start
        file.truncate(0)
    return 0


def csv_line(row: Iterable[Any], as_it_is: bool = False) -> str:
    """One row of a CSV with its end.

    Args:
        as_it_is: take the cells from another CSV, where :func:`harmless_cell` was at work.
    """
    text = io.StringIO()
    # The writer quotes a carriage return only where it is a part of its own line ends.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(row if as_it_is else map(harmless_cell, row))
    return text.getvalue().removesuffix("\r\n") + "\n"


def harmless_cell(value: Any) -> Any:
    """A value that no spreadsheet program takes for a formula; numbers stay as they are.

    >>> harmless_cell("=HYPERLINK(1)"), harmless_cell("a.jpg"), harmless_cell(-0.5)
    ("'=HYPERLINK(1)", 'a.jpg', -0.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
