"""The numbers inside a model file: read where they stand, and exchanged for others there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from face_detector.protobuf import Field


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file.

    Attributes:
        name: unique in the file.
        shape: of the array.
        data: where its numbers lie.
        dtype: how they are stored, in NumPy's words: ``<f4`` or ``<f2``.
    """

    name: str
    shape: tuple[int, ...]
    data: Field
    dtype: str = "<f4"


def read(model: bytes, tensors: Iterable[Tensor]) -> dict[str, np.ndarray]:
    """The tensors as float32 arrays, by name."""
    return {
        tensor.name: np.frombuffer(model[tensor.data.start : tensor.data.end], tensor.dtype)
        .astype(np.float32)
        .reshape(tensor.shape)
        for tensor in tensors
    }


def exchanged(model: bytes, tensors: Iterable[Tensor], weights: Mapping[str, np.ndarray]) -> bytes:
    """The model with some of its tensors exchanged, everything else as it was.

    Args:
        tensors: all that the model has.
        weights: arrays by the names of the tensors that they replace, of the same shapes.

    Raises:
        ValueError: a name is unknown or a shape another one.
    """
    places = {tensor.name: tensor for tensor in tensors}
    changed = bytearray(model)
    for name, array in weights.items():
        if name not in places:
            raise ValueError(f"the model has no tensor {name!r}")
        place = places[name]
        if array.shape != place.shape:
            raise ValueError(f"{name}: expected the shape {place.shape}, got {array.shape}")
        changed[place.data.start : place.data.end] = array.astype(place.dtype).tobytes()
    return bytes(changed)
