"""Fitting: the workspace, a phase that is interrupted and resumed, and no leak between parts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from face_detector import Detections
from mask_detector.errors import DatasetError, ModelFileError, UserFacingError
from mask_detector.images import write_photo
from mask_detector.training import fitting
from mask_detector.training.augmentation import Augmentation
from mask_detector.training.dataset import read_dataset
from mask_detector.training.evaluation import balanced_accuracy
from mask_detector.training.fitting import Workspace, fit_phase, predict_logits, prepare
from mask_detector.training.samples import Sample, label_indices
from mask_detector.training.streams import training_stream, validation_streams

tf = pytest.importorskip("tensorflow")

PLAIN = Augmentation((0.15, 0.15), 0, 0, 0, 0, 0, 0, 0, (9, 80), 0, 0, 0, 0)
SETTINGS = {"recipe": {"epochs": 3}, "photos": "abc"}


class NoFaces:
    """Finds none, so that photos are kept whole."""

    def find(self, image):
        return Detections.none()


def tiny_network() -> Any:
    """Stands in for MobileNetV2, which takes long to build: sees 8 x 8 colours."""
    prepare(3)
    return tf.keras.Sequential(
        [
            tf.keras.Input((32, 32, 3)),
            tf.keras.layers.Rescaling(1 / 127.5, offset=-1),
            tf.keras.layers.AveragePooling2D(4),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(64, activation="relu"),
            tf.keras.layers.Dense(1),
        ]
    )


@pytest.fixture
def net() -> Any:
    return tiny_network()


class TestWorkspace:
    def test_vanishes_when_training_is_complete(self, tmp_path):
        with Workspace(tmp_path / "m.model", False, SETTINGS) as folder:
            (folder / "checkpoint").touch()
        assert not folder.exists()

    def test_stays_after_an_interruption_and_says_so(self, tmp_path, capsys):
        with (
            pytest.raises(KeyboardInterrupt),
            Workspace(tmp_path / "m.model", False, SETTINGS) as folder,
        ):
            (folder / "checkpoint").touch()
            raise KeyboardInterrupt
        assert "--resume" in capsys.readouterr().out
        with Workspace(tmp_path / "m.model", True, SETTINGS) as again:
            assert again == folder
            assert (again / "checkpoint").exists()

    def test_new_training_forgets_an_interrupted_one(self, tmp_path):
        folder = Workspace(tmp_path / "m.model", False, SETTINGS).folder
        (folder / "checkpoint").touch()
        Workspace(tmp_path / "m.model", False, SETTINGS)
        assert not (folder / "checkpoint").exists()

    def test_nothing_to_resume(self, tmp_path):
        with pytest.raises(DatasetError, match="nothing to resume"):
            Workspace(tmp_path / "m.model", True, SETTINGS)

    def test_other_settings_are_not_resumed(self, tmp_path):
        Workspace(tmp_path / "m.model", False, SETTINGS)
        with pytest.raises(DatasetError, match="other settings or photos"):
            Workspace(tmp_path / "m.model", True, SETTINGS | {"photos": "abd"})

    def test_photo_that_has_vanished_is_a_sentence(self, samples, classes, recipe, tmp_path):
        gone = [*samples, dataclasses.replace(samples[0], photo=tmp_path / "gone.png")]
        with (
            pytest.raises(UserFacingError, match=r"stopped: .*gone\.png: there is no such file\. "),
            Workspace(tmp_path / "m.model", False, SETTINGS) as folder,
        ):
            list(validation_streams(gone, classes, recipe, folder)[0])
        assert folder.exists()

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (tf.errors.OpError(None, None, "at\na.data; No space left\n\t [[{{node N}}]]", 8), 0),
            (OSError(28, "No space left"), 0),
            (tf.errors.OpError(None, None, "KeyError: 'hat'\n\t [[{{node N}}]]", 2), 1),
            (KeyError("hat"), 1),
        ],
    )
    def test_only_errors_of_files_become_sentences(self, tmp_path, error, kind):
        with (
            pytest.raises((UserFacingError, type(error))[kind], match=("No space", "hat")[kind]),
            Workspace(tmp_path / "m.model", False, SETTINGS) as folder,
        ):
            (folder / "checkpoint").touch()
            raise error

    def test_nothing_is_kept_of_a_training_that_did_not_begin(self, tmp_path):
        with (
            pytest.raises(ModelFileError, match=r"^no such weights$"),
            Workspace(tmp_path / "m.model", False, SETTINGS),
        ):
            raise ModelFileError("no such weights")

    def test_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(ModelFileError, match="cannot write there"):
            Workspace(tmp_path / "file" / "m.model", False, SETTINGS)


def test_logits_have_a_column_a_class_and_labels_their_index(
    samples, classes, recipe, net, tmp_path
):
    near, _ = validation_streams(samples, classes, recipe, tmp_path)
    logits, labels = predict_logits(net, near, 2)
    assert logits.shape == (24, 2)
    assert (logits[:, 1] == 0).all()
    np.testing.assert_array_equal(labels, label_indices(samples, classes))


def test_masks_worn_wrongly_have_no_say_in_the_temperature(monkeypatch):
    pair = ("with_mask", "without_mask")
    labels = [*pair, "incorrect_mask"] * 40
    faces = [Sample(Path(f"{n}"), label, f"{n}", (0, 0, 9, 9)) for n, label in enumerate(labels)]
    odds = np.array([{"with_mask": 2.0, "without_mask": -2.0}.get(name, 3.0) for name in labels])
    odds += np.random.default_rng(0).normal(0, 1.5, len(faces))
    logits = np.stack([odds, np.zeros_like(odds)], axis=1)

    def calibrated(chosen: slice | list[int]) -> float:
        seen = [faces[n] for n in np.arange(len(faces))[chosen]]
        # Near and far crops of the same faces follow each other.
        twice = np.tile(logits[chosen], (2, 1)), np.tile(label_indices(seen, pair), 2)
        monkeypatch.setattr(fitting, "predict_logits", lambda *_: twice)
        return fitting.calibrate(None, None, pair, seen)

    without = calibrated([n for n, label in enumerate(labels) if label in pair])
    assert 0.1 < without < 10
    assert calibrated(slice(None)) == without


class Interrupt(tf.keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch, self.now = epoch, -1

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise KeyboardInterrupt


def test_interrupted_phase_continues_where_it_stopped(
    samples, classes, recipe, net, tmp_path, monkeypatch
):
    learn = training_stream(samples, classes, recipe, tmp_path)
    near, _ = validation_streams(samples, classes, recipe, tmp_path)
    fit, phase = type(net).fit, tmp_path / "head"

    def interrupted(self, *args, callbacks, **options):
        return fit(self, *args, callbacks=[*callbacks, Interrupt(2)], **options)

    monkeypatch.setattr(type(net), "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_phase(net, learn, near, recipe, 4, 0.02, phase)
    assert not (phase / "done").exists()
    reached = net.optimizer.iterations.numpy()

    begun = []

    def resumed(self, *args, callbacks, **options):
        class Note(tf.keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                begun.append((epoch, int(self.model.optimizer.iterations)))

        return fit(self, *args, callbacks=[*callbacks, Note()], **options)

    monkeypatch.setattr(type(net), "fit", resumed)
    fresh = tiny_network()
    epochs = fit_phase(fresh, learn, near, recipe, 4, 0.02, phase)
    steps = int(learn.cardinality())
    assert reached == 2 * steps + 2
    assert begun == [(2, 2 * steps), (3, 3 * steps)]  # and the learning rate keeps falling
    assert [row["epoch"] for row in epochs] == [0, 1, 2, 3]

    # A finished phase is not trained again: its best epoch is loaded.
    monkeypatch.setattr(type(net), "fit", None)
    again = tiny_network()
    assert fit_phase(again, learn, near, recipe, 4, 0.02, phase) == epochs
    best, _ = predict_logits(again, near, 2)
    np.testing.assert_allclose(best, predict_logits(fresh, near, 2)[0], atol=1e-5)


# The weights that this test writes carry no optimizer's state.
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
def test_resumed_phase_keeps_a_better_epoch_of_before(
    samples, classes, recipe, net, tmp_path, capsys
):
    learn = training_stream(samples, classes, recipe, tmp_path)
    near, _ = validation_streams(samples, classes, recipe, tmp_path)
    phase = tmp_path / "head"
    phase.mkdir()
    net.save_weights(phase / "best.weights.h5")
    kept = (phase / "best.weights.h5").read_bytes()
    (phase / "log.csv").write_text("epoch,accuracy,loss,val_accuracy,val_loss\n0,1,0,1,0.00001\n")
    fit_phase(net, learn, near, recipe, 1, 0.02, phase)
    assert (phase / "best.weights.h5").read_bytes() == kept
    assert capsys.readouterr().out.count("\n") <= 2  # a log file gets no progress bar


def test_diverged_training_is_a_sentence(samples, classes, recipe, net, tmp_path):
    learn = training_stream(samples, classes, recipe, tmp_path)
    near, _ = validation_streams(samples, classes, recipe, tmp_path)
    net.layers[-1].bias.assign([np.nan])
    with pytest.raises(UserFacingError, match="--learning-rate"):
        fit_phase(net, learn, near, recipe, 1, 0.02, tmp_path / "head")


@pytest.mark.parametrize("split_by", ["groups", "photos"])
def test_leak_alarm(classes, recipe, tmp_path, split_by):
    """Where labels are random, nothing can be learnt that helps with other photos.

    A split that lets copies of one photo straddle the parts scores all the same: the second run
    shows that the alarm would ring.
    """
    random = np.random.default_rng(1)
    for index in range(150):
        folder = tmp_path / "data" / str(random.choice(classes))
        folder.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(40, 200, (5, 5, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_LINEAR)
        for copy, (contrast, light) in enumerate([(1, 0), (0.9, 10), (1.1, -5)]):
            changed = cv2.convertScaleAbs(image, alpha=contrast, beta=light)
            write_photo(folder / f"{index} {copy}.png", changed)
    dataset = read_dataset([tmp_path / "data"], NoFaces(), progress=False)
    if split_by == "photos":
        dataset.samples = [
            dataclasses.replace(sample, group=sample.photo.name) for sample in dataset.samples
        ]
    parts = dataset.parts(0.5)
    recipe = dataclasses.replace(recipe, batch_size=32, augmentation=PLAIN)
    net = tiny_network()
    learn = training_stream(parts["train"], classes, recipe, tmp_path)
    check, _ = validation_streams(parts["validation"], classes, recipe, tmp_path)
    fit_phase(net, learn, check, recipe, 20, 0.01, tmp_path / "head")
    (tmp_path / "test").mkdir()
    test, _ = validation_streams(parts["test"], classes, recipe, tmp_path / "test")
    logits, labels = predict_logits(net, test, 2)
    score = balanced_accuracy(labels, logits.argmax(axis=1), 2)
    if split_by == "groups":
        assert score < 0.67  # three standard deviations of 75 coins
    else:
        assert score > 0.75
