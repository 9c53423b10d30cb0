"""Who is missed: tables and sentences from a report's slices, for model card and README."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Measure = Mapping[str, Any]
"""``value``, ``low`` and ``high``, each a number or None, as in the JSON of an accuracy report."""

FIGURES = {
    "face_recall": "faces found",
    "face_precision": "of finds, faces",
    "balanced_label_accuracy": "labels right (balanced)",
    "mean_average_precision": "mAP at IoU 0.5",
}
GROUPS_IN_README = ("measured skin tone", "pose", "head covering", "age")


def figure(measure: Measure | None) -> str:
    """``0.912 (0.880–0.940)``, or a dash."""
    if measure is None or measure["value"] is None:
        return "–"
    return f"{measure['value']:.3f} ({number(measure['low'])}–{number(measure['high'])})"


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def differences_table(report: Mapping[str, Any], name: Callable[[str], str]) -> str:
    """One row for each pair of systems; figures of the first minus those of the second."""
    rows = []
    for pair, figures in report["differences"].items():
        first, second = pair.split(" minus ")
        cells = [signed(figures[key]) for key in FIGURES]
        rows.append([f"{name(first)}, minus {name(second)}", *cells])
    return table(["", *FIGURES.values()], rows)


def signed(measure: Measure) -> str:
    """``+0.018 (−0.002 to +0.040)``, or a dash."""
    if measure["value"] is None:
        return "–"
    value, low, high = (
        f"{measure[key]:+.3f}".replace("-", "−") for key in ("value", "low", "high")
    )
    return f"{value} ({low} to {high})"


def measured_systems(report: Mapping[str, Any]) -> list[str]:
    """The systems that were measured by slice."""
    return list(next(iter(report["slices"].values()))["systems"])


def slices_table(report: Mapping[str, Any]) -> str:
    """One row for each slice: faces found by every system, then the classifier's labels."""
    systems = measured_systems(report)
    rows = []
    for group, part in report["slices"].items():
        measured = [part["systems"][system]["slices"] for system in systems]
        labels = next(iter(part["classifiers"].values()))["slices"]
        for name, first in measured[0].items():
            rows.append(
                [
                    f"{group}: {name}",
                    str(first["faces"]),
                    *(figure(each[name]["face_recall"]) for each in measured),
                    figure(labels[name]["balanced_accuracy"]),
                ]
            )
    return table(["", "faces", *(f"found, {name}" for name in systems), "labels right"], rows)


def gaps_table(report: Mapping[str, Any]) -> str:
    """One row for each group: the largest gap between its slices, by system and in labels."""
    systems = measured_systems(report)
    rows = []
    for group, part in report["slices"].items():
        labels = next(iter(part["classifiers"].values()))["gaps"]
        gaps = [part["systems"][system]["gaps"]["face_recall"] for system in systems]
        rows.append([group, *map(gap_text, gaps), gap_text(labels["balanced_accuracy"])])
    return table(["", *(f"found, {name}" for name in systems), "labels right"], rows)


def gap_text(gap: Mapping[str, Any]) -> str:
    """The gap between slices of enough faces, or else between all, marked with ``*``."""
    chosen = gap["enough"] or gap["all"]
    if chosen is None:
        return "–"
    mark = "\\*" if chosen["few"] else ""
    return f"{signed(chosen)}{mark}, {chosen['highest']} over {chosen['lowest']}"


def limits(report: Mapping[str, Any], system: str = "yunet") -> str:
    """Two sentences for the README's list of limits: faces found and labels right by slice."""
    found, labelled = [], []
    for group in GROUPS_IN_README:
        if group not in report["slices"]:
            continue
        part = report["slices"][group]
        slices = part["systems"][system]["slices"]
        labels = next(iter(part["classifiers"].values()))["slices"]
        found.append(f"{group}: {_values(slices, 'face_recall')}")
        labelled.append(f"{group}: {_values(labels, 'balanced_accuracy')}")
    sentences = (
        f"Share of the test faces that are found (YuNet), by {'; by '.join(found)}. "
        f"Share that is labelled right, by {'; by '.join(labelled)}."
    )
    return textwrap.fill(sentences, 120, initial_indent="  ", subsequent_indent="  ")


def _values(slices: Mapping[str, Any], key: str) -> str:
    """``front 0.95, profile 0.71``, with the number of faces where there are few."""
    texts = []
    for name, each in slices.items():
        few = f" of {each['faces']}" if each["faces"] < 100 else ""
        texts.append(f"{name} {each[key]['value']:.2f}{few}")
    return ", ".join(texts)
