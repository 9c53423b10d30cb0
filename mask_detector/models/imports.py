"""Open a LiteRT or ONNX network, one of ours or from elsewhere, as a model without Keras."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mask_detector.errors import ModelFileError
from mask_detector.models.compiled_network import KNOWN_NETWORKS, check_in_child, sha256
from mask_detector.models.foreign import PIXEL_RANGES, assumed_pixels
from mask_detector.models.model_card import ModelCard
from mask_detector.models.model_file import CARD_MEMBER, ModelFile, no_keras_model
from mask_detector.models.onnx_file import (
    is_onnx,
    read_interface,
    read_metadata,
    with_crops_as_input,
)
from mask_detector.models.other_files import read_beginning
from mask_detector.models.tflite_file import is_tflite
from mask_detector.models.tflite_to_onnx import onnx_from_tflite

logger = logging.getLogger(__name__)

_LARGEST_BYTES = 512 << 20
_LARGEST_CARD = 4 << 20


def is_network(path: Path) -> bool:
    """Whether this is a LiteRT or ONNX file, by its beginning, and for ONNX also by its name.

    Raises:
        ModelFileError: it is missing or empty, or no file.
    """
    beginning = read_beginning(path)
    return is_tflite(beginning) or (is_onnx(beginning) and path.suffix.lower() == ".onnx")


def read_network(
    path: Path, classes: Sequence[str] | None = None, pixels: str | None = None
) -> ModelFile:
    """Open a LiteRT or ONNX network.

    Args:
        classes: class names in the order of the outputs; None where the file carries a model card.
        pixels: the key in ``PIXEL_RANGES`` of what a network from elsewhere expects. None: 0..255
            where it rescales them itself, otherwise -1..1.

    Returns:
        A model with a compiled network that takes RGB crops 0..255 and no Keras model. Networks
        with a card stay as they are; others become ONNX networks behind their scaling.

    Raises:
        ModelFileError: it is damaged, no classifier of square RGB crops, or has no class names.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ModelFileError("the file is larger than any face classifier")
        compiled, text = _without_card(path.read_bytes())
        if text is not None:
            card = ModelCard.from_json(text)
        else:
            compiled, card = _foreign(compiled, path, classes, pixels)
        safe = sha256(compiled) in KNOWN_NETWORKS
        if not safe:
            check_in_child(compiled, card.input_size, len(card.classes), threads=1)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    return ModelFile(path, card, compiled, lambda: no_keras_model(path), safe)


def _without_card(content: bytes) -> tuple[bytes, str | bytes | None]:
    """The network, and the text of the model card that it carries."""
    if not is_tflite(content):
        return content, read_metadata(content).get(CARD_MEMBER)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            start = min(member.header_offset for member in archive.infolist())
            if archive.getinfo(CARD_MEMBER).file_size > _LARGEST_CARD:
                raise ModelFileError("its model card is larger than any")
            return content[:start], archive.read(CARD_MEMBER)
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError):
        return content, None  # a network without associated files, or with others


def _foreign(
    compiled: bytes, path: Path, classes: Sequence[str] | None, pixels: str | None
) -> tuple[bytes, ModelCard]:
    if not classes:
        raise ModelFileError(
            "it does not say which classes its outputs are, name them with --classes"
        )
    network = onnx_from_tflite(compiled) if is_tflite(compiled) else compiled
    interface = read_interface(network)
    if max(2, interface.classes) != len(classes):
        raise ModelFileError(
            f"the network has {interface.classes} outputs, the classes are {', '.join(classes)}"
        )
    # Crops as the classic scripts cut them, which such models are trained for.
    card = ModelCard(tuple(classes), interface.size, margin=0.0, square=False, unsure=0.0)
    pixels = pixels or assumed_pixels(path, interface.scales)
    return with_crops_as_input(network, interface, *PIXEL_RANGES[pixels]), card
