"""Write a model in the forms that other software opens: Keras, LiteRT, ONNX.

export_model(read_model("mask_detector.model"), Path("mask_detector.onnx"))
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from mask_detector.errors import ModelFileError, UserFacingError
from mask_detector.files import write_bytes
from mask_detector.models.keras_backend import quiet_standard_error
from mask_detector.models.model_file import CARD_MEMBER, ModelFile, write_model

FORMATS = (".tflite", ".onnx", ".keras")
"""The endings of names that choose a form."""


def export_model(model: ModelFile, path: Path) -> None:
    """Write the network of a model file; the name's ending chooses the form.

    All forms take RGB crops 0..255, shape (N, S, S, 3), float32 (uint8 where the compiled network
    does), and give probabilities (N, classes) in the order of the model card. The Keras form has
    the model card as a member, the ONNX form as a metadata property, both named
    ``model_card.json``.

    Raises:
        ModelFileError: the ending is none of ``FORMATS``, or the model has no such form.
        FileError: the folder cannot be written to.
        UserFacingError: a package that the form needs is not installed.
    """
    if path.suffix == ".tflite":
        if model.compiled is None:
            raise ModelFileError(f"{model.path}: it has no compiled network to export")
        write_bytes(path, model.compiled)
    elif path.suffix == ".onnx":
        write_bytes(path, onnx_bytes(model))
    elif path.suffix == ".keras":
        write_model(path, model.load_keras(), model.card, None)
    else:
        endings = ", ".join(FORMATS)
        raise ModelFileError(f"{path}: models are exported to names that end in {endings}")


def onnx_bytes(model: ModelFile) -> bytes:
    """The network as ONNX, its batch size free, by Keras's own exporter.

    Raises:
        UserFacingError: TensorFlow, tf2onnx or onnx is not installed.
    """
    network = model.load_keras()
    size = model.card.input_size
    try:
        import onnx
        import tf2onnx  # noqa: F401, Keras imports it while it exports
    except ImportError:
        raise UserFacingError("ONNX needs two more packages: pip install tf2onnx onnx") from None
    network(np.zeros((1, size, size, 3), np.float32), training=False)  # a call fixes its shapes
    with tempfile.TemporaryDirectory() as folder, quiet_standard_error():
        path = Path(folder) / "network.onnx"
        network.export(path, format="onnx", verbose=False)
        exported = onnx.load(path)
    onnx.helper.set_model_props(exported, {CARD_MEMBER: model.card.to_json()})
    return exported.SerializeToString(deterministic=True)
