"""Converting HDF5, foreign and slow model files; each mishap is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mask_detector import convert
from mask_detector.classifier import Classifier
from mask_detector.errors import ModelFileError, UserFacingError
from mask_detector.images import write_photo
from mask_detector.models.compiled_network import sha256
from mask_detector.models.model_file import read_model

keras = pytest.importorskip("keras")


def run(*arguments: object) -> int:
    return convert.main([*map(str, arguments)])


def foreign(path: Path, outputs: int, activation: str | None, size: int = 32) -> Any:
    """A small network from elsewhere that wants pixels from -1 to 1."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.AveragePooling2D(8),
            keras.layers.Flatten(),
            keras.layers.Dense(outputs, activation=activation),
        ]
    )
    model.save(path)
    return model


def crops(size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("pixels", "scale", "offset"),
    [("-1..1", 1 / 127.5, -1), ("0..1", 1 / 255, 0), ("0..255", 1, 0)],
)
def test_foreign_model_answers_as_before(tmp_path, capsys, pixels, scale, offset):
    old, new = tmp_path / "old.keras", tmp_path / "new.model"
    model = foreign(old, 2, "softmax")
    assert run(old, new, "--classes", "hat", "no_hat", f"--pixels={pixels}") == 0
    file = read_model(new)
    assert file.card.classes == ("hat", "no_hat")
    assert (file.card.input_size, file.card.square, file.card.margin) == (32, False, 0)
    assert file.card.training == {"origin": "converted from old.keras", "compiled": "float16"}
    wanted = np.asarray(model(crops().astype(np.float32) * scale + offset))
    np.testing.assert_allclose(Classifier(file).probabilities(crops()), wanted, atol=0.01)
    assert "of 8 noisy crops" in capsys.readouterr().out


def test_single_sigmoid_is_the_second_class(tmp_path):
    old, new = tmp_path / "old.keras", tmp_path / "new.model"
    model = foreign(old, 1, "sigmoid")
    run(old, new, "--classes", "a", "b")
    second = np.asarray(model(crops().astype(np.float32) / 127.5 - 1))[:, 0]
    found = Classifier(read_model(new)).probabilities(crops())
    np.testing.assert_allclose(found, np.stack([1 - second, second], axis=1), atol=0.01)


def test_model_of_ours_gets_its_compiled_member_again(rewritten, tmp_path):
    foreign(tmp_path / "old.keras", 2, "softmax")
    full, slow, new = (tmp_path / name for name in ("full.model", "slow.model", "new.model"))
    run(tmp_path / "old.keras", full, "--classes", "a", "b")
    run(rewritten(full, slow, compiled_tflite=None), new)
    before, after = read_model(full), read_model(new)
    assert after.card.classes == before.card.classes == ("a", "b")
    assert after.card.compiled_sha256 == sha256(after.compiled)
    np.testing.assert_allclose(
        Classifier(after).probabilities(crops()),
        Classifier(before).probabilities(crops()),
        atol=1e-4,
    )


def test_hdf5_file_of_three_classes(tmp_path):
    old, new = tmp_path / "old.h5", tmp_path / "new.model"
    model = foreign(old, 3, "softmax")
    run(old, new, "--classes", "a", "b", "c", "--pixels", "0..1")
    assert read_model(new).card.classes == ("a", "b", "c")
    expected = np.asarray(model(crops().astype(np.float32) / 255))
    np.testing.assert_allclose(
        Classifier(read_model(new)).probabilities(crops()), expected, atol=0.01
    )


@pytest.mark.parametrize("name", ["../../x", "unsure", "A"])
def test_class_names_that_are_refused(tmp_path, name):
    with pytest.raises(ModelFileError, match="class name"):
        run(tmp_path / "old.keras", tmp_path / "new.model", "--classes", "a", name)


def test_int8_learns_from_photos(tmp_path, capsys):
    old, new = tmp_path / "old.keras", tmp_path / "new.model"
    model = foreign(old, 2, "softmax")
    (tmp_path / "photos").mkdir()
    for index, crop in enumerate(crops()):
        write_photo(tmp_path / "photos" / f"{index}.png", crop)
    arguments = ["--classes", "a", "b", "--format", "int8", "--calibration", tmp_path / "photos"]
    run(old, new, *arguments)
    assert "int8" in capsys.readouterr().out
    wanted = np.asarray(model(crops().astype(np.float32) / 127.5 - 1))
    np.testing.assert_allclose(Classifier(read_model(new)).probabilities(crops()), wanted, atol=0.1)


def test_int8_without_photos(tmp_path):
    with pytest.raises(UserFacingError, match="--calibration"):
        run(tmp_path / "old.keras", tmp_path / "new.model", "--format", "int8")


def test_folder_without_photos(small_model):
    with pytest.raises(UserFacingError, match="no photos"):
        convert.calibration_crops(small_model.parent / "none", read_model(small_model).card)


@pytest.mark.parametrize("new", [".", "none/new.model"])
def test_place_that_cannot_be_written_to_is_reported_first(tmp_path, new):
    with pytest.raises(ModelFileError, match="expected a file name in a folder that is there"):
        run(tmp_path / "old.keras", tmp_path / new)


def test_renamed_classes_keep_their_thresholds(repository):
    path = repository / "mask_detector_3.model"
    before = read_model(path).card
    arguments = convert.parse_arguments([str(path), "new.model", "--classes", "a", "b", "c"])
    after = convert.open_old(arguments).card
    assert after.classes == ("a", "b", "c")
    names = dict(zip(before.classes, after.classes, strict=True))
    assert after.thresholds == {names[name]: value for name, value in before.thresholds.items()}
    assert len(after.thresholds) == 1


def test_foreign_model_without_classes(tmp_path):
    foreign(tmp_path / "old.keras", 2, "softmax")
    with pytest.raises(ModelFileError, match="--classes"):
        run(tmp_path / "old.keras", tmp_path / "new.model")


@pytest.mark.parametrize(
    ("outputs", "activation", "classes", "sentence"),
    [
        (2, "softmax", ["a", "b", "c"], "has 2 outputs, the classes are a, b, c"),
        (1, "sigmoid", ["a", "b", "c"], "has 2 outputs"),
        (2, None, ["a", "b"], "no probabilities"),
        (2, "sigmoid", ["a", "b"], "no probabilities"),
    ],
)
def test_outputs_that_do_not_fit(tmp_path, outputs, activation, classes, sentence):
    foreign(tmp_path / "old.keras", outputs, activation)
    with pytest.raises(ModelFileError, match=sentence):
        run(tmp_path / "old.keras", tmp_path / "new.model", "--classes", *classes)
    assert not (tmp_path / "new.model").exists()


def test_network_that_takes_no_crops(tmp_path):
    keras.Sequential([keras.Input((10,)), keras.layers.Dense(2)]).save(tmp_path / "old.keras")
    with pytest.raises(ModelFileError, match="square RGB crops"):
        run(tmp_path / "old.keras", tmp_path / "new.model", "--classes", "a", "b")


@pytest.mark.parametrize("content", [None, b"", b"text", b"\x89HDF\r\n\x1a\n and no more"])
def test_unusable_file(tmp_path, content):
    old = tmp_path / "old.model"
    if content is not None:
        old.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"old\.model"):
        run(old, tmp_path / "new.model")
