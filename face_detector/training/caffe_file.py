"""The weights inside a caffemodel: read them, and put others in their place.

    model = Path("res10_300x300_ssd_iter_140000.caffemodel").read_bytes()
    weights = read_weights(model)
    assert with_weights(model, weights) == model

Field numbers are those of OpenCV's modules/dnn/src/caffe/opencv-caffe.proto (Apache 2.0), which has
half precision where Caffe's own schema has only single.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from face_detector.protobuf import Field, fields, packed_varints
from face_detector.training.tensors import Tensor, exchanged, read

_LAYER = 100  # of NetParameter
_NAME, _BLOB = 1, 7  # of LayerParameter
_DATA, _SHAPE, _RAW_TYPE, _RAW_DATA = 5, 7, 10, 12  # of BlobProto
_FLOAT16 = 2  # BlobProto.raw_data_type


def read_weights(model: bytes) -> dict[str, np.ndarray]:
    """The blobs of a model as float32 arrays, named ``layer/0``, ``layer/1`` …

    Raises:
        ValueError: this is no caffemodel.
    """
    weights = read(model, _tensors(model))
    if not weights:
        raise ValueError("expected a caffemodel, found no weights in it")
    return weights


def with_weights(model: bytes, weights: Mapping[str, np.ndarray]) -> bytes:
    """The model with some of its blobs exchanged, stored in the precision that they had.

    Args:
        weights: arrays by the names that :func:`read_weights` gives, of the same shapes.

    Raises:
        ValueError: a name is unknown or a shape another one.
    """
    return exchanged(model, _tensors(model), weights)


def in_half_precision(model: bytes) -> bytes:
    """The model with the numbers of all convolutions stored as float16, which OpenCV reads."""
    if any(tensor.dtype == "<f2" for tensor in _tensors(model)):
        return model
    with tempfile.TemporaryDirectory() as folder:
        whole, half = Path(folder, "whole.caffemodel"), Path(folder, "half.caffemodel")
        whole.write_bytes(model)
        cv2.dnn.shrinkCaffeModel(str(whole), str(half))
        return half.read_bytes()


def _tensors(model: bytes) -> Iterator[Tensor]:
    for layer in fields(model):
        if layer.number != _LAYER:
            continue
        parts = list(fields(model, layer.start, layer.end))
        (name,) = [model[part.start : part.end].decode() for part in parts if part.number == _NAME]
        blobs = [part for part in parts if part.number == _BLOB]
        for index, blob in enumerate(blobs):
            yield _tensor(model, blob, f"{name}/{index}")


def _tensor(model: bytes, blob: Field, name: str) -> Tensor:
    shape: list[int] = []
    data, half = None, False
    for part in fields(model, blob.start, blob.end):
        if part.number == _SHAPE:
            for dimensions in fields(model, part.start, part.end):
                shape += packed_varints(model, dimensions)
        elif part.number in (_DATA, _RAW_DATA):
            data = part
        elif part.number == _RAW_TYPE:
            half = part.value == _FLOAT16
    if data is None:
        raise ValueError(f"expected a caffemodel, found no numbers in {name}")
    return Tensor(name, tuple(shape), data, "<f2" if half else "<f4")
