"""The README says what is so: its options, its commands, its Python, its files."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
COMMAND = re.compile(r"^    (python \S+\.py .*?|python -m \S+.*?)(?:  +#.*|   +.*)?$", re.MULTILINE)


def documents(repository: Path) -> list[Path]:
    """Every Markdown file that the project ships."""
    folders = (repository, *(repository / name for name in ("docs", "dataset", "examples")))
    return sorted(path for folder in folders for path in folder.glob("*.md"))


def test_options_are_those_of_help(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/write_options.py", "--check"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere(repository: Path) -> None:
    for document in documents(repository):
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_commands_name_scripts_and_options_that_exist(repository: Path) -> None:
    helps: dict[str, str] = {}
    for command in COMMAND.findall((repository / "README.md").read_text(encoding="utf-8")):
        words = shlex.split(command.rstrip("\\"))
        if not words[1].endswith(".py"):
            continue
        if words[1] not in helps:
            helps[words[1]] = subprocess.run(
                [sys.executable, words[1], "--help"],
                cwd=repository,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            ).stdout
        for word in words[2:]:
            if word.startswith("--"):
                assert re.search(rf"{word}\b", helps[words[1]]), command
    assert {"detect_mask_image.py", "detect_mask_video.py", "train_mask_detector.py"} <= set(helps)


def test_three_lines_of_python_run(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(import cv2.*?)```", text, re.DOTALL)
    assert code is not None
    done = subprocess.run(
        [sys.executable, "-c", code[1] + "\nprint(sorted(face.label for face in faces))"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    # example_01.png shows four people, two of them masked.
    assert done.stdout.strip() == str(["with_mask"] * 2 + ["without_mask"] * 2)


@pytest.mark.parametrize("script", ["train_mask_detector.py", "detect_mask_image.py"])
def test_wrong_usage_ends_with_2_and_no_traceback(script: str, run_script) -> None:
    done = run_script(script, "--no-such-option")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
