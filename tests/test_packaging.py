"""The wheel, the requirements files and the lock files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.version import Version

import mask_detector
from face_detector.weights import MODEL_FILES
from mask_app import command
from scripts.write_requirements import requirements

LARGEST_WHEEL = 30_000_000


def build(repository: Path, folder: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        return Path(next(WheelBuilder(str(repository)).build(directory=str(folder))))


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory) -> Path:
    return build(repository, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with what the wheel holds, as an installation lays it out."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(installed: Path, program: str, *arguments: object, cwd: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("FACE_DETECTOR_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_models_and_stays_small(wheel):
    assert wheel.stat().st_size < LARGEST_WHEEL
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "detect_mask_image.py",
        "detect_mask_video.py",
        "train_mask_detector.py",
        "mask_detector/mask_detector.model",
        "mask_detector/mask_detector_3.model",
        "mask_detector/py.typed",
        "face_detector/py.typed",
        "face_detector/deploy.prototxt",
        "face_detector/ssd_masked.caffemodel",
        "face_detector/yunet_masked.onnx",
        "mask_app/program/app.py",
        "mask_app/program/.streamlit/config.toml",
    } <= names
    # Published weights are downloaded on first use.
    assert not names & {f"face_detector/{file.name}" for file in MODEL_FILES}
    tops = {name.split("/")[0] for name in names if "dist-info" not in name}
    assert tops == {
        *("face_detector", "mask_detector", "mask_app"),
        *("detect_mask_image.py", "detect_mask_video.py", "train_mask_detector.py"),
    }


def test_the_wheel_is_the_same_each_time(wheel, repository, tmp_path):
    again = build(repository, tmp_path)
    first, second = (hashlib.sha256(path.read_bytes()).digest() for path in (wheel, again))
    assert first == second


COMMAND = """
import sys
from importlib.metadata import distribution
command = next(c for c in distribution("face-mask-detection").entry_points if c.name == sys.argv[1])
sys.argv[:2] = [command.name]
command.load()()
"""


def test_an_installed_command_works_anywhere(installed, examples, tmp_path):
    photo = examples / "example_02.jpg"
    options = ("--image", photo, "--json", "-", "--no-display")
    output = run_installed(installed, COMMAND, "detect-mask-image", *options, cwd=tmp_path)
    assert [face["label"] for face in json.loads(output)["faces"]] == ["with_mask"]
    output = run_installed(installed, COMMAND, "detect-mask-video", "--help", cwd=tmp_path)
    assert output.startswith("usage: detect-mask-video ")


def test_the_installed_app_finds_its_files(installed, tmp_path):
    program = "from mask_app.command import HOME; print(HOME)"
    home = Path(run_installed(installed, program, cwd=tmp_path).strip())
    assert home == installed / "mask_app" / "program"
    for name in ("app.py", "docs/model-card.md", "examples/example_video.mp4"):
        assert (home / name).exists()


def test_mask_app_starts_streamlit(monkeypatch, repository):
    started = []
    monkeypatch.setattr("streamlit.web.cli.main", lambda **_: started.extend(sys.argv))
    monkeypatch.setattr(sys, "argv", ["mask-app", "--server.port", "8502"])
    command.main()
    assert started == ["streamlit", "run", str(repository / "app.py"), "--server.port", "8502"]


@pytest.mark.parametrize(("name", "content"), requirements().items())
def test_requirements_files_are_those_of_pyproject(repository, name, content):
    text = (repository / name).read_text(encoding="utf-8")
    assert text == content, "run python -m scripts.write_requirements"


def test_one_version(repository, installed):
    citation = (repository / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {mask_detector.__version__}\n" in citation
    assert (installed / f"face_mask_detection-{mask_detector.__version__}.dist-info").exists()


def locked(path: Path) -> dict[str, list[Version]]:
    """The versions of each package in a lock file; some have one for each Python version."""
    versions: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE):
        versions.setdefault(name, []).append(Version(version))
    return versions


@pytest.mark.parametrize("end", ["", "-alerts", "-app", "-cluster", "-detect", "-dev"])
def test_lock_files_are_within_the_ranges(repository, end):
    lock = locked(repository / "locks" / ("detect.txt" if end == "-detect" else "all.txt"))
    for line in (repository / f"requirements{end}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "-r")):
            continue
        wanted = Requirement(line)
        versions = lock[wanted.name.lower()]
        assert all(version in wanted.specifier for version in versions), line


@pytest.mark.parametrize("name", ["all.txt", "detect.txt"])
def test_lock_files_name_no_place(repository, name):
    text = (repository / "locks" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert not re.search(r"https?:|file:|^-|(?<![\w.])/\w", "\n".join(lines), re.MULTILINE)
    assert "--hash=sha256:" in text
