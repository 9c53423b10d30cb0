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

from mask_detector import command_line
from mask_detector.errors import ModelFileError
from mask_detector.files import write_bytes
from mask_detector.models.model_file import ModelCard, read_model, replace_card

REPOSITORY = Path(__file__).resolve().parent.parent
MARK_BEGIN = "<!-- accuracy: written by scripts/model_card.py -->"
MARK_END = "<!-- /accuracy -->"

SYSTEM_NAMES = {
    "ssd": "ours, SSD, thorough",
    "ssd 300": "ours, SSD, one pass at 300",
    "yunet": "ours, YuNet, thorough",
    "yunet (original)": "YuNet as published, thorough",
    "yunet 640": "ours, YuNet, one pass at 640",
    "yunet (original) 640": "YuNet as published, one pass at 640",
    "classic": "the classic recipe",
}
README_SYSTEMS = ("ssd", "yunet", "yunet (original)", "classic")


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
    text = (REPOSITORY / "docs" / "model-card.md").read_text(encoding="utf-8")
    write_section(REPOSITORY / "docs" / "model-card.md", text, card_section(card))
    readme = REPOSITORY / "README.md"
    write_section(readme, readme.read_text(encoding="utf-8"), accuracy_table(card, README_SYSTEMS))
    print("wrote docs/model-card.md and the README's accuracy section")
    return command_line.OK


def merged(paths: Iterable[Path]) -> dict[str, Any]:
    """Reports on the same photos as one; a run with one pass is named after its size.

    Where several measure the same classifier, the first counts.
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
    return whole | {"systems": systems}


def accuracy_table(card: ModelCard, names: Sequence[str] | None = None) -> str:
    """One row a system, end to end, on all sizes: the systems of these names, or all."""
    measured = card.scores["end_to_end"]
    faces = ", ".join(f"{count} {name}" for name, count in sorted(measured["faces"].items()))
    # A row for each system; each figure with its 95 % interval.
    rows = [
        [
            SYSTEM_NAMES.get(name, name),
            *(
                figure(system["sizes"]["all"][key])
                for key in (
                    "face_recall",
                    "face_precision",
                    "balanced_label_accuracy",
                    "mean_average_precision",
                )
            ),
        ]
        for name, system in measured["systems"].items()
        if names is None or name in names
    ]
    head = ["", "faces found", "of finds, faces", "labels right (balanced)", "mAP at IoU 0.5"]
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
        f"For training, masks, hands and scarves were drawn on {training.get('faces_drawn_on')} "
        "more copies of unmasked faces.",
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


def figure(measure: dict[str, float | None]) -> str:
    """``0.912 (0.880–0.940)``, or a dash."""
    if measure["value"] is None:
        return "–"
    return f"{measure['value']:.3f} ({number(measure['low'])}–{number(measure['high'])})"


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def write_section(path: Path, text: str, section: str) -> None:
    """Put a section between the marks of a Markdown file."""
    before, begin, rest = text.partition(MARK_BEGIN)
    _, end, after = rest.partition(MARK_END)
    if not begin or not end:
        raise ModelFileError(f"{path}: the marks {MARK_BEGIN} and {MARK_END} are missing")
    whole = f"{before}{MARK_BEGIN}\n\n{section}\n\n{MARK_END}{after}"
    write_bytes(path, whole.encode())


if __name__ == "__main__":
    command_line.run(main)
