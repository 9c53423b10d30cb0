"""Protocol buffers, as ONNX files are encoded: fields written, fields read.

A message is its fields one after the other, so what is added to a message is appended to its
bytes: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from face_detector import protobuf

_NUMBER, _BYTES, _FOUR_BYTES = 0, 2, 5  # wire types


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
    for found in protobuf.fields(message):
        yield found.number, found.value if found.is_number else message[found.start : found.end]


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
