#!/usr/bin/env python3
"""Write the measured accuracy into mask_detector.model, docs/model-card.md and the README.

    python -m benchmarks.accuracy --images ... --annotations ... --detector ssd yunet \\
        --baseline --json runs/accuracy.json --output docs/images/accuracy
    python -m scripts.model_card --accuracy runs/accuracy.json

The published figures are the measured ones; none is typed by hand.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.page_sections import write_section
from mask_detector import command_line
from mask_detector.errors import ModelFileError
from mask_detector.models.model_file import ModelCard, read_model, replace_card
from scripts.slice_tables import (
    FIGURES,
    differences_table,
    figure,
    gaps_table,
    limits,
    number,
    slices_table,
    table,
)

REPOSITORY = Path(__file__).resolve().parent.parent
MARK_BEGIN = "<!-- accuracy: written by scripts/model_card.py -->"
MARK_END = "<!-- /accuracy -->"
LIMITS_BEGIN = "<!-- limits: written by scripts/model_card.py -->"
LIMITS_END = "  <!-- /limits -->"

SYSTEM_NAMES = {
    "ssd": "ours, SSD, thorough",
    "ssd (original)": "SSD as published, thorough",
    "ssd 300": "ours, SSD, one pass at 300",
    "ssd (original) 300": "SSD as published, one pass at 300",
    "yunet": "ours, YuNet, thorough",
    "yunet (original)": "YuNet as published, thorough",
    "yunet 640": "ours, YuNet, one pass at 640",
    "yunet (original) 640": "YuNet as published, one pass at 640",
    "classic": "the classic recipe",
}
README_SYSTEMS = ("ssd", "ssd (original)", "yunet", "yunet (original)", "classic")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = command_line.make_parser(__doc__)
    parser.add_argument(
        "--model", type=Path, default=command_line.DEFAULT_MODEL, help="model file to complete"
    )
    parser.add_argument(
        "--accuracy",
        type=Path,
        nargs="+",
        default=[],
        metavar="JSON",
        help="from benchmarks/accuracy.py, for photos that the model was not trained on",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Add the figures to the card, then write the pages made from it."""
    arguments = parse_arguments(argv)
    card = read_model(arguments.model).card
    if arguments.accuracy:
        measured = merged(arguments.accuracy)
        card = dataclasses.replace(card, scores={**card.scores, "end_to_end": measured})
        replace_card(arguments.model, card)
    if "end_to_end" not in card.scores:
        raise ModelFileError(f"{arguments.model}: not measured yet, give --accuracy")
    card_page = REPOSITORY / "docs" / "model-card.md"
    write_section(card_page, f"\n\n{card_section(card)}\n\n", MARK_BEGIN, MARK_END)
    readme = REPOSITORY / "README.md"
    table = accuracy_table(card, README_SYSTEMS)
    write_section(readme, f"\n\n{table}\n\n", MARK_BEGIN, MARK_END)
    if card.scores["end_to_end"].get("slices"):
        sentences = limits(card.scores["end_to_end"])
        write_section(readme, f"\n{sentences}\n", LIMITS_BEGIN, LIMITS_END)
    print("wrote docs/model-card.md and the README's accuracy section")
    return command_line.OK


def merged(paths: Iterable[Path]) -> dict[str, Any]:
    """Reports on the same photos as one; a run with one pass is named after its size.

    Where several measure the same classifier, the first counts; slices are those of the first
    report that has some.
    """
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    whole = reports[0]
    systems: dict[str, Any] = {}
    for report in reports:
        size = report["settings"]["detector_size"]
        for name, system in report["systems"].items():
            suffix = "" if size == "auto" or name == "classic" else f" {size}"
            systems[name + suffix] = system
        for part in ("classifiers", "unsure_bands"):
            whole[part] = report[part] | whole[part]
        if size == "auto":
            whole["differences"] = report.get("differences", {}) | whole.get("differences", {})
            whole["slices"] = whole.get("slices") or report.get("slices", {})
    return whole | {"systems": systems}


