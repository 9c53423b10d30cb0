#!/usr/bin/env python3
"""Train the mask classifier on folders of photos and write mask_detector.model.

    python train_mask_detector.py                                  the starter photos, to try it out
    python train_mask_detector.py --dataset my_photos              my_photos/with_mask/*.jpg, ...
    python train_mask_detector.py --dataset my_photos --check-data look at the data, train nothing
    python train_mask_detector.py --dataset my_photos --resume     go on after an interruption

The folders' names are the classes. A new head is trained on the frozen MobileNetV2 first, then
its upper blocks are fine-tuned with it. The best epoch is kept; a part of the photos that
training never sees gives the report.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import Counter
from pathlib import Path

import face_detector
from mask_detector import command_line
from mask_detector.command_line import number, whole_number
from mask_detector.keras_backend import package_versions
from mask_detector.model_file import ModelCard, write_model
from mask_detector.training import charts, network
from mask_detector.training import fitting as training
from mask_detector.training.dataset import data_report, draw_on_bare_faces, read_dataset
from mask_detector.training.fitting import FINE_SHARE, Recipe, Workspace

# Options that are fields of the recipe, under the same names.
RECIPE_ARGUMENTS = (
    "image_size",
    "margin",
    "alpha",
    "batch_size",
    "head_epochs",
    "epochs",
    "learning_rate",
    "from_block",
    "drawn_masks",
    "seed",
)


def parse_arguments() -> argparse.Namespace:
    recipe = Recipe()
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument_group("data").add_argument
    add(
        "--dataset",
        type=Path,
        nargs="+",
        default=[Path("dataset")],
        metavar="FOLDER",
        help="folders of class folders, or with images/ and annotations/ (VOC, YOLO or COCO)",
    )
    add(
        "--classes", nargs="+", metavar="NAME", help="classes to learn, in the order of the outputs"
    )
    add(
        "--test-size",
        type=number(0.01, 0.9),
        default=0.2,
        metavar="SHARE",
        help="share of the groups of photos that training never sees",
    )
    add(
        "--detector",
        choices=face_detector.DETECTORS,
        default="yunet",
        help="face detector that finds the faces in the photos of class folders",
    )
    add(
        "--drawn-masks",
        type=number(0, 10),
        default=recipe.drawn_masks,
        metavar="DOSE",
        help="extra training faces per bare one, with a mask, a hand or a scarf drawn over it",
    )
    add(
        "--check-data",
        action="store_true",
        help="print a report on the data, draw samples into data_check.png, and stop",
    )
    add = parser.add_argument_group("network").add_argument
    add(
        "--weights",
        default="imagenet",
        metavar="imagenet|none|FILE",
        help="start from these; a FILE is a mask_detector.model, a classic one, or Keras weights",
    )
    add(
        "--image-size",
        type=whole_number(32, 512),
        default=recipe.image_size,
        help="side of the face crops in pixels",
    )
    add(
        "--alpha",
        type=float,
        choices=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
        default=recipe.alpha,
        help="width of MobileNetV2; there are ImageNet weights for 1.0 alone",
    )
    add(
        "--margin",
        type=number(0, 1),
        default=recipe.margin,
        help="what a crop adds on each side of a face, as a share of its longer side",
    )
    add = parser.add_argument_group("recipe").add_argument
    add(
        "--head-epochs",
        type=whole_number(1),
        default=recipe.head_epochs,
        help="epochs of the new head on the frozen base",
    )
    add(
        "--epochs",
        type=whole_number(0),
        default=recipe.epochs,
        help="epochs of fine-tuning; it stops earlier when nothing gets better",
    )
    add(
        "--batch-size",
        type=whole_number(1, 4096),
        default=recipe.batch_size,
        help="crops in a training step",
    )
    add(
        "--learning-rate",
        type=number(1e-7, 1),
        default=recipe.learning_rate,
        help=f"of the head; fine-tuning starts at {FINE_SHARE} of it and falls to nothing",
    )
    add(
        "--from-block",
        type=whole_number(1, 16),
        default=recipe.from_block,
        help="MobileNetV2's block from which on fine-tuning lets the weights learn",
    )
    add(
        "--seed",
        type=whole_number(0, 2**31 - 1),
        default=recipe.seed,
        help="of all that is random; which photos are tested does not depend on it",
    )
    add("--resume", action="store_true", help="go on with an interrupted training")
    add = parser.add_argument_group("output").add_argument
    add(
        "--model",
        type=Path,
        default=Path("mask_detector.model"),
        help="the trained model; an older one of that name is kept as NAME.previous",
    )
    add(
        "--plot",
        type=Path,
        default=Path("plot.png"),
        help="chart of loss and accuracy; the confusion matrix goes beside it",
    )
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    started = time.monotonic()

    # The photos: which there are, where their faces are, who learns and who is tested.
    finder = face_detector.load(arguments.detector, thorough=False)
    dataset = read_dataset(arguments.dataset, finder, arguments.classes)
    print(data_report(dataset, arguments.test_size))
    if arguments.check_data:
        charts.sample_sheet(Path("data_check.png"), dataset, arguments.margin)
        print("samples of each class: data_check.png")
        return command_line.OK
    classes = dataset.classes
    parts = dataset.parts(arguments.test_size)
    drawn = draw_on_bare_faces(parts["train"], classes, arguments.drawn_masks, arguments.seed)
    if drawn:
        print(f"{len(drawn)} training faces more, with masks, hands and scarfs drawn on")

    # The network, on the shoulders of ImageNet.
    recipe = Recipe(**{field: getattr(arguments, field) for field in RECIPE_ARGUMENTS})
    training.prepare(recipe.seed)
    net = network.build_network(classes, recipe.image_size, recipe.alpha)
    print(f"starting from {network.load_pretrained(net, arguments.weights)}")

    settings = {
        "recipe": dataclasses.asdict(recipe),
        "photos": dataset.digest,
        "classes": classes,
        "test_size": arguments.test_size,
        "weights": arguments.weights,
    }
    with Workspace(arguments.model, arguments.resume, settings) as folder:
        learn = training.training_stream([*parts["train"], *drawn], classes, recipe, folder)
        near, far = training.validation_streams(parts["validation"], classes, recipe, folder)

        # First the head on the frozen base, then the upper blocks with it, at a lower rate.
        phases = {}
        for phase, epochs, block, rate in (
            ("head", recipe.head_epochs, None, recipe.learning_rate),
            ("fine-tuning", recipe.epochs, recipe.from_block, recipe.learning_rate * FINE_SHARE),
        ):
            if epochs:
                count = network.freeze_below(net, block)
                print(f"{phase}: {count:,} weights learn, {epochs} epochs at most, rate {rate:g}")
                phases[phase] = training.fit_phase(
                    net, learn, near.concatenate(far), recipe, epochs, rate, folder / phase
                )

        # Probabilities that mean what they say; then the quickest form that is as accurate.
        temperature = training.calibrate(net, near.concatenate(far), classes)
        model = network.with_probabilities(net, classes, recipe.alpha, temperature)
        card = ModelCard(classes, recipe.image_size, recipe.margin)
        compiled = training.compile_best(model, card, learn, near.concatenate(far))

    # The report, on photos that had no say in any of this.
    report = training.report(compiled.flatbuffer, card, parts["test"], temperature)
    print(report.text)
    told = {
        "folders": [folder.resolve().name for folder in arguments.dataset],
        "faces": {name: dict(Counter(s.label for s in part)) for name, part in parts.items()},
        "faces_drawn_on": len(drawn),
        "data_sha256": dataset.digest,
        "start": arguments.weights,
        "recipe": dataclasses.asdict(recipe),
        "compiled": compiled.format,
        "minutes": round((time.monotonic() - started) / 60, 1),
    }
    card = dataclasses.replace(
        card, training=told, scores=report.scores, versions=package_versions()
    )
    if arguments.model.exists():
        arguments.model.replace(f"{arguments.model}.previous")
    write_model(arguments.model, model, card, compiled.flatbuffer)
    charts.plot_training(arguments.plot, phases)
    confusion = arguments.plot.with_stem(f"{arguments.plot.stem}_confusion")
    charts.plot_confusion(confusion, report.confusion, classes)
    print(f"wrote {arguments.model}, {arguments.plot} and {confusion}")
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
