"""The options of ``train_mask_detector.py``: data, training, output."""

from __future__ import annotations

import argparse
from pathlib import Path

import face_detector
from mask_detector.command_line import number
from mask_detector.training import recipe
from mask_detector.training.groups import VALIDATION_SHARE


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all options to the parser, in groups."""
    add_data_options(parser).add_argument(
        "--check-data",
        action="store_true",
        help="print a report on the data, draw samples into data_check.png, and stop",
    )
    # fmt: off
    add = parser.add_argument_group("training").add_argument
    add("--weights", nargs="+", default=["imagenet"], metavar="imagenet|none|FILE",
        help="initial weights; a FILE is a mask_detector.model, a classic one, or Keras weights; "
        "of several models of the same classes, the mean")
    add("--teacher", type=Path, nargs="+", default=[], metavar="FILE",
        help="model files to learn from, larger ones or several: the mean of their probabilities "
        "becomes a part of the targets")
    add("--unlabelled", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="more photos, of whose faces only the --teacher says what they are")
    recipe.add_options(add)
    add("--resume", action="store_true", help="continue an interrupted training")
    add = parser.add_argument_group("output").add_argument
    add("--model", type=Path, default=Path("mask_detector.model"),
        help="the trained model; an older file of that name is kept as NAME.previous")
    add("--plot", type=Path, default=Path("plot.png"),
        help="chart of loss and accuracy; the confusion matrix is written beside it")
    # fmt: on


def add_data_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that say which photos are used for what; the group is returned."""
    group = parser.add_argument_group("data")
    share, add = number(0.01, 0.9), group.add_argument
    # fmt: off
    add("--dataset", type=Path, nargs="+", default=[Path("dataset")], metavar="FOLDER",
        help="photos in class folders, or annotated (VOC, YOLO, COCO); see dataset/README.md")
    add("--rebox", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="more folders, annotated with boxes from hair to chin: the face detector's boxes "
        "replace them")
    add("--classes", nargs="+", metavar="NAME", help="classes to learn, in output order")
    add("--test-size", type=share, nargs="+", default=[0.2], metavar="SHARE",
        help="share of the groups of photos held out for testing; one, or one for each folder")
    add("--validation-size", type=share, nargs="+", default=[VALIDATION_SHARE], metavar="SHARE",
        help="share of the other groups held out to choose the best epoch and to calibrate; "
        "one, or one for each folder")
    add("--detector", choices=face_detector.DETECTORS, default="yunet",
        help="face detector for photos without boxes")
    # fmt: on
    return group


def checked(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments, if they fit each other; otherwise the parser ends the program."""
    folders = len(arguments.dataset) + len(arguments.rebox)
    for name in ("test-size", "validation-size"):
        if len(getattr(arguments, name.replace("-", "_"))) not in (1, folders):
            parser.error(f"--{name}: expected one share, or one for each of {folders} folders")
    if getattr(arguments, "unlabelled", None) and not arguments.teacher:
        parser.error("--unlabelled needs a --teacher, which says what the faces are")
    return arguments
