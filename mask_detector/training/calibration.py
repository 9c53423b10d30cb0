"""How reliable predicted probabilities are, and the temperature that calibrates them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mask_detector.training.evaluation import ratio

CALIBRATION_BINS = 15
_TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True)
class Reliability:
    """Stated and observed probability of the label, in bins of equal width over 0..1.

    Attributes:
        counts: int (B,), predictions in each bin.
        confidence: float (B,), mean stated probability, NaN where a bin is empty.
        accuracy: float (B,), share that was right, NaN where a bin is empty.
        error: expected calibration error (Guo et al. 2017): the mean difference of the two,
            weighted by the counts; NaN without predictions.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = CALIBRATION_BINS
) -> Reliability:
    """Compare the probability of the likeliest class with how often it is right.

    Args:
        probabilities: (N, C), rows sum to 1.
        labels: int (N,), true classes.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(bin_numbers, minlength=bins)
    stated = np.bincount(bin_numbers, confidence, minlength=bins)
    observed = np.bincount(bin_numbers, right, minlength=bins)
    error = np.abs(stated - observed).sum() / len(labels) if len(labels) else np.nan
    return Reliability(counts, ratio(stated, counts), ratio(observed, counts), float(error))


def softmax(logits: np.ndarray) -> np.ndarray:
    """The probabilities that logits stand for, both (N, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    rows: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return rows


def log_loss(probabilities: np.ndarray, labels: np.ndarray, least: float = 1e-12) -> float:
    """The mean log loss.

    Args:
        probabilities: (N, C), rows sum to 1.
        labels: int (N,), true classes.
        least: lower probabilities of a label count as this one.
    """
    of_label = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, least)).mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Find T for which ``softmax(logits / T)`` fits the labels best (Guo et al. 2017).

    The log loss is convex in 1 / T; its slope's zero is found by bisection.

    Args:
        logits: (N, C). Log probabilities will do as well.
        labels: int (N,), true classes.

    Returns:
        The temperature, kept between 0.05 and 20; 1.0 for N = 0.
    """
    if not len(labels):
        return 1.0
    logits = np.asarray(logits, np.float64)
    true_logits = logits[np.arange(len(labels)), labels].mean()

    def slope(sharpness: float) -> float:
        weights = softmax(sharpness * logits)
        return float((weights * logits).sum(axis=1).mean() - true_logits)

    # Bisection on a logarithmic scale: 60 halvings are more than a float can resolve.
    low, high = 1 / _TEMPERATURES[1], 1 / _TEMPERATURES[0]
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(1 / np.sqrt(low * high))


def choose_threshold(probabilities: np.ndarray, labels: np.ndarray, index: int) -> float:
    """The threshold of a rare class at which the lower of its precision and recall is highest.

    Args:
        probabilities: (N, C), rows sum to 1, of faces in which the class is as frequent as where
            the threshold is to be used.
        labels: int (N,), true classes.
        index: of the class.

    Returns:
        A number from 0.05 to 0.99; 0.5 where no face is of the class.
    """
    wanted = labels == index
    if not wanted.any():
        return 0.5
    candidates = np.linspace(0.05, 0.99, 95)
    said = probabilities[:, index] > candidates[:, None]  # (thresholds, N)
    hits = (said & wanted).sum(axis=1)
    lower = np.minimum(ratio(hits, said.sum(axis=1), 0), hits / wanted.sum())
    best = candidates[lower == lower.max()]
    return float(best[len(best) // 2])
