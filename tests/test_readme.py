"""README and docs are true: their options, commands, Python, links and paths."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from streams import RtspServer

Run = Callable[..., "subprocess.CompletedProcess[str]"]

LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
COMMAND = re.compile(r"^    (python \S+\.py .*?|python -m \S+.*?)(?:  +#.*|   +.*)?$", re.MULTILINE)


def documents(repository: Path) -> list[Path]:
    """Every Markdown file that the project ships."""
    folders = (repository, *(repository / name for name in ("docs", "dataset", "examples")))
    return sorted(path for folder in folders for path in folder.glob("*.md"))


def test_options_are_those_of_help(run: Run) -> None:
    done = run("scripts.write_options", "--check")
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere(repository: Path) -> None:
    for document in documents(repository):
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


PATH = re.compile(
    r"`((?:mask_detector|face_detector|mask_app|benchmarks|scripts|tests|docs|examples|dataset)/[\w./-]*)`"
)


def test_paths_exist(repository: Path) -> None:
    for document in documents(repository):
        for path in PATH.findall(document.read_text(encoding="utf-8")):
            assert (repository / path).exists(), f"{document.name}: {path}"


def test_readme_is_short_enough_to_be_read(repository: Path) -> None:
    assert len((repository / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_commands_name_scripts_and_options_that_exist(repository: Path, run: Run) -> None:
    helps: dict[str, str] = {}
    for command in COMMAND.findall((repository / "README.md").read_text(encoding="utf-8")):
        words = shlex.split(command.rstrip("\\"))
        if not words[1].endswith(".py"):
            continue
        if words[1] not in helps:
            helps[words[1]] = run(words[1], "--help").stdout
        for word in words[2:]:
            if word.startswith("--"):
                assert re.search(rf"{word}\b", helps[words[1]]), command
    assert {"detect_mask_image.py", "detect_mask_video.py", "train_mask_detector.py"} <= set(helps)


def test_three_lines_of_python_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    monkeypatch.chdir(repository)
    names: dict[str, Any] = {}
    exec(code[1], names)
    # example_01.png shows four people, two of them masked.
    labels = sorted(face.label for face in names["faces"])
    assert labels == ["with_mask"] * 2 + ["without_mask"] * 2


RECIPES = (
    "door camera",
    "Hide every face",
    "Count the people",
    "Two cameras",
    "Every night",
)


@pytest.fixture(scope="module")
def camera(examples: Path) -> Iterator[str]:
    """The address of a stream that shows four people."""
    photo = cv2.imread(str(examples / "example_01.png"))
    assert photo is not None
    with RtspServer(cv2.resize(photo, (640, 360))) as server:
        yield server.address


@pytest.mark.parametrize("title", RECIPES)
def test_recipes_run_as_written(
    repository: Path, examples: Path, tmp_path: Path, camera: str, run: Run, title: str
) -> None:
    text = (repository / "docs" / "recipes.md").read_text(encoding="utf-8")
    recipe = re.search(rf"{title}[^:]*:\n\n((?:    .*\n)+)", text)
    assert recipe is not None
    command = recipe[1].replace("\\\n", " ")
    # Paths and addresses are the reader's own; live streams are not watched for ever.
    for photos in (tmp_path / "photos", tmp_path / "photos" / "today"):
        photos.mkdir()
        shutil.copy(examples / "example_01.png", photos)
    shutil.copy(examples / "example_video.mp4", tmp_path / "film.mp4")
    command = re.sub(r"rtsp://\S+", f"{camera} --max-frames 12", command)
    command = re.sub(r"^ *0 2 \* \* \* cd \S+ && \S+python ", "python ", command)
    command = command.replace(" /photos/", f" {tmp_path}/photos/")
    if title == "Every night":  # the only one that needs a shell
        command = re.sub(r"python (\w+\.py)", rf"{sys.executable} {repository}/\1", command)
        environment = {k: v for k, v in os.environ.items() if not k.endswith("DISPLAY")}
        options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, **options)
    else:
        done = run(*shlex.split(command)[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = {
        "door camera": "door_001.mp4",
        "Hide every face": "blurred/today/example_01.png",
        "Count the people": "people.csv",
        "Two cameras": "faces.jsonl",
        "Every night": "photos/faces.jsonl",
    }
    assert (tmp_path / made[title]).stat().st_size > 50
    if title == "Every night":
        assert done.stdout == "see faces.jsonl\n"  # somebody was without a mask; cron mails this


@pytest.mark.parametrize("script", ["train_mask_detector.py", "detect_mask_image.py"])
def test_wrong_usage_ends_with_2_and_no_traceback(script: str, run: Run) -> None:
    done = run(script, "--no-such-option")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
