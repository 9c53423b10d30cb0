"""With requirements-detect.txt installed and nothing else, every script says what it lacks."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pytest

from mask_detector.models.model_file import COMPILED_MEMBER

# In a process of its own, since this one has imported what is hidden there.
PROGRAM = """
import contextlib, importlib, io, json, sys

HIDDEN = {hidden!r}

class Hiding:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hiding())
from mask_detector import command_line

results = []
for name, *arguments in json.loads(sys.stdin.read()):
    sys.argv, errors = [name, *arguments], io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = command_line.exit_status(importlib.import_module(name).main)
        except BaseException as error:
            status = repr(error)
    results.append([status, errors.getvalue()])
print(json.dumps(results))
"""

HIDDEN = (
    "h5py", "tensorflow", "keras", "matplotlib", "sklearn", "scipy", "yaml", "imagehash", "imutils",
    "pandas", "altair", "streamlit", "streamlit_webrtc", "aiortc", "paho", "pillow_heif",
    "pycocotools", "playwright", "psutil",
)  # fmt: skip


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, repository: Path, model: Path, examples: Path
) -> dict[str, list[object]]:
    """Exit status and standard error of each command."""
    folder = tmp_path_factory.mktemp("detection_only")
    hdf5, slow, names = folder / "classic.model", folder / "slow.model", folder / "data.yaml"
    with h5py.File(hdf5, "w") as file:
        file.attrs["model_config"] = "{}"
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(slow, "w") as new:
        for member in old.namelist():
            if member != COMPILED_MEMBER:
                new.writestr(member, old.read(member))
    names.write_text("names: [a, b]")
    (folder / "a.jpg").write_bytes((examples / "example_02.jpg").read_bytes())
    (folder / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    photo = ["detect_mask_image", "--image", str(folder / "a.jpg"), "--no-display"]
    photo += ["--detector", "yunet", "--detector-size", "320", "--output", str(folder / "out.jpg")]
    video = ["detect_mask_video", "--source", str(examples / "example_video.mp4"), "--no-display"]
    video += ["--max-frames", "1"]
    train = ["train_mask_detector", "--dataset"]
    commands = {
        "photo": photo,
        "photo, HDF5 model": [*photo, "--model", str(hdf5)],
        "photo, slow model": [*photo, "--model", str(slow)],
        "video": video,
        "video, HDF5 model": [*video, "--model", str(hdf5)],
        "video, MQTT": [*video, "--alert", "mqtt://localhost/masks"],
        "train": [*train, str(repository / "dataset")],
        "train, check": [*train, str(repository / "dataset"), "--check-data"],
        "train, YOLO": [*train, str(folder), "--check-data"],
        "convert": ["mask_detector.convert", str(hdf5), str(folder / "new.model")],
        "convert, ours": ["mask_detector.convert", str(model), str(folder / "new.model")],
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(hidden=HIDDEN)],
        input=json.dumps(list(commands.values())),
        capture_output=True,
        text=True,
        cwd=repository,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(commands, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", ["photo", "video"])
def test_detection_needs_nothing_more(results: dict[str, list[object]], name: str) -> None:
    assert results[name][0] == 0, results[name]


@pytest.mark.parametrize(
    "name",
    [
        "photo, HDF5 model",
        "photo, slow model",
        "video, HDF5 model",
        "video, MQTT",
        "train",
        "train, check",
        "train, YOLO",
        "convert",
        "convert, ours",
    ],
)
def test_anything_else_says_what_to_install(results: dict[str, list[object]], name: str) -> None:
    status, errors = results[name]
    assert status == 2, errors
    assert "pip install" in str(errors).splitlines()[-1]
    assert "Traceback" not in str(errors)
