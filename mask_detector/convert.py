"""Turn an older or foreign model file into a quick ``mask_detector.model``.

    python -m mask_detector.convert classic.model mask_detector.model
    python -m mask_detector.convert mine.keras mask_detector.model --classes with_mask without_mask
    python -m mask_detector.convert OLD NEW --format int8 --calibration my_photos

OLD is a classic HDF5 mask_detector.model, a .keras file that classifies square RGB face crops, or
a model of this project. NEW holds the same network, its model card and its compiled form, which
detection runs without TensorFlow.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import zipfile
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
from mask_detector.keras_backend import import_keras, package_versions
from mask_detector.model_file import (
    CARD_MEMBER,
    ModelCard,
    ModelFile,
    load_keras_archive,
    read_model,
    write_model,
)
from mask_detector.training.compiling import compile_network

# What crops 0..255 are multiplied by, and what is added then, for each range of pixel values.
PIXEL_RANGES = {"-1..1": (1 / 127.5, -1.0), "0..1": (1 / 255, 0.0), "0..255": (1.0, 0.0)}

MOST_CALIBRATION_CROPS = 400


def read_old(path: Path, classes: Sequence[str] | None, pixels: str) -> tuple[Any, ModelCard]:
    """Open any model file that can be converted.

    Args:
        classes: class names in the order of the outputs; None where the file knows them.
        pixels: the key in ``PIXEL_RANGES`` of what a ``.keras`` file without a card expects.

    Returns:
        A Keras model from float32 RGB crops 0..255, shape (N, S, S, 3), to probabilities
        (N, classes); and what is known of it.

    Raises:
        ModelFileError: the file is damaged or of an unknown kind, or the classes do not fit.
    """
    if _is_foreign(path):
        if not classes:
            raise ModelFileError(
                f"{path}: it does not say which classes its outputs are, name them with --classes"
            )
        model = _from_crops(load_keras_archive(path), path, pixels)
        # Crops as the classic scripts cut them, which such models are trained for.
        size = model.input_shape[1]
        card = ModelCard(tuple(classes), size, margin=0.0, square=False, unsure=0.0)
    else:
        file = read_model(path)
        model = file.load_keras()
        card = dataclasses.replace(file.card, classes=tuple(classes or file.card.classes))
    outputs = model.output_shape[-1]
    if outputs != len(card.classes):
        names = ", ".join(card.classes)
        raise ModelFileError(f"{path}: the network has {outputs} outputs, the classes are {names}")
    return model, card


def calibration_crops(folder: Path, card: ModelCard) -> np.ndarray:
    """Faces from the photos in a folder, or the whole photo where none is found in it.

    Returns:
        uint8 RGB, shape (N, S, S, 3), N > 0.

    Raises:
        UserFacingError: there are no photos.
    """
    finder = face_detector.load("yunet", thorough=False)
    crops: list[np.ndarray] = []
    for path in sorted(path for path in folder.rglob("*") if is_photo(path)):
        image = read_photo(path)
        boxes = finder.find(image).boxes
        if not len(boxes):
            boxes = np.array([[0, 0, image.shape[1], image.shape[0]]])
        crops.extend(cut_crops(image, boxes, card.input_size, card.margin, card.square))
        if len(crops) >= MOST_CALIBRATION_CROPS:
            break
    if not crops:
        raise UserFacingError(f"{folder}: there are no photos to calibrate with")
    return np.stack(crops[:MOST_CALIBRATION_CROPS])


def _is_foreign(path: Path) -> bool:
    """Whether the file is an archive of Keras without a model card."""
    try:
        with zipfile.ZipFile(path) as archive:
            return CARD_MEMBER not in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False  # whoever reads it says what it is


def _from_crops(network: Any, path: Path, pixels: str) -> Any:
    """Put the scaling before a foreign network, and after it what makes probabilities of it."""
    keras = import_keras()
    shape, outputs = network.input_shape, network.output_shape
    square = isinstance(shape, tuple) and len(shape) == 4 and shape[1] == shape[2] and shape[1]
    if not square or shape[3] != 3 or not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ModelFileError(
            f"{path}: expected a network from square RGB crops (N, S, S, 3) to classes (N, C), "
            f"got one from {shape} to {outputs}"
        )
    crops = keras.Input(shape[1:], name="crops")
    probabilities = network(keras.layers.Rescaling(*PIXEL_RANGES[pixels], name="scaling")(crops))
    if outputs[1] == 1:
        # One sigmoid: Keras counts it for the second class.
        opposite = keras.layers.Rescaling(-1.0, offset=1.0, name="opposite")(probabilities)
        probabilities = keras.layers.Concatenate(name="both")([opposite, probabilities])
    model = keras.Model(crops, probabilities, name="mask_detector")
    rows = np.asarray(model(_noise(shape[1]), training=False))
    if rows.min() < 0 or abs(rows.sum(axis=1) - 1).max() > 0.01:
        raise ModelFileError(f"{path}: its outputs are no probabilities, end it with a softmax")
    return model


def _noise(size: int) -> np.ndarray:
    """Crops of any kind, float32 (8, size, size, 3)."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (8, size, size, 3)).astype(np.float32)


