"""The weights inside an ONNX file: read them, and put others in their place.

    model = Path("face_detection_yunet_2023mar.onnx").read_bytes()
    weights = read_weights(model)
    assert with_weights(model, weights) == model

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx, Apache 2.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from face_detector.protobuf import Field, fields, packed_varints
from face_detector.training.tensors import Tensor, exchanged, read

_GRAPH = 7  # of ModelProto
_NODE, _INITIALIZER = 1, 5  # of GraphProto
_NODE_INPUT, _OPERATOR = 1, 4  # of NodeProto
_DIMENSIONS, _TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9  # of TensorProto
_FLOAT = 1  # TensorProto.DataType


def read_weights(model: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors of one dimension or more of a model, by name.

    Raises:
        ValueError: this is no ONNX file.
    """
    return read(model, _tensors(model))


def with_weights(model: bytes, weights: Mapping[str, np.ndarray]) -> bytes:
    """The model with some of its tensors exchanged, everything else as it was.

    Args:
        weights: arrays by the names of the tensors that they replace, of the same shapes.

    Raises:
        ValueError: a name is unknown or a shape another one.
    """
    return exchanged(model, _tensors(model), weights)


def convolutions(model: bytes) -> list[tuple[str, str]]:
    """The names of kernel and bias of every convolution, in the order in which they are run."""
    names = []
    for node in fields(model, *_span(_graph(model))):
        if node.number != _NODE:
            continue
        parts = list(fields(model, *_span(node)))
        (operator,) = [_text(model, part) for part in parts if part.number == _OPERATOR]
        if operator == "Conv":
            inputs = [_text(model, part) for part in parts if part.number == _NODE_INPUT]
            names.append((inputs[1], inputs[2]))
    return names


def _tensors(model: bytes) -> Iterator[Tensor]:
    for item in fields(model, *_span(_graph(model))):
        if item.number != _INITIALIZER:
            continue
        shape: list[int] = []
        name, kind, data = "", 0, None
        for part in fields(model, *_span(item)):
            if part.number == _DIMENSIONS:
                # Written one by one or packed, as the writer liked.
                shape += [part.value] if part.value else packed_varints(model, part)
            elif part.number == _TYPE:
                kind = part.value
            elif part.number == _NAME:
                name = _text(model, part)
            elif part.number == _RAW_DATA:
                data = part
        if kind == _FLOAT and shape and data is not None:
            yield Tensor(name, tuple(shape), data)


def _graph(model: bytes) -> Field:
    graphs = [field for field in fields(model) if field.number == _GRAPH]
    if len(graphs) != 1:
        raise ValueError("expected an ONNX file, found no graph in it")
    return graphs[0]


def _span(field: Field) -> tuple[int, int]:
    return field.start, field.end


def _text(model: bytes, field: Field) -> str:
    return model[field.start : field.end].decode()
