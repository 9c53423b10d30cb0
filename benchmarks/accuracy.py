"""Measure a model end to end on annotated photos: finding faces and telling masks.

    python benchmarks/accuracy.py --images photos/images --annotations photos/annotations \\
        --detector ssd yunet --baseline --output runs/accuracy --json runs/accuracy.json

Annotations are Pascal VOC, YOLO or COCO. benchmarks/README.md says how each figure is defined.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

if not __package__:  # run by its path: the folder that Python looks in is this file's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import face_detector
from benchmarks.accuracy_figures import CLASSIC, LOWEST_SCORE, measure
from benchmarks.accuracy_measures import FAR_PIXELS, Observation, System
from benchmarks.accuracy_plots import write_plots
from benchmarks.accuracy_report import print_report, without_nan
from benchmarks.accuracy_slices import count_members, read_slices
from face_detector.weights import ORIGINAL
from mask_detector import command_line
from mask_detector.classifier import Classifier
from mask_detector.crops import cut_crops
from mask_detector.detector import MaskDetector
from mask_detector.errors import DatasetError, PhotoError
from mask_detector.faces import whole_pixels
from mask_detector.files import make_folder, write_bytes
from mask_detector.images import read_photo
from mask_detector.training.annotations import AnnotatedPhoto, read_annotations
from mask_detector.training.evaluation import box_sizes
from mask_detector.training.groups import PARTS, part_of, read_groups


# fmt: off
def add_photo_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which annotated photos are measured: see ``choose_photos``."""
    add = parser.add_argument
    add("--images", type=Path, required=True, help="folder of photos")
    add("--annotations", type=Path, required=True,
        help="folder of VOC XML or YOLO txt files, COCO JSON file or a folder with one")
    add("--groups", type=Path, metavar="CSV",
        help="columns image and group: which photos belong together; needed for --part")
    add("--part", choices=("all", *PARTS), default="all", help="part of the groups to measure on")
    add("--test-size", type=command_line.share, default=0.2, metavar="FRACTION",
        help="fraction of the groups in the test part, as in training")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    add_photo_options(parser)
    add = parser.add_argument
    add("--model", type=Path, default=command_line.DEFAULT_MODEL, help="model file to measure")
    add("--detector", choices=face_detector.DETECTORS, nargs="+", default=["ssd"],
        help="face detectors, each measured with the model")
    add("--detector-size", type=command_line.detector_size, default="auto", metavar="N",
        help="longer side in pixels of a face detector's single pass, or auto")
    add("--detector-weights", nargs="+", default=["default"], metavar="default|original|FILE",
        help="weights of the face detectors, each measured with each")
    add("--confidence", type=command_line.share, default=command_line.DEFAULT_CONFIDENCE,
        metavar="P", help="face score from which a face counts as found, for recall, precision "
        "and labels")
    add("--baseline", action="store_true",
        help="measure the face detectors' original weights and the classic recipe on the same "
        "photos too, and tell differences and ratios")
    add("--slices", type=Path, nargs="+", default=[], metavar="CSV",
        help="column image, if wanted x1, y1, x2 and y2, and a column for each group of slices: "
        "all figures for each slice too")
    add("--limit", type=command_line.whole_number(1), metavar="N",
        help="measure on N photos drawn at random, always the same ones")
    add("--output", type=Path, metavar="DIR", help="write plots as PNG here")
    add("--json", type=Path, metavar="FILE", help="write all figures here")
    return parser.parse_args(argv)
