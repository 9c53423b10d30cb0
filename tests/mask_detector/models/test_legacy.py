"""HDF5 models of Keras 2 and Keras 3: opened, they answer as the networks that were saved."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mask_detector.classifier import Classifier
from mask_detector.errors import ModelFileError
from mask_detector.models import legacy
from mask_detector.models.model_file import read_model

keras = pytest.importorskip("keras")
layers = keras.layers
SIZE = 64

pytestmark = pytest.mark.usefixtures("hdf5_in_this_process")


@pytest.fixture(scope="module")
def original() -> Any:
    """A model built as the classic training script does, with random weights."""
    keras.utils.set_random_seed(3)
    base = keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 3), include_top=False, weights=None
    )
    outputs = layers.AveragePooling2D((2, 2), name="average_pooling2d")(base.output)
    outputs = layers.Flatten(name="flatten")(outputs)
    outputs = layers.Dense(128, activation="relu", name="dense")(outputs)
    outputs = layers.Dropout(0.5, name="dropout")(outputs)
    outputs = layers.Dense(2, activation="softmax", name="dense_1")(outputs)
    model = keras.Model(base.input, outputs)
    random = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
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
    """The network as Keras 2 described it."""
    config = model.get_config()
    parts = []
    for layer in config["layers"]:
        settings = {
            name: {"class_name": "Zeros", "config": {"dtype": "float32"}}
            if name.endswith("initializer")
            else value
            for name, value in layer["config"].items()
            if name.endswith("initializer") or not isinstance(value, dict)
        }
        if layer["class_name"] == "InputLayer":
            settings = {"name": layer["name"], "batch_input_shape": [None, SIZE, SIZE, 3]}
        if layer["class_name"] == "DepthwiseConv2D":
            settings["groups"] = 1
        sources = [
            [tensor["config"]["keras_history"][0], 0, 0, {}]
            for node in layer["inbound_nodes"]
            for argument in node["args"]
            for tensor in (argument if isinstance(argument, list) else [argument])
        ]
        parts.append(
            {
                "class_name": layer["class_name"],
                "name": layer["name"],
                "config": settings,
                "inbound_nodes": [sources] if sources else [],
            }
        )
    first, last = parts[0]["name"], parts[-1]["name"]
    ends = {"input_layers": [[first, 0, 0]], "output_layers": [[last, 0, 0]]}
    return {"class_name": "Model", "config": {"name": "model", "layers": parts, **ends}}


@pytest.fixture
def changed(written, tmp_path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copy(written, tmp_path))


def edit_layers(path: Path, edit: Callable[[Any], object]) -> None:
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        edit(config["config"]["layers"])
        file.attrs["model_config"] = json.dumps(config)


def crops(size: int = SIZE, count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def expected_of(model: Any, pixels: np.ndarray) -> np.ndarray:
    """What the network answers when it is called by itself."""
    return np.asarray(model(pixels, training=False))


def test_keras_2_file_answers_as_the_original(original, written):
    expected = expected_of(original, crops() / np.float32(127.5) - 1)
    answers = expected_of(legacy.load_keras(written), crops().astype(np.float32))
    assert np.ptp(expected[:, 0]) > 1e-3
    # Which of oneDNN's kernels runs decides the last digits.
    assert answers == pytest.approx(expected, abs=1e-5)


def test_keras_3_file_answers_as_the_original(original, tmp_path):
    path = tmp_path / "mask_detector.h5"
    original.save(path)
    expected = expected_of(original, crops() / np.float32(127.5) - 1)
    file = read_model(path)
    assert (file.card.classes, file.card.input_size) == (("with_mask", "without_mask"), SIZE)
    assert Classifier(file).probabilities(crops()) == pytest.approx(expected, abs=1e-5)


def plain(units: int, activation: str | None = "softmax") -> Any:
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 3, strides=4, activation="relu", kernel_regularizer="l2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(units, activation=activation),
        ]
    )


def nested() -> Any:
    inner = keras.Input((32, 32, 3))
    features = layers.DepthwiseConv2D(3, strides=4)(inner)
    base = keras.Model(inner, layers.BatchNormalization()(features), name="base")
    base.trainable = False
    head = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(2), layers.Softmax()]
    return keras.Sequential([keras.Input((32, 32, 3)), base, *head])


def scaling_itself() -> Any:
    inputs = keras.Input((32, 32, 3))
    outputs = layers.Flatten()(layers.AveragePooling2D(8)(layers.Rescaling(1 / 255)(inputs)))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(outputs))


def calculating() -> Any:
    inputs = keras.Input((32, 32, 3))
    pooled = layers.AveragePooling2D(8)(inputs / 127.5 - 1)
    outputs = layers.Flatten()(layers.Add()([pooled, layers.Subtract()([pooled, pooled])]))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(outputs))


@pytest.mark.parametrize(
    ("build", "scale", "offset"),
    [
        (lambda: plain(2), 127.5, -1),
        (nested, 127.5, -1),
        (scaling_itself, 1, 0),
        (calculating, 1, 0),
    ],
    ids=["sequential", "nested", "with its own rescaling", "with arithmetic"],
)
def test_networks_of_other_shapes_open(tmp_path, build, scale, offset):
    keras.utils.set_random_seed(5)
    model, path = build(), tmp_path / "other.h5"
    model.save(path)
    found = Classifier(read_model(path)).probabilities(crops(32))
    expected = expected_of(model, crops(32) / np.float32(scale) + np.float32(offset))
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("build", "warned"), [(lambda: plain(2), True), (nested, False), (scaling_itself, False)]
)
def test_unknown_pixel_values_are_warned_of(tmp_path, caplog, build, warned):
    build().save(tmp_path / "other.h5")
    read_model(tmp_path / "other.h5").load_keras()
    assert ("--pixels 0..1" in caplog.text) == warned


def test_one_sigmoid_is_the_second_class(tmp_path):
    model, path = plain(1, "sigmoid"), tmp_path / "sigmoid.h5"
    model.save(path)
    second = expected_of(model, crops(32) / np.float32(127.5) - 1)[:, 0]
    found = Classifier(read_model(path)).probabilities(crops(32))
    assert found == pytest.approx(np.stack([1 - second, second], axis=1), abs=1e-5)


def test_arithmetic_of_keras_2(tmp_path):
    """As TensorFlow's tutorials put ``preprocess_input`` into a network."""
    inputs = keras.Input((32, 32, 3), name="pixels")
    steps = {"math.truediv": 127.5, "math.subtract": 1.0}
    described: list[dict[str, Any]] = [
        {
            "class_name": "InputLayer",
            "name": "pixels",
            "config": {"name": "pixels", "batch_input_shape": [None, 32, 32, 3]},
            "inbound_nodes": [],
        }
    ]
    for function, value in steps.items():
        settings = {"name": function, "trainable": True, "dtype": "float32", "function": function}
        arguments = [described[-1]["name"], 0, 0, {"y": value, "name": None}]
        part = {"class_name": "TFOpLambda", "name": function, "config": settings}
        described.append(part | {"inbound_nodes": [arguments]})
    outputs = layers.GlobalAveragePooling2D(name="pooled")(inputs)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="dense")(outputs))
    model.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:
        config = keras_2_config(model)
        last = config["config"]["layers"][1:]
        last[0]["inbound_nodes"] = [[[described[-1]["name"], 0, 0, {}]]]
        config["config"]["layers"] = described + last
        config["config"]["input_layers"] = [["pixels", 0, 0]]
        file.attrs["model_config"] = json.dumps(config)
        file["model_weights"].attrs["layer_names"] = [b"dense"]
    found = Classifier(read_model(tmp_path / "old.h5")).probabilities(crops(32))
    expected = expected_of(model, crops(32) / np.float32(127.5) - 1)
    assert found == pytest.approx(expected, abs=1e-5)