def _agreement(model: Any, classifier: Classifier, crops: np.ndarray) -> tuple[int, float]:
    """On how many crops both name the same class, and by how much any probability differs."""
    parts = np.array_split(crops.astype(np.float32), math.ceil(len(crops) / 32))
    wanted = np.concatenate([np.asarray(model(part, training=False)) for part in parts])
    found = classifier.probabilities(crops)
    same = wanted.argmax(axis=1) == found.argmax(axis=1)
    return int(same.sum()), float(abs(wanted - found).max())


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    parser.add_argument("old", type=Path, metavar="OLD", help="model file to read")
    parser.add_argument("new", type=Path, metavar="NEW", help="model file to write")
    parser.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="classes in the order of the outputs (default: those that the file names); a single "
        "sigmoid output is the probability of the second one",
    )
    parser.add_argument(
        "--pixels",
        choices=PIXEL_RANGES,
        default="-1..1",
        help="pixel values that the network of a .keras file from elsewhere expects; -1..1 is "
        "what MobileNetV2's preprocess_input gives",
    )
    parser.add_argument(
        "--format",
        choices=("float16", "int8"),
        default="float16",
        help="of the compiled network; int8 is quicker and needs --calibration",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FOLDER",
        help="photos of faces, some with masks: int8 learns from them what range each layer needs",
    )
    return parser.parse_args()


def main() -> int:
    """Write the converted model and tell how closely it agrees with the old one."""
    arguments = parse_arguments()
    if arguments.format == "int8" and not arguments.calibration:
        raise UserFacingError("--format int8 needs photos to learn from: --calibration FOLDER")
    model, card = read_old(arguments.old, arguments.classes, arguments.pixels)
    crops = _noise(card.input_size).astype(np.uint8)
    if arguments.calibration:
        crops = calibration_crops(arguments.calibration, card)
    flatbuffer = compile_network(model, arguments.format, crops)
    classifier = Classifier(ModelFile(arguments.new, card, flatbuffer, lambda: model))
    origin = {"origin": f"converted from {arguments.old.name}", "compiled": arguments.format}
    card = dataclasses.replace(
        card, training={**card.training, **origin}, versions=package_versions()
    )
    write_model(arguments.new, model, card, flatbuffer)
    same, difference = _agreement(model, classifier, crops)
    print(
        f"wrote {arguments.new} ({', '.join(card.classes)}; {card.input_size} px; "
        f"{arguments.format}): it names the class that Keras names for {same} of {len(crops)} "
        f"{'faces' if arguments.calibration else 'noisy crops'}, "
        f"probabilities differ by {difference:.4f} at most"
    )
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
