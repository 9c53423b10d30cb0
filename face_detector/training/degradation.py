"""Crops as cameras see them: other light and colours, out of focus, moved, noisy, compressed."""

from __future__ import annotations

import math

import cv2
import numpy as np

# How often each is done.
_FAR, _BLURRED, _MOVED, _NOISY, _COMPRESSED = 0.3, 0.12, 0.08, 0.2, 0.45
_GREY = 0.08


def degraded(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A crop as some camera would give it.

    Args:
        image: uint8 BGR, shape (H, W, 3).

    Returns:
        A picture of the same shape, and the share of the resolution that is left, in (0, 1].
    """
    sharpness = 1.0
    height, width = image.shape[:2]
    if rng.random() < _BLURRED:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < _MOVED:
        image = _moved(image, rng)
    if rng.random() < _FAR:
        # Seen small, then enlarged, as a thorough look enlarges a photo.
        sharpness = rng.uniform(0.4, 0.95)
        small = max(1, round(width * sharpness)), max(1, round(height * sharpness))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    if rng.random() < _NOISY:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 12))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    image = _in_other_light(image, rng)
    if rng.random() < _COMPRESSED:
        quality = int(rng.uniform(30, 95))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    if image.shape[:2] != (height, width):
        way = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
        image = cv2.resize(image, (width, height), interpolation=way)
    return image, sharpness


def _moved(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Averaged along a line of 3 to 8 pixels in any direction."""
    length, angle = rng.uniform(3, 8), rng.uniform(0, math.pi)
    kernel = np.zeros((9, 9), np.float32)
    reach = length / 2 * np.array([math.cos(angle), math.sin(angle)])
    start, end = (np.rint((4 + sign * reach) * 16).astype(int).tolist() for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _in_other_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other brightness, contrast, gamma and cast of colour; less or no colour."""
    saturation = rng.uniform(0.4, 1.3)
    if rng.random() < _GREY:
        saturation = 0.0
    if rng.random() < 0.5 or not saturation:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        image = cv2.addWeighted(image, saturation, grey, 1 - saturation, 0)
    levels = np.linspace(0, 1, 256)[:, None]
    gamma = math.exp(rng.normal(0, 0.22))
    gain = rng.uniform(0.65, 1.3) * np.exp(rng.normal(0, 0.05, 3))
    table = (levels**gamma - 0.5) * gain + 0.5 + rng.uniform(-0.12, 0.12)
    table = (np.clip(table, 0, 1) * 255).astype(np.uint8)
    return cv2.LUT(image, table[None])