def test_base_weights_fit_a_fresh_base(original, written):
    base = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), include_top=False, pooling="avg", weights=None
    )
    legacy.set_base_weights(base, legacy.mobilenet_weights(written))
    for name in ("Conv1", "block_7_depthwise", "Conv_1_bn"):
        stored = original.get_layer(name).get_weights()
        for values, expected in zip(base.get_layer(name).get_weights(), stored, strict=True):
            np.testing.assert_array_equal(values, expected)


def test_base_of_another_width_is_refused(written):
    base = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.5, include_top=False, weights=None
    )
    weights = legacy.mobilenet_weights(written)
    with pytest.raises(ModelFileError, match="layer Conv1 has shapes"):
        legacy.set_base_weights(base, weights)
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
    with pytest.raises(ModelFileError, match="has no network, only weights"):
        read_model(path)


@pytest.mark.parametrize("read", [read_model, legacy.mobilenet_weights])
def test_a_truncated_file_is_one_sentence(changed, read):
    changed.write_bytes(changed.read_bytes()[:100_000])
    with pytest.raises(ModelFileError, match="the HDF5 file is damaged"):
        read(changed)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ModelFileError, match="there is no such file"):
        legacy.mobilenet_weights(tmp_path / "none.h5")


def test_a_file_is_named_once(changed):
    edit_layers(changed, lambda layers: layers.clear())
    with pytest.raises(ModelFileError) as caught:
        read_model(changed)
    assert str(caught.value).count(str(changed)) == 1


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda layers: layers.clear(), "square RGB crops"),
        (lambda layers: layers[0]["config"].pop("batch_input_shape"), "square RGB crops"),
        (
            lambda layers: layers[0]["config"].update(batch_input_shape=[None, 64, 48, 3]),
            "square RGB crops",
        ),
        (
            lambda layers: layers[0]["config"].update(batch_input_shape=[None] * 3 + [3]),
            "square RGB crops",
        ),
        (lambda layers: layers[0]["config"].update(batch_input_shape="wide"), "square RGB crops"),
        (
            lambda layers: layers[0]["config"].update(batch_input_shape=[None, 8, 8, 3]),
            "input size must be 16 to 1024, not 8",
        ),
        (lambda layers: layers[-1]["config"].update(units=3), "3 outputs, the classes are with_"),
    ],
)
def test_other_networks_are_refused_before_keras_loads(changed, edit, sentence):
    edit_layers(changed, edit)
    with pytest.raises(ModelFileError, match=sentence):
        read_model(changed)


