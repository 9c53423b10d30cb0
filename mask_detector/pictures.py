"""What the library takes for a picture: arrays as OpenCV has them, paths, Pillow's pictures.

image = as_bgr("examples/example_01.png")
image = as_bgr(PIL.Image.open("examples/example_01.png"))
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from mask_detector.images import from_pillow, read_photo

Picture: TypeAlias = "np.ndarray | str | os.PathLike[str] | Image.Image"
"""An array (uint8 BGR, shape (H, W, 3)), the path of a photo, or a picture of Pillow's."""

_EXPECTED = "expected a picture (a uint8 BGR array of shape (H, W, 3), a path or a PIL image)"


def as_bgr(picture: object, name: str = "image") -> np.ndarray:
    """A picture of any accepted kind as an array.

    Args:
        picture: one of the kinds of ``Picture``. An array is returned as it is; photos and
            Pillow's pictures are turned as their EXIF says, grey is repeated over three channels,
            transparency laid over white.
        name: what messages call the picture.

    Returns:
        uint8 BGR, shape (H, W, 3).

    Raises:
        TypeError: it is of another kind, or an array of another dtype.
        ValueError: the array has another shape, or no pixels.
        PhotoError: the photo is missing, damaged or of an unknown kind.
    """
    if isinstance(picture, np.ndarray):
        check_bgr(picture, name)
        return picture
    if isinstance(picture, Image.Image):
        return from_pillow(picture)
    if isinstance(picture, str | os.PathLike):
        return read_photo(Path(picture))
    raise _wrong_kind(picture, name)


def check_kind(picture: object, name: str = "image") -> None:
    """Raise TypeError where an object is no kind of picture."""
    if not isinstance(picture, np.ndarray | str | os.PathLike | Image.Image):
        raise _wrong_kind(picture, name)


def _wrong_kind(picture: object, name: str) -> TypeError:
    came = type(picture).__name__
    advice = ""
    if picture is None:
        came = "None"
        advice = ": cv2.imread returns None for a file it cannot read, pass the path itself"
    elif isinstance(picture, bytes | bytearray | memoryview):
        advice = ": open the file's content with PIL.Image.open(io.BytesIO(content))"
    elif isinstance(picture, list | tuple):
        advice = ": a list of pictures must not be nested, numbers belong in an array"
    elif hasattr(picture, "__iter__"):
        advice = ": put several pictures into a list"
    return TypeError(f"{name}: {_EXPECTED}, got {came}{advice}")


def check_bgr(array: np.ndarray, name: str = "image") -> None:
    """Raise TypeError or ValueError where an array is not uint8 BGR of shape (H, W, 3)."""
    came = f"{name}: expected a uint8 BGR array of shape (H, W, 3), got {array.dtype} {array.shape}"
    shape = array.shape
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        raise ValueError(f"{came}: cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) makes three of grey")
    if len(shape) == 3 and shape[2] == 4:
        raise ValueError(f"{came}: cv2.cvtColor(image, cv2.COLOR_BGRA2BGR) removes the fourth")
    if len(shape) == 4:
        raise ValueError(f"{came}: pass several pictures as a list, list(images)")
    if len(shape) == 3 and shape[0] == 3 and shape[2] != 3:
        raise ValueError(f"{came}: image.transpose(1, 2, 0) puts the channels last")
    if len(shape) != 3 or shape[2] != 3:
        raise ValueError(came)
    if not array.size:
        raise ValueError(f"{came}: there are no pixels")
    if array.dtype.kind == "f":
        raise TypeError(f"{came}: values 0 to 1 become (255 * image).round().astype(np.uint8)")
    if array.dtype == np.uint16:
        raise TypeError(f"{came}: (image // 257).astype(np.uint8) scales 16 bits to 8")
    if array.dtype != np.uint8:
        raise TypeError(f"{came}: image.astype(np.uint8) is right for values 0 to 255")
