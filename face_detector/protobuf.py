"""Reading protobuf messages without their schema: ONNX and Caffe files are such messages.

Fields are given by their place in the file, so that numbers can be exchanged where they stand and
everything else stays as it is, byte for byte.

    https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED_64, _LENGTH_DELIMITED, _FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10  # bytes


@dataclass(frozen=True)
class Field:
    """One field of a message.

    Attributes:
        number: what the schema knows it by.
        start: where its content begins in the file; of a varint, where that begins.
        end: where it ends.
        value: the number of a varint, 0 of every other kind.
        is_number: it is a varint.
    """

    number: int
    start: int
    end: int
    value: int = 0
    is_number: bool = False


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The unsigned number that begins at a position, and the position after it.

    Raises:
        IndexError: the data end before the number does.
        ValueError: it is longer than 64 bits can be.
    """
    value = shift = 0
    while True:
        if shift >= 7 * _LONGEST_VARINT:
            raise ValueError("expected a protobuf message, found a number that does not end")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of the message between two positions, in their order.

    Raises:
        ValueError: this is no protobuf message.
    """
    position = start
    stop = len(data) if end is None else end
    while position < stop:
        try:
            key, position = read_varint(data, position)
            number, kind = key >> 3, key & 7
            if kind == _VARINT:
                value, after = read_varint(data, position)
                yield Field(number, position, after, value, is_number=True)
            elif kind == _LENGTH_DELIMITED:
                length, position = read_varint(data, position)
                after = position + length
                yield Field(number, position, after)
            elif kind in (_FIXED_32, _FIXED_64):
                after = position + (4 if kind == _FIXED_32 else 8)
                yield Field(number, position, after)
            else:
                raise ValueError(f"expected a protobuf message, found a field of kind {kind}")
        except IndexError:
            raise ValueError("expected a protobuf message, found one that is cut off") from None
        if after > stop:
            raise ValueError("expected a protobuf message, found one that is cut off")
        position = after


def packed_varints(data: bytes, field: Field) -> list[int]:
    """The numbers of a packed repeated field."""
    numbers, position = [], field.start
    while position < field.end:
        number, position = read_varint(data, position)
        numbers.append(number)
    return numbers
