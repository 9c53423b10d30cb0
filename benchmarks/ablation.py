#!/usr/bin/env python3
"""Change one ingredient of the training recipe at a time and compare on another collection.

    python -m benchmarks.ablation --dataset my_faces --judge my_scenes

Each variant is trained on one collection and evaluated on another, since a model must work on
photos from other sources. It is measured twice: on the evaluation faces as detection cuts them
(near), and on the same faces shrunk to 9 to 40 pixels, blurred, noisy and compressed (far). Test
photos of both collections stay unused. Figures: balanced accuracy; the mean log loss after
calibration, which also counts how confident wrong and right answers are; where the evaluation
collection names masks worn wrongly, the share of them that is not surely called a mask; and the
time that detection takes for four faces. Every variant is trained once per seed, and the table
shows each seed's difference from the recipe's log loss: two trainings of the same recipe differ,
and a difference whose sign changes from seed to seed means nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import face_detector
from mask_detector import command_line
from mask_detector.classifier import Classifier
from mask_detector.command_line import whole_number
from mask_detector.files import make_folder, write_bytes
from mask_detector.models.model_file import ModelCard, ModelFile
from mask_detector.training import fitting, network, streams
from mask_detector.training.augmentation import Augmentation
from mask_detector.training.calibration import fit_temperature, log_loss, softmax
from mask_detector.training.compiling import compile_network, milliseconds
from mask_detector.training.dataset import read_dataset
from mask_detector.training.evaluation import balanced_accuracy
from mask_detector.training.recipe import Recipe
from mask_detector.training.samples import WORN_WRONGLY, Sample, draw_on_faces, is_pair

AUGMENTATION_FIELDS = {f.name for f in dataclasses.fields(Augmentation)}
TEST_SIZE = 0.2
RECIPE = "the recipe"

SURELY = 0.5 + ModelCard.unsure
"""Probability from which on a face is called *Mask*, and not unsure, by default."""

# What each variant changes; a field of the recipe or of its augmentation.
VARIANTS: dict[str, dict[str, Any]] = {
    RECIPE: {},
    "without far faces": {"far": 0.0},
    "without noise, motion blur, JPEG": {"noise": 0.0, "motion": 0.0, "jpeg": 0.0},
    "without light and grey": {"light": 0.0, "coloured": 0.0, "grey": 0.0},
    "without patches": {"occlusion": 0.0},
    "without rotation, shear, shift": {"rotation": 0.0, "shear": 0.0, "shift": 0.0},
    "without drawn masks": {"drawn_masks": 0.0},
    "drawn masks, half as many": {"drawn_masks": 0.25},
    "drawn masks, twice as many": {"drawn_masks": 1.0},
    "none drawn that is worn wrongly": {
        "not_drawn": ("under_nose", "under_mouth", "under_chin", "one_ear", "over_eyes")
    },
    "no drawn scarves and veils": {"not_drawn": ("scarf", "veil", "niqab")},
    "no drawn things before the mouth": {"not_drawn": ("hand", "cup", "phone", "microphone")},
    "no drawn headscarves and shields": {
        "not_drawn": ("headscarf", "shield", "right+headscarf", "right+shield")
    },
    "no drawn masks of carnival": {"not_drawn": ("carnival", "eye_mask")},
    "without label smoothing": {"smoothing": 0.0},
    "without weight averaging": {"averaging": 0.0},
    "crops with more around the face": {"margin": 0.3, "margins": (0.1, 0.5)},
    "averaging over a quarter of the steps": {"averaging": 0.25},
    "twice the learning rate": {"learning_rate": 2e-3},
    "half the learning rate": {"learning_rate": 5e-4},
    "only the head": {"epochs": 0, "head_epochs": 4},
    "from block 1": {"from_block": 1},
    "from block 10": {"from_block": 10},
    "64 px": {"image_size": 64},
    "96 px": {"image_size": 96},
    "128 px": {"image_size": 128},
    "160 px": {"image_size": 160},
    "width 0.5, no ImageNet": {"alpha": 0.5},
}


# fmt: off
def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument
    add("--dataset", type=Path, nargs="+", required=True,
        help="collection to train on, as for train_mask_detector.py")
    add("--judge", type=Path, nargs="+", required=True,
        help="collection to evaluate on, as for train_mask_detector.py")
    add("--classes", nargs="+", default=["with_mask", "without_mask"],
        help="classes of both collections")
    add("--epochs", type=whole_number(1), default=3, help="epochs of fine-tuning")
    add("--image-size", type=whole_number(32, 512), default=64,
        help="side of the face crops in pixels, except in variants that name one")
    add("--seeds", type=whole_number(0), nargs="+", default=[0, 1, 2], help="random seeds")
    add("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="variants to train")
    add("--output", type=Path, default=Path("ablation.json"),
        help="results; those of an earlier run are kept")
    return parser.parse_args(argv)
# fmt: on


def main(argv: Sequence[str] | None = None) -> int:
    """Train and evaluate every variant, and print the table."""
    arguments = parse_arguments(argv)
    detector = face_detector.load("yunet", thorough=False)
    parts, evaluation = (
        read_dataset(folders, detector, arguments.classes).parts(TEST_SIZE)
        for folders in (arguments.dataset, arguments.judge)
    )
    evaluated = [*evaluation["train"], *evaluation["validation"]]
    # Crops of an interrupted run may be incomplete.
    shutil.rmtree(f"{arguments.output}.crops", ignore_errors=True)
    results: dict[str, dict[str, Any]] = {}
    if arguments.output.exists():
        results = json.loads(arguments.output.read_text())
    for seed in arguments.seeds:
        for name in arguments.variants:
            changes = {"epochs": arguments.epochs, "image_size": arguments.image_size, "seed": seed}
            results.setdefault(name, {})[str(seed)] = _measure(
                parts, evaluated, arguments.classes, changes | VARIANTS[name], arguments.output
            )
            write_bytes(arguments.output, json.dumps(results, indent=1).encode())
            print(table(results), flush=True)
    shutil.rmtree(f"{arguments.output}.crops", ignore_errors=True)
    return command_line.OK


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown: means over the seeds, and each seed's difference in log loss."""
    head = ["variant"]
    for which in ("near", "far"):
        head += [f"{which}: balanced accuracy", "log loss", "less the recipe's, each seed"]
    head += ["worn wrongly, not called Mask, each seed", "ms for 4 faces"]
    lines = [head, ["---"] * len(head)]
    for name, runs in results.items():
        cells = [name]
        for which in ("near", "far"):
            for measure in ("balanced accuracy", "log loss"):
                cells.append(f"{np.mean([run[which][measure] for run in runs.values()]):.3f}")
            recipe = results.get(RECIPE, {})
            more = [
                f"{run[which]['log loss'] - recipe[seed][which]['log loss']:+.3f}"
                for seed, run in runs.items()
                if seed in recipe and name != RECIPE
            ]
            cells.append(", ".join(more))
        unmasked = [run["worn wrongly"] for run in runs.values() if "worn wrongly" in run]
        cells.append(", ".join(f"{share:.3f}" for share in unmasked))
        cells.append(f"{np.median([run['milliseconds'] for run in runs.values()]):.1f}")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _measure(
    parts: dict[str, list[Sample]],
    evaluated: list[Sample],
    classes: Sequence[str],
    changes: dict[str, Any],
    output: Path,
) -> dict[str, Any]:
    """Train one variant and measure it on the evaluation faces."""
    recipe = Recipe()
    mixing = {name: value for name, value in changes.items() if name in AUGMENTATION_FIELDS}
    plain = {name: value for name, value in changes.items() if name not in AUGMENTATION_FIELDS}
    learning = dataclasses.replace(
        recipe, augmentation=dataclasses.replace(recipe.augmentation, **mixing), **plain
    )
    # The evaluation crops are the unchanged recipe's, whatever the variant learns from.
    unchanged = dataclasses.replace(learning, augmentation=recipe.augmentation)
    drawn = draw_on_faces(
        parts["train"], classes, learning.drawn_masks, learning.seed, learning.not_drawn
    )
    fitting.prepare(learning.seed)
    net = network.build_network(classes, learning.image_size, learning.alpha, learning.blocks)
    network.load_pretrained(net, ["imagenet" if learning.alpha == 1 else "none"], classes)
    started = time.monotonic()
    # Variants that see the same crops share them: cutting them takes longer than an epoch.
    cut = f"{learning.image_size}-{learning.margin}"
    kinds = f"{len(drawn)}-{'-'.join(learning.not_drawn)}-{learning.seed}"
    crops = Path(f"{output}.crops") / f"{cut}-{kinds}"
    evaluation_crops = Path(f"{output}.crops") / f"{cut}-evaluated"
    for folder in (crops, evaluation_crops):
        make_folder(folder)
    with fitting.Workspace(output, False, dataclasses.asdict(learning)) as folder:
        learn = streams.training_stream([*parts["train"], *drawn], classes, learning, crops)
        near, far = streams.validation_streams(parts["validation"], classes, unchanged, crops)
        fitting.fit(net, learn, near.concatenate(far), learning, folder)
    result: dict[str, Any] = {"minutes": round((time.monotonic() - started) / 60, 1)}
    judged = streams.validation_streams(evaluated, classes, unchanged, evaluation_crops)
    wrongly = np.array([is_pair(classes) and s.label == WORN_WRONGLY for s in evaluated])
    for which, stream in zip(("near", "far"), judged, strict=True):
        logits, labels = fitting.predict_logits(net, stream, len(classes))
        # Each variant is calibrated first: the log loss then compares knowledge, not confidence.
        logits /= fit_temperature(logits[~wrongly], labels[~wrongly])
        result[which] = _scores(logits[~wrongly], labels[~wrongly])
        if which == "near" and wrongly.any():
            masked = softmax(logits[wrongly])[:, list(classes).index("with_mask")]
            result["worn wrongly"] = round(float((masked < SURELY).mean()), 4)
    result["milliseconds"] = round(_latency(net, classes, learning), 1)
    return result


def _latency(net: Any, classes: Sequence[str], recipe: Recipe) -> float:
    """What detection takes for four faces, with the network compiled as it is shipped."""
    crops = np.zeros((1, recipe.image_size, recipe.image_size, 3), np.uint8)
    model = network.with_probabilities(net, classes, recipe.alpha, blocks=recipe.blocks)
    compiled = compile_network(model, "float16", crops)
    card = ModelCard(tuple(classes), recipe.image_size, recipe.margin)
    classifier = Classifier(ModelFile(Path("compiled"), card, compiled, lambda: model))
    return milliseconds(classifier, crops)


def _scores(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Balanced accuracy and mean log loss of calibrated logits, (N, classes)."""
    accuracy = balanced_accuracy(labels, logits.argmax(axis=1), logits.shape[1])
    return {
        "balanced accuracy": round(accuracy, 4),
        "log loss": round(log_loss(softmax(logits), labels), 4),
    }


if __name__ == "__main__":
    command_line.run(main)
