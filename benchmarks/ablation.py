#!/usr/bin/env python3
"""Train with one ingredient of the recipe changed at a time and compare on the validation groups.

    python benchmarks/ablation.py --dataset my_faces my_scenes --epochs 4

Each variant is measured twice: on validation faces as detection cuts them (near), and on the
same faces shrunk to 9 to 40 pixels, blurred, noisy and compressed (far). Test photos are not
touched. Figures: balanced accuracy, and the mean log loss, which also counts how sure a wrong
answer was and how unsure a right one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import face_detector
from mask_detector import command_line, network, training
from mask_detector.command_line import whole_number
from mask_detector.dataset import Dataset, draw_on_bare_faces, read_dataset
from mask_detector.evaluation import accuracies, confusion_matrix, fit_temperature
from mask_detector.images import write_bytes
from mask_detector.training import FINE_SHARE, Recipe, Workspace

AUGMENTATION_FIELDS = {f.name for f in dataclasses.fields(training.Augmentation)}

# What each variant changes; a field of the recipe or of its augmentation.
VARIANTS: dict[str, dict[str, Any]] = {
    "the recipe": {},
    "without far faces": {"far": 0.0},
    "without noise, motion blur, JPEG": {"noise": 0.0, "motion": 0.0, "jpeg": 0.0},
    "without light and grey": {"light": 0.0, "grey": 0.0},
    "without patches": {"occlusion": 0.0},
    "without rotation, shear, shift": {"rotation": 0.0, "shear": 0.0, "shift": 0.0},
    "without drawn masks": {"drawn_masks": 0.0},
    "drawn masks, double dose": {"drawn_masks": 1.0},
    "without label smoothing": {"smoothing": 0.0},
    "without weight averaging": {"averaging": 0.0},
    "head alone": {"epochs": 0, "head_epochs": 3},
    "from block 1": {"from_block": 1},
    "from block 10": {"from_block": 10},
    "96 px": {"image_size": 96},
    "128 px": {"image_size": 128},
    "160 px": {"image_size": 160},
    "width 0.5, no ImageNet": {"alpha": 0.5},
}


def parse_arguments() -> argparse.Namespace:
    parser = command_line.make_parser(__doc__)
    parser.add_argument("--dataset", type=Path, nargs="+", required=True, help="as for training")
    parser.add_argument("--classes", nargs="+", help="as for training")
    parser.add_argument("--epochs", type=whole_number(1), default=4, help="of fine-tuning")
    parser.add_argument(
        "--image-size", type=whole_number(32, 512), default=128, help="of all but those named px"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of all that is random")
    parser.add_argument(
        "--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="which to train"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("ablation.json"), help="results, one a variant"
    )
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    finder = face_detector.load("yunet", thorough=False)
    dataset = read_dataset(arguments.dataset, finder, arguments.classes)
    results: dict[str, Any] = {}
    if arguments.output.exists():
        results = json.loads(arguments.output.read_text())
    for name in arguments.variants:
        changes = {
            "epochs": arguments.epochs,
            "image_size": arguments.image_size,
            "seed": arguments.seed,
        } | VARIANTS[name]
        results[f"{name} (seed {arguments.seed})"] = _measure(dataset, changes, arguments.output)
        write_bytes(arguments.output, json.dumps(results, indent=2).encode())
        print(f"{name}: {results[f'{name} (seed {arguments.seed})']}")
    shutil.rmtree(f"{arguments.output}.crops", ignore_errors=True)
    return command_line.OK


def _measure(dataset: Dataset, changes: dict[str, Any], output: Path) -> dict[str, float]:
    """Train one variant and measure it on the validation groups."""
    recipe = Recipe()
    mixing = {name: value for name, value in changes.items() if name in AUGMENTATION_FIELDS}
    plain = {name: value for name, value in changes.items() if name not in AUGMENTATION_FIELDS}
    learning = dataclasses.replace(
        recipe, augmentation=dataclasses.replace(recipe.augmentation, **mixing), **plain
    )
    # The validation crops are the unchanged recipe's, whatever the variant learns from.
    judging = dataclasses.replace(learning, augmentation=recipe.augmentation)
    classes = dataset.classes
    parts = dataset.parts(0.2)
    drawn = draw_on_bare_faces(parts["train"], classes, learning.drawn_masks, learning.seed)
    training.prepare(learning.seed)
    net = network.build_network(classes, learning.image_size, learning.alpha)
    network.load_pretrained(net, "imagenet" if learning.alpha == 1 else "none")
    started = time.monotonic()
    # Variants that see the same crops share them: cutting them takes longer than an epoch.
    crops = Path(f"{output}.crops") / f"{learning.image_size}-{len(drawn)}-{learning.seed}"
    crops.mkdir(parents=True, exist_ok=True)
    with Workspace(output, False, dataclasses.asdict(learning)) as folder:
        learn = training.training_stream([*parts["train"], *drawn], classes, learning, crops)
        near, far = training.validation_streams(parts["validation"], classes, judging, crops)
        for phase, epochs, block, rate in (
            ("head", learning.head_epochs, None, learning.learning_rate),
            ("fine", learning.epochs, learning.from_block, learning.learning_rate * FINE_SHARE),
        ):
            if epochs:
                network.freeze_below(net, block)
                training.fit_phase(
                    net, learn, near.concatenate(far), learning, epochs, rate, folder / phase
                )
        result = {"minutes": round((time.monotonic() - started) / 60, 1)}
        for which, stream in (("near", near), ("far", far)):
            result |= {f"{which} {k}": v for k, v in _scores(net, stream, len(classes)).items()}
    return result


def _scores(net: Any, stream: Any, classes: int) -> dict[str, float]:
    logits, labels = training.predict_logits(net, stream, classes)
    # Each variant is calibrated first: the log loss then tells knowledge, not temperament.
    scaled = logits / fit_temperature(logits, labels)
    scaled -= scaled.max(axis=1, keepdims=True)
    log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    confusion = confusion_matrix(labels, logits.argmax(axis=1), (classes, classes))
    return {
        "balanced accuracy": round(float(accuracies(confusion)[1]), 4),
        "log loss": round(float(-log_p[np.arange(len(labels)), labels].mean()), 4),
    }


if __name__ == "__main__":
    command_line.run(main)
