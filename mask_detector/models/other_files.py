"""What a file or folder is that was given as a model and is none: one sentence for each kind."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from mask_detector.errors import ModelFileError

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ZIP_SIGNATURE = b"PK\x03\x04"

_AS_KERAS = (
    "open it in the program that made it, save it as a .keras file, and turn that into a model "
    "file with python -m mask_detector.convert OLD.keras NEW --classes NAME NAME"
)
_NOT_A_MODEL = "this is not a mask_detector.model, or damaged"

# How files of other kinds begin, and what to say then.
_BEGINNINGS: Sequence[tuple[bytes, str]] = (
    (b"version https://git-lfs", "this is a Git LFS pointer, not the file: run git lfs pull"),
    (b"\xff\xd8\xff", "this is a JPEG photo, not a model"),
    (b"\x89PNG", "this is a PNG picture, not a model"),
    (b"\x1f\x8b", "this is a gzip archive: unpack it and name the model file in it"),
    (b"BZh", "this is a bzip2 archive: unpack it and name the model file in it"),
    (b"\xfd7zXZ", "this is an xz archive: unpack it and name the model file in it"),
    (b"7z\xbc\xaf", "this is a 7-Zip archive: unpack it and name the model file in it"),
    (b"Rar!", "this is a RAR archive: unpack it and name the model file in it"),
    (b"GGUF", "this is a GGUF language model, not a mask_detector.model"),
)
_PYTORCH = (
    f"this is a PyTorch file or another pickle, which is never opened, as it could run code; "
    f"{_AS_KERAS}"
)
_CONVERT = "python -m mask_detector.convert OLD NEW makes a model file of it"
_ONNX = f"this is an ONNX network, not a model file; {_CONVERT}"
_LITERT = f"this is a LiteRT (TFLite) network, not a model file; {_CONVERT}"
_ENDINGS = {
    ".onnx": _ONNX,
    ".tflite": "this is no LiteRT network, or damaged",
    ".pt": _PYTORCH,
    ".pth": _PYTORCH,
    ".pkl": _PYTORCH,
    ".pb": f"this is a TensorFlow graph, which lacks class names and crop settings; {_AS_KERAS}",
    ".caffemodel": "this is a Caffe network, not a mask_detector.model",
    ".json": "this is a JSON file without weights, not a mask_detector.model",
    ".safetensors": "these are weights without a network, not a mask_detector.model",
}


def read_beginning(path: Path) -> bytes:
    """The first 512 bytes of a model file.

    Raises:
        ModelFileError: the path is missing, empty, a folder or a device, or cannot be read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ModelFileError(f"{path}: {_describe_folder(path)}")
        if not stat.S_ISREG(mode):  # a pipe would wait forever, a device may never end
            raise ModelFileError(f"{path}: this is not a regular file")
        with path.open("rb") as file:
            beginning = file.read(512)
    except FileNotFoundError:
        if path.parts and path.parts[0].lower() in ("http:", "https:", "ftp:", "s3:", "file:"):
            raise ModelFileError(
                f"{path}: this is an address; download the file and name it there"
            ) from None
        raise ModelFileError(
            f"{path}: there is no such model file; train one with train_mask_detector.py "
            "or name another with --model"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path}: cannot be read ({reason})") from None
    if not beginning:
        raise ModelFileError(f"{path}: the file is empty")
    return beginning


def is_hdf5(path: Path) -> bool:
    """Whether this is an HDF5 file; raises as :func:`read_beginning`."""
    return read_beginning(path).startswith(_HDF5_SIGNATURE)


def is_zip(path: Path) -> bool:
    """Whether this is a zip archive; raises as :func:`read_beginning`."""
    return read_beginning(path).startswith(_ZIP_SIGNATURE)


def describe_file(path: Path) -> str:
    """A sentence about a file that is neither an HDF5 file nor a zip archive.

    Raises:
        ModelFileError: as :func:`read_beginning`.
    """
    beginning = read_beginning(path)
    for start, sentence in _BEGINNINGS:
        if beginning.startswith(start):
            return sentence
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "this is a web page, not the file: download the file itself"
    if beginning[4:8] == b"TFL3":
        return _LITERT
    if beginning[257:262] == b"ustar":
        return "this is a tar archive: unpack it and name the model file in it"
    if beginning[:1] == b"\x80" and beginning[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _PYTORCH
    # A protobuf message whose first fields are the version and the program that wrote it.
    if beginning[:1] == b"\x08" and any(word in beginning for word in (b"onnx", b"pytorch")):
        return _ONNX
    return _ENDINGS.get(path.suffix.lower(), _NOT_A_MODEL)


def describe_archive(names: Sequence[str]) -> str:
    """A sentence about a zip archive with these members and without a model card."""
    if any(name.endswith("data.pkl") for name in names):
        return _PYTORCH
    if "config.json" in names:
        return (
            "it has no model card; python -m mask_detector.convert OLD NEW --classes NAME NAME "
            "adds one"
        )
    if any(name.endswith("saved_model.pb") for name in names):
        return f"this is a zipped TensorFlow SavedModel; {_AS_KERAS}"
    if any(name.endswith((".model", ".keras", ".h5")) for name in names):
        return "this is a zip archive: unpack it and name the model file in it"
    return _NOT_A_MODEL


def _describe_folder(path: Path) -> str:
    if (path / "saved_model.pb").exists() or (path / "saved_model.pbtxt").exists():
        return f"this is a TensorFlow SavedModel folder, not one file; {_AS_KERAS}"
    if (path / "model.json").exists():
        return f"this is a TensorFlow.js folder, not one file; {_AS_KERAS}"
    return "this is a folder (directory); name the model file in it"
