"""Charts of training and evaluation, each written as one PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mask_detector.files import write_bytes
from mask_detector.images import write_photo
from mask_detector.training.dataset import Dataset
from mask_detector.training.samples import read_crop
from mask_detector.wording import display_name

MOST_CLASSES = 50
"""Classes on a sheet of samples."""


def plot_training(path: Path, phases: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Loss and accuracy of every epoch, the phases one after the other and marked.

    Args:
        phases: name of the phase to its epochs, as ``fit_phase`` returns them, in order.
    """
    figure, (losses, accuracies) = panels(2, 5, 4)
    start = 0  # epochs of earlier phases
    for name, rows in phases.items():
        epochs = np.arange(start + 1, start + len(rows) + 1)
        for axes, figure_name in ((losses, "loss"), (accuracies, "accuracy")):
            for part, colour in (("", "tab:blue"), ("val_", "tab:orange")):
                values = [row[part + figure_name] for row in rows]
                label = ("validation" if part else "training") if start == 0 else None
                axes.plot(epochs, values, "o-", color=colour, label=label, markersize=3)
            axes.axvline(start + 0.5, color="grey", linestyle=":")
            axes.text(start + 0.6, 0.02, name, transform=axes.get_xaxis_transform(), color="grey")
            axes.set(xlabel="epoch", ylabel=figure_name)
        start += len(rows)
    if phases:
        losses.legend()
    figure.suptitle("Training photos are augmented and degraded: their accuracy is the harder one")
    save(figure, path)


def plot_confusion(path: Path, confusion: np.ndarray, classes: Sequence[str]) -> None:
    """A confusion matrix (classes, classes): rows are true classes, columns predicted ones."""
    from sklearn.metrics import ConfusionMatrixDisplay

    figure, (axes,) = panels(1, 5, 4.5)
    names = [display_name(name) for name in classes]
    ConfusionMatrixDisplay(confusion, display_labels=names).plot(
        ax=axes, cmap="Blues", colorbar=False
    )
    save(figure, path)


def sample_sheet(path: Path, dataset: Dataset, margin: float, a_class: int = 24) -> None:
    """A picture of crops of each class, evenly spread over its photos, a row or more a class."""
    size, columns = 96, 12
    rows = []
    for name in dataset.classes[:MOST_CLASSES]:  # a mistaken folder may hold thousands
        samples = [sample for sample in dataset.samples if sample.label == name]
        chosen = np.unique(np.linspace(0, len(samples) - 1, a_class).round().astype(int))
        crops = [read_crop(samples[i], size, margin)[..., ::-1] for i in chosen]
        blank = np.full((size, size, 3), 255, np.uint8)
        crops += [blank] * (-len(crops) % columns)
        title = np.full((28, size * columns, 3), 255, np.uint8)
        cv2.putText(title, name, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
        rows.append(title)
        rows += [np.hstack(crops[i : i + columns]) for i in range(0, len(crops), columns)]
    write_photo(path, np.vstack(rows))


def panels(number: int, width: float, height: float) -> tuple[Any, Sequence[Any]]:
    """A Matplotlib figure of `number` panels side by side, each of that size in inches."""
    # Not at the top: Matplotlib takes half a second to import.
    import matplotlib

    matplotlib.use("Agg")  # draws into memory: no display is needed
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, number, figsize=(width * number, height), layout="constrained", squeeze=False
    )
    return figure, list(axes[0])


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG and free its memory."""
    from matplotlib import pyplot

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    pyplot.close(figure)
    write_bytes(path, buffer.getvalue())
