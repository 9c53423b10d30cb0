"""LiteRT and ONNX files: written, opened again, and made model files of."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mask_detector import convert
from mask_detector.classifier import Classifier
from mask_detector.errors import ModelFileError
from mask_detector.models.compiled_network import load_network
from mask_detector.models.model_file import read_model
from mask_detector.models.onnx_file import network, node, read_metadata, tensor, with_metadata
from mask_detector.models.tflite_to_onnx import UnsupportedNetworkError, onnx_from_tflite

onnx = pytest.importorskip("onnx")

SIZE = 32


def run(*arguments: object) -> int:
    return convert.main([*map(str, arguments)])


def crops(size: int = SIZE) -> np.ndarray:
    chance = np.random.default_rng(0)
    noise = chance.integers(0, 256, (5, size, size, 3))
    return (noise * chance.uniform(0, 1, (5, 1, 1, 3))).astype(np.uint8)  # each of another colour


@functools.cache
def compiled_keras(build: Callable[[Any, Any], Any], format: str = "float16") -> bytes:
    """A LiteRT network; ``build`` makes probabilities of crops by Keras's layers."""
    keras = pytest.importorskip("keras")
    from mask_detector.training.compiling import compile_network

    keras.utils.set_random_seed(3)
    source = keras.Input((SIZE, SIZE, 3))
    return compile_network(keras.Model(source, build(keras.layers, source)), format, crops())


