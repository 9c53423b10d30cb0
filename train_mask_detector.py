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
from collections.abc import Sequence
from pathlib import Path

import face_detector
from mask_detector import command_line, files
from mask_detector.models.keras_backend import package_versions
from mask_detector.models.model_file import ModelCard, write_model
from mask_detector.training import (
    charts,
    compiling,
    fitting,
    network,
    options,
    recipe,
    report,
    streams,
)
from mask_detector.training.dataset import data_report, read_dataset
from mask_detector.training.identity import digest_of_samples, digests_of_files
from mask_detector.training.samples import draw_on_faces
from mask_detector.training.teacher import Teacher
from mask_detector.training.unlabelled import read_unlabelled


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    options.add_options(parser)
    return options.checked(parser, parser.parse_args(argv))


def main(argv: Sequence[str] | None = None) -> int:
    """Train, calibrate and compile a network, and write it with its report."""
    arguments = parse_arguments(argv)
    started = time.monotonic()

    # Read the photos, find their faces, and hold out some for validation and testing.
    detector = face_detector.load(arguments.detector, thorough=False)
    dataset = read_dataset(arguments.dataset, detector, arguments.classes, reboxed=arguments.rebox)
    shares = (arguments.test_size, arguments.validation_size)
    print(data_report(dataset, *shares))
    if arguments.check_data:
        charts.sample_sheet(Path("data_check.png"), dataset, arguments.margin)
        print("samples of each class: data_check.png")
        return command_line.OK
    confusion_plot = arguments.plot.with_stem(f"{arguments.plot.stem}_confusion")
    for path in (arguments.model, arguments.plot, confusion_plot):
        files.prepare_file(path)
    settings = recipe.from_arguments(arguments)
    classes = dataset.classes
    parts = dataset.parts(*shares)
    more = draw_on_faces(
        parts["train"], classes, settings.drawn_masks, settings.seed, settings.not_drawn
    )
    print(f"{len(more)} more training faces, with masks, hands, veils and others drawn on")
    more += read_unlabelled(arguments.unlabelled, detector, dataset.contents)
    teacher = Teacher(arguments.teacher, classes) if arguments.teacher else None

    # MobileNetV2 with a new head, starting from ImageNet's weights.
    fitting.prepare(settings.seed)
    shape = (settings.alpha, settings.blocks)
    net = network.build_network(classes, settings.image_size, *shape)
    print(f"starting from {network.load_pretrained(net, arguments.weights, classes)}")

    # Whatever decides the result: an interrupted training is only resumed with the same.
    fixed = [dataclasses.asdict(settings), *classes]
    fixed += [digest_of_samples({**parts, "more": more}, dataset.contents)]
    fixed += [digests_of_files(arguments.weights), digests_of_files(arguments.teacher)]
    with fitting.Workspace(arguments.model, arguments.resume, fixed) as folder:
        # Train on augmented crops; validate on faces both near and far.
        samples = [*parts["train"], *more]
        train = streams.training_stream(samples, classes, settings, folder, teacher)
        near, far = streams.validation_streams(parts["validation"], classes, settings, folder)
        validation = near.concatenate(far)
        phases = fitting.fit(net, train, validation, settings, folder)

        # Calibrate the probabilities, then compile to the fastest format that is as accurate.
        temperature = fitting.calibrate(net, validation, classes, parts["validation"])
        model = network.with_probabilities(net, classes, *shape, temperature=temperature)
        card = ModelCard(
            classes,
            settings.image_size,
            settings.margin,
            thresholds=fitting.thresholds(net, near, classes, temperature),
        )
        compiled = compiling.compile_best(model, card, train, validation)

        # Report on the held-out test photos, and write the model with its card.
        tested = report.evaluate_model(compiled.flatbuffer, card, parts["test"], temperature)
        print(tested.text)
        folders = [*arguments.dataset, *arguments.rebox]
        metadata = report.origin(dataset, folders, parts, len(more), settings) | {
            "start": ", ".join(Path(name).name for name in arguments.weights),
            "teacher": ", ".join(path.name for path in arguments.teacher),
            "compiled": compiled.format,
            "minutes": round((time.monotonic() - started) / 60, 1),
        }
        card = dataclasses.replace(
            card, training=metadata, scores=tested.scores, versions=package_versions()
        )
        finished = folder / "finished.model"
        write_model(finished, model, card, compiled.flatbuffer)
        files.put_in_place(finished, arguments.model)
    charts.plot_training(arguments.plot, phases)
    charts.plot_confusion(confusion_plot, tested.confusion, classes)
    print(f"wrote {arguments.model}, {arguments.plot} and {confusion_plot}")
    return command_line.OK


if __name__ == "__main__":
    command_line.run(main)
