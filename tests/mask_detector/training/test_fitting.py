"""The parts of training: the workspace, the streams, a phase that is interrupted, the report."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest

from face_detector import Detections
from mask_detector.errors import DatasetError, ModelFileError, UserFacingError
from mask_detector.images import write_photo
from mask_detector.model_file import ModelCard, read_model
from mask_detector.training import fitting as training
from mask_detector.training.augmentation import Augmentation
from mask_detector.training.compiling import Compiled
from mask_detector.training.dataset import Sample, read_dataset
from mask_detector.training.fitting import Recipe, Workspace

tf = pytest.importorskip("tensorflow")

CLASSES = ("bright", "dark")
PLAIN = Augmentation((0.15, 0.15), 0, 0, 0, 0, 0, 0, (9, 80), 0, 0, 0, 0)
RECIPE = Recipe(
    image_size=32,
    alpha=0.35,
    batch_size=8,
    learning_rate=0.02,
    least_crops=1,
    augmentation=Augmentation(light=0),
)

SETTINGS = {"recipe": dataclasses.asdict(RECIPE), "photos": "abc"}


class NoFaces:
    """Finds none, so that photos are kept whole."""

    def find(self, image):
        return Detections.none()


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> list[Sample]:
    """Sixteen bright photos and eight dark ones: what any network can learn."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    made = []
    for index in range(24):
        low, label = ((150, "bright"), (0, "dark"))[index % 3 == 2]
        coarse = random.integers(low, low + 100, (6, 6, 3), dtype=np.uint8)
        path = folder / f"{index}.png"
        write_photo(path, cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_LINEAR))
        made.append(Sample(path, label, str(index), (8, 8, 40, 40)))
    return made


def tiny_network() -> Any:
    """Stands in for MobileNetV2, which takes long to build: sees 8 x 8 colours."""
    training.prepare(3)
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

    def test_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(ModelFileError, match="cannot write there"):
            Workspace(tmp_path / "file" / "m.model", False, SETTINGS)

    def test_half_written_cache_of_a_killed_training_is_written_anew(self, tmp_path, samples):
        """TensorFlow itself refuses to go on where a lock was left behind."""
        folder = Workspace(tmp_path / "m.model", False, SETTINGS).folder
        for name in ("train_0.lockfile", "train_0.data-00000-of-00001.tempstate7", "near.index"):
            (folder / name).write_bytes(b"half")
        assert Workspace(tmp_path / "m.model", True, SETTINGS).folder == folder
        assert {path.name for path in folder.iterdir()} == {"settings.json", "near.index"}
        stream = training.training_stream(samples, CLASSES, RECIPE, folder)
        assert sum(len(crops) for crops, _, _ in stream) == len(samples)


def test_training_stream(samples, tmp_path):
    stream = training.training_stream(samples, CLASSES, RECIPE, tmp_path)
    first, second = ([[np.asarray(part) for part in batch] for batch in stream] for _ in range(2))
    crops, targets, weights = (np.concatenate(parts) for parts in zip(*first, strict=True))
    assert crops.shape == (24, 32, 32, 3)
    assert crops.dtype == np.float32
    assert targets.shape == (24, 1)
    # The targets belong to their crops, also after mixing: bright ones are of class 0.
    np.testing.assert_array_equal(targets[:, 0] == 1, crops.mean(axis=(1, 2, 3)) > 110)
    # Each class has the same say.
    bright = targets[:, 0] == 1
    assert weights[bright].sum() == pytest.approx(weights[~bright].sum())
    # The next epoch draws its crops anew.
    again = np.concatenate([batch[0] for batch in second])
    assert not any(np.array_equal(one, other) for one in crops for other in again)


