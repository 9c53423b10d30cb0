"""Turn a model file from an older script or from elsewhere into a fast ``mask_detector.model``.

Or a ``mask_detector.model`` into what other software opens.

    python -m mask_detector.convert classic.model mask_detector.model
    python -m mask_detector.convert mine.keras mask_detector.model --classes with_mask without_mask
    python -m mask_detector.convert OLD NEW --format int8 --calibration my_photos
    python -m mask_detector.convert mask_detector.model mask_detector.onnx
    python -m mask_detector.convert mask_detector.onnx again.model

OLD is an HDF5 model (the classic mask_detector.model), a .keras, .tflite or .onnx file that
classifies square RGB face crops, or a model of this project. NEW holds the same network, its model
card and its compiled form, which detection runs without TensorFlow. A NEW that ends in .tflite,
.onnx or .keras is only the network with its card; docs/models.md shows how to run it.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import face_detector
from mask_detector import command_line
from mask_detector.classifier import Classifier
from mask_detector.crops import cut_crops
from mask_detector.errors import ModelFileError, UserFacingError
from mask_detector.images import is_photo, read_photo
from mask_detector.models import legacy
from mask_detector.models.class_names import check_class_names
from mask_detector.models.exports import FORMATS, export_model
from mask_detector.models.foreign import PIXEL_RANGES, network_from_crops, noise_crops
from mask_detector.models.imports import is_network, read_network
from mask_detector.models.keras_backend import package_versions
from mask_detector.models.model_card import ModelCard
from mask_detector.models.model_file import (
    ModelFile,
    has_card,
    load_keras_archive,
    read_model,
    write_compiled_model,
    write_model,
)
from mask_detector.models.other_files import is_hdf5
from mask_detector.training.compiling import compile_network

MOST_CALIBRATION_CROPS = 400


def open_old(arguments: argparse.Namespace) -> ModelFile:
    """Open any model file that can be converted.

    Returns:
        A model; its Keras model takes float32 RGB crops 0..255, shape (N, S, S, 3), to
        probabilities (N, classes).

    Raises:
        ModelFileError: the file is damaged or of an unknown kind, or the classes do not fit.
    """
    path, classes, pixels = arguments.old, arguments.classes, arguments.pixels
    if is_network(path):
        file = read_network(path, classes, pixels)
    elif is_hdf5(path):
        card = legacy.read_card(path, classes)
        file = ModelFile(path, card, None, lambda: legacy.load_keras(path, pixels))
    elif has_card(path):
        file = read_model(path)
    else:
        file = _foreign_keras(path, classes, pixels)
    card = with_class_names(file, classes) if classes else file.card
    if arguments.margin is not None:
        card = dataclasses.replace(card, margin=arguments.margin, square=True)
    return dataclasses.replace(file, card=card)


def with_class_names(file: ModelFile, classes: Sequence[str]) -> ModelCard:
    """The card of a model whose outputs get these names, in their order.

    Raises:
        ModelFileError: there are more or fewer outputs.
    """
    if len(classes) != len(file.card.classes):
        raise ModelFileError(
            f"{file.path}: the network has {len(file.card.classes)} outputs, the classes are "
            f"{', '.join(classes)}"
        )
    new_names = dict(zip(file.card.classes, classes, strict=True))
    thresholds = {new_names[name]: level for name, level in file.card.thresholds.items()}
    return dataclasses.replace(file.card, classes=tuple(classes), thresholds=thresholds)


def _foreign_keras(path: Path, classes: Sequence[str] | None, pixels: str | None) -> ModelFile:
    network = load_keras_archive(path)
    if not classes:
        raise ModelFileError(
            f"{path}: it does not say which classes its outputs are, name them with --classes"
        )
    model = network_from_crops(network, path, pixels)
    # Crops as the classic scripts cut them, which such models are trained for.
    size = model.input_shape[1]
    card = ModelCard(tuple(classes), size, margin=0.0, square=False, unsure=0.0)
    return ModelFile(path, card, None, lambda: model)


def load_keras(file: ModelFile) -> Any:
    """The Keras model of a file.

    Raises:
        ModelFileError: there is none, or it has other outputs than the classes.
    """
    model = file.load_keras()
    outputs = model.output_shape[-1]
    if outputs != len(file.card.classes):
        names = ", ".join(file.card.classes)
        raise ModelFileError(
            f"{file.path}: the network has {outputs} outputs, the classes are {names}"
        )
    return model


def calibration_crops(folder: Path, card: ModelCard) -> np.ndarray:
    """Faces from the photos in a folder, or the whole photo where none is found in it.

    Returns:
        uint8 RGB, shape (N, S, S, 3), N > 0.

    Raises:
        UserFacingError: there are no photos.
    """
    detector = face_detector.load("yunet", thorough=False)
    crops: list[np.ndarray] = []
    for path in sorted(path for path in folder.rglob("*") if is_photo(path)):
        image = read_photo(path)
        boxes = detector.find(image).boxes
        if not len(boxes):
            boxes = np.array([[0, 0, image.shape[1], image.shape[0]]])
        crops.extend(cut_crops(image, boxes, card.input_size, card.margin, card.square))
        if len(crops) >= MOST_CALIBRATION_CROPS:
            break
    if not crops:
        raise UserFacingError(f"{folder}: there are no photos to calibrate with")
    return np.stack(crops[:MOST_CALIBRATION_CROPS])


def _agreement(model: Any, classifier: Classifier, crops: np.ndarray) -> tuple[int, float]:
    """On how many crops both predict the same class, and by how much any probability differs."""
    parts = np.array_split(crops.astype(np.float32), math.ceil(len(crops) / 32))
    expected = np.concatenate([np.asarray(model(part, training=False)) for part in parts])
    predicted = classifier.probabilities(crops)
    same = expected.argmax(axis=1) == predicted.argmax(axis=1)
    return int(same.sum()), float(abs(expected - predicted).max())


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    # fmt: off
    option = parser.add_argument
    option("old", type=Path, metavar="OLD", help="model file to read")
    option("new", type=Path, metavar="NEW", help="model file to write")
    option("--classes", nargs="+", metavar="NAME",
           help="classes in the order of the outputs (default: those named in the file); a single "
                "sigmoid output is the probability of the second one")
    option("--pixels", choices=PIXEL_RANGES,
           help="pixel values that a network from elsewhere expects (default: 0..255 if it "
                "rescales them itself, otherwise -1..1 as MobileNetV2's preprocess_input)")
    option("--margin", type=command_line.number(0, 2), metavar="SHARE",
           help="what square crops add around a face, as a share of its longer side (default: that "
                "of the file; for networks from elsewhere faces are cut out without any, and "
                "squeezed to a square)")
    option("--format", choices=("float16", "int8"), default="float16",
           help="of the compiled network; int8 is faster and needs --calibration")
    option("--calibration", type=Path, metavar="FOLDER",
           help="photos of faces, some with masks, from which int8 takes the range of each layer")
    # fmt: on
    return parser.parse_args(argv)


def compiled(
    model: Any, card: ModelCard, arguments: argparse.Namespace
) -> tuple[bytes, np.ndarray]:
    """A Keras model's compiled network, and the crops (N, S, S, 3) to compare both on."""
    crops = noise_crops(card.input_size)
    if arguments.calibration:
        crops = calibration_crops(arguments.calibration, card)
    return compile_network(model, arguments.format, crops), crops


