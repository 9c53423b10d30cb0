"""The ``mask_detector.model`` file: one archive that holds everything detection needs.

It is a Keras v3 archive (a zip: ``keras.models.load_model`` reads it once it is named
``.keras``) with two members of our own:

``compiled.tflite``
    the inference graph as a LiteRT flatbuffer: float32 RGB crops 0..255, shape (N, S, S, 3),
    to probabilities (N, classes). Detection runs this one and never imports TensorFlow.
    Or ``compiled.onnx``, the same as an ONNX network.
``model_card.json``
    what the numbers mean: see :class:`mask_detector.models.model_card.ModelCard`.

A file made from a LiteRT or ONNX network has only these two: it detects, but has no Keras model.

A model file is data: nothing in it is ever executed (Keras reads it with ``safe_mode``), no member
is read that is larger than it can reasonably be, and no other file is read on its behalf.
"""

from __future__ import annotations

import dataclasses
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mask_detector.errors import ModelFileError
from mask_detector.files import write_bytes
from mask_detector.models import legacy
from mask_detector.models.compiled_network import KNOWN_NETWORKS, sha256
from mask_detector.models.foreign import check_layer_sizes
from mask_detector.models.hdf5 import LARGEST_BYTES, check_hdf5
from mask_detector.models.keras_backend import load_keras_file
from mask_detector.models.model_card import ModelCard
from mask_detector.models.other_files import describe_archive, describe_file, is_hdf5, is_zip
from mask_detector.models.tflite_file import is_tflite

COMPILED_MEMBER, ONNX_MEMBER = "compiled.tflite", "compiled.onnx"
CARD_MEMBER = "model_card.json"
WEIGHTS_MEMBER = "model.weights.h5"

_LARGEST_MEMBERS = {
    CARD_MEMBER: 4 << 20,
    COMPILED_MEMBER: 512 << 20,
    ONNX_MEMBER: 512 << 20,
    "metadata.json": 1 << 20,
    "config.json": 64 << 20,
    WEIGHTS_MEMBER: LARGEST_BYTES,
}
"""Bytes of the members that are ever read; unpacking a zip bomb would fill the memory."""
_MOST_MEMBERS = 1000


@dataclass(frozen=True)
class ModelFile:
    """An opened model file.

    Attributes:
        card: what the outputs mean.
        compiled: the LiteRT or ONNX network, or None where the file carries none.
        load_keras: builds the Keras model (slow: imports TensorFlow). It takes float32 RGB
            crops 0..255, shape (N, S, S, 3), and gives probabilities (N, classes). Raises
            ModelFileError where the file has only a compiled network.
        safe: whether ``compiled`` was made in this process or came with this project; any other
            is tried in a process of its own before it is loaded.
    """

    path: Path
    card: ModelCard
    compiled: bytes | None
    load_keras: Callable[[], Any]
    safe: bool = True


def read_model(path: str | Path) -> ModelFile:
    """Open a ``mask_detector.model``, ours or an HDF5 one.

    Raises:
        ModelFileError: the file is missing, damaged or of another kind.
    """
    path = Path(path)
    if is_hdf5(path):
        return ModelFile(path, legacy.read_card(path), None, lambda: legacy.load_keras(path))
    with _open_archive(path) as archive:
        names = archive.namelist()
        if CARD_MEMBER not in names:
            raise ModelFileError(describe_archive(names))
        card = ModelCard.from_json(_read(archive, CARD_MEMBER))
        members = [name for name in (COMPILED_MEMBER, ONNX_MEMBER) if name in names]
        compiled = _read(archive, members[0]) if members else None
        found = sha256(compiled) if compiled else ""
        if compiled is not None and card.compiled_sha256 not in ("", found):
            raise ModelFileError(
                "its compiled network is not the one that its model card describes (SHA-256 "
                "differs); make it again with python -m mask_detector.convert OLD NEW"
            )
    load = load_keras_archive if WEIGHTS_MEMBER in names or compiled is None else no_keras_model
    return ModelFile(path, card, compiled, lambda: load(path), found in KNOWN_NETWORKS)


