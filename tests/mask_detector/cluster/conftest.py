"""A folder of photos, good and bad, a run over it, and its records."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

pytest.importorskip("pyarrow", reason="pyarrow is not installed (requirements-cluster.txt)")

DETECTOR = ("--detector", "yunet", "--detector-size", "320")
PHOTOS = 7
"""Files in the folder; one of them has two pages."""


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory, examples) -> Path:
    """Four photos, a TIFF of two pages, a text called .jpg and an empty file; some in a folder."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "inner place").mkdir()
    image = cv2.imread(str(examples / "example_01.png"))
    small = cv2.resize(image, None, fx=0.5, fy=0.5)
    for name, picture in {
        "a.png": image,
        "b.jpg": small,
        "inner place/ä%20#1.jpg": cv2.flip(small, 1),
        "inner place/none.png": image[:40, :40],
    }.items():
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, picture)[1].tobytes())
    pages = [Image.fromarray(each[..., ::-1].copy()) for each in (small, cv2.flip(small, 1))]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    (folder / "bad.jpg").write_text("no photo")
    (folder / "inner place" / "empty.jpg").touch()
    (folder / "notes.txt").write_text("left out")
    return folder


@pytest.fixture
def photos(photo_folder, tmp_path) -> Path:
    """A copy of the folder that a test may change."""
    return Path(shutil.copytree(photo_folder, tmp_path / "photos"))


@pytest.fixture(scope="session")
def script_records(run, photo_folder, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What the photo script finds, by the photos' names below the folder."""
    lines = tmp_path_factory.mktemp("script") / "found.jsonl"
    arguments = ("--recursive", "--json", lines, "--no-display", *DETECTOR)
    assert run("detect_mask_image.py", "--image", photo_folder, *arguments).returncode == 1
    return by_name(map(json.loads, lines.read_text().splitlines()), str(photo_folder))


def by_name(records: Any, folder: str) -> dict[str, dict[str, Any]]:
    """Records by their names below a folder, which are left out of them; none is there twice."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        name = record.pop("image").removeprefix(f"{folder}/")
        assert name not in found
        found[name] = record
    return found


@pytest.fixture(scope="session")
def records_of(run) -> Callable[[object, object], dict[str, dict[str, Any]]]:
    """The records of a run, by the photos' names below their folder."""

    def records(output: object, folder: object) -> dict[str, dict[str, Any]]:
        done = run("mask_detector.cluster.json_lines", output)
        assert done.returncode == 0, done.stderr
        return by_name(map(json.loads, done.stdout.splitlines()), str(folder))

    return records


@pytest.fixture(scope="session")
def cluster(run) -> Callable[..., Any]:
    """Run the command in this process, without Ray unless an address is given."""

    def cluster(*arguments: object, shard: str = "0/1") -> Any:
        return run("mask_detector.cluster.__main__", *arguments, *DETECTOR, "--shard", shard)

    return cluster
