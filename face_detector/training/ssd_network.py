"""SSD ResNet-10 in Keras: the network of the caffemodel, to be trained and written back into it.

    network = build_network(model)                 outputs equal those of OpenCV's DNN module
    trained = file_with(network, model)            a file of the same layers with its weights

Liu et al., SSD: Single Shot MultiBox Detector, 2016 (arXiv:1512.02325), on a ResNet of ten layers
(He et al. 2016), as OpenCV's deploy.prototxt has it. The statistics of batch normalisation stay as
they are: those of the small batches that fit a processor would be worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from face_detector.ssd import CLASSIC_SIZE, MEAN_BGR
from face_detector.training.caffe_file import in_half_precision, read_weights, with_weights
from face_detector.training.caffe_layers import caffe_layers
from face_detector.training.shared import import_keras

VARIANCES = (0.1, 0.1, 0.2, 0.2)
"""Boxes are predicted relative to priors: x and y of the centre, logarithms of width and height,
each divided by its variance."""


@dataclass(frozen=True)
class Head:
    """One grid of prior boxes: the ``PriorBox`` layer of the prototxt, and what predicts them.

    Attributes:
        name: prefix of its layers.
        cells: rows and columns of the grid.
        step: pixels from one centre to the next.
        smallest, largest: ``min_size`` and ``max_size`` in pixels.
        ratios: of width and height; each stands for its inverse too.
    """

    name: str
    cells: int
    step: float
    smallest: float
    largest: float
    ratios: tuple[float, ...]

    @property
    def priors(self) -> int:
        """Prior boxes of each cell."""
        return 2 + 2 * len(self.ratios)


HEADS = (
    Head("conv4_3_norm", 38, 8, 30, 60, (2,)),
    Head("fc7", 19, 16, 60, 111, (2, 3)),
    Head("conv6_2", 10, 32, 111, 162, (2, 3)),
    Head("conv7_2", 5, 64, 162, 213, (2, 3)),
    Head("conv8_2", 5, 100, 213, 264, (2,)),
    Head("conv9_2", 5, 300, 264, 315, (2,)),
)

# Name of each batch normalisation, and of the layer that scales its result.
_NORMS = {
    "data_bn": "data_scale",
    "conv1_bn_h": "conv1_scale_h",
    "layer_64_1_bn2_h": "layer_64_1_scale2_h",
    "layer_128_1_bn1_h": "layer_128_1_scale1_h",
    "layer_128_1_bn2": "layer_128_1_scale2",
    "layer_256_1_bn1": "layer_256_1_scale1",
    "layer_256_1_bn2": "layer_256_1_scale2",
    "layer_512_1_bn1": "layer_512_1_scale1",
    "layer_512_1_bn2_h": "layer_512_1_scale2_h",
    "last_bn_h": "last_scale_h",
}
_UNIT_LENGTH = "conv4_3_norm"
_FROZEN = ("data_bn", "conv1_h", "conv1_bn_h")
"""Layers that stay as they are: edges and colours are the same on masks."""

_COARSE = ("conv6", "conv7", "conv8", "conv9")
"""Beginnings of the names of the layers that see the largest faces."""


@cache
def prior_boxes() -> np.ndarray:
    """All prior boxes, float32 (P, 4), x1, y1, x2, y2 as shares of the picture's sides.

    Head by head, row by row; the order within a cell is that of Caffe's ``PriorBox``.
    """
    boxes = []
    for head in HEADS:
        middle = np.sqrt(head.smallest * head.largest)
        sides = [(head.smallest, head.smallest), (middle, middle)]
        for ratio in head.ratios:
            long, short = head.smallest * np.sqrt(ratio), head.smallest / np.sqrt(ratio)
            sides += [(long, short), (short, long)]
        places = (np.arange(head.cells) + 0.5) * head.step
        centres = np.stack(np.meshgrid(places, places), axis=-1)[:, :, None]  # (cells, cells, 1, 2)
        half = np.array(sides) / 2  # (priors, 2)
        boxes.append(np.concatenate([centres - half, centres + half], axis=-1).reshape(-1, 4))
    return (np.concatenate(boxes) / CLASSIC_SIZE).astype(np.float32)


def build_network(model: bytes) -> Any:
    """The network with the weights of a caffemodel.

    Returns:
        A Keras model from pictures, float32 (B, 300, 300, 3) blue, green, red in 0..255, to two
        arrays: the boxes relative to ``prior_boxes()``, (B, P, 4), see ``VARIANCES``; and the
        logits of background and face, (B, P, 2).

    Raises:
        ValueError: the file holds another network.
    """
    weights = read_weights(model)
    network = _Builder(import_keras()).network()
    for layer in network.layers:
        if not layer.weights:
            continue
        arrays = _arrays_of(layer, weights)
        if [array.shape for array in arrays] != [tuple(w.shape) for w in layer.weights]:
            raise ValueError(f"expected the SSD, found other shapes of weights for {layer.name}")
        layer.set_weights(arrays)
    return network


def file_with(network: Any, model: bytes) -> bytes:
    """The caffemodel with the weights of the network, convolutions in half precision.

    Args:
        network: see :func:`build_network`.
        model: the content of a file of that kind.
    """
    weights = {}
    for layer in network.layers:
        arrays = layer.get_weights()
        name = layer.name
        if name in _NORMS:
            weights[f"{_NORMS[name]}/0"], weights[f"{_NORMS[name]}/1"] = arrays[:2]
        elif name == _UNIT_LENGTH:
            weights[f"{name}/0"] = arrays[0]
        elif arrays:
            weights[f"{name}/0"] = arrays[0].transpose(3, 2, 0, 1)
            weights |= {f"{name}/1": bias for bias in arrays[1:]}
    return in_half_precision(with_weights(model, weights))


def scale_and_shift(network: Any, scale: float, shift: float) -> None:
    """Change the logit of every score to ``scale * logit + shift``.

    Args:
        network: see :func:`build_network`.
    """
    for head in HEADS:
        layer = network.get_layer(f"{head.name}_mbox_conf")
        kernel, bias = layer.get_weights()
        kernel, bias = kernel * scale, bias * scale
        bias[1::2] += shift  # the channels are background and face of each prior
        layer.set_weights([kernel, bias])


def published_share(layer: str) -> float:
    """How much of its published weights a layer keeps in training: half.

    None in the layers that see the largest faces: the original is sure of a second face on
    close-ups, and so would be the mean.
    """
    return 0.0 if layer.startswith(_COARSE) else 0.5


def _arrays_of(layer: Any, weights: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The weights of a layer, as Keras wants them."""
    name = layer.name
    try:
        if name in _NORMS:
            mean, variance, count = (weights[f"{name}/{place}"] for place in range(3))
            factors, offsets = (weights[f"{_NORMS[name]}/{place}"] for place in range(2))
            return [factors, offsets, mean / count, variance / count]
        if name == _UNIT_LENGTH:
            return [weights[f"{name}/0"]]
        # A kernel is (C, D, h, w) there and (h, w, D, C) here.
        kernel = weights[f"{name}/0"].transpose(2, 3, 1, 0)
        return [kernel, weights[f"{name}/1"]] if layer.use_bias else [kernel]
    except KeyError as error:
        raise ValueError(f"expected the SSD, found no weights {error}") from None