def test_few_photos_are_gone_through_several_times_an_epoch(samples, tmp_path):
    recipe = dataclasses.replace(RECIPE, least_crops=100)
    stream = training.training_stream(samples, CLASSES, recipe, tmp_path)
    targets = np.concatenate([np.asarray(batch[1]) for batch in stream])
    assert targets.shape == (5 * 24, 1)
    assert targets.mean() == pytest.approx(2 / 3)  # as many of each class as there are
    assert int(stream.cardinality()) == -(-120 // recipe.batch_size)


def test_three_classes_have_a_column_each(samples, tmp_path):
    classes = ("dark", "bright", "other")
    stream = training.training_stream(samples, classes, RECIPE, tmp_path)
    targets = np.concatenate([np.asarray(batch[1]) for batch in stream])
    assert targets.sum(axis=0).tolist() == [8, 16, 0]


def test_validation_is_the_same_every_time_and_in_order(samples, tmp_path):
    near, far = training.validation_streams(samples, CLASSES, RECIPE, tmp_path)
    for stream in (near, far):
        once, again = (np.concatenate([np.asarray(b[0]) for b in stream]) for _ in range(2))
        np.testing.assert_array_equal(once, again)
    crops = np.concatenate([np.asarray(batch[0]) for batch in near])
    wanted = training.read_crop(samples[5], RECIPE.image_size, RECIPE.margin)
    np.testing.assert_array_equal(crops[5], wanted)
    targets = np.concatenate([np.asarray(batch[1]) for batch in far])
    np.testing.assert_array_equal(1 - targets[:, 0], training.label_indices(samples, CLASSES))


def test_logits_have_a_column_a_class_and_labels_their_index(samples, net, tmp_path):
    near, _ = training.validation_streams(samples, CLASSES, RECIPE, tmp_path)
    logits, labels = training.predict_logits(net, near, 2)
    assert logits.shape == (24, 2)
    assert (logits[:, 1] == 0).all()
    np.testing.assert_array_equal(labels, training.label_indices(samples, CLASSES))


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


def test_interrupted_phase_goes_on_where_it_stopped(samples, net, tmp_path, monkeypatch):
    learn = training.training_stream(samples, CLASSES, RECIPE, tmp_path)
    near, _ = training.validation_streams(samples, CLASSES, RECIPE, tmp_path)
    fit, phase = type(net).fit, tmp_path / "head"

    def interrupted(self, *args, callbacks, **options):
        return fit(self, *args, callbacks=[*callbacks, Interrupt(2)], verbose=0, **options)

    monkeypatch.setattr(type(net), "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        training.fit_phase(net, learn, near, RECIPE, 4, 0.02, phase)
    assert not (phase / "done").exists()
    reached = net.optimizer.iterations.numpy()

    begun = []

    def resumed(self, *args, callbacks, **options):
        class Note(tf.keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                begun.append((epoch, int(self.model.optimizer.iterations)))

        return fit(self, *args, callbacks=[*callbacks, Note()], verbose=0, **options)

    monkeypatch.setattr(type(net), "fit", resumed)
    fresh = tiny_network()
    epochs = training.fit_phase(fresh, learn, near, RECIPE, 4, 0.02, phase)
    steps = int(learn.cardinality())
    assert reached == 2 * steps + 2
    assert begun == [(2, 2 * steps), (3, 3 * steps)]  # and the learning rate goes on falling
    assert [row["epoch"] for row in epochs] == [0, 1, 2, 3]

    # A finished phase is not trained again: its best epoch is loaded.
    monkeypatch.setattr(type(net), "fit", None)
    again = tiny_network()
    assert training.fit_phase(again, learn, near, RECIPE, 4, 0.02, phase) == epochs
    best, _ = training.predict_logits(again, near, 2)
    np.testing.assert_allclose(best, training.predict_logits(fresh, near, 2)[0], atol=1e-5)


def test_resumed_phase_keeps_a_better_epoch_of_before(samples, net, tmp_path, monkeypatch):
    learn = training.training_stream(samples, CLASSES, RECIPE, tmp_path)
    near, _ = training.validation_streams(samples, CLASSES, RECIPE, tmp_path)
    phase = tmp_path / "head"
    phase.mkdir()
    net.save_weights(phase / "best.weights.h5")
    kept = (phase / "best.weights.h5").read_bytes()
    (phase / "log.csv").write_text("epoch,accuracy,loss,val_accuracy,val_loss\n0,1,0,1,0.00001\n")
    training.fit_phase(net, learn, near, RECIPE, 1, 0.02, phase)
    assert (phase / "best.weights.h5").read_bytes() == kept


def test_diverged_training_is_a_sentence(samples, net, tmp_path):
    learn = training.training_stream(samples, CLASSES, RECIPE, tmp_path)
    near, _ = training.validation_streams(samples, CLASSES, RECIPE, tmp_path)
    net.layers[-1].bias.assign([np.nan])
    with pytest.raises(UserFacingError, match="--learning-rate"):
        training.fit_phase(net, learn, near, RECIPE, 1, 0.02, tmp_path / "head")


def test_report_counts_as_detection_classifies(small_model, samples, tmp_path):
    file = read_model(small_model)
    card = ModelCard(CLASSES, file.card.input_size)
    report = training.report(file.compiled, card, samples, 1.0)
    assert report.confusion.sum() == 24
    np.testing.assert_array_equal(report.confusion.sum(axis=1), [16, 8])
    recalls = report.confusion.diagonal() / [16, 8]
    assert report.scores["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert report.scores["accuracy"] == pytest.approx(report.confusion.trace() / 24)
    assert report.scores["test_faces"] == 24
    for name in CLASSES:
        assert name in report.text


def test_report_tells_the_calibration_error_without_the_temperature(small_model, samples):
    file = read_model(small_model)
    card = ModelCard(CLASSES, file.card.input_size)
    alike = training.report(file.compiled, card, samples, 1.0).scores
    assert alike["expected_calibration_error_uncalibrated"] == pytest.approx(
        alike["expected_calibration_error"], abs=1e-6
    )
    sharper = training.report(file.compiled, card, samples, 3.0).scores
    assert sharper["expected_calibration_error"] == alike["expected_calibration_error"]
    assert sharper["expected_calibration_error_uncalibrated"] != pytest.approx(
        alike["expected_calibration_error"]
    )


def test_best_form_is_measured_on_validation_and_calibrated_on_training_crops(
    samples, tmp_path, monkeypatch, capsys
):
    forms = [Compiled("float16", b"1", 0.9512, 4.04), Compiled("int8", b"2", 0.9508, 2.06)]
    asked = []

    def choose(model, card, crops, labels, calibration):
        asked.append((crops, labels, calibration))
        return forms[1], forms

    monkeypatch.setattr(training, "choose_format", choose)
    learn = training.training_stream(samples, CLASSES, RECIPE, tmp_path)
    near, _ = training.validation_streams(samples[:10], CLASSES, RECIPE, tmp_path)
    assert training.compile_best(None, ModelCard(CLASSES, 32), learn, near) is forms[1]
    ((crops, labels, calibration),) = asked
    assert crops.dtype == calibration.dtype == np.uint8
    np.testing.assert_array_equal(labels, training.label_indices(samples[:10], CLASSES))
    assert len(calibration) == len(samples)
    told = capsys.readouterr().out.splitlines()
    assert "float16: 4.0 ms" in told[0]
    assert "0.9508 on validation photos (chosen)" in told[1]


@pytest.mark.parametrize("split_by", ["groups", "photos"])
def test_leak_alarm(tmp_path, split_by):
    """Where labels are drawn by lot, nothing can be learnt that helps with strangers' photos.

    A split that lets copies of one photo straddle the parts scores all the same: the second run
    shows that the alarm would ring.
    """
    random = np.random.default_rng(1)
    for index in range(150):
        folder = tmp_path / "data" / str(random.choice(CLASSES))
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
    recipe = dataclasses.replace(RECIPE, batch_size=32, augmentation=PLAIN)
    net = tiny_network()
    learn = training.training_stream(parts["train"], CLASSES, recipe, tmp_path)
    check, _ = training.validation_streams(parts["validation"], CLASSES, recipe, tmp_path)
    training.fit_phase(net, learn, check, recipe, 40, 0.01, tmp_path / "head")
    (tmp_path / "test").mkdir()
    test, _ = training.validation_streams(parts["test"], CLASSES, recipe, tmp_path / "test")
    logits, labels = training.predict_logits(net, test, 2)
    said = logits.argmax(axis=1)
    score = np.mean([(said[labels == c] == c).mean() for c in (0, 1)])
    if split_by == "groups":
        assert score < 0.67  # three standard deviations of 75 coins
    else:
        assert score > 0.75
