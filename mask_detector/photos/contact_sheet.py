"""All photos of a run small on one page, the most doubtful first: the ones to check by eye."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mask_detector.drawing import draw_boxes
from mask_detector.faces import Face
from mask_detector.images import check_picture_name, write_photo
from mask_detector.text import draw_text

_PAGE_PIXELS = 40_000_000
_LARGEST_TILE, _SMALLEST_TILE = 240, 48
_SMALLEST_TILE_WITH_WORDS = 120
_LINE, _TEXT_SIZE = 14, 11
_GAP = 8
_PAPER = (245, 245, 245)
_INK = (60, 60, 60)


def doubt(faces: Sequence[Face]) -> float:
    """How much a photo should be checked by eye, 0 to 1.

    That of its most doubtful face: 1 - (first - second probability). A photo without faces,
    where one may have been missed, comes after those with a face below 75 % of two classes.

    >>> doubt([])
    0.5
    """
    leads = []
    for face in faces:
        second, first = sorted(face.probabilities.values())[-2:]
        leads.append(first - second)
    return 1 - min(leads, default=0.5)


class ContactSheet:
    """Gathers small pictures and lays them out on a page of at most 40 megapixels."""

    def __init__(self, path: Path, photos: int) -> None:
        """
        Args:
            path: where the page will be written.
            photos: how many there will be at most; the more, the smaller each.

        Raises:
            PhotoError: the path's ending is not that of a picture.
        """
        check_picture_name(path)
        self.path = path
        side = math.isqrt(_PAGE_PIXELS // max(photos, 1)) - _GAP
        self.side = min(max(side, _SMALLEST_TILE), _LARGEST_TILE)
        self._capacity = _PAGE_PIXELS // (self.side + _GAP) ** 2
        self._tiles: list[tuple[float, str, np.ndarray]] = []
        self._lock = threading.Lock()

    def add(
        self, image: np.ndarray, faces: Sequence[Face], name: str, words: str, boxes: bool = True
    ) -> None:
        """Put a photo where its faces' doubt belongs; threads may do so at once.

        Args:
            image: uint8 BGR, shape (H, W, 3), faces blurred where they must be.
            name: the photo's; equal doubts stand in the names' order.
            words: what was found.
            boxes: draw the faces' boxes.
        """
        tile = _tile(image, faces if boxes else (), self.side, [Path(name).name, words])
        with self._lock:
            self._tiles.append((-doubt(faces), name, tile))
            if len(self._tiles) > 2 * self._capacity:
                self._keep_most_doubtful()

    def _keep_most_doubtful(self) -> None:
        self._tiles.sort(key=lambda entry: entry[:2])
        del self._tiles[self._capacity :]

    def write(self) -> None:
        """Write the page.

        Raises:
            PhotoError: the folder cannot be written to.
        """
        write_photo(self.path, self.page())

    def page(self) -> np.ndarray:
        """The page, uint8 BGR; the most doubtful photo first."""
        self._keep_most_doubtful()
        columns = max(1, math.ceil(math.sqrt(len(self._tiles))))
        rows = max(1, math.ceil(len(self._tiles) / columns))
        step = self.side + _GAP
        page = np.full((rows * step + _GAP, columns * step + _GAP, 3), _PAPER, np.uint8)
        for number, (_, _, tile) in enumerate(self._tiles):
            row, column = divmod(number, columns)
            top, left = row * step + _GAP, column * step + _GAP
            page[top : top + self.side, left : left + self.side] = tile
        return page


def _tile(image: np.ndarray, faces: Sequence[Face], side: int, lines: Sequence[str]) -> np.ndarray:
    """One photo made small, its faces boxed, words below: uint8 BGR, ``side`` x ``side``."""
    if side < _SMALLEST_TILE_WITH_WORDS:
        lines = []
    room = side - _LINE * len(lines)
    height, width = image.shape[:2]
    scale = min(side / width, room / height, 1.0)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    draw_boxes(small, [face.scaled(scale, *size) for face in faces])
    tile = np.full((side, side, 3), _PAPER, np.uint8)
    top, left = (room - size[1]) // 2, (side - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    for number, line in enumerate(lines):
        fitting = line if len(line) <= side // 6 else f"{line[: side // 6 - 2]}.."
        draw_text(tile, fitting, (0, room + _LINE * number), _TEXT_SIZE, _INK)
    return tile