class _Builder:
    """Builds the network; its layers have the names of the prototxt."""

    def __init__(self, keras: Any) -> None:
        self._keras, self._layers, self._own_layers = keras, keras.layers, caffe_layers(keras)

    def network(self) -> Any:
        picture = self._keras.Input((CLASSIC_SIZE, CLASSIC_SIZE, 3), name="picture")
        features = self._features(picture)
        outputs = []
        for name, size in (("loc", 4), ("conf", 2)):
            parts = []
            for head, x in zip(HEADS, features, strict=True):
                y = self._convolution(x, f"{head.name}_mbox_{name}", size * head.priors, 3)
                parts.append(self._layers.Reshape((-1, size))(y))
            outputs.append(self._layers.Concatenate(axis=1)(parts))
        return self._keras.Model(picture, outputs)

    def _features(self, picture: Any) -> list[Any]:
        """What each head sees."""
        layers = self._layers
        x = layers.Rescaling(1.0, offset=[-mean for mean in MEAN_BGR])(picture)
        x = self._normalised(x, "data_bn")
        x = self._convolution(x, "conv1_h", 32, 7, 2)
        x = layers.ReLU()(self._normalised(x, "conv1_bn_h"))
        # Caffe's pooling goes one pixel beyond the lower right edge.
        x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
        y = self._convolution(x, "layer_64_1_conv1_h", 32, 3, bias=False)
        y = layers.ReLU()(self._normalised(y, "layer_64_1_bn2_h"))
        y = self._convolution(y, "layer_64_1_conv2_h", 32, 3, bias=False)
        x = layers.Add()([x, y])
        x, _ = self._block(x, "layer_128_1", ("_bn1_h", "_conv1_h", "_bn2", "_conv2"), 128, 2)
        x, fine = self._block(x, "layer_256_1", ("_bn1", "_conv1", "_bn2", "_conv2"), 256, 2)
        names = ("_bn1", "_conv1_h", "_bn2_h", "_conv2_h")
        x, _ = self._block(x, "layer_512_1", names, 256, 1)
        x = layers.ReLU()(self._normalised(x, "last_bn_h"))
        features = [self._own_layers.UnitLength(name=_UNIT_LENGTH)(fine), x]
        for number, width, stride in ((6, 256, 2), (7, 128, 2), (8, 128, 1), (9, 128, 1)):
            x = layers.ReLU()(self._convolution(x, f"conv{number}_1_h", width // 2, 1))
            x = layers.ReLU()(self._convolution(x, f"conv{number}_2_h", width, 3, stride))
            features.append(x)
        return features

    def _block(
        self, x: Any, name: str, parts: tuple[str, ...], width: int, stride: int
    ) -> tuple[Any, Any]:
        """A residual block; returns its result and its normalised input."""
        first_norm, first, second_norm, second = (name + part for part in parts)
        x = self._layers.ReLU()(self._normalised(x, first_norm))
        # The last block keeps the resolution: it is dilated instead, and half as wide inside.
        inside, dilation = (width, 1) if stride == 2 else (width // 2, 2)
        y = self._convolution(x, first, inside, 3, stride, bias=False)
        y = self._layers.ReLU()(self._normalised(y, second_norm))
        y = self._convolution(y, second, width, 3, 1, bias=False, dilation=dilation)
        expand = "_conv_expand" if name == "layer_256_1" else "_conv_expand_h"
        shortcut = self._convolution(x, name + expand, width, 1, stride, bias=False)
        return self._layers.Add()([y, shortcut]), x

    def _normalised(self, x: Any, name: str) -> Any:
        layer = self._own_layers.Normalisation(name=name)
        layer.trainable = name not in _FROZEN
        return layer(x)

    def _convolution(
        self,
        x: Any,
        name: str,
        width: int,
        side: int,
        stride: int = 1,
        bias: bool = True,
        dilation: int = 1,
    ) -> Any:
        if stride > 1 and side > 1:
            # "same" would pad an even number of rows below and right alone.
            x = self._layers.ZeroPadding2D(side // 2)(x)
        layer = self._layers.Conv2D(
            width,
            side,
            stride,
            padding="same" if stride == 1 else "valid",
            dilation_rate=dilation,
            use_bias=bias,
            name=name,
        )
        layer.trainable = name not in _FROZEN
        return layer(x)