def varied(layers: Any, source: Any) -> Any:
    """One of each operation that image classifiers consist of."""
    x = layers.Rescaling(1 / 127.5, offset=-1)(source)
    x = layers.ZeroPadding2D(((0, 1), (2, 0)))(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu6")(x)
    x = layers.DepthwiseConv2D(5, padding="same", depth_multiplier=2, activation="relu")(x)
    side = layers.Conv2D(4, 1, strides=2, padding="same", activation="tanh", use_bias=False)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Concatenate()([layers.AveragePooling2D(2, strides=1, padding="same")(x), side])
    x = layers.Multiply()([x, layers.Activation("sigmoid")(x)])
    x = layers.Subtract()([x, layers.Conv2D(20, (1, 3), padding="same")(x)])
    means = layers.Dense(6, activation="relu")(layers.GlobalAveragePooling2D()(x))
    flat = layers.Dense(6)(layers.Flatten()(x))
    return layers.Dense(3, activation="softmax")(layers.Concatenate()([means, flat]))


def plain(layers: Any, source: Any) -> Any:
    x = layers.Conv2D(8, 3, strides=4, activation="relu6")(source)
    return layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize(
    ("build", "format", "difference"), [(varied, "float32", 1e-5), (plain, "int8", 0.01)]
)
def test_onnx_form_gives_what_litert_gives(build, format, difference) -> None:
    flatbuffer = compiled_keras(build, format)
    form = onnx_from_tflite(flatbuffer)
    onnx.checker.check_model(onnx.load_from_string(form), full_check=True)
    wanted = load_network(flatbuffer, 1)(crops())
    found = load_network(form, 1)(crops())
    assert np.ptp(wanted, axis=0).max() > 0.01
    np.testing.assert_allclose(found, wanted, atol=difference)


def test_quantized_weights_stay_whole_numbers() -> None:
    form = onnx.load_from_string(onnx_from_tflite(compiled_keras(plain, "int8")))
    stored = [onnx.numpy_helper.to_array(each) for each in form.graph.initializer]
    assert {each.dtype.name for each in stored if each.ndim == 4} == {"int8"}  # kernels


def test_operation_that_is_not_known_is_a_sentence() -> None:
    def build(layers: Any, source: Any) -> Any:
        resized = layers.UpSampling2D()(source)
        return layers.Dense(2, activation="softmax")(layers.GlobalMaxPooling2D()(resized))

    with pytest.raises(UnsupportedNetworkError, match="is not turned into ONNX"):
        onnx_from_tflite(compiled_keras(build))


def test_damaged_networks_are_sentences(small_model) -> None:
    flatbuffer = read_model(small_model).compiled
    assert flatbuffer
    chance = random.Random(5)
    refused = 0
    # Tables lie at both ends, the weights between them.
    ends = [*range(400), *range(len(flatbuffer) - 3000, len(flatbuffer))]
    for _ in range(60):
        damaged = bytearray(flatbuffer)
        for position in chance.sample(ends, 8):
            damaged[position] = chance.randrange(256)
        try:
            onnx_from_tflite(bytes(damaged))
        except ModelFileError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_there_and_back(small_model, tmp_path, form) -> None:
    other, again, third = (tmp_path / name for name in (f"a.{form}", "again.model", f"b.{form}"))
    run(small_model, other)
    assert run(other, again) == 0
    before, after = read_model(small_model), read_model(again)
    assert (after.compiled == before.compiled) == (form == "tflite")
    for name in ("classes", "input_size", "margin", "square", "unsure", "scores"):
        assert getattr(after.card, name) == getattr(before.card, name)
    assert after.card.training["origin"] == f"converted from a.{form}"
    np.testing.assert_allclose(
        Classifier(after).probabilities(crops(64)),
        Classifier(before).probabilities(crops(64)),
        atol=1e-4,
    )
    assert run(again, third) == 0
    assert run(third, again, "--classes", "hat", "no_hat", "--margin", "0.3") == 0
    card = read_model(again).card
    assert (card.classes, card.margin) == (("hat", "no_hat"), 0.3)


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_compiled_model_cannot_be_trained(small_model, tmp_path, form) -> None:
    other, again = tmp_path / f"a.{form}", tmp_path / "again.model"
    run(small_model, other)
    run(other, again)
    for source in (other, again):
        with pytest.raises(ModelFileError, match=f"^{source}: it has only a compiled network"):
            run(source, tmp_path / "new.keras")
    with pytest.raises(ModelFileError, match=r"cannot be trained .*: use the model file"):
        read_model(again).load_keras()
    if form == "onnx":
        with pytest.raises(ModelFileError, match="ONNX, which is not turned into LiteRT"):
            run(again, tmp_path / "new.tflite")


def foreign_onnx(outputs: int) -> bytes:
    """A network as other frameworks write it: (N, 3, S, S), names of its own."""
    random_numbers = np.random.default_rng(4)
    weights = random_numbers.normal(0, 2, (3, outputs)).astype(np.float32)
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    last = ("Softmax", {"axis": 1}) if outputs > 1 else ("Sigmoid", {})
    graph = make.make_graph(
        [
            make.make_node("GlobalAveragePool", ["input"], ["means"]),
            make.make_node("Flatten", ["means"], ["flat"]),
            make.make_node("MatMul", ["flat", "weights"], ["logits"]),
            make.make_node(last[0], ["logits"], ["output"], **last[1]),
        ],
        "foreign",
        [make.make_tensor_value_info("input", kind, ["batch", 3, SIZE, SIZE])],
        [make.make_tensor_value_info("output", kind, ["batch", outputs])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    opset = [make.make_opsetid("", 13)]
    return make.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_onnx_network_from_elsewhere(tmp_path, outputs) -> None:
    old, new = tmp_path / "old.onnx", tmp_path / "new.model"
    old.write_bytes(foreign_onnx(outputs))
    classes = ["a", "b", "c"][: max(2, outputs)]
    assert run(old, new, "--classes", *classes, "--pixels", "0..1") == 0
    card = read_model(new).card
    assert (card.input_size, card.margin, card.square) == (SIZE, 0, False)
    session = load_network(foreign_onnx(outputs), 1)
    wanted = session(crops().transpose(0, 3, 1, 2) / np.float32(255))
    if outputs == 1:
        wanted = np.hstack([1 - wanted, wanted])
    found = Classifier(read_model(new)).probabilities(crops())
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("pixels", ["-1..1", "0..255", None])
def test_litert_network_from_elsewhere(tmp_path, caplog, pixels) -> None:
    old, new = tmp_path / "old.tflite", tmp_path / "new.model"
    old.write_bytes(compiled_keras(plain))
    options = [f"--pixels={pixels}"] if pixels else []
    run(old, new, "--classes", "a", "b", "--margin", "0.2", *options)
    card = read_model(new).card
    assert (card.input_size, card.margin, card.square) == (SIZE, 0.2, True)
    assert ("-1..1 is assumed" in caplog.text) == (pixels is None)
    scale, offset = (1, 0) if pixels == "0..255" else (1 / 127.5, -1)
    wanted = load_network(old.read_bytes(), 1)((crops() * scale + offset).astype(np.float32))
    found = Classifier(read_model(new)).probabilities(crops())
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("content", "classes", "sentence"),
    [
        (foreign_onnx(2), [], "name them with --classes"),
        (foreign_onnx(2), ["a", "b", "c"], "has 2 outputs, the classes are a, b, c"),
        (foreign_onnx(2)[:-40], ["a", "b"], "is damaged"),
        (with_metadata(foreign_onnx(2), {"model_card.json": "{}"}), [], "model card"),
        (network([node("Flatten", ["crops"], "x")], [], 32, 0), ["a", "b"], "square float32 RGB"),
        (network([], [], 32, 2), ["a", "b"], "damaged or does not fit"),
        (
            network(
                [
                    node("ReduceMean", ["crops"], "means", axes=[1, 2], keepdims=0),
                    node("MatMul", ["means", "weights"], "probabilities"),
                ],
                [tensor("weights", np.ones((3, 2), np.float32))],
                32,
                2,
            ),
            ["a", "b"],
            "no probabilities",
        ),
    ],
)
def test_networks_that_are_refused(tmp_path, content, classes, sentence) -> None:
    old, new = tmp_path / "old.onnx", tmp_path / "new.model"
    old.write_bytes(content)
    options = ["--classes", *classes] if classes else []
    with pytest.raises(ModelFileError, match=f"^{old}: .*{sentence}"):
        run(old, new, *options)
    assert not new.exists()


def test_metadata_replaces_what_is_there() -> None:
    model = with_metadata(with_metadata(foreign_onnx(2), {"a": "1", "b": "2"}), {"b": "ä"})
    assert read_metadata(model) == {"b": "ä"}
    assert onnx.load_from_string(model).metadata_props[0].value == "ä"
