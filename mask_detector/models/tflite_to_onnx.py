"""Turn a compiled classifier (LiteRT) into an ONNX network with the same weights.

Pictures are (N, H, W, C) in LiteRT and (N, C, H, W) in ONNX: one transposition at the beginning,
and the constants are written for it. Quantized networks keep their whole numbers: weights are
stored as such, and each result is rounded as LiteRT does
(https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "QDQ").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models import onnx_file
from mask_detector.models.tflite_file import (
    Operation,
    Quantization,
    Table,
    TfliteNetwork,
    read_tflite,
)

_PLANES = (0, 3, 1, 2)  # where the axes of (N, H, W, C) go
_ROWS = (0, 2, 3, 1)  # and back
_SAME_PADDING = 0
_CLIPPED = {1: (0.0, np.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}  # RELU, RELU_N1_TO_1, RELU6
_TANH = 4


class UnsupportedNetworkError(ModelFileError):
    """The network is sound, but has a part that is not translated here."""


def onnx_from_tflite(flatbuffer: bytes) -> bytes:
    """The ONNX form of a compiled network.

    Args:
        flatbuffer: from float32 crops (N, S, S, 3) to (N, C).

    Returns:
        The ONNX file of a network from ``crops``, (N, S, S, 3), to ``probabilities``, (N, C).

    Raises:
        ModelFileError: the network is damaged, or (UnsupportedNetworkError) has an operation that
            is not known here.
    """
    network = read_tflite(flatbuffer)
    try:
        return _Translation(network).result()
    except (IndexError, ValueError, TypeError, KeyError, ZeroDivisionError):
        raise ModelFileError("its compiled network is damaged") from None


class _Translation:
    """One network on its way: tensors of LiteRT by number, values of ONNX by name."""

    def __init__(self, network: TfliteNetwork) -> None:
        self._network = network
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._names: dict[int, str] = {}
        self._known = {
            number: tensor.constant
            for number, tensor in enumerate(network.tensors)
            if tensor.constant is not None
        }

    def result(self) -> bytes:
        network = self._network
        if len(network.inputs) != 1 or len(network.outputs) != 1:
            raise UnsupportedNetworkError("expected a network with one input and one output")
        source, target = network.inputs[0], network.outputs[0]
        tensors = network.tensors
        shape, classes = tensors[source].shape, tensors[target].shape
        is_classifier = len(shape) == 4 and shape[1] == shape[2] and shape[3] == 3
        if not is_classifier or len(classes) != 2 or tensors[source].dtype != np.float32:
            raise UnsupportedNetworkError(
                "expected a network from float32 RGB crops (N, S, S, 3) to classes (N, C), got one "
                f"from {tensors[source].dtype} {shape} to {classes}"
            )
        self._names[source] = self._add("Transpose", [onnx_file.SOURCE], perm=_PLANES)
        for operation in network.operations:
            self._translate(operation)
        self._nodes.append(onnx_file.node("Identity", [self._names[target]], onnx_file.TARGET))
        return onnx_file.network(self._nodes, self._constants, shape[1], classes[1])

    def _translate(self, operation: Operation) -> None:
        translate = _TRANSLATIONS.get(operation.code)
        if translate is None:
            raise UnsupportedNetworkError(
                f"its compiled network has an operation (number {operation.code}) that is not "
                "turned into ONNX"
            )
        translate(self, operation)

    def _add(self, kind: str, inputs: Sequence[str], **attributes: onnx_file.Attribute) -> str:
        name = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(onnx_file.node(kind, inputs, name, **attributes))
        return name

    def _stored(self, values: np.ndarray) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(onnx_file.tensor(name, values))
        return name

    def _constant(self, values: np.ndarray) -> str:
        return self._stored(values.astype(np.int64 if values.dtype.kind == "i" else np.float32))

    def _weights(self, number: int, order: Sequence[int]) -> str:
        """A constant with its axes in another order; whole numbers where it is quantized."""
        tensor = self._network.tensors[number]
        if tensor.stored is None or tensor.quantization is None:
            return self._constant(self._known[number].transpose(order))
        whole = self._stored(tensor.stored.transpose(order))
        axis = list(order).index(tensor.quantization.axis)
        return self._real(whole, tensor.quantization, tensor.dtype, axis)

    def _real(self, whole: str, quantization: Quantization, dtype: np.dtype, axis: int = 1) -> str:
        """The real numbers that whole ones stand for."""
        return self._add("DequantizeLinear", [whole, *self._scale(quantization, dtype)], axis=axis)

    def _scale(self, quantization: Quantization, dtype: np.dtype) -> list[str]:
        scales, zeros = quantization.scales, quantization.zeros.astype(dtype)
        if len(scales) == 1:
            scales, zeros = scales.reshape(()), zeros.reshape(())
        return [self._constant(scales), self._stored(zeros)]

    def _set(self, operation: Operation, name: str, activation: int = 0) -> None:
        """Name the output of an operation, after the activation that is fused into it.

        What is quantized is rounded to the whole numbers that it is kept in.
        """
        target = self._network.tensors[operation.outputs[0]]
        quantization = target.quantization if target.dtype in (np.int8, np.uint8) else None
        if quantization and activation in _CLIPPED:
            limits = np.iinfo(target.dtype)
            least, most = quantization.real(np.array([limits.min, limits.max]))
            low, high = _CLIPPED[activation]
            if low <= least and most <= high:
                activation = 0  # the whole numbers end where it would clip
        if activation in _CLIPPED:
            ends = [self._constant(np.float32(end)) for end in _CLIPPED[activation]]
            name = self._add("Clip", [name, *ends])
        elif activation == _TANH:
            name = self._add("Tanh", [name])
        elif activation:
            raise UnsupportedNetworkError(f"its activation {activation} is not turned into ONNX")
        if quantization:
            whole = self._add("QuantizeLinear", [name, *self._scale(quantization, target.dtype)])
            name = self._real(whole, quantization, target.dtype)
        self._names[operation.outputs[0]] = name

    def _shape(self, number: int) -> tuple[int, ...]:
        return self._network.tensors[number].shape

    def _window(
        self,
        operation: Operation,
        kernel: tuple[int, int],
        options: Table,
        dilations: Sequence[int],
    ) -> dict[str, onnx_file.Attribute]:
        """How a window moves over a picture: attributes of convolutions and pools."""
        strides = options.number(2, "<i", 1), options.number(1, "<i", 1)
        pads = [0, 0, 0, 0]  # top, left, bottom, right
        if options.number(0, "<b") == _SAME_PADDING:
            sizes = self._shape(operation.inputs[0])[1:3]
            for axis, (size, side, stride) in enumerate(zip(sizes, kernel, strides, strict=True)):
                covered = (-(-size // stride) - 1) * stride + (side - 1) * dilations[axis] + 1
                lacking = max(0, covered - size)
                pads[axis], pads[axis + 2] = lacking // 2, lacking - lacking // 2
        return {"kernel_shape": kernel, "strides": strides, "pads": pads}

    def convolution(self, operation: Operation) -> None:
        depthwise, options = operation.code == 4, operation.options
        source, kernel = operation.inputs[:2]
        # (outputs, H, W, inputs of a group), or (1, H, W, outputs) with a group for each channel
        order = (3, 0, 1, 2) if depthwise else _PLANES
        _, inputs_of_group, *window = (self._known[kernel].shape[axis] for axis in order)
        at = 5 if depthwise else 4
        dilations = options.number(at + 1, "<i", 1), options.number(at, "<i", 1)
        bias = [self._weights(number, (0,)) for number in operation.inputs[2:3] if number >= 0]
        inputs = [self._names[source], self._weights(kernel, order), *bias]
        name = self._add(
            "Conv", inputs, group=self._shape(source)[3] // inputs_of_group, dilations=dilations,
            **self._window(operation, (window[0], window[1]), options, dilations),
        )  # fmt: skip
        self._set(operation, name, options.number(at - 1, "<b"))

    def pool(self, operation: Operation) -> None:
        options = operation.options
        kernel = options.number(4, "<i", 1), options.number(3, "<i", 1)
        kind = "AveragePool" if operation.code == 1 else "MaxPool"
        window = self._window(operation, kernel, options, (1, 1))
        name = self._add(kind, [self._names[operation.inputs[0]]], **window)
        self._set(operation, name, options.number(5, "<b"))

    def arithmetic(self, operation: Operation) -> None:
        kind = {0: "Add", 18: "Mul", 41: "Sub", 42: "Div"}[operation.code]
        rank = len(self._shape(operation.outputs[0]))
        inputs = []
        for number in operation.inputs:
            values = self._known.get(number)
            if values is None:
                if len(self._shape(number)) != rank:
                    raise UnsupportedNetworkError("its arithmetic is not turned into ONNX")
                inputs.append(self._names[number])
                continue
            values = values.reshape((1,) * (rank - values.ndim) + values.shape)
            inputs.append(self._constant(values.transpose(_PLANES) if rank == 4 else values))
        self._set(operation, self._add(kind, inputs), operation.options.number(0, "<b"))

    def mean(self, operation: Operation) -> None:
        source, axes = operation.inputs
        rank, wanted = len(self._shape(source)), self._known[axes].reshape(-1)
        moved = [_PLANES.index(int(axis) % rank) if rank == 4 else int(axis) for axis in wanted]
        kept = operation.options.number(0, "<b")
        name = self._add("ReduceMean", [self._names[source]], axes=sorted(moved), keepdims=kept)
        self._set(operation, name)

    def dense(self, operation: Operation) -> None:
        source = operation.inputs[0]
        # In floats: what OpenCV 4 computes for quantized ones is wrong.
        constants = [self._known[number] for number in operation.inputs[1:3] if number >= 0]
        flat = self._flat(source, [-1, constants[0].shape[1]])  # weights are (outputs, inputs)
        inputs = [flat, *(self._constant(each) for each in constants)]
        self._set(operation, self._add("Gemm", inputs, transB=1), operation.options.number(0, "<b"))

    def _flat(self, number: int, shape: Sequence[int]) -> str:
        """A tensor in LiteRT's order of values, in another shape."""
        name = self._names[number]
        if len(self._shape(number)) == 4 and self._shape(number)[1:3] != (1, 1):
            name = self._add("Transpose", [name], perm=_ROWS)
        return self._add("Reshape", [name, self._constant(np.asarray(shape))])

    def reshape(self, operation: Operation) -> None:
        shape = self._shape(operation.outputs[0])
        name = self._flat(operation.inputs[0], [-1, *shape[1:]])
        if len(shape) == 4:
            name = self._add("Transpose", [name], perm=_PLANES)
        self._set(operation, name)

    def pad(self, operation: Operation) -> None:
        source, amounts = operation.inputs[:2]
        both = self._known[amounts]  # (axes, 2)
        both = both[list(_PLANES)] if len(both) == 4 else both
        pads = self._constant(both.T.reshape(-1).astype(np.int64))
        self._set(operation, self._add("Pad", [self._names[source], pads]))

    def concatenation(self, operation: Operation) -> None:
        rank, axis = len(self._shape(operation.outputs[0])), operation.options.number(0, "<i")
        moved = _PLANES.index(axis % rank) if rank == 4 else axis
        inputs = [self._names[number] for number in operation.inputs]
        name = self._add("Concat", inputs, axis=moved)
        self._set(operation, name, operation.options.number(1, "<b"))

    def softmax(self, operation: Operation) -> None:
        if operation.options.number(0, "<f", 1.0) != 1:
            raise UnsupportedNetworkError("its softmax has a temperature")
        self._set(operation, self._add("Softmax", [self._names[operation.inputs[0]]], axis=1))

    def function(self, operation: Operation) -> None:
        name = self._names[operation.inputs[0]]
        if operation.code in (19, 21):  # RELU, RELU6
            self._set(operation, name, {19: 1, 21: 3}[operation.code])
            return
        kind = {14: "Sigmoid", 28: "Tanh", 117: "HardSwish"}[operation.code]
        self._set(operation, self._add(kind, [name]))

    def quantization(self, operation: Operation) -> None:
        source, target = operation.inputs[0], operation.outputs[0]
        if source in self._known:
            self._known[target] = self._known[source].astype(np.float32)
        else:
            self._set(operation, self._names[source])

    def shape(self, operation: Operation) -> None:
        """What computes the shape of a reshaping: that is known without."""


_TRANSLATIONS: dict[int, Callable[[_Translation, Operation], None]] = {
    **dict.fromkeys((0, 18, 41, 42), _Translation.arithmetic),
    **dict.fromkeys((1, 17), _Translation.pool),
    2: _Translation.concatenation,
    **dict.fromkeys((3, 4), _Translation.convolution),
    **dict.fromkeys((6, 114), _Translation.quantization),
    9: _Translation.dense,
    **dict.fromkeys((14, 19, 21, 28, 117), _Translation.function),
    22: _Translation.reshape,
    25: _Translation.softmax,
    34: _Translation.pad,
    40: _Translation.mean,
    **dict.fromkeys((45, 77, 83), _Translation.shape),  # STRIDED_SLICE, SHAPE, PACK
}
"""By the number of the operation in the schema's ``BuiltinOperator``."""
