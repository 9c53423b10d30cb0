"""Pictures of an accuracy measurement: one PNG for each question, all systems side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy_measures import (
    System,
    faces_of,
    faces_of_class,
    known_boxes,
    outcome_table,
)
from mask_detector.training import charts
from mask_detector.training.calibration import Reliability, reliability
from mask_detector.training.evaluation import Matches, match_photos, precision_recall_curve
from mask_detector.wording import display_name

OutcomeTable = tuple[list[str], list[str], np.ndarray]
"""Names of the rows, names of the columns, counts."""


def plot_outcomes(path: Path, tables: Mapping[str, OutcomeTable]) -> None:
    """What became of the annotated faces of every class: one panel for each system."""
    figure, panels = charts.panels(len(tables), 5, 4.5)
    for axes, (title, (rows, columns, counts)) in zip(panels, tables.items(), strict=True):
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            if (rows[row], columns[column]) != ("no face", "not found"):
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, count, ha="center", va="center", color=colour)
        axes.set_xticks(range(len(columns)), [display_name(name) for name in columns])
        axes.set_yticks(range(len(rows)), [display_name(name) for name in rows])
        axes.set(title=title, xlabel="found as", ylabel="annotated as")
    charts.save(figure, path)


def plot_precision_recall(path: Path, matches: Mapping[str, Mapping[str, Matches]]) -> None:
    """Precision over recall: one panel for each kind of face, one line for each system.

    Args:
        matches: by system, then by kind.
    """
    kinds: Sequence[str] = list(dict.fromkeys(kind for each in matches.values() for kind in each))
    figure, panels = charts.panels(len(kinds), 5, 4)
    for axes, kind in zip(panels, kinds, strict=True):
        for system, each in matches.items():
            if kind in each:
                axes.plot(*precision_recall_curve(each[kind]), label=system)
        axes.set(title=display_name(kind), xlabel="recall", ylabel="precision")
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.3)
    panels[0].legend(loc="lower left")
    charts.save(figure, path)


def plot_reliability(path: Path, curves: Mapping[str, Reliability]) -> None:
    """How often a label is right that is stated with some probability: one panel a classifier."""
    figure, panels = charts.panels(len(curves), 5, 4)
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        width = 1 / len(curve.counts)
        centres = (np.arange(len(curve.counts)) + 0.5) * width
        axes.bar(centres, np.nan_to_num(curve.accuracy), width * 0.95, label="right")
        axes.plot(curve.confidence, curve.accuracy, "o", color="black", markersize=3)
        axes.plot([0, 1], [0, 1], ":", color="grey")
        for centre, accuracy, count in zip(centres, curve.accuracy, curve.counts, strict=True):
            if count:
                axes.text(centre, accuracy + 0.02, count, ha="center", fontsize=7)
        axes.set(title=f"{title}: calibration error {curve.error:.3f}")
        axes.set(xlabel="stated probability of the label", ylabel="share right")
        axes.set(xlim=(0.3, 1), ylim=(0, 1.12))
    charts.save(figure, path)


def write_plots(folder: Path, systems: Sequence[System], confidence: float) -> None:
    """Write outcomes.png, precision_recall.png and reliability.png."""
    plot_outcomes(
        folder / "outcomes.png",
        {s.name: outcome_table(s.observations, s.classes, confidence) for s in systems},
    )
    plot_precision_recall(
        folder / "precision_recall.png",
        {
            system.name: {"any face": match_photos([faces_of(o) for o in system.observations])}
            | {
                name: match_photos(
                    [faces_of_class(o, name, system.classes) for o in system.observations]
                )
                for name in system.classes
            }
            for system in systems
        },
    )
    curves = {}
    for system in systems:
        pairs = [known_boxes(each, system.classes) for each in system.observations]
        truth = np.concatenate([truth for truth, _ in pairs])
        curves[system.classifier] = reliability(np.vstack([rows for _, rows in pairs]), truth)
    plot_reliability(folder / "reliability.png", curves)
