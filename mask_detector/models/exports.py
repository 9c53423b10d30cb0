"""Write a model in the forms that other software opens: Keras, LiteRT, ONNX.

export_model(read_model("mask_detector.model"), Path("mask_detector.onnx"))
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

from mask_detector.errors import ModelFileError
from mask_detector.files import write_bytes
from mask_detector.models.compiled_network import sha256
from mask_detector.models.model_file import CARD_MEMBER, ModelFile, write_model
from mask_detector.models.onnx_file import with_metadata
from mask_detector.models.tflite_file import is_tflite
from mask_detector.models.tflite_to_onnx import onnx_from_tflite

FORMATS = (".tflite", ".onnx", ".keras")
"""The endings of names that choose a form."""


def export_model(model: ModelFile, path: Path) -> None:
    """Write the network of a model file; the name's ending chooses the form.

    All forms take RGB crops 0..255, shape (N, S, S, 3), float32 (uint8 where the compiled network
    does), and give probabilities (N, classes) in the order of the model card. They carry the model
    card, named ``model_card.json``: Keras as a member, ONNX as a metadata property, LiteRT as an
    associated file (https://ai.google.dev/edge/litert/conversion/tensorflow/metadata).

    Raises:
        ModelFileError: the ending is none of ``FORMATS``, or the model has no such form.
        FileError: the folder cannot be written to.
        UserFacingError: a package that the form needs is not installed.
    """
    if path.suffix == ".tflite":
        write_bytes(path, tflite_bytes(model))
    elif path.suffix == ".onnx":
        write_bytes(path, onnx_bytes(model))
    elif path.suffix == ".keras":
        write_model(path, model.load_keras(), model.card, None)
    else:
        endings = ", ".join(FORMATS)
        raise ModelFileError(f"{path}: models are exported to names that end in {endings}")


def _compiled(model: ModelFile) -> bytes:
    if model.compiled is None:
        raise ModelFileError(f"{model.path}: it has no compiled network to export")
    return model.compiled


def tflite_bytes(model: ModelFile) -> bytes:
    """The compiled network as a LiteRT file with its model card.

    Raises:
        ModelFileError: the model has no LiteRT network.
    """
    compiled = _compiled(model)
    if not is_tflite(compiled):
        raise ModelFileError(
            f"{model.path}: its network is ONNX, which is not turned into LiteRT: that needs the "
            "model file or the .keras file it came from"
        )
    file = io.BytesIO(compiled)
    with zipfile.ZipFile(file, "a") as archive:  # appended: LiteRT reads what is before it
        card = dataclasses.replace(model.card, compiled_sha256=sha256(compiled))
        member = zipfile.ZipInfo(CARD_MEMBER, (1980, 1, 1, 0, 0, 0))  # the same file each time
        archive.writestr(member, card.to_json())
    return file.getvalue()


def onnx_bytes(model: ModelFile) -> bytes:
    """The compiled network as an ONNX file with its model card, its batch size free.

    Raises:
        ModelFileError: the model has no compiled network, or one that is not turned into ONNX.
    """
    compiled = _compiled(model)
    try:
        network = onnx_from_tflite(compiled) if is_tflite(compiled) else compiled
    except ModelFileError as error:
        raise ModelFileError(f"{model.path}: {error}") from None
    card = dataclasses.replace(model.card, compiled_sha256="")  # it is another file
    return with_metadata(network, {CARD_MEMBER: card.to_json()})