def has_card(path: str | Path) -> bool:
    """Whether a zip archive has a model card; False for every other file.

    Raises:
        ModelFileError: the file is missing or empty, a folder, or a damaged archive.
    """
    path = Path(path)
    if not is_zip(path):
        return False
    with _open_archive(path) as archive:
        return CARD_MEMBER in archive.namelist()


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; whatever goes wrong with it then is one sentence that names the file."""
    archived = is_zip(path)  # its errors name the file already
    try:
        if not archived:
            raise ModelFileError(describe_file(path))
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > _MOST_MEMBERS or len(set(names)) != len(names):
                raise ModelFileError("this archive has too many members, or two of one name")
            yield archive
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror or error})") from None
    except MemoryError:
        raise ModelFileError(f"{path}: there is not enough memory to read it") from None
    except Exception:  # zipfile raises nearly anything on damaged archives
        raise ModelFileError(f"{path}: this is not a mask_detector.model, or damaged") from None


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member, if it is no larger than it can reasonably be."""
    member = archive.getinfo(name)
    if member.flag_bits & 0x1:
        raise ModelFileError("the archive is encrypted; unpack it and make a plain one")
    # Others can unpack without regard to the size that is stated.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(f"{name} is compressed in a way that is not supported")
    if member.file_size > _LARGEST_MEMBERS[name]:
        raise ModelFileError(
            f"{name} has {member.file_size} bytes, at most {_LARGEST_MEMBERS[name]} are expected"
        )
    return archive.read(member)


def write_model(path: str | Path, model: Any, card: ModelCard, compiled: bytes | None) -> None:
    """Write a Keras model, its card and its compiled graph as one file.

    The card gets the hash of the compiled graph. The file is written beside ``path`` and renamed,
    so that a crash leaves the old one.

    Raises:
        ModelFileError: the folder cannot be written to.
    """
    path = Path(path)
    card = dataclasses.replace(card, compiled_sha256=sha256(compiled) if compiled else "")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            archive_path = Path(folder) / "model.keras"
            model.save(archive_path)
            with zipfile.ZipFile(archive_path, "a", zipfile.ZIP_DEFLATED) as archive:
                _add_own_members(archive, card, compiled)
            archive_path.replace(path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot write there ({error.strerror})") from None


def write_compiled_model(path: str | Path, card: ModelCard, compiled: bytes) -> None:
    """Write a model file of a compiled network, LiteRT or ONNX, that has no Keras model.

    Raises:
        FileError: the folder cannot be written to.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        card = dataclasses.replace(card, compiled_sha256=sha256(compiled))
        _add_own_members(archive, card, compiled)
    write_bytes(path, content.getvalue())


def _add_own_members(archive: zipfile.ZipFile, card: ModelCard, compiled: bytes | None) -> None:
    if compiled is not None:
        name = COMPILED_MEMBER if is_tflite(compiled) else ONNX_MEMBER
        # Compressing saves next to nothing, and unpacking is a tenth of the start-up.
        archive.writestr(name, compiled, zipfile.ZIP_STORED)
    archive.writestr(CARD_MEMBER, card.to_json())


def replace_card(path: str | Path, card: ModelCard) -> None:
    """Give a model file of ours another card; the other members stay, uncompressed.

    Raises:
        ModelFileError: the file is missing or damaged, or the folder cannot be written to.
    """
    path = Path(path)
    compiled = read_model(path).compiled  # says in a sentence what is wrong with the file
    card = dataclasses.replace(card, compiled_sha256=sha256(compiled) if compiled else "")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            copy = Path(folder) / path.name
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
                for member in old.infolist():
                    if member.filename != CARD_MEMBER:
                        new.writestr(member, old.read(member), zipfile.ZIP_STORED)
                new.writestr(CARD_MEMBER, card.to_json(), zipfile.ZIP_DEFLATED)
            copy.replace(path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot write there ({error.strerror})") from None


def no_keras_model(path: Path) -> NoReturn:
    """Raise the ModelFileError of a file that has only a compiled network."""
    raise ModelFileError(
        f"{path}: it has only a compiled network, which detects but cannot be trained or exported "
        "to Keras: use the model file or the .keras file that it was made from"
    )


def load_keras_archive(path: str | Path) -> Any:
    """Load the Keras model of a v3 archive, whatever its name ends in (slow: TensorFlow).

    Raises:
        ModelFileError: Keras cannot load it, or it would have to execute code from the file.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        # Keras gets a copy with nothing but the members that were checked.
        copy, weights = Path(folder) / "model.keras", Path(folder) / WEIGHTS_MEMBER
        with _open_archive(path) as archive, zipfile.ZipFile(copy, "w") as new:
            if WEIGHTS_MEMBER not in archive.namelist():
                raise ModelFileError(describe_archive(archive.namelist()))
            for name in ("metadata.json", "config.json"):
                new.writestr(name, _read(archive, name))
            config = _read(archive, "config.json")
            weights.write_bytes(_read(archive, WEIGHTS_MEMBER))
            new.write(weights, WEIGHTS_MEMBER)
        try:
            check_layer_sizes(json.loads(config))
            check_hdf5(weights)
        except ModelFileError as error:
            raise ModelFileError(f"{path}: Keras cannot load it: {error}") from None
        except (ValueError, RecursionError) as error:
            raise ModelFileError(f"{path}: Keras cannot load it ({error})") from None
        return load_keras_file(copy, shown_as=path)
