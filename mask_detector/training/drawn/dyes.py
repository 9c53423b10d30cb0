"""Colours and patterns of drawn masks, dyed on flat cloth."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

CLOTH_SIZE: Final = (320, 256)
"""Width and height of the flat cloth in pixels."""

_SURGICAL: Final = [
    "#8fc3e0",
    "#a9d4ea",
    "#6fb0d8",
    "#9ad6d0",
    "#a7d8b9",
    "#e9b7c8",
    "#f0f2f4",
    "#c9c2e6",
    "#3b4f75",
]
_CLOTHES: Final = [
    "#b03a3a",
    "#7a1f2b",
    "#e46a6a",
    "#d9803f",
    "#d8b23c",
    "#c7d64a",
    "#6b7a3a",
    "#3f7d4c",
    "#1f5a52",
    "#2d6f8f",
    "#20406e",
    "#24303f",
    "#9fb7c9",
    "#8a5a9b",
    "#c96f94",
    "#6e4f3a",
    "#d8cdb8",
    "#e8e2d6",
    "#8c8c8c",
    "#5b5f66",
]
_SKINS: Final = ["#f3d3bd", "#e0ac86", "#c68a5e", "#8d5a3a", "#5a3825"]


def _bgr(colour: str) -> np.ndarray:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return np.array([blue, green, red], np.float32)


def any_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour that things have, float32 (3,) BGR, 1 is white."""
    return _bgr(str(rng.choice([*_CLOTHES, "#f4f4f4", "#f4f4f4", "#151515"])))


def plain_colour(rng: np.random.Generator) -> np.ndarray:
    """The colour of a veil or headscarf, float32 (3,) BGR: black more often than any other."""
    if rng.random() < 0.35:
        return np.full(3, rng.uniform(0.03, 0.2), np.float32)
    colour = any_colour(rng) * rng.uniform(0.7, 1.15)
    return np.clip(colour, 0.03, 1.0).astype(np.float32)


def dye(style: str, rng: np.random.Generator) -> np.ndarray:
    """The dyed cloth, float32 (H, W, 3)."""
    width, height = CLOTH_SIZE
    if style == "surgical":
        base = _bgr(str(rng.choice(_SURGICAL)))
    elif style == "ffp2":
        base = np.full(3, rng.uniform(0.86, 1.0))
        if rng.random() < 0.2:
            base = _bgr(str(rng.choice([*_CLOTHES, "#1c1c1e", "#1c1c1e"])))
    elif style == "white":
        base = np.full(3, rng.uniform(0.85, 1.0))
    elif style == "printed" and rng.random() < 0.5:
        base = _bgr(str(rng.choice(_SKINS)))
    elif style == "black":
        base = np.full(3, rng.uniform(0.05, 0.2))
    else:
        base = _bgr(str(rng.choice(_CLOTHES)))
    tint = 0.04 * np.ptp(base) + 0.01  # greys stay grey
    base = np.clip(base + rng.normal(0, tint, 3), 0.03, 1.0).astype(np.float32)
    cloth = np.empty((height, width, 3), np.float32)
    cloth[:] = base
    if style == "patterned":
        other = _bgr(str(rng.choice([*_CLOTHES, "#f4f4f4", "#f4f4f4", "#151515"])))
        weight = _pattern(rng)
        channels = [base[i] + weight * (other[i] - base[i]) for i in range(3)]
        if rng.random() < 0.35:
            third = _bgr(str(rng.choice(_CLOTHES)))
            weight = np.float32(0.9) * _pattern(rng)
            channels = [channels[i] + weight * (third[i] - channels[i]) for i in range(3)]
        return cv2.merge(channels)
    return cloth


def _pattern(rng: np.random.Generator) -> np.ndarray:
    """How much of the second colour shows, float32 (H, W) in [0, 1]."""
    width, height = CLOTH_SIZE
    x = np.arange(width, dtype=np.float32)[None]
    y = np.arange(height, dtype=np.float32)[:, None]
    kind = rng.choice(["stripes", "checks", "dots", "camouflage", "print", "shade"])
    period = rng.uniform(9, 34)
    if kind == "stripes":
        turn = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
        wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / period))
        return np.clip(wave * 4 + rng.uniform(-1.5, 1.5), 0, 1)
    if kind == "checks":
        columns = np.clip(np.sin(x * (2 * np.pi / period)) * 4, 0, 1)
        rows = np.clip(np.sin(y * (2 * np.pi / period)) * 4, 0, 1)
        return (columns + rows) / 2
    if kind == "dots":
        share = rng.uniform(0.3, 0.75)
        shifted = x + period / 2 * (np.floor(y / period) % 2)
        near = np.cos(shifted * (2 * np.pi / period)) + np.cos((y / period + 0.5) * 2 * np.pi)
        return np.clip((near - 2 * share + 0.4) * 3, 0, 1)
    if kind == "camouflage":
        coarse = rng.normal(0, 1, (height // 14, width // 14)).astype(np.float32)
        smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth * 5 + rng.uniform(-1, 1), 0, 1)
    if kind == "shade":
        edge = rng.uniform(0.3, 0.7) * height
        return np.broadcast_to(
            np.clip((y - edge) / rng.uniform(2, 90) + 0.5, 0, 1), (height, width)
        )
    # The last kind, a print: scattered dots and flowers.
    canvas = np.zeros((height, width), np.float32)
    for centre in rng.uniform(0, 1, (int(rng.integers(12, 90)), 2)) * [width, height]:
        radius = rng.uniform(3, 11)
        petals = int(rng.integers(1, 7))
        for turn in np.arange(petals) * (2 * np.pi / petals):
            place = centre + radius * 0.7 * np.array([np.cos(turn), np.sin(turn)]) * (petals > 1)
            cv2.circle(
                canvas, place.astype(int).tolist(), int(radius * 0.55) + 1, 1.0, -1, cv2.LINE_8
            )
    return cv2.blur(canvas, (2, 2))


def strap_colour_of(style: str, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The colour of a mask's straps, float (3,), from its style and its cloth (H, W, 3)."""
    own = colour[::16, ::16].mean(axis=(0, 1))
    if style in ("surgical", "white", "ffp2") and own.mean() > 0.4:
        return np.full(3, rng.uniform(0.82, 0.98))
    return own if rng.random() < 0.6 else np.full(3, rng.choice([0.1, 0.9]))
