"""Text on pictures: contrast, sizes, bars."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import ImageFont

from mask_detector import text as text_module
from mask_detector.text import (
    LEAST_CONTRAST,
    bar_size,
    contrast,
    draw_text,
    drawable,
    ink_on,
    text_size,
)


def blank(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [  # as https://webaim.org/resources/contrastchecker gives them
        ((0, 0, 0), (255, 255, 255), 21),
        ((255, 255, 255), (255, 255, 255), 1),
        ((0, 0, 255), (255, 255, 255), 4.0),
        ((119, 119, 119), (255, 255, 255), 4.48),
        ((255, 0, 0), (0, 255, 255), 8.0),
    ],
)
def test_contrast(first, second, ratio) -> None:
    assert contrast(first, second) == pytest.approx(ratio, abs=0.01)
    assert contrast(second, first) == contrast(first, second)


def test_text_can_be_read_on_every_colour() -> None:
    steps = range(0, 256, 15)
    colours = [(blue, green, red) for blue in steps for green in steps for red in steps]
    assert min(contrast(colour, ink_on(colour)) for colour in colours) >= LEAST_CONTRAST


@pytest.mark.parametrize("size", [11, 20, 44])
def test_bars_of_a_size_are_equally_high(size) -> None:
    heights = {bar_size(text, size)[1] for text in ("Mask 97.3%", "No Mask", "_", "Ég", "")}
    assert len(heights) == 1
    assert size <= heights.pop() <= 1.5 * size


def test_text_size_follows_the_picture_and_the_faces() -> None:
    assert text_size(640, 480) < text_size(1280, 960) < text_size(4000, 3000)
    small, medium, large = (text_size(1280, 960, [width] * 3) for width in (8, 90, 400))
    assert small < medium < large == text_size(1280, 960)
    assert text_size(1280, 960, [400, 90, 90]) == medium


@pytest.mark.parametrize("corner", [(-50, -50), (0, 0), (150, 30), (999, 999)])
def test_a_bar_lies_inside_the_picture(corner) -> None:
    image = blank(200, 60)
    left, top, right, bottom = draw_text(image, "Mask", corner, 14, (0, 170, 0))
    assert 0 <= left < right <= 200 and 0 <= top < bottom <= 60
    drawn = image.any(axis=2)
    assert drawn[top:bottom, left:right].mean() > 0.7  # the rest is black ink
    drawn[top:bottom, left:right] = False
    assert not drawn.any()


def test_text_that_is_larger_than_the_picture_is_cut() -> None:
    assert draw_text(blank(20, 5), "Mask 97.3%", (0, 0), 30, (0, 0, 230)) == (0, 0, 20, 5)


@pytest.fixture
def no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    caches = (text_module._drawable_word, text_module._word, text_module._letters)
    monkeypatch.setattr(text_module, "_SYSTEM_FONTS", ())
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize(
    ("text", "plain", "same"),
    [
        ("Mask", "Masks", False),
        ("Mą\u0301sk", "Mąsk", True),
        ("\u1e3cask", "Lask", True),
        ("Mask 口罩", "Mask ", True),
        ("Ma\x1b\nsk", "Mask", True),
    ],
)
def test_letters_that_the_font_lacks_lose_their_accents(text, plain, same) -> None:
    pictures = [blank(200, 40) for _ in range(2)]
    for picture, words in zip(pictures, (text, plain), strict=True):
        draw_text(picture, words, (0, 0), 20, (90, 90, 90))
    assert (pictures[0] == pictures[1]).all() == same


@pytest.mark.usefixtures("no_system_fonts")
def test_nothing_is_drawn_that_the_font_lacks() -> None:
    """How much it has of Latin-1 depends on Pillow's version."""
    mask = ImageFont.load_default(20).getmask
    for char in drawable("Tür, Masqué, ×, ß – Łódź, 口罩"):
        assert bytes(mask(char)) != bytes(mask("\uffff"))


@pytest.mark.parametrize("word", ["Máscara", "口罩"])
def test_fonts_of_the_system_have_what_the_own_one_lacks(word: str) -> None:
    if drawable(word) != word:
        pytest.skip("no font of this system has these characters")
    other, plain, nothing = (blank(200, 40) for _ in range(3))
    for picture, words in ((other, word), (plain, "Mascara"), (nothing, "")):
        draw_text(picture, words, (0, 0), 20, (90, 90, 90))
    assert (other != plain).any()
    assert (other != nothing).any()
