"""Protocol buffers, as ONNX files are encoded: fields written, fields read.

A message is its fields one after the other, so what is added to a message is appended to its
bytes: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_NUMBER, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5  # wire types


def field(number: int, value: int | float | str | bytes) -> bytes:
    """A field: an integer, a float of 32 bits, a text, or the bytes of a message."""
    if isinstance(value, int):
        return _varint(number << 3 | _NUMBER) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | _FOUR_BYTES) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1  # negative numbers as two's complement
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The numbers and values of a message's fields; floats are left as their bytes.

    Raises:
        ValueError: it is damaged.
    """
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        kind = key & 7
        if kind == _NUMBER:
            value, position = _read_varint(message, position)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, position = _read_varint(message, position)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"there is no wire type {kind}")
        if position + length > len(message):
            raise ValueError("it ends too early")
        yield key >> 3, message[position : position + length]
        position += length


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    number = 0
    for index, byte in enumerate(message[position : position + 10]):
        number |= (byte & 127) << 7 * index
        if byte < 128:
            return number, position + index + 1
    raise ValueError("a number does not end")


def messages(message: bytes, number: int) -> list[bytes]:
    """The values of all fields of this number that are texts or messages.

    Raises:
        ValueError: it is damaged.
    """
    return [value for found, value in fields(message) if found == number and type(value) is bytes]


def text(message: bytes, number: int) -> str:
    """The value of the last text field of this number, empty where there is none.

    Raises:
        ValueError: it is damaged.
    """
    return b"".join(messages(message, number)[-1:]).decode(errors="replace")


def whole_number(message: bytes, number: int) -> int | None:
    """The value of the last integer field of this number, None where there is none.

    Raises:
        ValueError: it is damaged.
    """
    values = [value for found, value in fields(message) if found == number]
    return next((value for value in reversed(values) if isinstance(value, int)), None)
