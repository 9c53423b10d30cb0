"""Classic HDF5 models: rebuilt, they answer as the model that they were written from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mask_detector import legacy
from mask_detector.errors import ModelFileError
from mask_detector.model_file import read_model

SIZE = 64


@pytest.fixture(scope="module")
def original() -> Any:
    """A model built as the classic training script does, with random weights."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    base = keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 3), include_top=False, weights=None
    )
    outputs = keras.layers.AveragePooling2D((2, 2), name="average_pooling2d")(base.output)
    outputs = keras.layers.Flatten(name="flatten")(outputs)
    outputs = keras.layers.Dense(128, activation="relu", name="dense")(outputs)
    outputs = keras.layers.Dropout(0.5, name="dropout")(outputs)
    outputs = keras.layers.Dense(2, activation="softmax", name="dense_1")(outputs)
    model = keras.Model(base.input, outputs)
    random = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # Untrained statistics are all 0 or 1: swapping them would not show.
            shape = layer.get_weights()[0].shape
            gamma, variance = random.uniform(1.5, 2.5, shape), random.uniform(0.1, 0.4, shape)
            beta, mean = random.normal(0, 0.2, shape), random.normal(0, 0.1, shape)
            layer.set_weights([gamma, beta, mean, variance])
    return model


@pytest.fixture(scope="module")
def written(original, tmp_path_factory) -> Path:
    """The same model as a file in the layout of Keras 2.2.4-tf."""
    path = tmp_path_factory.mktemp("classic") / "mask_detector.model"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.4-tf"
        file.attrs["model_config"] = json.dumps(keras_2_config(original))
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer.name.encode() for layer in original.layers]
        for layer in original.layers:
            names = [f"{layer.name}/{weight.name}:0".encode() for weight in layer.weights]
            stored = group.create_group(layer.name)
            stored.attrs["weight_names"] = names
            for name, values in zip(names, layer.get_weights(), strict=True):
                stored[name.decode()] = values
    return path


def keras_2_config(model: Any) -> dict[str, Any]:
    settings = [layer.get_config() for layer in model.layers]
    settings[0] = {"name": "input_1", "batch_input_shape": [None, SIZE, SIZE, 3]}
    layers = [
        {"class_name": type(layer).__name__, "config": {"name": config["name"], **plain(config)}}
        for layer, config in zip(model.layers, settings, strict=True)
    ]
    return {"class_name": "Model", "config": {"name": "model", "layers": layers}}


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Without what Keras 3 alone writes."""
    return {name: value for name, value in config.items() if not isinstance(value, dict)}


@pytest.fixture
def changed(written, tmp_path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copy(written, tmp_path))


def edit_layers(path: Path, edit: Any) -> None:
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        edit(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)


def test_answers_as_the_original(original, written):
    from keras.applications.mobilenet_v2 import preprocess_input

    crops = np.random.default_rng(1).uniform(0, 255, (4, SIZE, SIZE, 3)).astype(np.float32)
    expected = original.predict_on_batch(preprocess_input(crops.copy()))
    answers = legacy.load_keras(written).predict_on_batch(crops)
    assert np.ptp(expected[:, 0]) > 1e-3
    # Which of oneDNN's kernels runs decides the last digits.
    assert answers == pytest.approx(expected, abs=1e-5)


def test_read_model_recognises_it_by_its_content(written):
    model = read_model(written)
    assert model.compiled is None
    assert model.card.classes == ("with_mask", "without_mask")
    assert (model.card.input_size, model.card.margin, model.card.square) == (SIZE, 0, False)


def test_base_weights_fit_a_fresh_base(original, written):
    import keras

    base = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), include_top=False, pooling="avg", weights=None
    )
    legacy.set_base_weights(base, legacy.mobilenet_weights(written))
    for name in ("Conv1", "block_7_depthwise", "Conv_1_bn"):
        stored = original.get_layer(name).get_weights()
        for values, expected in zip(base.get_layer(name).get_weights(), stored, strict=True):
            np.testing.assert_array_equal(values, expected)


def test_base_of_another_width_is_refused(written):
    import keras

    base = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.5, include_top=False, weights=None
    )
    with pytest.raises(ModelFileError, match="layer Conv1 has shapes"):
        legacy.set_base_weights(base, legacy.mobilenet_weights(written))


def test_weights_lacking_a_layer_are_refused(written):
    import keras

    base = keras.applications.MobileNetV2(input_shape=(96, 96, 3), include_top=False, weights=None)
    weights = legacy.mobilenet_weights(written)
    del weights["block_3_project"]
    with pytest.raises(ModelFileError, match="differ in block_3_project"):
        legacy.set_base_weights(base, weights)


def test_keras_own_weights_file(written, tmp_path):
    """Weights files have no ``model_weights`` group: the layers lie at the top."""
    path = tmp_path / "mobilenet_v2_weights_no_top.h5"
    with h5py.File(written) as file, h5py.File(path, "w") as target:
        group = file["model_weights"]
        for name in group:
            group.copy(name, target)
        target.attrs["layer_names"] = group.attrs["layer_names"]
    weights, expected = legacy.mobilenet_weights(path), legacy.mobilenet_weights(written)
    assert list(weights) == list(expected)
    np.testing.assert_array_equal(weights["Conv1"][0], expected["Conv1"][0])


@pytest.mark.parametrize("read", [read_model, legacy.mobilenet_weights])
def test_a_truncated_file_is_one_sentence(changed, read):
    changed.write_bytes(changed.read_bytes()[:100_000])
    with pytest.raises(ModelFileError, match="not an HDF5 file, or damaged"):
        read(changed)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ModelFileError, match="there is no such file"):
        legacy.mobilenet_weights(tmp_path / "none.h5")


def test_missing_weights_are_one_sentence(changed):
    with h5py.File(changed, "a") as file:
        del file["model_weights/dense/dense"]
    with pytest.raises(ModelFileError, match="damaged or incomplete"):
        read_model(changed).load_keras()


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda layers: layers.clear(), "not a classic mask_detector.model"),
        (lambda layers: layers[0]["config"].pop("batch_input_shape"), "not a classic"),
        (
            lambda layers: layers[0]["config"].update(batch_input_shape=[None, 64, 48, 3]),
            "not a classic",
        ),
        (lambda layers: layers[-1]["config"].update(activation="sigmoid"), "not a classic"),
        (lambda layers: layers[-1]["config"].update(units=3), "two outputs, .* this one 3"),
    ],
)
def test_other_networks_are_refused(changed, edit, sentence):
    edit_layers(changed, edit)
    with pytest.raises(ModelFileError, match=sentence):
        read_model(changed)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            lambda layers: layers[-2].update(class_name="Lambda"),
            "head cannot be rebuilt .layer dropout is of an unknown kind",
        ),
        (lambda layers: layers[-3]["config"].update(activation="import os"), "head cannot be"),
        (lambda layers: layers[-3]["config"].update(units=64), "head cannot be rebuilt"),
        (lambda layers: layers[-2]["config"].pop("rate"), "head cannot be rebuilt"),
    ],
)
def test_unknown_heads_are_refused(changed, edit, sentence):
    edit_layers(changed, edit)
    model = read_model(changed)
    with pytest.raises(ModelFileError, match=sentence):
        model.load_keras()
