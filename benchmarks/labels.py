#!/usr/bin/env python3
"""Compare classifiers on held-out faces: near and far, masks worn wrongly, veils real and drawn.

    python -m benchmarks.labels --dataset my_faces my_scenes --rebox my_varied \\
        --test-size 0.2 0.2 0.25 --validation-size 0.1 0.1 0.34 --part test \\
        --models mask_detector.model mask_detector_3.model

Faces are those that train_mask_detector.py holds out with the same options, cut as detection cuts
them (near), and as if they were 9 to 40 pixels large, blurred, noisy and compressed (far). Each
figure has a 95 % interval over groups of photos.
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
from benchmarks.intervals import measures, weights_of_photos
from mask_detector import command_line
from mask_detector.classifier import Classifier
from mask_detector.faces import is_unsure
from mask_detector.models.model_file import read_model
from mask_detector.training import fitting, options, streams
from mask_detector.training.calibration import reliability
from mask_detector.training.dataset import read_dataset
from mask_detector.training.evaluation import RESAMPLES, box_sizes, mean_of_known, ratio
from mask_detector.training.folders import read_text
from mask_detector.training.recipe import Recipe
from mask_detector.training.samples import WORN_WRONGLY, Sample

CLASSES = ("with_mask", "without_mask", WORN_WRONGLY)
LEAST_SIZE, CLEAR_SIZE = 20.0, 32.0
"""Smallest faces of the figures near, and of those on masks worn wrongly, in pixels."""

DRAWN = ("under_nose", "veil", "niqab", "carnival", "eye_mask")
VEILED = "veil over the mouth"


@dataclasses.dataclass(frozen=True)
class Faces:
    """Faces of one kind, with what a model says of them.

    Attributes:
        truth: the class of each, (N,).
        groups: number of each one's group of photos, int (N,).
        sizes: in pixels, (N,).
        said: the label of each, or ``unsure``, (N,).
        likeliest: the label also where it is unsure, (N,).
        error: expected calibration error, where all classes are the model's; else NaN.
    """

    truth: np.ndarray
    groups: np.ndarray
    sizes: np.ndarray
    said: np.ndarray
    likeliest: np.ndarray
    error: float

    def only(self, chosen: np.ndarray) -> Faces:
        """Those of the faces for which ``chosen``, bool (N,), is true."""
        return Faces(
            self.truth[chosen],
            self.groups[chosen],
            self.sizes[chosen],
            self.said[chosen],
            self.likeliest[chosen],
            self.error,
        )

    def with_worn_wrongly_as(self, label: str) -> Faces:
        """The same where being called worn wrongly is as good as being called ``label``."""
        likeliest = np.where(self.likeliest == WORN_WRONGLY, label, self.likeliest)
        return dataclasses.replace(self, likeliest=likeliest)


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    options.add_data_options(parser)
    # fmt: off
    add = parser.add_argument_group("measurement").add_argument
    add("--models", type=Path, nargs="+", required=True, metavar="FILE", help="model files")
    add("--part", choices=("validation", "test"), default="validation",
        help="part of the groups to measure on")
    add("--veils", type=Path, metavar="CSV",
        help='columns image and "head covering": real veils are those named '
        f'"{VEILED}"')
    # fmt: on
    return options.checked(parser, parser.parse_args(argv))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each model and print its figures."""
    arguments = parse_arguments(argv)
    detector = face_detector.load(arguments.detector, thorough=False)
    dataset = read_dataset(
        arguments.dataset, detector, arguments.classes or CLASSES, reboxed=arguments.rebox
    )
    shares = (arguments.test_size, arguments.validation_size)
    samples = dataset.parts(*shares)[arguments.part]
    veiled = read_veiled(arguments.veils) if arguments.veils else set()
    fitting.prepare(0)
    for path in arguments.models:
        print(f"\n{path} on the {arguments.part} part")
        for name, figures in figures_of(path, samples, veiled).items():
            cells = [
                f"{measure} {value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"
                for measure, value in measures(figures["samples"]).items()
            ]
            print(f"  {name}, {figures['faces']} faces: {', '.join(cells)}")
    return command_line.OK


def read_veiled(path: Path) -> set[str]:
    """Names of the photos, without ending, that show a face veiled over the mouth."""
    import csv

    rows = csv.DictReader(read_text(path, 1 << 24).splitlines())
    return {Path(row["image"]).stem for row in rows if row.get("head covering") == VEILED}


