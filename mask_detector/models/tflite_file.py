"""Read a LiteRT (TFLite) network as data: its tensors, its operations, and their constants.

No package is needed for it, and a damaged file is a sentence. The numbers of fields are those of
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs,
the encoding that of https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mask_detector.errors import ModelFileError

_TYPES: dict[int, Any] = {
    0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 7: np.int16,
    9: np.int8,
}  # fmt: skip
_MOST_ELEMENTS = 1 << 29


def is_tflite(content: bytes) -> bool:
    """Whether this is a LiteRT network, by its first bytes."""
    return content[4:8] == b"TFL3"


class Table:
    """A table of a FlatBuffer: fields by their number, each with a default."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The table that the file begins with."""
        return cls(data, _unpack("<I", data, 0))

    def _field(self, number: int) -> int | None:
        vtable = self._position - _unpack("<i", self._data, self._position)
        entry = 4 + 2 * number
        if entry >= _unpack("<H", self._data, vtable):
            return None
        offset = _unpack("<H", self._data, vtable + entry)
        return self._position + offset if offset else None

    def number(self, field: int, kind: str, default: float = 0) -> Any:
        """A number; ``kind`` as in the module ``struct``."""
        position = self._field(field)
        return default if position is None else _unpack(kind, self._data, position)

    def table(self, field: int) -> Table | None:
        """A table within this one."""
        position = self._field(field)
        return None if position is None else Table(self._data, self._target(position))

    def vector(self, field: int, dtype: Any) -> np.ndarray:
        """Numbers, shape (N,), not copied; N = 0 where there is no such field."""
        position = self._field(field)
        if position is None:
            return np.empty(0, dtype)
        start = self._target(position)
        count = _unpack("<I", self._data, start)
        kind = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(self._data, kind, count, start + 4)

    def tables(self, field: int) -> list[Table]:
        """Tables, in their order."""
        position = self._field(field)
        if position is None:
            return []
        start = self._target(position) + 4
        offsets = self.vector(field, np.uint32)
        return [Table(self._data, start + 4 * i + int(each)) for i, each in enumerate(offsets)]

    def _target(self, position: int) -> int:
        return position + int(_unpack("<I", self._data, position))


def _unpack(kind: str, data: bytes, position: int) -> Any:
    if position < 0:  # struct would count from the end
        raise ValueError("an offset lies before the file")
    return struct.unpack_from(kind, data, position)[0]


@dataclass(frozen=True)
class Quantization:
    """How whole numbers stand for real ones: ``real = (whole - zeros) * scales``.

    Attributes:
        scales: float32, (1,), or (K,) with one for each index of an axis.
        zeros: int64, (1,) or (K,).
        axis: the axis that ``scales`` belong to.
    """

    scales: np.ndarray
    zeros: np.ndarray
    axis: int

    def real(self, whole: np.ndarray) -> np.ndarray:
        """The float32 numbers that whole ones of any shape stand for."""
        along = [1] * whole.ndim
        if len(self.scales) > 1:
            along[self.axis] = -1
        zeros, scales = self.zeros.reshape(along), self.scales.reshape(along)
        return ((whole.astype(np.float64) - zeros) * scales).astype(np.float32)


@dataclass(frozen=True)
class Tensor:
    """What flows between operations.

    Attributes:
        shape: pictures as (N, H, W, C), with N = 1.
        dtype: of its elements.
        stored: its elements as the file has them; None if they are computed.
        quantization: what its elements stand for; None if for themselves.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    stored: np.ndarray | None
    quantization: Quantization | None

    @property
    def constant(self) -> np.ndarray | None:
        """Its values, floats where it is quantized; None if they are computed."""
        if self.stored is None or self.quantization is None:
            return self.stored
        return self.quantization.real(self.stored)


@dataclass(frozen=True)
class Operation:
    """A step of the network.

    Attributes:
        code: number of the operation in the schema's ``BuiltinOperator``.
        inputs, outputs: tensors by their number; -1 stands for none.
        options: its settings.
    """

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table


@dataclass(frozen=True)
class TfliteNetwork:
    """A network: tensors, and operations in the order in which they run."""

    tensors: Sequence[Tensor]
    operations: Sequence[Operation]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_tflite(content: bytes) -> TfliteNetwork:
    """The first (and for an image classifier only) graph of a LiteRT file.

    Raises:
        ModelFileError: the file is damaged.
    """
    try:
        return _read(content)
    except (struct.error, ValueError, IndexError, KeyError, OverflowError, TypeError):
        raise ModelFileError("its compiled network is damaged") from None


def _read(content: bytes) -> TfliteNetwork:
    model = Table.root(content)
    buffers = model.tables(4)
    # The field of a byte came first and is still filled where the number is small enough.
    codes = [max(each.number(0, "<b"), each.number(3, "<i")) for each in model.tables(1)]
    graph = model.tables(2)[0]
    nothing = Table(b"\0\0\0\0\x04\0\0\0", 4)  # a table whose (empty) list of fields is before it
    operations = [
        Operation(
            codes[each.number(0, "<I")],
            tuple(map(int, each.vector(1, np.int32))),
            tuple(map(int, each.vector(2, np.int32))),
            each.table(4) or nothing,
        )
        for each in graph.tables(3)
    ]
    return TfliteNetwork(
        [_tensor(each, buffers) for each in graph.tables(0)],
        operations,
        tuple(map(int, graph.vector(1, np.int32))),
        tuple(map(int, graph.vector(2, np.int32))),
    )


def _tensor(table: Table, buffers: Sequence[Table]) -> Tensor:
    shape = tuple(map(int, table.vector(0, np.int32)))
    dtype = np.dtype(_TYPES[table.number(1, "<b")])
    quantization = _quantization(table.table(4), len(shape))
    data = buffers[table.number(2, "<I")].vector(0, np.uint8)
    if not len(data):
        return Tensor(shape, dtype, None, quantization)
    values = data.view(dtype.newbyteorder("<")).reshape(shape)
    if values.size > _MOST_ELEMENTS:
        raise ValueError("more values than any classifier has")
    if quantization and len(quantization.scales) not in (1, *shape[quantization.axis :][:1]):
        raise ValueError("scales that do not fit the axis")
    return Tensor(shape, dtype, values, quantization)


def _quantization(table: Table | None, rank: int) -> Quantization | None:
    scales = table.vector(2, np.float32) if table else np.empty(0)
    if table is None or not len(scales):
        return None
    zeros = np.resize(table.vector(3, np.int64), len(scales))  # zeros where there are none
    axis = table.number(6, "<i")
    if not 0 <= axis < max(rank, 1):
        raise ValueError("an axis that the tensor has not")
    return Quantization(scales, zeros, axis)
