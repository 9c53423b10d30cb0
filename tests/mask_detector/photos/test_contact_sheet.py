from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mask_detector.errors import PhotoError
from mask_detector.faces import Face
from mask_detector.photos.contact_sheet import ContactSheet, doubt


def face(mask: float, *others: float) -> Face:
    names = ("with_mask", "without_mask", "incorrect_mask")
    probabilities = dict(zip(names, (mask, *(others or (1 - mask,))), strict=False))
    return Face((2, 2, 8, 8), 0.9, probabilities)


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([], 0.5),
        ([face(1.0)], 0.0),
        ([face(0.5)], 1.0),
        ([face(0.9), face(0.4)], 0.8),
        ([face(0.5, 0.3, 0.2)], 0.8),
    ],
)
def test_doubt(faces, expected) -> None:
    assert doubt(faces) == pytest.approx(expected)


def colours(page: np.ndarray, side: int) -> list[tuple[int, ...]]:
    """The colour in the upper middle of each tile, row by row."""
    step = side + 8
    return [
        tuple(map(int, page[top + side // 3, left + side // 2]))
        for top in range(8, page.shape[0] - side, step)
        for left in range(8, page.shape[1] - side, step)
    ]


def plain(colour: tuple[int, int, int], height: int = 100, width: int = 100) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_the_most_doubtful_comes_first() -> None:
    sheet = ContactSheet(Path("sheet.png"), 5)
    red, green, blue, black = (0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 0, 0)
    sheet.add(plain(red), [face(0.99)], "sure.jpg", "")
    sheet.add(plain(green), [face(0.51)], "doubtful.jpg", "")
    sheet.add(plain(blue), [], "b/none.jpg", "")
    sheet.add(plain(black), [], "a/none.jpg", "")
    assert colours(sheet.page(), sheet.side) == [green, black, blue, red]


@pytest.mark.parametrize(
    ("photos", "side"), [(0, 240), (1, 240), (500, 240), (5000, 81), (10**6, 48)]
)
def test_a_page_has_a_size_that_can_be_opened(photos, side) -> None:
    assert ContactSheet(Path("sheet.png"), photos).side == side


def test_an_empty_page_is_a_picture(tmp_path) -> None:
    ContactSheet(tmp_path / "sheet.png", 0).write()
    assert cv2.imread(str(tmp_path / "sheet.png")).size > 0


def test_more_than_fit_a_page_leave_out_the_least_doubtful(monkeypatch) -> None:
    monkeypatch.setattr("mask_detector.photos.contact_sheet._PAGE_PIXELS", 4 * 56**2)
    sheet = ContactSheet(Path("sheet.png"), 1000)
    for number in range(1000):
        value = number % 250
        sheet.add(plain((value, value, value)), [face(0.5 + number / 2000)], f"{number:04}", "")
    assert len(sheet._tiles) <= 8
    assert [blue for blue, _, _ in colours(sheet.page(), sheet.side)] == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 2), (20, 20), (2000, 3000)])
def test_a_photo_of_any_shape_fits_its_tile(shape) -> None:
    sheet = ContactSheet(Path("sheet.png"), 1)
    sheet.add(plain((0, 0, 0), *shape), [], "a_very_long_name" * 9, "no faces found")
    page = sheet.page()
    assert page.shape == (256, 256, 3)
    frame = page.copy()
    frame[8:-8, 8:-8] = page[0, 0]
    assert (frame == page[0, 0]).all()


def test_faces_are_boxed_where_they_are() -> None:
    sheet = ContactSheet(Path("sheet.png"), 1)
    image = plain((255, 255, 255), 1000, 1000)
    big = Face((200, 200, 600, 600), 0.9, {"with_mask": 0.9, "without_mask": 0.1})
    sheet.add(image, [big], "a.jpg", "")
    tile = sheet.page()[8:-8, 8:-8].astype(int)
    green_y, green_x = np.nonzero((tile[..., 1] - tile[..., 2] > 50)[:-30])
    scale, left = (240 - 28) / 1000, 14
    found = [green_x.min() - left, green_y.min(), green_x.max() - left, green_y.max()]
    assert found == pytest.approx([200 * scale, 200 * scale, 600 * scale, 600 * scale], abs=2)


def test_a_page_is_no_document() -> None:
    with pytest.raises(PhotoError, match=r"sheet.pdf: pictures have one of these endings: .jpg"):
        ContactSheet(Path("sheet.pdf"), 1)
