"""Sections of Markdown pages that programs write: what stands between two marks."""

from __future__ import annotations

from pathlib import Path

from mask_detector.errors import UserFacingError
from mask_detector.files import write_bytes


def write_section(path: Path, section: str, begin: str, end: str) -> None:
    """Put a section between two marks of a Markdown file.

    Raises:
        UserFacingError: the file has no such marks.
        FileError: it cannot be written.
    """
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise UserFacingError(f"{path}: the marks {begin.strip()} and {end.strip()} are missing")
    write_bytes(path, f"{before}{begin}{section}{end}{after}".encode())
