"""Make a model of two classes from one that also tells masks worn wrongly.

    python -m mask_detector.training.merge mask_detector_3.model mask_detector.model \\
        --dataset my_faces my_scenes

A mask worn wrongly is none, but looks like one: of its probability, a quarter goes to ``with_mask``
and the rest to ``without_mask``, so that such faces are called unmasked or unsure. The data only
choose the number format and give the report; the options are those of the training.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import face_detector
from mask_detector import command_line
from mask_detector.errors import ModelFileError
from mask_detector.models.keras_backend import import_keras, package_versions
from mask_detector.models.model_card import odds_of_thresholds
from mask_detector.models.model_file import ModelFile, read_model, write_model
from mask_detector.training import compiling, fitting, options, report, streams
from mask_detector.training.dataset import read_dataset
from mask_detector.training.recipe import Recipe
from mask_detector.training.samples import WORN_WRONGLY, WORN_WRONGLY_AS_MASK

PAIR = ("with_mask", "without_mask")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument
    add("three", type=Path, help="model of with_mask, without_mask and incorrect_mask")
    add("two", type=Path, help="model file to write")
    options.add_data_options(parser)
    return options.checked(parser, parser.parse_args(argv))


def main(argv: Sequence[str] | None = None) -> int:
    """Merge, compile, report and write."""
    arguments = parse_arguments(argv)
    three = read_model(arguments.three)
    detector = face_detector.load(arguments.detector, thorough=False)
    dataset = read_dataset(arguments.dataset, detector, PAIR, reboxed=arguments.rebox)
    parts = dataset.parts(arguments.test_size, arguments.validation_size)
    fitting.prepare(0)
    model = merged(three)
    # What the three classes' card says of the crops stays true.
    card = dataclasses.replace(three.card, classes=PAIR, thresholds={}, scores={})
    recipe = Recipe(image_size=card.input_size, margin=card.margin)
    with tempfile.TemporaryDirectory() as folder:
        near, far = streams.validation_streams(parts["validation"], PAIR, recipe, Path(folder))
        compiled = compiling.compile_best(model, card, near, near.concatenate(far))
    tested = report.evaluate_model(compiled.flatbuffer, card, parts["test"], 1.0)
    print(tested.text)
    training = card.training | {"merged_from": arguments.three.name, "compiled": compiled.format}
    card = dataclasses.replace(
        card, training=training, scores=tested.scores, versions=package_versions()
    )
    write_model(arguments.two, model, card, compiled.flatbuffer)
    print(f"wrote {arguments.two}")
    return command_line.OK


def merged(three: ModelFile) -> Any:
    """The Keras model of two classes that gives merged probabilities of three.

    Raises:
        ModelFileError: the model has other classes, or no layer of probabilities.
    """
    card = three.card
    if set(card.classes) != {*PAIR, WORN_WRONGLY}:
        raise ModelFileError(
            f"{three.path}: expected the classes {', '.join(PAIR)} and {WORN_WRONGLY}, "
            f"got {', '.join(card.classes)}"
        )
    keras = import_keras()
    network = three.load_keras()
    try:
        last = network.get_layer("probabilities")
    except ValueError:
        raise ModelFileError(
            f"{three.path}: only models that train_mask_detector.py wrote can be merged"
        ) from None
    # Odds weighed by a class's threshold are a number that is added to its logit.
    kernel, bias = last.get_weights()
    last.set_weights([kernel, bias + np.log(odds_of_thresholds(card))])
    shares = np.zeros((3, 2), np.float32)
    for row, name in enumerate(card.classes):
        mask = {"with_mask": 1.0, "without_mask": 0.0}.get(name, WORN_WRONGLY_AS_MASK)
        shares[row] = mask, 1 - mask
    sums = keras.layers.Dense(2, use_bias=False, name="merged")
    model = keras.Model(network.input, sums(last.output), name="mask_detector")
    sums.set_weights([shares])
    return model


if __name__ == "__main__":
    command_line.run(main)
