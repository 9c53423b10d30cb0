"""Text on pictures: readable on every colour, in Pillow's own font (Aileron).

What it lacks, accents in some versions of Pillow and Chinese characters in all, is drawn in a font
of the system, where there is one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageFont

Colour = tuple[int, int, int]
"""Blue, green, red, 0 to 255 each."""

Bar = tuple[int, int, int, int]
"""A bar of text: x1, y1, x2, y2 in pixels."""

LEAST_CONTRAST = 4.5
"""Contrast that WCAG 2.1 asks for between text and what is behind it (success criterion 1.4.3)."""

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_SMALLEST = 11  # pixels; smaller letters of this font run together
_LAST_ASCII = "~"
# Fonts of systems for what it lacks: letters with accents, then Chinese characters.
_SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSans-Regular.ttf",
    "arial.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "msyh.ttc",
    "simhei.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Light.ttc",
)
_NO_CHARACTER = "\uffff"  # drawn as what the font lacks


def contrast(first: Colour, second: Colour) -> float:
    """Contrast ratio of two colours, 1 to 21, as WCAG 2.1 defines it."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.1)."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.0722, 0.7152, 0.2126))


def ink_on(colour: Colour) -> Colour:
    """White, or black where white is too hard to read on a colour: one of them never is."""
    return _WHITE if contrast(_WHITE, colour) >= LEAST_CONTRAST else _BLACK


def text_size(width: int, height: int, face_widths: Sequence[float] = ()) -> int:
    """Height in pixels of all text on a picture of ``width`` x ``height`` pixels.

    It follows the picture, and is smaller where faces are small: a caption is about half as wide
    again as the median face, if it can then still be read.
    """
    smallest = max(_SMALLEST, max(width, height) / 110)
    largest = max(smallest, min(width, height) / 28)
    if not len(face_widths):
        return round(largest)
    return round(float(np.clip(0.23 * np.median(face_widths), smallest, largest)))


def bar_size(text: str, size: int) -> tuple[int, int]:
    """Width and height in pixels of a bar with one line of text."""
    height, width = _letters(text, size).shape
    return width, height


def draw_bar(image: np.ndarray, text: str, corner: Sequence[int], size: int, colour: Colour) -> Bar:
    """Write one line of text on a bar of a colour, and return where the bar is.

    Args:
        image: uint8 BGR, shape (H, W, 3); what would lie outside it is cut off.
        corner: x, y of the bar's upper left corner, inside the image.
        size: height of the text in pixels.
    """
    left, top = corner
    letters = _letters(text, size)[: image.shape[0] - top, : image.shape[1] - left]
    height, width = letters.shape
    shaded = cv2.LUT(cv2.cvtColor(letters, cv2.COLOR_GRAY2BGR), _shades(colour))
    image[top : top + height, left : left + width] = shaded
    return left, top, left + width, top + height


def draw_text(
    image: np.ndarray, text: str, corner: tuple[int, int], size: int, colour: Colour
) -> Bar:
    """Write one line of text on a bar that is moved to lie inside the picture.

    Args:
        image: uint8 BGR, shape (H, W, 3).
        corner: x, y where the bar's upper left corner should be.
        size: height of the text in pixels.

    Returns:
        Where the bar is.
    """
    width, height = bar_size(text, size)
    left = max(0, min(corner[0], image.shape[1] - width))
    top = max(0, min(corner[1], image.shape[0] - height))
    return draw_bar(image, text, (left, top), size, colour)


@lru_cache(maxsize=64)
def _shades(colour: Colour) -> np.ndarray:
    """From a colour to its ink in 256 steps, uint8 (1, 256, 3)."""
    steps: np.ndarray = np.linspace(colour, ink_on(colour), 256).round().astype(np.uint8)
    return steps[None]


@lru_cache(maxsize=32)
def _letters(text: str, size: int) -> np.ndarray:
    """How much ink each pixel of a bar has, uint8 (h, w); all bars of a size are equally high."""
    words = [_word(f"{word} ", size) for word in drawable(text).split(" ")]
    margin = np.zeros((words[0].shape[0], max(2, round(size / 4))), np.uint8)
    words[-1] = words[-1][:, : -_word(" ", size).shape[1]]  # no space after the last word
    return np.hstack([margin, *words, margin])


@lru_cache(maxsize=256)
def _word(word: str, size: int) -> np.ndarray:
    from PIL import ImageDraw  # 8 ms with the fonts: only where there is something to write

    # In a video numbers change from frame to frame, and few of the words beside them.
    own = _font(size)
    font = next((each for each in _fonts(size) if _has(each, word)), own)
    ascent, descent = own.getmetrics()
    picture = Image.new("L", (round(font.getlength(word)), ascent + descent))
    # On one line with the other words, though another font's metrics differ.
    ImageDraw.Draw(picture).text((0, ascent), word, fill=255, font=font, anchor="ls")
    return np.asarray(picture)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # all wheels of Pillow have FreeType
    return font


def _fonts(size: int) -> Iterator[ImageFont.FreeTypeFont]:
    """The own font, then those of the system, which are looked for only where they are needed."""
    yield _font(size)
    for name in _SYSTEM_FONTS:
        if font := _system_font(name, size):
            yield font


@lru_cache(maxsize=128)
def _system_font(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, size)  # looks where the system has its fonts
    except OSError:
        return None


def drawable(text: str) -> str:
    """The text without what the fonts lack: accents, other scripts."""
    return " ".join(map(_drawable_word, text.split(" ")))


@lru_cache(maxsize=256)
def _drawable_word(word: str) -> str:
    word = "".join(filter(str.isprintable, word))
    if any(_has(font, word) for font in _fonts(_SMALLEST)):
        return word
    own = _font(_SMALLEST)
    return "".join(
        char
        if _has(own, char)
        else unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
        for char in word
    )


def _has(font: ImageFont.FreeTypeFont, word: str) -> bool:
    """Whether a font has all of a word: how much the own one has depends on Pillow's version."""
    others = [char for char in word if char > _LAST_ASCII]
    missing = bytes(font.getmask(_NO_CHARACTER)) if others else b""
    return all(bytes(font.getmask(char)) != missing for char in others)
