"""Networks from elsewhere: what they expect of pixels and what their outputs mean."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models.keras_backend import first_line, import_keras

logger = logging.getLogger(__name__)

# What crops 0..255 are multiplied by, and what is added then, for each range of pixel values.
PIXEL_RANGES = {"-1..1": (1 / 127.5, -1.0), "0..1": (1 / 255, 0.0), "0..255": (1.0, 0.0)}


def network_from_crops(network: Any, path: Path, pixels: str | None = None) -> Any:
    """Put the scaling before a network, and after it what makes probabilities of its output.

    Args:
        network: a Keras model from square RGB crops, shape (N, S, S, 3), to (N, C).
        path: its file, for messages.
        pixels: the key in ``PIXEL_RANGES`` of what it expects. None: 0..255 where it rescales
            them itself, otherwise -1..1, as MobileNetV2's ``preprocess_input``.

    Returns:
        A Keras model from float32 RGB crops 0..255, shape (N, S, S, 3), to probabilities (N, C).
        A single sigmoid output is the probability of the second of two classes.

    Raises:
        ModelFileError: the network has other inputs or outputs.
    """
    keras = import_keras()
    try:
        shape, outputs = network.input_shape, network.output_shape
        scales_itself = any(f'"{name}"' in network.to_json() for name in _SCALING_LAYERS)
    except Exception as error:  # a network that was never built has none of these
        raise ModelFileError(
            f"{path}: its network has no fixed input and output ({first_line(error)})"
        ) from None
    square = isinstance(shape, tuple) and len(shape) == 4 and shape[1] == shape[2] and shape[1]
    if not square or shape[3] != 3 or not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ModelFileError(
            f"{path}: expected a network from square RGB crops (N, S, S, 3) to classes (N, C), "
            f"got one from {shape} to {outputs}"
        )
    is_mobilenet = '"DepthwiseConv2D"' in network.to_json()
    scale, offset = PIXEL_RANGES[pixels or assumed_pixels(path, scales_itself, is_mobilenet)]
    crops = keras.Input(shape[1:], name="crops")
    scaled = keras.layers.Rescaling(scale, offset=offset, name="scaling")(crops)
    try:
        probabilities = network(scaled)
        if outputs[1] == 1:
            # Keras numbers classes 0 and 1: a sigmoid is the probability of the second.
            opposite = keras.layers.Rescaling(-1.0, offset=1.0, name="opposite")(probabilities)
            probabilities = keras.layers.Concatenate(name="both")([opposite, probabilities])
        model = keras.Model(crops, probabilities, name="mask_detector")
        rows = np.asarray(model(noise_crops(shape[1]).astype(np.float32), training=False))
    except Exception as error:  # TensorFlow raises nearly anything on a network that misfits
        raise ModelFileError(f"{path}: its network fails ({first_line(error)})") from None
    # NaN fails the comparison.
    if not (rows.min() >= 0 and abs(rows.sum(axis=1) - 1).max() <= 0.01):
        raise ModelFileError(
            f"{path}: its outputs are no probabilities; end the network with a softmax, or with "
            "one sigmoid"
        )
    return model


def assumed_pixels(path: Path, scales_itself: bool, is_mobilenet: bool = False) -> str:
    """The key in ``PIXEL_RANGES`` of what a network is taken to expect, with a warning if unsure.

    Args:
        path: its file, for the warning.
        scales_itself: whether arithmetic on the pixels is the first that it does.
        is_mobilenet: whether it is known to be one, which are trained on -1..1.
    """
    if scales_itself:
        return "0..255"
    if not is_mobilenet:
        logger.warning(
            "%s does not say which pixel values its network expects: -1..1 is assumed; "
            "python -m mask_detector.convert OLD NEW --pixels 0..1 makes it another",
            path,
        )
    return "-1..1"


_SCALING_LAYERS = ("Rescaling", "Normalization", "TrueDivide", "Step")

_LARGEST_SIZE = 16_384
_SIZES = ("units", "filters", "depth_multiplier", "input_dim", "output_dim", "n")


def check_layer_sizes(config: Any) -> None:
    """Refuse a Keras description whose layers would not fit into memory once they are built.

    Args:
        config: JSON values.

    Raises:
        ModelFileError: a layer has more than 16,384 units, filters and the like.
        RecursionError: the values are nested too deeply.
    """
    for part in dictionaries(config):
        for name in _SIZES:
            size = part.get(name)
            if isinstance(size, int | float) and not size <= _LARGEST_SIZE:
                raise ModelFileError(
                    f"a layer of its network has {name} = {size:g}, at most {_LARGEST_SIZE} are "
                    "accepted"
                )


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary in a JSON value, outer ones and earlier ones first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from dictionaries(inner)


def noise_crops(size: int) -> np.ndarray:
    """Crops to try a network on: uint8 (8, size, size, 3), the same every time."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (8, size, size, 3), dtype=np.uint8)
