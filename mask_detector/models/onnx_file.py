"""ONNX networks as data: written, their metadata read and added, scaling put before them.

No package is needed for it. The numbers of fields are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from mask_detector.errors import ModelFileError
from mask_detector.models.protobuf import field, fields, messages, text, whole_number

OPERATOR_SET, _FORMAT_VERSION = 14, 8
_TENSOR_TYPES = {
    np.dtype(kind): number
    for kind, number in ((np.float32, 1), (np.uint8, 2), (np.int8, 3), (np.int32, 6), (np.int64, 7))
}
_FLOAT32 = 1

# Fields of ModelProto, GraphProto, NodeProto, and what they hold.
_IR_VERSION, _PRODUCER, _GRAPH, _OPERATOR_SETS, _METADATA = 1, 2, 7, 8, 14
_NODE, _NAME, _INITIALIZER, _INPUT, _OUTPUT = 1, 2, 5, 11, 12

Attribute = int | float | str | Sequence[int]


def tensor(name: str, values: np.ndarray) -> bytes:
    """A constant: float32, uint8, int8, int32 or int64, any shape."""
    dims = b"".join(field(1, size) for size in values.shape)
    raw = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    return dims + field(2, _TENSOR_TYPES[values.dtype]) + field(8, name) + field(9, raw)


def node(kind: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> bytes:
    """An operation of the standard operator set; without a name its output's is taken."""
    parts = [field(1, name) for name in inputs] + [field(2, output), field(3, output)]
    parts += [field(4, kind)]
    parts += [field(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    return field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    """An input or output: float32, dimensions as numbers or, where they are free, names."""
    dims = b"".join(field(1, field(1 if isinstance(d, int) else 2, d)) for d in shape)
    tensor_type = field(1, _FLOAT32) + field(2, dims)
    return field(1, name) + field(2, field(1, tensor_type))


SOURCE, TARGET = "crops", "probabilities"
"""The input and the output of networks that are written here."""


def network(nodes: Sequence[bytes], constants: Sequence[bytes], size: int, classes: int) -> bytes:
    """An ONNX file from float32 ``crops`` (N, size, size, 3) to ``probabilities`` (N, classes)."""
    graph = [field(_NODE, each) for each in nodes] + [field(_NAME, "mask_detector")]
    graph += [field(_INITIALIZER, each) for each in constants]
    graph.append(field(_INPUT, _value(SOURCE, ("N", size, size, 3))))
    graph.append(field(_OUTPUT, _value(TARGET, ("N", classes))))
    return b"".join(
        (
            field(_IR_VERSION, _FORMAT_VERSION),
            field(_PRODUCER, "face-mask-detection"),
            field(_GRAPH, b"".join(graph)),
            field(_OPERATOR_SETS, field(2, OPERATOR_SET)),
        )
    )


def is_onnx(content: bytes) -> bool:
    """Whether this may be an ONNX network: its first field is the format's version."""
    return content[:1] == field(_IR_VERSION, 1)[:1]


@contextmanager
def _damage_in_words() -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise ModelFileError("this ONNX network is damaged, or it is none") from None


def read_metadata(model: bytes) -> dict[str, str]:
    """The texts that an ONNX file carries, by their names.

    Raises:
        ModelFileError: the file is damaged.
    """
    with _damage_in_words():
        return {text(entry, 1): text(entry, 2) for entry in messages(model, _METADATA)}


def with_metadata(model: bytes, metadata: dict[str, str]) -> bytes:
    """The ONNX file with these texts and no others.

    Raises:
        ModelFileError: the file is damaged.
    """
    with _damage_in_words():
        kept = [field(number, value) for number, value in fields(model) if number != _METADATA]
    added = [field(_METADATA, field(1, k) + field(2, v)) for k, v in metadata.items()]
    return b"".join(kept + added)


@dataclass(frozen=True)
class Interface:
    """What goes into an ONNX classifier and what comes out of it.

    Attributes:
        source, target: the names of its input and output.
        size: side of the square crops in pixels.
        planes: whether it takes them as (N, 3, S, S) rather than (N, S, S, 3).
        classes: how many numbers it gives for a crop.
        scales: whether its first operation on the pixels is arithmetic, as rescaling is.
    """

    source: str
    target: str
    size: int
    planes: bool
    classes: int
    scales: bool


def read_interface(model: bytes) -> Interface:
    """The one input and the one output of an ONNX classifier.

    Raises:
        ModelFileError: the file is damaged, or it takes no square RGB crops of float32, or gives
            no classes.
    """
    with _damage_in_words():
        graph = b"".join(messages(model, _GRAPH))
        constants = {text(each, 8) for each in messages(graph, _INITIALIZER)}
        inputs = [_named(each) for each in messages(graph, _INPUT)]
        # Older files name their constants among the inputs.
        inputs = [each for each in inputs if each[0] not in constants]
        outputs = [_named(each) for each in messages(graph, _OUTPUT)]
        scales = [_scales(graph, name) for name, *_ in inputs]
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelFileError(
            f"expected a network with one input and one output, got one with {len(inputs)} and "
            f"{len(outputs)}"
        )
    (source, kind, shape), (target, _, given) = inputs[0], outputs[0]
    planes = shape[1:2] == (3,)
    sides = shape[2:] if planes else shape[1:3]
    is_classifier = len(shape) == 4 and len(given) == 2 and (planes or shape[3] == 3)
    if (
        not is_classifier
        or not sides[0]
        or sides[0] != sides[1]
        or not given[1]
        or kind != _FLOAT32
    ):
        raise ModelFileError(
            "expected a network from square float32 RGB crops (N, S, S, 3) or (N, 3, S, S) to "
            f"classes (N, C), got one from {_in_words(shape)} to {_in_words(given)}"
        )
    return Interface(source, target, sides[0], planes, given[1], scales[0])


def _named(value: bytes) -> tuple[str, int | None, tuple[int, ...]]:
    """Name, type of number and shape of an input or output; 0 for dimensions that are free."""
    tensor_type = b"".join(b"".join(messages(each, 1)) for each in messages(value, 2))
    shape = b"".join(messages(tensor_type, 2))
    dimensions = tuple(whole_number(each, 1) or 0 for each in messages(shape, 1))
    return text(value, 1), whole_number(tensor_type, 1), dimensions


def _in_words(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(str(size) if size > 0 else "N" for size in shape) + ")"


def _scales(graph: bytes, source: str) -> bool:
    """Whether arithmetic is the first that happens to a value."""
    for each in messages(graph, _NODE):  # in the order in which they run
        if source.encode() in messages(each, 1):
            kind = text(each, 4)
            if kind not in ("Transpose", "Cast", "Identity"):
                return kind in ("Mul", "Div", "Sub", "Add")
            source = text(each, 2)
    return False


def with_crops_as_input(model: bytes, interface: Interface, scale: float, offset: float) -> bytes:
    """The network behind scaling, and with two probabilities where it gives one.

    Args:
        model: from pixels times ``scale`` plus ``offset`` to (N, classes), or to (N, 1): the
            probability of the second of two classes.

    Returns:
        The ONNX file of a network from crops, float32 0..255, (N, S, S, 3), to
        probabilities (N, classes).
    """
    own = "mask_detector/{}".format  # names that the network has not
    crops, rows = own(SOURCE), own(TARGET)
    before = [
        node("Mul", (crops, own("scale")), own("scaled")),
        node("Add", (own("scaled"), own("offset")), own("shifted")),
    ]
    if interface.planes:
        before.append(node("Transpose", (own("shifted"),), interface.source, perm=(0, 3, 1, 2)))
    else:
        before.append(node("Identity", (own("shifted"),), interface.source))
    if interface.classes == 1:
        after = [
            node("Sub", (own("one"), interface.target), own("first")),
            node("Concat", (own("first"), interface.target), rows, axis=1),
        ]
    else:
        after = [node("Identity", (interface.target,), rows)]
    numbers = {"scale": scale, "offset": offset, "one": 1.0}
    constants = [tensor(own(name), np.array([each], np.float32)) for name, each in numbers.items()]
    with _damage_in_words():
        old = [each for part in messages(model, _GRAPH) for each in fields(part)]
        graph = [field(_NODE, each) for each in before]
        graph += [field(*each) for each in old if each[0] not in (_INPUT, _OUTPUT)]
        graph += [field(_NODE, each) for each in after]
        graph += [field(_INITIALIZER, each) for each in constants]
        size, classes = interface.size, max(2, interface.classes)
        graph.append(field(_INPUT, _value(crops, ("N", size, size, 3))))
        graph.append(field(_OUTPUT, _value(rows, ("N", classes))))
        return b"".join(
            field(number, b"".join(graph) if number == _GRAPH else value)
            for number, value in fields(model)
        )
