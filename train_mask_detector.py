#!/usr/bin/env python3
"""Train the mask classifier on folders of photos and write mask_detector.model.

    python train_mask_detector.py                                  the starter photos, to try it out
    python train_mask_detector.py --dataset my_photos              my_photos/with_mask/*.jpg, ...
    python train_mask_detector.py --dataset my_photos --check-data check the data, train nothing
    python train_mask_detector.py --dataset my_photos --resume     continue an interrupted training

The folders' names are the classes. A new head is trained on the frozen MobileNetV2 first, then
its upper blocks are fine-tuned with it. The best epoch is kept; photos that are held out from
training give the report.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import face_detector
from mask_detector import command_line, files
from mask_detector.models.keras_backend import package_versions
from mask_detector.models.model_file import ModelCard, write_model
from mask_detector.training import charts, compiling, fitting, network, recipe, report, streams
from mask_detector.training.dataset import data_report, read_dataset
from mask_detector.training.samples import draw_on_unmasked_faces


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    # fmt: off
    add = parser.add_argument_group("data").add_argument
    add("--dataset", type=Path, nargs="+", default=[Path("dataset")], metavar="FOLDER",
        help="photos in class folders, or annotated (VOC, YOLO, COCO); see dataset/README.md")
    add("--classes", nargs="+", metavar="NAME", help="classes to learn, in output order")
    add("--test-size", type=command_line.number(0.01, 0.9), default=0.2, metavar="SHARE",
        help="share of the groups of photos held out for testing")
    add("--detector", choices=face_detector.DETECTORS, default="yunet",
        help="face detector for the photos of class folders")
    add("--check-data", action="store_true",
        help="print a report on the data, draw samples into data_check.png, and stop")
    add = parser.add_argument_group("training").add_argument
    add("--weights", default="imagenet", metavar="imagenet|none|FILE",
        help="initial weights; a FILE is a mask_detector.model, a classic one, or Keras weights")
    recipe.add_options(add)
    add("--resume", action="store_true", help="continue an interrupted training")
    add = parser.add_argument_group("output").add_argument
    add("--model", type=Path, default=Path("mask_detector.model"),
        help="the trained model; an older file of that name is kept as NAME.previous")
    add("--plot", type=Path, default=Path("plot.png"),
        help="chart of loss and accuracy; the confusion matrix is written beside it")
    # fmt: on
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, calibrate and compile a network, and write it with its report."""
    arguments = parse_arguments(argv)
    started = time.monotonic()

    # Read the photos, find their faces, and hold out some for validation and testing.
    detector = face_detector.load(arguments.detector, thorough=False)
    dataset = read_dataset(arguments.dataset, detector, arguments.classes)
    print(data_report(dataset, arguments.test_size))
    if arguments.check_data:
        charts.sample_sheet(Path("data_check.png"), dataset, arguments.margin)
        print("samples of each class: data_check.png")
        return command_line.OK
    confusion_plot = arguments.plot.with_stem(f"{arguments.plot.stem}_confusion")
    for path in (arguments.model, arguments.plot, confusion_plot):
        files.prepare_file(path)
    settings = recipe.from_arguments(arguments)
    classes = dataset.classes
    parts = dataset.parts(arguments.test_size)
    drawn = draw_on_unmasked_faces(parts["train"], classes, settings.drawn_masks, settings.seed)
    if drawn:
        print(f"{len(drawn)} more training faces, with masks, hands and scarves drawn on")

    # MobileNetV2 with a new head, starting from ImageNet's weights.
    fitting.prepare(settings.seed)
    net = network.build_network(classes, settings.image_size, settings.alpha)
    print(f"starting from {network.load_pretrained(net, arguments.weights)}")

    # Whatever decides the result: an interrupted training is only resumed with the same.
    fixed = [dataclasses.asdict(settings), dataset.digest, classes]
    fixed += [arguments.test_size, arguments.weights]
    with fitting.Workspace(arguments.model, arguments.resume, fixed) as folder:
        # Train on augmented crops; validate on faces both near and far.
        train = streams.training_stream([*parts["train"], *drawn], classes, settings, folder)
        near, far = streams.validation_streams(parts["validation"], classes, settings, folder)
        validation = near.concatenate(far)
        phases = fitting.fit(net, train, validation, settings, folder)

        # Calibrate the probabilities, then compile to the fastest format that is as accurate.
        temperature = fitting.calibrate(net, validation, classes)
        model = network.with_probabilities(net, classes, settings.alpha, temperature)
        card = ModelCard(classes, settings.image_size, settings.margin)
        compiled = compiling.compile_best(model, card, train, validation)

    # Report on the held-out test photos, and write the model with its card.
    tested = report.evaluate_model(compiled.flatbuffer, card, parts["test"], temperature)
    print(tested.text)
    metadata = {
        "folders": [folder.resolve().name for folder in arguments.dataset],
        "faces": {name: dict(Counter(s.label for s in part)) for name, part in parts.items()},
        "faces_drawn_on": len(drawn),
        "data_sha256": dataset.digest,
        "start": arguments.weights,
        "recipe": dataclasses.asdict(settings),
        "compiled": compiled.format,
        "minutes": round((time.monotonic() - started) / 60, 1),
    }
    card = dataclasses.replace(
        card, training=metadata, scores=tested.scores, versions=package_versions()
    )
    if arguments.model.exists():
        arguments.model.replace(f"{arguments.model}.previous")
    write_model(arguments.model, model, card, compiled.flatbuffer)
    charts.plot_training(arguments.plot, phases)
    charts.plot_confusion(confusion_plot, tested.confusion, classes)
    print(f"wrote {arguments.model}, {arguments.plot} and {confusion_plot}")
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
