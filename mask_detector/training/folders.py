"""Folders and text files of datasets, as file systems and labelling tools leave them."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from mask_detector.errors import DatasetError
from mask_detector.files import is_system_file

MEGABYTE = 2**20


def sub_folders(folder: Path, problems: list[str]) -> list[Path]:
    """The folders in a folder in order of their names, linked ones too, without system folders.

    Args:
        problems: gets a sentence for each link that leads back to a folder that holds it.
    """
    folders = []
    for path in _entries(folder, problems):
        if path.is_dir():
            real = path.resolve()
            if real in (folder.resolve(), *folder.resolve().parents):
                problems.append(f"{path}: this link leads back to {real}, skipped")
            else:
                folders.append(path)
    return folders


def files_below(folder: Path, problems: list[str], deep: bool = True) -> list[Path]:
    """All files in a folder and, if ``deep``, the folders in it, in a stable order.

    System files and folders are left out. Linked folders are read too, each once.

    Args:
        problems: gets a sentence for each folder that cannot be read, for each link that leads
            nowhere, back to a folder that holds it, or to one that has been read already.
    """
    seen = {folder.resolve()}  # real paths, so that no loop of links is followed

    def walk(inside: Path) -> list[Path]:
        files = []
        for path in _entries(inside, problems):
            if path.is_file():
                files.append(path)
            elif not path.is_dir():
                problems.append(f"{path}: this link leads nowhere, or this is no file")
            elif deep:
                real = path.resolve()
                if real in seen or real in folder.resolve().parents:
                    problems.append(f"{path}: this link leads to {real}, which is read already")
                else:
                    seen.add(real)
                    files += walk(path)
        return files

    return walk(folder)


def _entries(folder: Path, problems: list[str]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not is_system_file(path))
    except OSError as error:
        problems.append(f"{folder}: this folder cannot be read ({error.strerror})")
        return []


def read_text(path: Path, most_bytes: int) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte-order mark, without that mark.

    Raises:
        DatasetError: the file is missing, unreadable, no such text, or larger than
            ``most_bytes``.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise DatasetError(
                f"{path}: larger than {most_bytes / MEGABYTE:g} MB, which is too large"
            )
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: the file cannot be read ({error.strerror})") from None
    # Notepad and PowerShell write UTF-16, with a mark; without one it cannot be recognised.
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path}: this is not a readable text, save it as UTF-8 ({error.reason})"
        ) from None


def read_csv(path: Path, most_bytes: int) -> csv.DictReader[str]:
    """The rows of a CSV as spreadsheet programs write it, with commas, semicolons or tabs.

    Returns:
        A reader whose ``fieldnames`` are in lower case and without surrounding spaces; reading
        its rows may raise ``csv.Error``.

    Raises:
        DatasetError: the file is missing, unreadable, no text, or larger than ``most_bytes``.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file")
    text = read_text(path, most_bytes)
    # Excel separates with semicolons where the comma is the decimal sign.
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    return rows
