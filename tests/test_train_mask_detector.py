"""Training by its script: photos in, a model out that detection reads."""

from __future__ import annotations

import csv
import json
import shutil
import signal
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import cv2
import pytest

import train_mask_detector
from mask_detector.errors import ModelFileError
from mask_detector.models.model_file import read_model

keras = pytest.importorskip("keras")

SMALL = ["--image-size", "32", "--alpha", "0.35", "--weights", "none", "--drawn-masks", "0.2"]
PHOTOS = 48


def tiny_mobilenet(input_shape, alpha, include_top, weights, name):
    """Layers named like those of MobileNetV2, which takes a minute to build, train and compile."""
    image = keras.Input(input_shape)
    features = keras.layers.Conv2D(4, 3, strides=4, name="Conv1")(image)
    features = keras.layers.Conv2D(8, 3, strides=2, name="block_4_expand")(features)
    features = keras.layers.BatchNormalization(name="block_4_expand_BN")(features)
    features = keras.layers.ReLU(name="block_4_relu")(features)
    features = keras.layers.Conv2D(8, 1, name="Conv_1")(features)
    return keras.Model(image, features, name=name)


class CtrlC(keras.callbacks.Callback):
    """Interrupts the fine-tuning in the middle of its second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1 and batch == 3:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def starter_photos(repository, tmp_path_factory) -> Path:
    """A quarter of the starter set, a picture of every group in both classes."""
    folder = tmp_path_factory.mktemp("photos")
    with (repository / "dataset" / "groups.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[: 4 * PHOTOS]
    chosen = [row for index, row in enumerate(rows) if index % 8 in (0, 1)]
    with (folder / "groups.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["file", "label", "group"])
        table.writeheader()
        table.writerows(chosen)
    for row in chosen:
        (folder / row["label"]).mkdir(exist_ok=True)
        shutil.copy(repository / "dataset" / row["file"], folder / row["label"])
    return folder


@pytest.fixture(scope="module")
def training(starter_photos, run, tmp_path_factory) -> dict[str, Any]:
    """Train on starter photos, press Ctrl-C amid the second phase, then continue."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "small.model").write_text("an older model")
    arguments = ["--dataset", starter_photos, *SMALL, "--epochs", "2"]
    arguments += ["--model", folder / "small.model", "--plot", folder / "plot.png"]
    fit = keras.Model.fit

    def interrupted(self, *args, callbacks, epochs, **options):
        extra = [CtrlC()] if epochs == 2 else []
        return fit(self, *args, callbacks=[*callbacks, *extra], epochs=epochs, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.applications, "MobileNetV2", tiny_mobilenet)
        with pytest.MonkeyPatch.context() as interruption:
            interruption.setattr(keras.Model, "fit", interrupted)
            first = run("train_mask_detector.py", *arguments)
        kept = sorted(path.name for path in (folder / "small.model.training").iterdir())
        resumed = run("train_mask_detector.py", *arguments, "--resume")
    return {"folder": folder, "first": first, "kept": kept, "resumed": resumed}


def test_interruption_keeps_what_is_trained(training):
    first = training["first"]
    assert first.returncode == 130, first.stderr
    assert "continue it with --resume" in first.stdout
    assert "Traceback" not in first.stderr
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
    assert file.card.input_size == 32
    assert file.compiled
    metadata = file.card.training
    assert sum(sum(part.values()) for part in metadata["faces"].values()) == PHOTOS
    assert metadata["faces_drawn_on"] == round(0.2 * metadata["faces"]["train"]["without_mask"])
    assert metadata["recipe"]["alpha"] == 0.35
    assert metadata["compiled"] in ("float16", "int8")


def test_folder_is_left_tidy_and_the_older_model_kept(training):
    names = {path.name for path in training["folder"].iterdir()}
    assert names == {
        "plot.png",
        "plot_confusion.png",
        "small.model",
        "small.model.previous",
    }
    assert (training["folder"] / "small.model.previous").read_text() == "an older model"


def test_detection_takes_the_trained_model(training, run, examples):
    done = run(
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


def test_check_data_reports_and_trains_nothing(photos, run, tmp_path):
    (photos / "with_mask" / "text.jpg").write_text("not a photo")
    (photos / "with_mask" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    before = set(tmp_path.iterdir())
    done = run("train_mask_detector.py", "--dataset", photos, "--check-data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 problems:" in done.stdout
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
        (lambda photos: shutil.rmtree(photos / "with_mask"), "only one class"),
        (keep_two_a_class, "more groups of photos are needed"),
    ],
    ids=["missing", "empty", "one class", "too few"],
)
def test_unusable_dataset_is_one_sentence(photos, run, prepare, sentence):
    prepare(photos)
    done = run(
        "train_mask_detector.py", "--dataset", photos, "--test-size", "0.01", "--model", "m.model"
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("train_mask_detector.py: ")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_outputs_are_checked_before_training(photos, run, tmp_path):
    for option in ("--model", "--plot"):
        done = run(
            "train_mask_detector.py",
            "--dataset", photos, "--model", "m.model", option, tmp_path / "photos",
            cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 2
        assert "photos: this is a folder, name a file" in done.stderr
        assert "starting from" not in done.stdout


def test_training_that_fails_at_its_end_is_kept(photos, run, tmp_path, monkeypatch):
    def full(path: Path, *_: object) -> None:
        path.with_name("checkpoint").touch()
        raise ModelFileError(f"{path}: cannot write there (No space left on device)")

    # What builds, trains and compiles a network is left out: it takes long.
    for name in ("network", "streams", "compiling", "report", "dataclasses"):
        monkeypatch.setattr(train_mask_detector, name, MagicMock())
    for name in ("prepare", "fit", "calibrate", "thresholds"):
        monkeypatch.setattr(train_mask_detector.fitting, name, MagicMock(return_value={}))
    train_mask_detector.dataclasses.asdict.return_value = {}
    train_mask_detector.streams.validation_streams.return_value = MagicMock(), MagicMock()
    monkeypatch.setattr(train_mask_detector, "write_model", full)
    (tmp_path / "m.model").write_text("an older model")
    arguments = ["--dataset", photos, "--model", tmp_path / "m.model"]
    for resume in ([], ["--resume"]):
        done = run("train_mask_detector.py", *arguments, *resume)
        assert done.returncode == 2
        assert "No space left on device). What is done is kept" in done.stderr
        assert (tmp_path / "m.model").read_text() == "an older model"
    # Other groups may move what was trained on to the test part.
    rows = [f"{path.parent.name}/{path.name},one" for path in sorted(photos.glob("*/*"))[:3]]
    (photos / "groups.csv").write_text("\n".join(["file,group", *rows]))
    done = run("train_mask_detector.py", *arguments, "--resume")
    assert "was started with other settings or photos" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--epochs", "few"], ["--image-size", "8"], ["--alpha", "0.9"], ["--test-size", "1"]],
    ids=lambda arguments: arguments[0],
)
def test_wrong_usage(run, arguments):
    done = run("train_mask_detector.py", *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
