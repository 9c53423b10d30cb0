"""The engines that ``benchmarks.speed`` compares, and what they are given."""

from __future__ import annotations

from typing import Literal

from benchmarks.measuring import REPOSITORY

CLASSIC, BATCHED, SSD, YUNET = "classic", "classic, one batch", "SSD", "YuNet"
ENGINES = (CLASSIC, BATCHED, SSD, YUNET)
"""The classic scripts call ``predict`` once per face; the better ones of them once per frame."""

Size = int | Literal["auto"]

ONE_PASS = {SSD: 300, YUNET: 640}
"""The longer side in pixels of a video frame as each face detector sees it."""

PHOTO = REPOSITORY / "examples" / "example_01.png"

FACE_COUNTS = (1, 4, 16)
FRAME_SIZES = ((640, 480), (1280, 720))
FACE_GRID = (1, 2, 4, 8, 16, 32)
PIXEL_GRID = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
