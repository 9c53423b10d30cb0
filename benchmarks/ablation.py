#!/usr/bin/env python3
"""Train with one ingredient of the recipe changed at a time and compare on other people's photos.

    python benchmarks/ablation.py --dataset my_faces --judge my_scenes

Variants learn from one collection and are judged on another, since what counts is how a model does
with strangers' photos. Each is measured twice: on the judging faces as detection cuts them (near),
and on the same faces shrunk to 9 to 40 pixels, blurred, noisy and compressed (far). Test photos of
either are not touched. Figures: balanced accuracy, and the mean log loss after calibration, which
also counts how sure a wrong answer was and how unsure a right one. A table compares the log losses
with the recipe's, face by face, with 95 % intervals over groups of photos.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import face_detector
from mask_detector import command_line, network, training
from mask_detector.command_line import whole_number
from mask_detector.dataset import Sample, draw_on_bare_faces, read_dataset
from mask_detector.evaluation import (
    accuracies,
    bootstrap_weights,
    confusion_matrix,
    fit_temperature,
    interval,
)
from mask_detector.images import write_bytes
from mask_detector.training import FINE_SHARE, Recipe, Workspace

AUGMENTATION_FIELDS = {f.name for f in dataclasses.fields(training.Augmentation)}
TEST_SIZE = 0.2
RECIPE = "the recipe"

# What each variant changes; a field of the recipe or of its augmentation.
VARIANTS: dict[str, dict[str, Any]] = {
    RECIPE: {},
    "another seed": {"seed": 1},
    "without far faces": {"far": 0.0},
    "without noise, motion blur, JPEG": {"noise": 0.0, "motion": 0.0, "jpeg": 0.0},
    "without light and grey": {"light": 0.0, "grey": 0.0},
    "without patches": {"occlusion": 0.0},
    "without rotation, shear, shift": {"rotation": 0.0, "shear": 0.0, "shift": 0.0},
    "without drawn masks": {"drawn_masks": 0.0},
    "drawn masks, double dose": {"drawn_masks": 1.0},
    "without label smoothing": {"smoothing": 0.0},
    "without weight averaging": {"averaging": 0.0},
    "head alone": {"epochs": 0, "head_epochs": 4},
    "from block 1": {"from_block": 1},
    "from block 10": {"from_block": 10},
    "96 px": {"image_size": 96},
    "128 px": {"image_size": 128},
    "160 px": {"image_size": 160},
    "width 0.5, no ImageNet": {"alpha": 0.5},
}


def parse_arguments() -> argparse.Namespace:
    parser = command_line.make_parser(__doc__)
    add = parser.add_argument
    add("--dataset", type=Path, nargs="+", required=True, help="to learn from, as for training")
    add("--judge", type=Path, nargs="+", required=True, help="to be judged on, as for training")
    add(
        "--classes", nargs="+", default=["with_mask", "without_mask"], help="those of both datasets"
    )
    add("--epochs", type=whole_number(1), default=3, help="of fine-tuning")
    add("--image-size", type=whole_number(32, 512), default=96, help="of all but those named px")
    add("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="which to train")
    add("--output", type=Path, default=Path("ablation.json"), help="results; more are added to it")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    finder = face_detector.load("yunet", thorough=False)
    parts, judges = (
        read_dataset(folders, finder, arguments.classes).parts(TEST_SIZE)
        for folders in (arguments.dataset, arguments.judge)
    )
    judging = [*judges["train"], *judges["validation"]]
    results: dict[str, Any] = {}
    if arguments.output.exists():
        results = json.loads(arguments.output.read_text())
    for name in arguments.variants:
        changes = {"epochs": arguments.epochs, "image_size": arguments.image_size}
        results[name] = _measure(
            parts, judging, arguments.classes, changes | VARIANTS[name], arguments.output
        )
        write_bytes(arguments.output, json.dumps(results).encode())
        print(table(results, [sample.group for sample in judging]))
    shutil.rmtree(f"{arguments.output}.crops", ignore_errors=True)
    return command_line.OK


def table(results: dict[str, Any], groups: Sequence[str]) -> str:
    """The results as Markdown, each log loss beside the recipe's.

    Args:
        groups: of the judging faces, whole groups of which are drawn again for the intervals.
    """
    _, numbers = np.unique(groups, return_inverse=True)
    weights = bootstrap_weights(numbers.max() + 1)[:, numbers]
    weights = weights / weights.sum(axis=1, keepdims=True)
    lines = [
        "| variant | near: balanced accuracy | far | near: log loss, less the recipe's | far |",
        "|---|---|---|---|---|",
    ]
    for name, result in results.items():
        cells = [f"{result[which]['balanced_accuracy']:.4f}" for which in ("near", "far")]
        for which in ("near", "far"):
            losses = np.array(result[which]["losses"])
            if name == RECIPE or RECIPE not in results:
                cells.append(f"{losses.mean():.4f}")
                continue
            more = losses - results[RECIPE][which]["losses"]
            low, high = interval(weights @ more)
            cells.append(f"{more.mean():+.4f} ({low:+.4f} to {high:+.4f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measure(
    parts: dict[str, list[Sample]],
    judging: list[Sample],
    classes: Sequence[str],
    changes: dict[str, Any],
    output: Path,
) -> dict[str, Any]:
    """Train one variant and measure it on the judging faces."""
    recipe = Recipe()
    mixing = {name: value for name, value in changes.items() if name in AUGMENTATION_FIELDS}
    plain = {name: value for name, value in changes.items() if name not in AUGMENTATION_FIELDS}
    learning = dataclasses.replace(
        recipe, augmentation=dataclasses.replace(recipe.augmentation, **mixing), **plain
    )
    # The judging crops are the unchanged recipe's, whatever the variant learns from.
    unchanged = dataclasses.replace(learning, augmentation=recipe.augmentation)
    drawn = draw_on_bare_faces(parts["train"], classes, learning.drawn_masks, learning.seed)
    training.prepare(learning.seed)
    net = network.build_network(classes, learning.image_size, learning.alpha)
    network.load_pretrained(net, "imagenet" if learning.alpha == 1 else "none")
    started = time.monotonic()
    # Variants that see the same crops share them: cutting them takes longer than an epoch.
    crops = Path(f"{output}.crops") / f"{learning.image_size}-{len(drawn)}-{learning.seed}"
    judged_crops = Path(f"{output}.crops") / f"{learning.image_size}-judging"
    for folder in (crops, judged_crops):
        folder.mkdir(parents=True, exist_ok=True)
    with Workspace(output, False, dataclasses.asdict(learning)) as folder:
        learn = training.training_stream([*parts["train"], *drawn], classes, learning, crops)
        near, far = training.validation_streams(parts["validation"], classes, unchanged, crops)
        for phase, epochs, block, rate in (
            ("head", learning.head_epochs, None, learning.learning_rate),
            ("fine", learning.epochs, learning.from_block, learning.learning_rate * FINE_SHARE),
        ):
            if epochs:
                network.freeze_below(net, block)
                training.fit_phase(
                    net, learn, near.concatenate(far), learning, epochs, rate, folder / phase
                )
    result: dict[str, Any] = {"minutes": round((time.monotonic() - started) / 60, 1)}
    streams = training.validation_streams(judging, classes, unchanged, judged_crops)
    for which, stream in zip(("near", "far"), streams, strict=True):
        result[which] = _scores(net, stream, len(classes))
    return result


def _scores(net: Any, stream: Any, classes: int) -> dict[str, Any]:
    logits, labels = training.predict_logits(net, stream, classes)
    # Each variant is calibrated first: the log loss then tells knowledge, not temperament.
    scaled = logits / fit_temperature(logits, labels)
    scaled -= scaled.max(axis=1, keepdims=True)
    log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    confusion = confusion_matrix(labels, logits.argmax(axis=1), (classes, classes))
    return {
        "balanced_accuracy": float(accuracies(confusion)[1]),
        "losses": [round(float(loss), 4) for loss in -log_p[np.arange(len(labels)), labels]],
    }


if __name__ == "__main__":
    command_line.run(main)