@pytest.mark.parametrize(
    "edit",
    [
        lambda layers: layers[-2].update(class_name="Lambda"),
        lambda layers: layers[-2].update(class_name="os.system"),
        lambda layers: layers[-3]["config"].update(activation="import os"),
        lambda layers: layers[-3]["config"].update(units=64),
        lambda layers: layers[-3].update(inbound_nodes=[[["none", 0, 0, {}]]]),
        lambda layers: layers[-3].update(config=None),
        lambda layers: layers[-3].update(config={"dtype": {}}),
    ],
)
def test_networks_that_keras_cannot_load(changed, edit):
    edit_layers(changed, edit)
    with pytest.raises(ModelFileError, match=r"mask_detector\.model: .*(Keras|network is damaged)"):
        read_model(changed).load_keras()


def test_hdf5_file_never_executes_code(tmp_path):
    """A Lambda layer could do anything: Keras refuses it in safe mode."""
    flag = str(tmp_path / "executed")
    function = lambda crops: (__import__("pathlib").Path(flag).touch(), crops)[1]  # noqa: E731
    layer = layers.Lambda(function, output_shape=(32, 32, 3))
    model = keras.Sequential([keras.Input((32, 32, 3)), layer, *plain(2).layers])
    model.save(tmp_path / "evil.h5")
    Path(flag).unlink(missing_ok=True)  # building it may have called the layer
    with pytest.raises(ModelFileError, match="Keras cannot load it"):
        read_model(tmp_path / "evil.h5").load_keras()
    assert not Path(flag).exists()


def test_outputs_that_are_no_probabilities(tmp_path):
    plain(2, None).save(tmp_path / "logits.h5")
    with pytest.raises(ModelFileError, match="no probabilities; end the network with a softmax"):
        read_model(tmp_path / "logits.h5").load_keras()


def test_missing_weights_are_one_sentence(changed):
    with h5py.File(changed, "a") as file:
        del file["model_weights/dense/dense"]
    with pytest.raises(ModelFileError, match="Keras cannot load it"):
        read_model(changed).load_keras()
    with h5py.File(changed, "a") as file:
        del file["model_weights/Conv1/Conv1"]
    with pytest.raises(ModelFileError, match="damaged or incomplete"):
        legacy.mobilenet_weights(changed)
