"""YuNet in Keras: the network of the ONNX file, to be trained and written back into it.

    network = build_network(model)                 outputs equal ONNX Runtime's
    trained = file_with(network, model)            the same file with the network's weights

Wu, Peng and Yu, YuNet: A Tiny Millisecond-level Face Detector, 2023. Batch normalisation is folded
into the convolutions of the file, and so there is none here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from face_detector.training.onnx_file import convolutions, read_weights, with_weights
from face_detector.training.shared import import_keras
from face_detector.yunet import STRIDES

PARTS = {"cls": 1, "bbox": 4, "obj": 1, "kps": 10}
"""Channels of each output, in the order of the file's convolutions. The file has a head for each
output and stride; here one head a stride has all channels, in this order."""

_TRUNK = 29
"""Convolutions before the heads."""


def build_network(model: bytes) -> Any:
    """The network with the weights of an ONNX file.

    Returns:
        A Keras model from pictures, float32 (B, H, W, 3) blue, green, red in 0..255, H and W
        multiples of 32, to three arrays, one for each of ``STRIDES``, finest first: logits of
        ``cls`` and ``obj`` and the numbers of ``bbox`` and ``kps``, (B, H / stride, W / stride,
        16), channels as in ``PARTS``.

    Raises:
        ValueError: the file holds another network.
    """
    network = _Builder(import_keras()).network()
    for name, arrays in _layer_weights(model).items():
        layer = network.get_layer(name)
        if [array.shape for array in arrays] != [tuple(w.shape) for w in layer.weights]:
            raise ValueError(f"expected YuNet, found other shapes of weights for {name}")
        layer.set_weights(arrays)
    return network


def file_with(network: Any, model: bytes) -> bytes:
    """The ONNX file with the weights of the network, which was built from a file of that kind."""
    weights = {}
    for index, (kernel, bias) in enumerate(convolutions(model)[:_TRUNK]):
        values, offsets = network.get_layer(f"trunk_{index:02}").get_weights()
        depthwise = values.shape[3] == 1
        weights[kernel] = (
            values.transpose(2, 3, 0, 1) if depthwise else values.transpose(3, 2, 0, 1)
        )
        weights[bias] = offsets
    for stride, names in _head_names(model).items():
        pointwise, biases = network.get_layer(f"head_{stride}_pointwise").get_weights()
        depthwise, offsets = network.get_layer(f"head_{stride}_depthwise").get_weights()
        ends = np.cumsum(list(PARTS.values()))[:-1]
        weights |= zip(
            names,
            [
                *np.split(pointwise.transpose(3, 2, 0, 1), ends),
                *np.split(biases, ends),
                *np.split(depthwise.transpose(2, 3, 0, 1), ends),
                *np.split(offsets, ends),
            ],
            strict=True,
        )
    return with_weights(model, weights)


def scale_and_shift(network: Any, scale: float, shift: float) -> None:
    """Change the logits of ``cls`` and ``obj``, of all strides, to ``scale * logit + shift``.

    A score is the geometric mean of the two probabilities: its own logit changes by nearly as much.

    Args:
        network: see :func:`build_network`.
    """
    ends = np.cumsum(list(PARTS.values()))
    channels = [end - 1 for name, end in zip(PARTS, ends, strict=True) if name in ("cls", "obj")]
    for stride in STRIDES:
        layer = network.get_layer(f"head_{stride}_depthwise")
        kernel, bias = layer.get_weights()
        kernel[:, :, channels] *= scale
        bias[channels] = bias[channels] * scale + shift
        layer.set_weights([kernel, bias])


def _layer_weights(model: bytes) -> dict[str, list[np.ndarray]]:
    """Kernel and bias of each layer, as Keras wants them."""
    weights = read_weights(model)
    layers = {}
    for index, (kernel, bias) in enumerate(convolutions(model)[:_TRUNK]):
        values = weights[kernel]
        # A depthwise kernel is (C, 1, h, w) there and (h, w, C, 1) here.
        depthwise = values.shape[1] == 1
        values = values.transpose(2, 3, 0, 1) if depthwise else values.transpose(2, 3, 1, 0)
        layers[f"trunk_{index:02}"] = [values, weights[bias]]
    parts = len(PARTS)
    for stride, names in _head_names(model).items():
        pointwise, biases, depthwise, offsets = (
            np.concatenate([weights[name] for name in names[start : start + parts]])
            for start in range(0, 4 * parts, parts)
        )
        layers[f"head_{stride}_pointwise"] = [pointwise.transpose(2, 3, 1, 0), biases]
        layers[f"head_{stride}_depthwise"] = [depthwise.transpose(2, 3, 0, 1), offsets]
    return layers


def _head_names(model: bytes) -> dict[int, list[str]]:
    """By stride: the kernels of the first convolutions, their biases, then those of the second."""
    heads = convolutions(model)[_TRUNK:]
    if len(heads) != 2 * len(PARTS) * len(STRIDES):
        raise ValueError(f"expected YuNet, found {_TRUNK + len(heads)} convolutions")
    # The file's order is part, stride, first and second.
    names = np.array(heads, object).reshape(len(PARTS), len(STRIDES), 2, 2)
    return {
        stride: names[:, place].transpose(1, 2, 0).reshape(-1).tolist()
        for place, stride in enumerate(STRIDES)
    }


class _Builder:
    """Builds the network, numbering the trunk's convolutions in the order of the file."""

    def __init__(self, keras: Any) -> None:
        self._keras, self._layers, self._count = keras, keras.layers, 0

    def network(self) -> Any:
        layers = self._layers
        picture = self._keras.Input((None, None, 3), name="picture")
        # With a stride of 2 "same" would pad below and right alone.
        x = layers.ZeroPadding2D(1)(picture)
        x = layers.Conv2D(16, 3, 2, activation="relu", name=self._name())(x)
        x = self._pool(self._unit(x, 16))
        x = self._unit(self._unit(x, 16), 32)
        x = self._pool(self._unit(self._unit(x, 32), 64))
        fine = self._unit(self._unit(x, 64), 64)
        middle = self._unit(self._unit(self._pool(fine), 64), 64)
        coarse = self._unit(self._unit(self._pool(middle), 64), 64)
        # Feature pyramid: the finer grids receive what the coarser ones see.
        coarse = self._unit(coarse, 64)
        middle = self._unit(layers.Add()([middle, layers.UpSampling2D()(coarse)]), 64)
        fine = self._unit(layers.Add()([fine, layers.UpSampling2D()(middle)]), 64)
        features = zip(STRIDES, (fine, middle, coarse), strict=True)
        return self._keras.Model(picture, [self._head(x, stride) for stride, x in features])

    def _unit(self, x: Any, width: int) -> Any:
        """A pointwise and a depthwise convolution."""
        x = self._layers.Conv2D(width, 1, name=self._name())(x)
        return self._layers.DepthwiseConv2D(
            3, padding="same", activation="relu", name=self._name()
        )(x)

    def _head(self, x: Any, stride: int) -> Any:
        x = self._layers.Conv2D(sum(PARTS.values()), 1, name=f"head_{stride}_pointwise")(x)
        return self._layers.DepthwiseConv2D(3, padding="same", name=f"head_{stride}_depthwise")(x)

    def _pool(self, x: Any) -> Any:
        return self._layers.MaxPooling2D()(x)

    def _name(self) -> str:
        self._count += 1
        return f"trunk_{self._count - 1:02}"
