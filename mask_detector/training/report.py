"""The report on the test photos: what a trained model scores, as text and for the model card."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mask_detector.classifier import Classifier
from mask_detector.models.model_file import ModelCard, ModelFile
from mask_detector.training.calibration import reliability
from mask_detector.training.dataset import Dataset, Parts
from mask_detector.training.evaluation import (
    SIZE_SLICES,
    accuracies,
    balanced_accuracy,
    confusion_matrix,
    in_range,
)
from mask_detector.training.recipe import Recipe
from mask_detector.training.samples import Sample, label_indices, read_crop


@dataclass(frozen=True)
class Report:
    """How a model does on test photos.

    Attributes:
        text: to print.
        scores: the same for the model card.
        confusion: int (classes, classes); rows are true classes, columns predicted ones.
    """

    text: str
    scores: dict[str, Any]
    confusion: np.ndarray


def evaluate_model(
    flatbuffer: bytes, card: ModelCard, samples: Sequence[Sample], temperature: float
) -> Report:
    """Classify the test faces as detection does, and count.

    Args:
        flatbuffer: the compiled network.
        temperature: the one built into the network; without it the calibration error is
            reported too.
    """
    classifier = Classifier(ModelFile(Path("compiled"), card, flatbuffer, lambda: None))
    probabilities = np.concatenate(
        [
            classifier.probabilities(read_crop(sample, card.input_size, card.margin)[None])
            for sample in samples
        ]
    )  # (N, classes)
    truth = label_indices(samples, card.classes)
    predicted = probabilities.argmax(axis=1)
    classes = len(card.classes)
    confusion = confusion_matrix(truth, predicted, (classes, classes))
    accuracy, balanced = accuracies(confusion)
    # p is softmax(z / T): raised to the power of T and normalised again it is softmax(z).
    uncalibrated = np.maximum(probabilities, 1e-7) ** temperature
    uncalibrated /= uncalibrated.sum(axis=1, keepdims=True)
    scores: dict[str, Any] = {
        "test_faces": len(samples),
        "accuracy": float(accuracy),
        "balanced_accuracy": float(balanced),
        "expected_calibration_error": reliability(probabilities, truth).error,
        "expected_calibration_error_uncalibrated": reliability(uncalibrated, truth).error,
        "temperature": temperature,
        "balanced_accuracy_by_face_size": {},
    }
    boxes = np.array([sample.box for sample in samples])
    for name, sizes in SIZE_SLICES.items():
        inside = in_range(boxes, sizes)
        if len(set(truth[inside])) == classes:  # without one class the figure says little
            scores["balanced_accuracy_by_face_size"][name] = {
                "faces": int(inside.sum()),
                "balanced_accuracy": balanced_accuracy(truth[inside], predicted[inside], classes),
            }
    return Report(_text(card.classes, truth, predicted, scores, confusion), scores, confusion)


def origin(
    dataset: Dataset, folders: Sequence[Path], parts: Parts, drawn: int, recipe: Recipe
) -> dict[str, Any]:
    """What a model was trained on and how, for its card.

    Args:
        folders: that the dataset was read from.
        parts: its samples by part.
        drawn: number of training faces that were drawn on or had no label.
    """
    return {
        "folders": [folder.resolve().name for folder in folders],
        "faces": {name: dict(Counter(s.label for s in part)) for name, part in parts.items()},
        "faces_drawn_on": drawn,
        "data_sha256": dataset.digest,
        "recipe": dataclasses.asdict(recipe),
    }


def _text(
    names: Sequence[str],
    truth: np.ndarray,
    predicted: np.ndarray,
    scores: dict[str, Any],
    confusion: np.ndarray,
) -> str:
    from sklearn.metrics import classification_report  # takes more than a second to import

    lines = [
        f"\nOn {len(truth)} test faces, from groups that were not trained on:\n",
        classification_report(
            truth,
            predicted,
            labels=range(len(names)),
            target_names=list(names),
            digits=4,
            zero_division=0,
        ),
        "Confusion matrix (rows: true class, columns: predicted class)",
        *(f"  {name:<16}{row}" for name, row in zip(names, confusion, strict=True)),
        f"balanced accuracy {scores['balanced_accuracy']:.4f}",
        *(
            f"  faces {name}: {s['balanced_accuracy']:.4f} ({s['faces']} faces)"
            for name, s in scores["balanced_accuracy_by_face_size"].items()
        ),
        f"calibration error {scores['expected_calibration_error']:.4f} "
        f"(before calibration {scores['expected_calibration_error_uncalibrated']:.4f})",
    ]
    return "\n".join(lines)
