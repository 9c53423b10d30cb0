"""The ``mask_detector.model`` file: one archive that holds everything detection needs.

It is a Keras v3 archive (a zip: ``keras.models.load_model`` reads it once it is named
``.keras``) with two members of our own:

``compiled.tflite``
    the inference graph as a LiteRT flatbuffer: float32 RGB crops 0..255, shape (N, S, S, 3),
    to probabilities (N, classes). Detection runs this one and never imports TensorFlow.
``model_card.json``
    what the numbers mean: see :class:`ModelCard`.

A model file is data: nothing in it is ever executed (Keras reads it with ``safe_mode``).
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mask_detector.errors import ModelFileError

COMPILED_MEMBER = "compiled.tflite"
CARD_MEMBER = "model_card.json"
FORMAT = 1
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class ModelCard:
    """What a model's numbers mean and where they come from.

    Attributes:
        classes: class names in the order of the network's outputs.
        input_size: side of the square crops in pixels.
        margin: what the crop adds around a face box; see :func:`mask_detector.crops.cut_crops`.
        square: whether the crop keeps the face's proportions.
        unsure: default half width of the band in which a face is called unsure.
        training: what it was trained on and how (counts, data hash, recipe, time).
        scores: measured figures, each with how it was measured.
        versions: of the packages that made it.
    """

    classes: tuple[str, ...]
    input_size: int
    margin: float = 0.0
    square: bool = True
    unsure: float = 0.15
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ModelFileError(f"a model needs two or more different classes, not {self.classes}")
        if not all(isinstance(name, str) and name for name in self.classes):
            raise ModelFileError(f"class names must be texts, not {self.classes}")
        if not (isinstance(self.input_size, int) and 16 <= self.input_size <= 1024):
            raise ModelFileError(f"the input size must be 16 to 1024, not {self.input_size}")
        if not 0 <= self.margin <= 2:
            raise ModelFileError(f"the crop margin must be 0 to 2, not {self.margin}")
        if not 0 <= self.unsure <= 0.5:
            raise ModelFileError(f"the unsure band must be 0 to 0.5, not {self.unsure}")

    def to_json(self) -> str:
        """The card as it stands in the archive."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelCard:
        """Raises ModelFileError where the text is no model card of a format known here."""
        try:
            values = json.loads(text)
            known = {f.name for f in dataclasses.fields(cls)}
            values = {name: value for name, value in values.items() if name in known}
            values["classes"] = tuple(values["classes"])
            if values.get("format", FORMAT) > FORMAT:
                raise ModelFileError("the model was written by a newer version of this project")
            return cls(**values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"its model card cannot be read ({error})") from None


@dataclass(frozen=True)
class ModelFile:
    """An opened model file.

    Attributes:
        card: what the outputs mean.
        compiled: the LiteRT flatbuffer, or None where the file carries none.
        load_keras: builds the Keras model (slow: imports TensorFlow). It takes float32 RGB
            crops 0..255, shape (N, S, S, 3), and gives probabilities (N, classes).
    """

    path: Path
    card: ModelCard
    compiled: bytes | None
    load_keras: Callable[[], Any]


def read_model(path: str | Path) -> ModelFile:
    """Open a ``mask_detector.model``, ours or a classic HDF5 one.

    Raises:
        ModelFileError: the file is missing, damaged or of an unknown kind.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            signature = file.read(len(_HDF5_SIGNATURE))
        if signature == _HDF5_SIGNATURE:
            from mask_detector import legacy

            return legacy.read_classic_model(path)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if CARD_MEMBER not in names:
                raise ModelFileError(
                    "it has no model card; python -m mask_detector.convert OLD NEW adds one"
                )
            card = ModelCard.from_json(archive.read(CARD_MEMBER))
            compiled = archive.read(COMPILED_MEMBER) if COMPILED_MEMBER in names else None
    except FileNotFoundError:
        raise ModelFileError(
            f"{path}: there is no such model file; train one with train_mask_detector.py "
            "or name another with --model"
        ) from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError):
        raise ModelFileError(f"{path}: this is not a mask_detector.model, or damaged") from None
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    return ModelFile(path, card, compiled, lambda: load_keras_archive(path))


def write_model(path: str | Path, model: Any, card: ModelCard, compiled: bytes | None) -> None:
    """Write a Keras model, its card and its compiled graph as one file.

    The file is written beside ``path`` and renamed, so that a crash leaves the old one.

    Raises:
        ModelFileError: the folder cannot be written to.
    """
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            archive_path = Path(folder) / "model.keras"
            model.save(archive_path)
            with zipfile.ZipFile(archive_path, "a", zipfile.ZIP_DEFLATED) as archive:
                if compiled is not None:
                    # Weights hardly get smaller, and unpacking is a tenth of the start-up.
                    archive.writestr(COMPILED_MEMBER, compiled, zipfile.ZIP_STORED)
                archive.writestr(CARD_MEMBER, card.to_json())
            archive_path.replace(path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot write there ({error.strerror})") from None


def replace_card(path: str | Path, card: ModelCard) -> None:
    """Give a model file of ours another card; the other members stay as they are, not packed.

    Raises:
        ModelFileError: the file is missing or damaged, or the folder cannot be written to.
    """
    path = Path(path)
    read_model(path)  # says in a sentence what is wrong with the file
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


def load_keras_archive(path: str | Path) -> Any:
    """Load the Keras model of a v3 archive, whatever its name ends in (slow: TensorFlow).

    Raises:
        ModelFileError: Keras cannot load it, or it would have to execute code from the file.
    """
    from mask_detector.keras_backend import import_keras

    keras = import_keras()
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / "model.keras"
        try:
            shutil.copyfile(path, named)
            return keras.models.load_model(named, compile=False, safe_mode=True)
        except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
            sentence = str(error).splitlines()[0]
            raise ModelFileError(f"{path}: Keras cannot load it ({sentence})") from None
