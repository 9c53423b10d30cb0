"""Train a face detector on photos of masked faces and write its weights.

    python -m face_detector.train --epochs 1                   the starter photos, in a few minutes
    python -m face_detector.train --dataset scenes faces       annotated photos and class folders
    python -m face_detector.train --dataset scenes --resume    go on after an interruption

A dataset folder has one of the layouts that dataset/README.md names: photos with boxes (VOC, YOLO
or COCO; every face boxed from brow to chin, whatever its class), or class folders of photos.
Teachers, detectors with other weights, box the faces of class folders and those that nobody
annotated. The result has the names and shapes of the original file and takes its place everywhere:
in OpenCV, or here with --detector-weights. A part of the photos that training never sees gives the
report.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from face_detector import load
from face_detector.training.calibration import calibrate
from face_detector.training.crops import CropMaker
from face_detector.training.fitting import Schedule, fit
from face_detector.training.labels import LOWEST_SCORE
from face_detector.training.mining import with_false_finds
from face_detector.training.photos import TrainingPhoto, read_training_photos, with_drawings
from face_detector.training.shared import (
    PARTS,
    DatasetError,
    Workspace,
    command_line,
    import_keras,
    remarks,
    write_bytes,
)
from face_detector.training.trainable import TRAINABLE, Trainable
from face_detector.training.validation import LEAST_SCORE, Validation, figures
from face_detector.weights import ORIGINAL
from face_detector.yunet import YuNet

EPOCH_CROPS = 6400
"""Crops in an epoch, whatever the number of photos: new ones are made each time."""


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    schedule = Schedule(steps=0)
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument_group("data").add_argument
    add(
        "--dataset",
        type=Path,
        nargs="+",
        default=[Path("dataset")],
        metavar="FOLDER",
        help="folders of photos with boxes or of class folders, as for train_mask_detector.py",
    )
    add(
        "--rebox",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="annotated folders whose boxes are drawn otherwise, around the hair for instance: "
        "the teachers' boxes replace them",
    )
    add(
        "--teachers",
        nargs="+",
        default=[ORIGINAL],
        metavar="original|FILE",
        help="weights of YuNet that box the faces nobody annotated, the best one last",
    )
    add(
        "--mine",
        action="store_true",
        help="search the photos for faces with the weights that training starts from: what they "
        "find beside the known faces becomes a hard negative",
    )
    add = parser.add_argument_group("recipe").add_argument
    add("--detector", choices=TRAINABLE, default="yunet", help="the face detector to train")
    add(
        "--weights",
        nargs="+",
        default=[ORIGINAL],
        metavar="original|FILE",
        help="start from these; from the mean of several, as of trainings with other seeds",
    )
    add(
        "--epochs",
        type=command_line.whole_number(0),
        default=32,
        help=f"epochs, of {EPOCH_CROPS} crops each; 0 only calibrates the scores and reports",
    )
    add(
        "--batch-size",
        type=command_line.whole_number(1, 1024),
        default=schedule.batch_size,
        help="crops in a training step",
    )
    add(
        "--learning-rate",
        type=command_line.number(1e-7, 1),
        default=schedule.rate,
        help="largest step, as a share of a tensor's root mean square; it falls to nothing",
    )
    add(
        "--seed",
        type=command_line.whole_number(0, 2**31 - 1),
        default=0,
        help="of all that is random; which photos are tested does not depend on it",
    )
    add("--resume", action="store_true", help="go on with an interrupted training")
    add = parser.add_argument_group("output").add_argument
    add(
        "--output",
        type=Path,
        metavar="FILE",
        help="the trained weights; a JSON file of that name tells how they were made; default: "
        + " or ".join(str(each.output) for each in TRAINABLE.values()),
    )
    arguments = parser.parse_args()
    arguments.output = arguments.output or TRAINABLE[arguments.detector].output
    return arguments


def main() -> int:
    """Train, calibrate, report."""
    arguments = parse_arguments()
    started = time.monotonic()
    cv2.setNumThreads(1)  # crops are made in threads of their own
    settings = {
        name: [str(each) for each in value] if isinstance(value, list) else str(value)
        for name, value in vars(arguments).items()
        if name != "resume"
    }
    trainable = TRAINABLE[arguments.detector]
    schedule = Schedule(
        steps=math.ceil(arguments.epochs * EPOCH_CROPS / arguments.batch_size),
        batch_size=arguments.batch_size,
        rate=arguments.learning_rate,
        evaluate_every=max(1, EPOCH_CROPS // arguments.batch_size),
    )
    import_keras().utils.set_random_seed(arguments.seed)
    with Workspace(arguments.output, arguments.resume, settings) as folder:
        start = start_weights(arguments.weights, trainable, folder)
        original = trainable.read_model(start)
        photos = labelled_photos(arguments, start, folder / "photos.json")
        parts = {part: [photo for photo in photos if photo.part == part] for part in PARTS}
        print_data_report(parts)
        learn = [photo for photo in parts["train"] if photo.annotated or len(photo.boxes)]
        if not any(len(photo.boxes) for photo in learn):
            raise DatasetError("there are no faces to train on in the training part of the photos")

        network = trainable.build_network(original)
        published = trainable.build_network(trainable.read_model(ORIGINAL))
        drawn_on = with_drawings(learn, arguments.seed)
        crops = CropMaker([*learn, *drawn_on], arguments.seed, trainable.crops)
        check = Validation(parts["validation"])

        def evaluate(network: Any, step: int) -> None:
            trained = trainable.file_with(network, original)
            for size in trainable.sizes:
                result = figures(check.match(trainable.one_pass(trained, size)))
                print(f"step {step}, validation photos at {size} px: {result}", flush=True)

        # The last weights count, not the best: a few hundred validation faces cannot tell epochs
        # apart that differ by less than 0.01.
        fit(network, trainable.loss, crops, schedule, folder, evaluate)
        if schedule.steps:
            keep_some(network, published, trainable.published_share)
        scale, shift = calibrate(trainable, network, original, check)
        write_bytes(arguments.output, trainable.file_with(network, original))
        weights = {"before": start, "after": arguments.output}
        report = measure(arguments.detector, weights, Validation(parts["test"]))

    card = {
        "settings": settings,
        "photos": {part: len(members) for part, members in parts.items()},
        "faces": {part: sum(len(p.boxes) for p in members) for part, members in parts.items()},
        "crops": schedule.steps * schedule.batch_size,
        "calibration": {"scale": scale, "shift": shift},
        "test": report,
        "minutes": round((time.monotonic() - started) / 60, 1),
    }
    card_path = arguments.output.with_suffix(".json")
    write_bytes(card_path, (json.dumps(card, indent=2, allow_nan=False) + "\n").encode())
    print(f"wrote {arguments.output} and {card_path}")
    return command_line.OK


def start_weights(names: list[str], trainable: Trainable, folder: Path) -> str | Path:
    """The weights to start from; the mean of several is written into the folder."""
    if len(names) == 1:
        return names[0]
    models = [trainable.read_model(name) for name in names]
    network, *others = map(trainable.build_network, models)
    for layer, *same in zip(network.layers, *(other.layers for other in others), strict=True):
        arrays = zip(*(each.get_weights() for each in (layer, *same)), strict=True)
        layer.set_weights([np.mean(array, axis=0) for array in arrays])
    path = folder / f"mean{trainable.output.suffix}"
    write_bytes(path, trainable.file_with(network, models[0]))
    return path


def labelled_photos(
    arguments: argparse.Namespace, start: str | Path, kept: Path
) -> list[TrainingPhoto]:
    """The photos with their faces: from the workspace if they are there, else made and kept."""
    if kept.exists():
        return [TrainingPhoto.from_json(values) for values in json.loads(kept.read_bytes())]
    teachers = [YuNet("auto", LOWEST_SCORE, True, None, weights) for weights in arguments.teachers]
    problems: list[str] = []
    notes: Counter[str] = Counter()
    photos = read_training_photos(arguments.dataset, arguments.rebox, teachers, problems, notes)
    for line in remarks(notes, problems):
        print(line)
    if arguments.mine:
        detector = load(arguments.detector, "auto", LOWEST_SCORE, True, None, start)
        photos = with_false_finds(photos, detector)
    write_bytes(kept, json.dumps([photo.as_json() for photo in photos]).encode())
    return photos


def print_data_report(parts: dict[str, list[TrainingPhoto]]) -> None:
    """Print what there is to learn from, by part."""
    rows = {
        "photos": lambda photo: 1,
        "annotated faces": lambda photo: int(photo.by_people.sum()),
        "teachers' faces": lambda photo: int((~photo.by_people).sum()),
        "ignored regions": lambda photo: len(photo.ignored),
        "hard negatives": lambda photo: len(photo.hard_negatives),
    }
    print(" " * 16 + "".join(f"{part:>12}" for part in PARTS))
    for name, count in rows.items():
        print(f"{name:<16}" + "".join(f"{sum(map(count, parts[part])):>12}" for part in PARTS))


def keep_some(network: Any, published: Any, share: Callable[[str], float]) -> None:
    """Exchange the network's weights for means of them and the published ones, in place.

    Args:
        published: a network of the same layers.
        share: of the published weights, from the name of a layer.
    """
    for layer, before in zip(network.layers, published.layers, strict=True):
        kept = share(layer.name)
        pairs = zip(layer.get_weights(), before.get_weights(), strict=True)
        layer.set_weights([(1 - kept) * after + kept * old for after, old in pairs])


def measure(
    detector: str, weights: dict[str, str | Path], photos: Validation
) -> dict[str, dict[str, Any]]:
    """Measure each of the weights, in one pass and thoroughly, on the test photos.

    Returns:
        The figures for the card; empty where there are no test photos.
    """
    report: dict[str, dict[str, Any]] = {}
    if not len(photos):
        print("There are no photos with faces that training never saw: nothing is measured.")
        return report
    print(f"On {len(photos)} photos that training never saw:")
    for name, path in weights.items():
        for way, thorough in (("one pass", False), ("thorough", True)):
            found = photos.match(load(detector, "auto", LEAST_SCORE, thorough, None, path).find)
            result = figures(found)
            report[f"{name}, {way}"] = result.as_json()
            print(f"{name + ', ' + way:<17}  {result}")
    return report


if __name__ == "__main__":
    command_line.run(main)
