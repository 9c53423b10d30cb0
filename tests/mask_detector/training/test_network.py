"""The Keras network: its scaling, its outputs, what learns, what it starts from."""

from __future__ import annotations

import numpy as np
import pytest

from mask_detector.errors import ModelFileError, WeightsError
from mask_detector.models.model_file import read_model
from mask_detector.training import network
from mask_detector.training.network import BASE, LOGITS, build_network

pytest.importorskip("tensorflow")

SIZE, ALPHA = 64, 0.35
TWO, THREE = ("with_mask", "without_mask"), ("a", "b", "c")


@pytest.fixture(scope="module")
def net():
    return build_network(TWO, SIZE, ALPHA)


@pytest.fixture
def crops() -> np.ndarray:
    crops = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.float32)
    crops[0], crops[1] = 0, 255
    return crops


def test_scaling_inside_is_keras_s_preprocessing(net, crops):
    import keras

    scaled = keras.Model(net.input, net.get_layer("scaling").output)(crops)
    wanted = keras.applications.mobilenet_v2.preprocess_input(crops.copy())
    np.testing.assert_allclose(scaled, wanted, atol=1e-6)
    assert (wanted.min(), wanted.max()) == (-1, 1)


def test_scaling_is_in_the_compiled_model_too(small_network, crops):
    import keras

    scaled = keras.Model(small_network.input, small_network.get_layer("scaling").output)(crops)
    wanted = keras.applications.mobilenet_v2.preprocess_input(crops.copy())
    np.testing.assert_allclose(scaled, wanted, atol=1e-6)


def test_two_classes_have_one_logit(net):
    assert net.output_shape == (None, 1)


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_probabilities_are_those_of_the_logits(classes, crops):
    net = build_network(classes, SIZE, ALPHA)
    kernel, bias = net.get_layer(LOGITS).get_weights()
    net.get_layer(LOGITS).set_weights([kernel, np.linspace(-1, 2, len(bias)) + 0.3])
    z = np.asarray(net(crops, training=False)) / 1.7
    found = np.asarray(network.with_probabilities(net, classes, ALPHA, temperature=1.7)(crops))
    if len(classes) == 2:
        first = 1 / (1 + np.exp(-z[:, 0]))
        wanted = np.stack([first, 1 - first], axis=1)
    else:
        wanted = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_frozen_base_leaves_the_head_to_learn(net):
    head = sum(
        int(np.prod(w.shape)) for n in ("features", LOGITS) for w in net.get_layer(n).weights
    )
    assert network.freeze_below(net, None) == head
    assert not net.get_layer(BASE).trainable_weights


@pytest.mark.parametrize("block", [1, 4, 13, 16])
def test_fine_tuning_starts_at_its_block(net, block):
    network.freeze_below(net, block)
    learning = [layer.name for layer in net.get_layer(BASE).layers if layer.trainable_weights]
    blocks = {int(name.split("_")[1]) for name in learning if name.startswith("block_")}
    assert blocks == set(range(block, 17))
    assert "Conv_1" in learning
    assert "Conv1" not in learning
    assert not any("BN" in name or "_bn" in name for name in learning)


def test_batch_normalisation_keeps_its_statistics(net, crops):
    network.freeze_below(net, 1)
    kept = [w.numpy() for w in net.get_layer(BASE).non_trainable_weights]
    net(crops, training=True)
    for before, after in zip(kept, net.get_layer(BASE).non_trainable_weights, strict=True):
        np.testing.assert_array_equal(before, after)


def test_model_of_ours_gives_its_base_and_features(net, small_model):
    network.load_pretrained(net, [str(small_model)], TWO)
    source = read_model(small_model).load_keras()
    for name in (BASE, "features"):
        pairs = zip(
            source.get_layer(name).get_weights(), net.get_layer(name).get_weights(), strict=True
        )
        assert all(np.array_equal(one, other) for one, other in pairs)


def test_model_of_the_same_classes_is_loaded_whole(net, small_model, crops):
    network.load_pretrained(net, [str(small_model)], TWO)
    found = network.with_probabilities(net, TWO, ALPHA)(crops)
    np.testing.assert_allclose(found, read_model(small_model).load_keras()(crops), atol=1e-5)


def test_several_models_give_their_mean(net, small_model, tmp_path):
    network.load_pretrained(net, [str(small_model)], TWO)
    first = net.get_weights()
    other = tmp_path / "other.weights.h5"
    build_network(TWO, SIZE, ALPHA).save_weights(other)
    network.load_pretrained(net, [str(other)], TWO)
    second = net.get_weights()
    said = network.load_pretrained(net, [str(small_model), str(other)], TWO)
    assert said == f"the mean of {small_model}, {other}"
    for mean, one, two in zip(net.get_weights(), first, second, strict=True):
        np.testing.assert_allclose(mean, (one + two) / 2, atol=1e-6)


@pytest.mark.parametrize("classes", [TWO[::-1], THREE])
def test_models_of_other_classes_are_not_averaged(small_model, classes):
    with pytest.raises(ModelFileError, match="only models of the same classes"):
        network.load_pretrained(
            build_network(classes, SIZE, ALPHA), [str(small_model)] * 2, classes
        )


def test_cut_network_starts_from_the_lower_blocks_of_a_whole_one(small_model, crops):
    cut = build_network(TWO, SIZE, ALPHA, blocks=12)
    network.load_pretrained(cut, [str(small_model)], TWO)
    source = read_model(small_model).load_keras().get_layer(BASE)
    layers = [layer for layer in cut.get_layer(BASE).layers if layer.weights]
    assert layers[-1].name == "block_12_project_BN"
    for layer in layers:
        pairs = zip(layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
    found = np.asarray(network.with_probabilities(cut, TWO, ALPHA, blocks=12)(crops))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_model_of_another_width_is_refused(small_model):
    with pytest.raises(ModelFileError, match="width"):
        network.load_pretrained(build_network(TWO, SIZE, 0.5), [str(small_model)], TWO)


@pytest.mark.parametrize("name", ["none.model", "none.keras", "none.weights.h5", "none.h5"])
def test_missing_weights_are_a_sentence(net, tmp_path, name):
    with pytest.raises(ModelFileError, match="none"):
        network.load_pretrained(net, [str(tmp_path / name)], TWO)


@pytest.mark.parametrize("damage", ["header", "inside", "other network"])
def test_damaged_keras_weights_are_a_sentence(net, tmp_path, damage):
    path = tmp_path / "some.weights.h5"
    if damage == "header":
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    elif damage == "inside":
        net.save_weights(path)
        content = bytearray(path.read_bytes())
        place = content.index(b"SNOD")  # a node of the table of contents
        content[place : place + 8] = bytes(8)
        path.write_bytes(content)
    else:
        build_network(THREE, SIZE, 0.5).save_weights(path)
    with pytest.raises(ModelFileError, match=r"some\.weights\.h5: "):
        network.load_pretrained(net, [str(path)], TWO)


def test_unreachable_imagenet_weights_say_what_to_do(net, monkeypatch):
    def unreachable(*_):
        raise WeightsError("no network")

    monkeypatch.setattr("face_detector.weights.fetch", unreachable)
    with pytest.raises(ModelFileError, match=r"--weights mask_detector\.model"):
        network.load_pretrained(net, ["imagenet"], TWO)


def test_imagenet_weights_of_another_width_are_refused(net):
    with pytest.raises(ModelFileError, match="MobileNetV2"):
        network.load_pretrained(net, ["imagenet"], TWO)
