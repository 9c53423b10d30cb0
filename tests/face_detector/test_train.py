"""The command on a handful of starter photos: it starts, stops, goes on, and writes a file."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from face_detector import train
from face_detector.errors import UserFacingError
from face_detector.training import fitting
from face_detector.training.onnx_file import read_weights
from face_detector.training.shared import DatasetError, match_photos
from face_detector.training.trainable import TRAINABLE
from face_detector.training.validation import figures
from face_detector.weights import ORIGINAL, SSD_PROTOTXT, YUNET_MASKED


@pytest.fixture
def starter(repository: Path, tmp_path: Path) -> Path:
    """A few photos of two classes, of different people."""
    folder = tmp_path / "starter"
    for name in ("with_mask", "without_mask"):
        (folder / name).mkdir(parents=True)
        for path in sorted((repository / "dataset" / name).glob("*.jpg"))[::24]:
            shutil.copy(path, folder / name)
    shutil.copy(repository / "dataset" / "groups.csv", folder)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Run the command with epochs of two steps; returns the path of its output."""
    monkeypatch.setattr(train, "EPOCH_CROPS", 8)

    def run_command(*arguments: object) -> Path:
        output = tmp_path / "trained"
        words = ["train", "--batch-size", "4", "--epochs", "2", "--output", output, *arguments]
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        assert train.main() == 0
        return output

    return run_command


def in_opencv(name: str, weights: Path, image: np.ndarray) -> int:
    """Faces that OpenCV finds by itself with a trained file."""
    if name == "ssd":
        network = cv2.dnn.readNetFromCaffe(str(SSD_PROTOTXT), str(weights))
        network.setInput(cv2.dnn.blobFromImage(image, 1.0, (300, 300), (104.0, 177.0, 123.0)))
        return int((network.forward()[0, 0, :, 2] > 0.3).sum())
    # OpenCV tells the kind of file by its name.
    onnx = weights.rename(weights.with_suffix(".onnx"))
    return len(cv2.FaceDetectorYN.create(str(onnx), "", image.shape[1::-1], 0.3).detect(image)[1])


@pytest.mark.parametrize("name", TRAINABLE)
def test_an_interrupted_training_goes_on(
    name: str,
    run: Callable[..., Path],
    starter: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    photo: Callable[[str], np.ndarray],
) -> None:
    restored = fitting._restore
    steps: list[int] = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def watch(path: Path, state: Any) -> int:
        steps.append(restored(path, state))
        return steps[-1]

    monkeypatch.setattr(fitting, "_restore", watch)
    with monkeypatch.context() as patched:
        patched.setattr(train, "keep_some", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run("--detector", name, "--dataset", starter)
    assert "--resume" in capsys.readouterr().out
    with pytest.raises(DatasetError, match="other settings"):
        run("--detector", name, "--dataset", starter, "--seed", 1, "--resume")
    output = run("--detector", name, "--dataset", starter, "--resume")
    assert steps == [0, 4]

    assert not Path(f"{output}.training").exists()
    card = json.loads(output.with_suffix(".json").read_text())
    assert len(card["test"]) == 4 and card["crops"] == 16
    assert in_opencv(name, output, photo("example_01.png")) >= 4


def test_the_mean_of_several_weights(run: Callable[..., Path], starter: Path) -> None:
    output = run("--dataset", starter, "--epochs", 0, "--weights", ORIGINAL, YUNET_MASKED)
    files = TRAINABLE["yunet"].read_model(ORIGINAL), YUNET_MASKED.read_bytes(), output.read_bytes()
    first, second, made = map(read_weights, files)
    kernel = min(made)
    np.testing.assert_allclose(made[kernel], (first[kernel] + second[kernel]) / 2, rtol=1e-6)
    assert json.loads(output.with_suffix(".json").read_text())["crops"] == 0


def test_figures_without_annotated_faces_are_null() -> None:
    nothing = figures(match_photos([]))
    assert nothing.as_json()["average_precision"] is None
    assert "AP -, at 0.5 recall - and precision -" in str(nothing)


def test_one_person_gives_no_report(
    run: Callable[..., Path], starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{path.parent.name}/{path.name}" for path in starter.rglob("*.jpg")]
    rows = "".join(f"{name},ben\n" for name in names)
    (starter / "groups.csv").write_text("file,group\n" + rows)
    output = run("--dataset", starter, "--epochs", 0)
    assert json.loads(output.with_suffix(".json").read_text())["test"] == {}
    printed = capsys.readouterr().out
    assert "scores are not calibrated" in printed and "nothing is measured" in printed


def test_keras_must_be_able_to_train(
    run: Callable[..., Path], starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    with pytest.raises(UserFacingError, match="KERAS_BACKEND=numpy: expected one of tensorflow"):
        run("--dataset", starter)


def test_there_is_nothing_to_resume(run: Callable[..., Path], starter: Path) -> None:
    with pytest.raises(DatasetError, match="nothing to resume"):
        run("--dataset", starter, "--resume")


def test_no_faces_no_training(run: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "empty" / "without_mask"
    folder.mkdir(parents=True)
    for number in range(3):
        rng = np.random.default_rng(number)
        image = rng.integers(0, 30, (64, 64, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), image)
    with pytest.raises(DatasetError, match="no faces to train on"):
        run("--dataset", folder.parent)