# fmt: on


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement; 1 where photos had to be left out."""
    args = parse_arguments(argv)
    make_folders(args)
    photos, problems = read_annotations(args.images, args.annotations)
    slices, unknown = read_slices(args.slices, photos)
    problems += unknown
    photos = choose_photos(photos, problems, args)
    if args.limit and args.limit < len(photos):
        photos = random.Random(0).sample(photos, args.limit)
    if args.slices and not count_members(slices, photos):
        raise DatasetError(f"{args.slices[0]}: none of its faces is in the photos to be measured")
    systems = load_systems(args)
    problems += observe(photos, systems)
    report = measure(systems, slices, args)
    print_report(report)
    for problem in problems:
        print(f"left out: {problem}", file=sys.stderr)
    if args.json:
        write_bytes(args.json, (json.dumps(without_nan(report), indent=2) + "\n").encode())
    if args.output:
        write_plots(args.output, systems, args.confidence)
    return command_line.FAILED if problems else command_line.OK


def make_folders(args: argparse.Namespace) -> None:
    """Make the folders to write to, before rather than after the long work."""
    for folder in (args.output, args.json and args.json.parent):
        if folder:
            make_folder(folder)


def choose_photos(
    photos: list[AnnotatedPhoto], problems: list[str], args: argparse.Namespace
) -> list[AnnotatedPhoto]:
    """The photos of the part asked for; those without a group become problems."""
    if args.part != "all":
        if args.groups is None:
            raise DatasetError(f"--part {args.part} needs --groups: a CSV with image and group")
        groups = read_groups(args.groups)
        named = [
            (photo, groups.get(photo.path.name, groups.get(photo.path.stem))) for photo in photos
        ]
        problems += [f"{photo.path}: has no group" for photo, group in named if group is None]
        photos = [
            photo for photo, group in named if group and part_of(group, args.test_size) == args.part
        ]
        if not photos:
            raise DatasetError(f"no photo of {args.images} is in the part {args.part!r}")
    return photos


def labeller(classifier: Classifier) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function from a picture and boxes to probabilities, cropped as detection does it."""
    card = classifier.card

    def classify(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        crops = cut_crops(image, boxes, card.input_size, card.margin, card.square)
        return classifier.probabilities(crops)

    return classify


def classify_far(system: System, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Probabilities of faces shrunk to ``FAR_PIXELS``, each with what is around it: (N, C).

    Faces that are smaller stay as they are.
    """
    rows = [np.empty((0, len(system.classes)))]
    for box, size in zip(boxes, box_sizes(boxes), strict=True):
        around = np.rint(box[2:] - box[:2]).astype(int)
        left, top = np.maximum(box[:2] - around, 0)
        patch = image[top : box[3] + around[1], left : box[2] + around[0]]
        scale = min(1.0, FAR_PIXELS / size)
        width, height = (max(1, round(scale * side)) for side in patch.shape[1::-1])
        small = cv2.resize(patch, (width, height), interpolation=cv2.INTER_AREA)
        shown = (box - [left, top, left, top]) * scale
        rows.append(system.classify(small, np.array([whole_pixels(shown, width, height)])))
    return np.vstack(rows)


def load_systems(args: argparse.Namespace) -> list[System]:
    """The model with each face detector and its weights, then the classic recipe if asked for."""
    systems = []
    all_weights = [*args.detector_weights, *([ORIGINAL] if args.baseline else [])]
    for name, weights in dict.fromkeys(product(args.detector, all_weights)):
        own = weights == "default"
        detector = MaskDetector.load(
            args.model,
            name,
            args.detector_size,
            LOWEST_SCORE,
            detector_weights=None if own else weights,
        )
        systems.append(
            System(
                name if own else f"{name} ({Path(weights).stem})",
                args.model.name,
                detector.classes,
                detector.detect,
                labeller(detector.classifier),
            )
        )
    if args.baseline:
        from benchmarks.classic import ClassicDetector

        classic = ClassicDetector(LOWEST_SCORE)
        systems.append(
            System(CLASSIC, CLASSIC, classic.classes, classic.detect, classic.probabilities)
        )
    return systems


def observe(photos: Sequence[AnnotatedPhoto], systems: Sequence[System]) -> list[str]:
    """Show every photo to every system; returns what could not be read."""
    problems = []
    for photo in tqdm(photos, desc="Measuring", unit="photo", disable=None):
        try:
            image = read_photo(photo.path)
        except PhotoError as error:
            problems.append(str(error))
            continue
        height, width = image.shape[:2]
        boxes = np.array([whole_pixels(box, width, height) for box in photo.boxes]).reshape(-1, 4)
        answers: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for system in systems:
            if system.classifier not in answers:
                answers[system.classifier] = (
                    system.classify(image, boxes),
                    classify_far(system, image, boxes),
                )
            found = system.detect(image)
            system.observations.append(Observation(photo, found, *answers[system.classifier]))
    if not systems[0].observations:
        raise DatasetError(f"none of the photos can be read, the first one: {problems[0]}")
    return problems


if __name__ == "__main__":
    command_line.run(main)