def accuracy_table(card: ModelCard, names: Sequence[str] | None = None) -> str:
    """One row a system, end to end, on all sizes: the systems of these names, or all."""
    measured = card.scores["end_to_end"]
    faces = ", ".join(f"{count} {name}" for name, count in sorted(measured["faces"].items()))
    # A row for each system; each figure with its 95 % interval.
    rows = [
        [
            SYSTEM_NAMES.get(name, name),
            *(figure(system["sizes"]["all"][key]) for key in FIGURES),
        ]
        for name, system in measured["systems"].items()
        if names is None or name in names
    ]
    head = ["", *FIGURES.values()]
    return (
        f"{measured['photos']} photos that no model here was trained on ({faces}); "
        "95 % intervals over photos:\n\n" + table(head, rows)
    )


def card_section(card: ModelCard) -> str:
    """The model card's figures and facts."""
    training, scores = card.training, card.scores
    measured = scores["end_to_end"]
    # A heading and a table, in turns.
    parts = [
        "### What it is",
        table(
            ["", ""],
            [
                ["classes, in the order of the outputs", ", ".join(card.classes)],
                ["input", f"{card.input_size} x {card.input_size} RGB, margin {card.margin}"],
                ["unsure", f"below {0.5 + card.unsure:g} for two classes"],
                ["compiled as", str(training.get("compiled"))],
                ["data, SHA-256", f"`{training.get('data_sha256')}`"],
                ["training took", f"{training.get('minutes')} minutes on two processor cores"],
                *([name, version] for name, version in card.versions.items()),
            ],
        ),
        "### Faces it was trained, validated and tested on",
        table(
            ["part", *card.classes],
            [
                [part, *(str(counts.get(name, 0)) for name in card.classes)]
                for part, counts in training.get("faces", {}).items()
            ],
        ),
        "For training, masks, hands, veils and others were drawn on "
        f"{training.get('faces_drawn_on')} more copies of unmasked faces.",
        "### Recipe",
        "```json\n" + json.dumps(training.get("recipe"), indent=1) + "\n```",
        "### Face crops of the test part",
        table(
            ["", ""],
            [
                [key.replace("_", " "), f"{value:.4f}"]
                for key, value in scores.items()
                if isinstance(value, float)
            ],
        ),
        "### End to end, on the scenes of the test part",
        accuracy_table(card),
        *comparisons(measured),
        "#### By face size (square root of the box's area)",
        table(
            ["", *measured["systems"]],
            [
                [
                    f"{key.replace('_', ' ')}, {size}",
                    *(figure(s["sizes"][size][key]) for s in measured["systems"].values()),
                ]
                for key in ("face_recall", "mean_average_precision")
                for size in next(iter(measured["systems"].values()))["sizes"]
            ],
        ),
        "#### Labels of annotated boxes: only the classifier",
        table(
            ["", "faces", "balanced accuracy", "calibration error"],
            [
                [
                    f"{name}, {size}",
                    str(values["faces"]),
                    figure(values["balanced_accuracy"]),
                    number(values["calibration_error"]),
                ]
                for name, sizes in measured["classifiers"].items()
                for size, values in sizes.items()
            ],
        ),
        "#### The unsure band (`--unsure`), on the same boxes",
        table(
            [
                "half width",
                "called unsure",
                "wrong among the others",
                "of the wrong, called unsure",
            ],
            [
                [band, *(number(values[key]) for key in ("unsure", "error", "caught"))]
                for band, values in next(iter(measured["unsure_bands"].values())).items()
            ],
        ),
    ]
    return "\n\n".join(parts)


def comparisons(measured: dict[str, Any]) -> list[str]:
    """Headings and tables of the differences between systems and between slices."""
    parts = []
    if measured.get("differences"):
        parts += [
            "#### Differences, on the same photos drawn again",
            differences_table(measured, lambda name: SYSTEM_NAMES.get(name, name)),
        ]
    if measured.get("slices"):
        parts += [
            "#### Who is missed",
            slices_table(measured),
            "Largest gap between the slices of a group: between those of at least 100 faces, or, "
            "marked \\*, between all, where one of the two has fewer:",
            gaps_table(measured),
        ]
    return parts


if __name__ == "__main__":
    command_line.run(main)