def figures_of(path: Path, samples: Sequence[Sample], veiled: set[str]) -> dict[str, Any]:
    """The figures of one model by kind of face: ``faces``, and ``samples`` with resamples."""
    classifier = Classifier(read_model(path))
    near, far = classified(classifier, samples)
    pair = np.isin(near.truth, CLASSES[:2])
    worn_wrongly = (near.truth == WORN_WRONGLY) & (near.sizes >= CLEAR_SIZE)
    clear = near.only(near.sizes >= CLEAR_SIZE)
    figures = {
        "mask or none, near": on_pair(near.only(pair & (near.sizes >= LEAST_SIZE))),
        "mask or none, far": on_pair(far.only(pair)),
        "masks worn wrongly": on_worn_wrongly(near.only(worn_wrongly)),
    }
    if WORN_WRONGLY in classifier.classes:
        figures["called worn wrongly"] = on_calls(clear)
        for label, name in (("with_mask", "Mask"), ("without_mask", "No Mask")):
            for distance, seen, least in (("near", near, LEAST_SIZE), ("far", far, 0.0)):
                chosen = seen.only(pair & (seen.sizes >= least)).with_worn_wrongly_as(label)
                figures[f"worn wrongly as {name}, {distance}"] = on_pair(chosen)
    bare = np.array([sample.label == "without_mask" for sample in samples])
    real = bare & np.array([sample.photo.stem in veiled for sample in samples])
    if real.any():
        figures["bare under real veils"] = on_worn_wrongly(near.only(real))
    for kind in DRAWN:
        drawn = [
            dataclasses.replace(sample, drawn=kind, drawn_seed=number)
            for number, sample in enumerate(samples)
            if sample.label == "without_mask" and sample.landmarks is not None
        ]
        if drawn:
            (seen,) = classified(classifier, drawn, ways=1)
            figures[f"drawn {kind.replace('_', ' ')}"] = on_worn_wrongly(seen)
    return figures


def classified(classifier: Classifier, samples: Sequence[Sample], ways: int = 2) -> list[Faces]:
    """What a classifier says of the samples: near, and far if ``ways`` is 2."""
    card = classifier.card
    recipe = Recipe(image_size=card.input_size, margin=card.margin)
    names = sorted({sample.group for sample in samples})
    groups = np.array([names.index(sample.group) for sample in samples])
    truth = np.array([sample.label for sample in samples])
    sizes = box_sizes(np.array([sample.box for sample in samples]))
    result = []
    with tempfile.TemporaryDirectory() as folder:
        both = streams.validation_streams(samples, CLASSES, recipe, Path(folder))
        for stream in both[:ways]:
            crops = np.concatenate([np.asarray(batch[0]) for batch in stream])
            rows = classifier.probabilities(crops)
            likeliest = np.array(classifier.classes)[rows.argmax(axis=1)]
            doubtful = np.array([is_unsure(row, card.unsure) for row in rows])
            said = np.where(doubtful, "unsure", likeliest)
            known = np.isin(truth, classifier.classes)
            labels = np.array([classifier.classes.index(name) for name in truth[known]], int)
            error = reliability(rows[known], labels).error
            result.append(Faces(truth, groups, sizes, said, likeliest, error))
    return result


def _counts(faces: Faces, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How many of the values (bool (N,)) are true, as measured and in resamples: (1 + R,)."""
    return weights @ np.bincount(faces.groups, values, minlength=weights.shape[1])


def _weights(faces: Faces) -> np.ndarray:
    """Resamples of the groups that the faces are from: int (1 + R, groups)."""
    return weights_of_photos(int(faces.groups.max(initial=0)) + 1, RESAMPLES)


def on_pair(faces: Faces) -> dict[str, Any]:
    """Recall of both classes, their mean, and the calibration error, which is of all faces."""
    weights = _weights(faces)
    recalls = {}
    for name in CLASSES[:2]:
        true = faces.truth == name
        right = _counts(faces, true & (faces.likeliest == name), weights)
        recalls[name] = ratio(right, _counts(faces, true, weights))
    balanced = mean_of_known(np.stack(list(recalls.values()), axis=1))
    error = np.full(len(weights), faces.error)
    samples = {"balanced accuracy": balanced, **recalls, "calibration error": error}
    return {"faces": len(faces.truth), "samples": samples}


def on_worn_wrongly(faces: Faces) -> dict[str, Any]:
    """How many of faces that wear no mask, or wear it wrongly, are not surely called masked."""
    weights = _weights(faces)
    total = _counts(faces, np.ones(len(faces.truth), bool), weights)
    samples = {
        f"called {name}": ratio(_counts(faces, faces.said == said, weights), total)
        for name, said in (("Mask", "with_mask"), ("No Mask", "without_mask"), ("unsure", "unsure"))
    }
    samples["not called Mask"] = 1 - samples["called Mask"]
    return {"faces": len(faces.truth), "samples": samples}


def on_calls(faces: Faces) -> dict[str, Any]:
    """Recall and precision of masks worn wrongly, as frequent as in the data."""
    weights = _weights(faces)
    called, true = faces.said == WORN_WRONGLY, faces.truth == WORN_WRONGLY
    hits = _counts(faces, called & true, weights)
    samples = {
        "recall": ratio(hits, _counts(faces, true, weights)),
        "precision": ratio(hits, _counts(faces, called, weights)),
    }
    return {"faces": len(faces.truth), "samples": samples}


if __name__ == "__main__":
    command_line.run(main)
