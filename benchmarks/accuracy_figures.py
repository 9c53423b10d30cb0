"""All figures of an accuracy measurement, as they stand in its JSON."""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.accuracy_measures import (
    END_TO_END_SIZES,
    FAR_PIXELS,
    LABEL_SIZES,
    System,
    count_faces,
    end_to_end,
    label_figures,
    outcome_table,
    unsure_bands,
)
from benchmarks.accuracy_slices import Slices, by_slice
from benchmarks.intervals import Samples, differences, measures, ratios
from face_detector.weights import ORIGINAL
from mask_detector.training.evaluation import IOU_THRESHOLD, RESAMPLES

CLASSIC = "classic"
LOWEST_SCORE = 0.05
"""Average precision ranks all faces that the detector scores at least this."""


def measure(systems: Sequence[System], slices: Slices, args: argparse.Namespace) -> dict[str, Any]:
    """All figures, as benchmarks/README.md defines them.

    Args:
        systems: what they made of the photos is in ``observations``.
        slices: may be empty.
        args: the options of :mod:`benchmarks.accuracy`.
    """
    photos = [observation.annotated for observation in systems[0].observations]
    report: dict[str, Any] = {
        "photos": len(photos),
        "part": args.part,
        "faces": dict(Counter(label for photo in photos for label in photo.labels)),
        "settings": {
            "detector_size": args.detector_size,
            "confidence": args.confidence,
            "lowest_score": LOWEST_SCORE,
            "iou": IOU_THRESHOLD,
            "resamples": RESAMPLES,
        },
        "systems": {},
        "classifiers": {},
        "unsure_bands": {},
    }
    on_all: dict[str, Samples] = {}
    for system in systems:
        samples = {
            name: end_to_end(system.observations, system.classes, args.confidence, sizes)
            for name, sizes in END_TO_END_SIZES.items()
        }
        on_all[system.name] = samples["all"]
        rows, columns, counts = outcome_table(system.observations, system.classes, args.confidence)
        report["systems"][system.name] = {
            "classifier": system.classifier,
            "sizes": {
                name: {
                    "faces": count_faces(system.observations, END_TO_END_SIZES[name]),
                    **measures(figures),
                }
                for name, figures in samples.items()
            },
            "outcomes": {"rows": rows, "columns": columns, "counts": counts.tolist()},
        }
        if system.classifier not in report["classifiers"]:
            report["classifiers"][system.classifier] = measure_labels(system)
            report["unsure_bands"][system.classifier] = unsure_bands(
                system.observations, system.classes
            )
    report["differences"] = compare(on_all, "minus", differences)
    report["ratios"] = compare(on_all, "over", ratios)
    report["slices"] = by_slice(systems, slices, args.confidence)
    return report


def measure_labels(system: System) -> dict[str, Any]:
    """Labels of the annotated boxes by size, and of the same boxes as if far away."""
    far = [
        dataclasses.replace(each, box_probabilities=each.far_probabilities)
        for each in system.observations
    ]
    return {
        name: label_figures(system.observations, system.classes, sizes)
        for name, sizes in LABEL_SIZES.items()
    } | {f"all, shrunk to {FAR_PIXELS:g} px": label_figures(far, system.classes)}


def compare(
    samples: dict[str, Samples], word: str, compared: Callable[[Samples, Samples], Samples]
) -> dict[str, dict[str, Any]]:
    """Each system against its face detector's original weights, and against the classic recipe.

    Args:
        samples: by system, from :func:`end_to_end` on the same photos.
        word: stands between the two in the result's names.
        compared: what is told of the two, such as :func:`differences`.

    Returns:
        By ``"system WORD other"``, Measures on the same resampled photos.
    """
    return {
        f"{name} {word} {other}": measures(compared(figures, samples[other]))
        for name, figures in samples.items()
        for other in (f"{name} ({ORIGINAL})", CLASSIC)
        if other in samples and other != name
    }
