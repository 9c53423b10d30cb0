"""The container gets the files that the Dockerfile copies and the app opens."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from mask_app import about, examples
from mask_app.video import job
from mask_detector.models.default_model import DEFAULT_MODEL


def copied(repository: Path) -> list[str]:
    """The sources of the Dockerfile's COPY lines."""
    lines = (repository / "Dockerfile").read_text().splitlines()
    return [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]


def allowed(repository: Path) -> list[str]:
    """Files and folders that .dockerignore lets through."""
    lines = (repository / ".dockerignore").read_text().splitlines()
    return [line[1:].removesuffix("/**") for line in lines if line.startswith("!")]


def test_what_is_copied_is_there_and_allowed(repository: Path) -> None:
    assert copied(repository)
    for source in copied(repository):
        path = source.removeprefix("./")
        assert (repository / path).exists()
        assert any(f"{entry}/".startswith(f"{path}/") for entry in allowed(repository)), path


def test_what_the_app_opens_is_copied(repository: Path) -> None:
    script = job.REPOSITORY / "detect_mask_video.py"
    for path in [*examples.PHOTOS, examples.VIDEO, about.MODEL_CARD, DEFAULT_MODEL, script]:
        name = str(path.relative_to(repository))
        assert path.is_file()
        assert name in allowed(repository)
        assert any(name == source or name.startswith(f"{source}/") for source in copied(repository))