def with_compiled(file: ModelFile, arguments: argparse.Namespace) -> ModelFile:
    """The model with a compiled network: its own, or a new one where that is needed."""
    if file.compiled is not None and not arguments.calibration:
        return file
    model = load_keras(file)
    flatbuffer, _ = compiled(model, file.card, arguments)
    return dataclasses.replace(file, compiled=flatbuffer, load_keras=lambda: model)


def export(arguments: argparse.Namespace) -> int:
    """Write the network in the form of another program."""
    file = open_old(arguments)
    if arguments.new.suffix == ".keras":
        model = load_keras(file)
        file = dataclasses.replace(file, load_keras=lambda: model)
    else:
        file = with_compiled(file, arguments)
    export_model(file, arguments.new)
    size, names = file.card.input_size, ", ".join(file.card.classes)
    print(f"wrote {arguments.new}: RGB crops 0..255, (N, {size}, {size}, 3), to {names}")
    return command_line.OK


def convert_network(file: ModelFile, new: Path) -> int:
    """Write a model file of a LiteRT or ONNX network."""
    safe = dataclasses.replace(file, safe=True)  # read_network has tried it
    Classifier(safe).probabilities(noise_crops(file.card.input_size))  # raises if it fails
    origin = {"origin": f"converted from {file.path.name}"}
    card = dataclasses.replace(file.card, training={**file.card.training, **origin})
    write_compiled_model(new, card, file.compiled or b"")
    print(
        f"wrote {new} ({', '.join(card.classes)}; {card.input_size} px): it detects, but has no "
        "Keras weights to train or export"
    )
    return command_line.OK


def main(argv: Sequence[str] | None = None) -> int:
    """Write the converted model and report how closely it agrees with the old one."""
    arguments = parse_arguments(argv)
    if arguments.format == "int8" and not arguments.calibration:
        raise UserFacingError("--format int8 needs photos to calibrate with: --calibration FOLDER")
    if arguments.classes:
        check_class_names(arguments.classes)
    if arguments.new.is_dir() or not arguments.new.parent.is_dir():
        raise ModelFileError(f"{arguments.new}: expected a file name in a folder that is there")
    if arguments.new.suffix in FORMATS:
        return export(arguments)
    file = open_old(arguments)
    if is_network(arguments.old) and not arguments.calibration:
        return convert_network(file, arguments.new)
    model, card = load_keras(file), file.card
    flatbuffer, crops = compiled(model, card, arguments)
    classifier = Classifier(ModelFile(arguments.new, card, flatbuffer, lambda: model))
    origin = {"origin": f"converted from {arguments.old.name}", "compiled": arguments.format}
    card = dataclasses.replace(
        card, training={**card.training, **origin}, versions=package_versions()
    )
    write_model(arguments.new, model, card, flatbuffer)
    same, difference = _agreement(model, classifier, crops)
    print(
        f"wrote {arguments.new} ({', '.join(card.classes)}; {card.input_size} px; "
        f"{arguments.format}): it predicts the class that Keras predicts for {same} of "
        f"{len(crops)} {'faces' if arguments.calibration else 'noisy crops'}, "
        f"probabilities differ by {difference:.4f} at most"
    )
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
