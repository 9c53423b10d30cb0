"""Training as its users run it: a process, photos in, a model that detection takes out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import pytest
from waiting import PATIENCE_S

from mask_detector.model_file import read_model

SMALL = ["--image-size", "64", "--alpha", "0.35", "--weights", "none", "--drawn-masks", "0.2"]


@pytest.fixture(scope="module")
def training(repository, run_script, tmp_path_factory) -> dict[str, Any]:
    """Train on the starter set, press Ctrl-C amid the second phase, then go on."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "small.model").write_text("an older model")
    arguments = ["--dataset", repository / "dataset", *SMALL, "--epochs", "2"]
    arguments += ["--model", folder / "small.model", "--plot", folder / "plot.png"]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, repository / "train_mask_detector.py", *map(str, arguments)],
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    workspace = folder / "small.model.training"
    while process.poll() is None and not (workspace / "fine-tuning").exists():
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    status = process.wait(PATIENCE_S)
    kept = sorted(path.name for path in workspace.iterdir())
    resumed = run_script("train_mask_detector.py", *arguments, "--resume")
    return {
        "folder": folder,
        "status": status,
        "log": (folder / "log.txt").read_text(),
        "kept": kept,
        "resumed": resumed,
    }


def test_interruption_keeps_what_is_trained(training):
    assert training["status"] == 130, training["log"]
    assert "--resume goes on" in training["log"]
    assert "Traceback" not in training["log"]
    assert "head" in training["kept"]


def test_resumed_training_ends_well(training):
    resumed = training["resumed"]
    assert resumed.returncode == 0, resumed.stderr
    # The finished head is not trained again; Keras counts epochs where there are several.
    between = resumed.stdout.partition("head: ")[2].partition("fine-tuning: ")[0]
    assert "/step" not in between
    assert "Epoch 2/2" in resumed.stdout
    assert "Traceback" not in resumed.stderr


def test_report_is_of_the_test_photos(training):
    out = training["resumed"].stdout
    card = read_model(training["folder"] / "small.model").card
    tested = sum(card.training["faces"]["test"].values())
    assert tested == card.scores["test_faces"] > 0
    assert f"On {tested} test faces" in out
    for word in ("precision", "recall", "with_mask", "without_mask", "Confusion matrix"):
        assert word in out


def test_charts_are_pictures(training):
    for name in ("plot.png", "plot_confusion.png"):
        picture = cv2.imread(str(training["folder"] / name))
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 5


def test_model_file_says_what_it_was_trained_on(training):
    file = read_model(training["folder"] / "small.model")
    assert file.card.classes == ("with_mask", "without_mask")
    assert file.card.input_size == 64
    assert file.compiled
    told = file.card.training
    assert sum(sum(part.values()) for part in told["faces"].values()) == 192
    assert told["faces_drawn_on"] == round(0.2 * told["faces"]["train"]["without_mask"])
    assert told["recipe"]["alpha"] == 0.35
    assert told["compiled"] in ("float16", "int8")


def test_folder_is_left_tidy_and_the_older_model_kept(training):
    names = {path.name for path in training["folder"].iterdir()}
    assert names == {
        "log.txt",
        "plot.png",
        "plot_confusion.png",
        "small.model",
        "small.model.previous",
    }
    assert (training["folder"] / "small.model.previous").read_text() == "an older model"


def test_detection_takes_the_trained_model(training, run_script, examples):
    done = run_script(
        "detect_mask_image.py",
        "--image",
        examples / "example_01.png",
        "--model",
        training["folder"] / "small.model",
        "--json",
        "-",
    )
    assert done.returncode == 0, done.stderr
    faces = json.loads(done.stdout)["faces"]
    assert faces
    assert all(set(face["probabilities"]) == {"with_mask", "without_mask"} for face in faces)


@pytest.fixture
def photos(repository, tmp_path) -> Path:
    """Eight photos of each class."""
    for label in ("with_mask", "without_mask"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for path in sorted((repository / "dataset" / label).iterdir())[::12]:
            shutil.copy(path, tmp_path / "photos" / label)
    return tmp_path / "photos"


def keep_two_a_class(photos: Path) -> None:
    for folder in photos.iterdir():
        for path in sorted(folder.iterdir())[2:]:
            path.unlink()


def test_check_data_reports_and_trains_nothing(photos, run_script, tmp_path):
    (photos / "with_mask" / "text.jpg").write_text("not a photo")
    (photos / "with_mask" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    before = set(tmp_path.iterdir())
    done = run_script("train_mask_detector.py", "--dataset", photos, "--check-data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 skipped" in done.stdout
    assert "text.jpg" in done.stdout
    assert "cut.jpg" in done.stdout
    assert "16 faces" in done.stdout
    sheet = cv2.imread(str(tmp_path / "data_check.png"))
    assert sheet.std() > 20
    assert set(tmp_path.iterdir()) - before == {tmp_path / "data_check.png"}


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (lambda photos: shutil.rmtree(photos), "no such dataset folder"),
        (lambda photos: [shutil.rmtree(f) for f in photos.iterdir()], "expected class folders"),
        (lambda photos: shutil.rmtree(photos / "with_mask"), "one class alone"),
        (lambda photos: keep_two_a_class(photos), "more groups of photos are needed"),
    ],
    ids=["missing", "empty", "one class", "too few"],
)
def test_unusable_dataset_is_one_sentence(photos, run_script, prepare, sentence):
    prepare(photos)
    done = run_script(
        "train_mask_detector.py", "--dataset", photos, "--test-size", "0.01", "--model", "m.model"
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("train_mask_detector.py: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--epochs", "few"], ["--image-size", "8"], ["--alpha", "0.9"], ["--test-size", "1"]],
    ids=lambda arguments: arguments[0],
)
def test_wrong_usage(run_script, arguments):
    done = run_script("train_mask_detector.py", *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
