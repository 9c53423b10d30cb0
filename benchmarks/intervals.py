"""95 % intervals over photos: every figure as measured and in resamples of the photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mask_detector.training import evaluation

Measure = dict[str, float]
"""``value``, and ``low`` and ``high`` of its 95 % interval over photos."""

Samples = dict[str, Any]
"""By name of a figure, or by name and class: float (1 + R,), the figure as measured, then in each
of R resamples of the photos. The resamples are the same for all figures of the same photos, so
that the difference of two figures can be taken in each."""


def weights_of_photos(photos: int, resamples: int) -> np.ndarray:
    """How often each photo counts: int (1 + R, P), once in the first row, then in resamples."""
    drawn = evaluation.bootstrap_weights(photos, resamples)
    return np.vstack([np.ones((1, photos), int), drawn])


def measures(samples: Samples) -> dict[str, Any]:
    """Each figure with its interval: Measures, by class where the samples are."""
    result = {}
    for name, values in samples.items():
        if isinstance(values, dict):
            result[name] = measures(values)
        else:
            low, high = evaluation.interval(values[1:])
            result[name] = {"value": float(values[0]), "low": low, "high": high}
    return result


def differences(samples: Samples, others: Samples) -> Samples:
    """Figures minus those of another system or slice, on the same resamples."""
    return _compared(samples, others, np.subtract)


def ratios(samples: Samples, others: Samples) -> Samples:
    """Figures divided by those of another system, on the same resamples; NaN where those are 0."""
    return _compared(samples, others, evaluation.ratio)


def _compared(
    samples: Samples, others: Samples, compare: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Samples:
    return {
        name: _compared(values, others[name], compare)
        if isinstance(values, dict)
        else compare(values, others[name])
        for name, values in samples.items()
        if name in others
    }
