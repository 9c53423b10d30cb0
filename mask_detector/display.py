"""Windows on the screen, and whether there is one."""

from __future__ import annotations

import itertools
import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mask_detector.drawing import GREY
from mask_detector.errors import FileError, PhotoError
from mask_detector.images import write_photo
from mask_detector.terminal import say
from mask_detector.text import draw_text, text_size

logger = logging.getLogger(__name__)

_STOP_KEYS = (ord("q"), 27)
_LARGEST_WINDOW = (1280, 800)
_POLL_MS = 30
NO_KEY = -1


def has_display() -> bool:
    """Whether OpenCV can open a window here.

    On Linux its windows use X11 (Wayland desktops support it too): without a server that
    answers at ``DISPLAY``, opening one would abort the whole process, where no ``except`` helps.
    """
    if not cv2.currentUIFramework():  # opencv-python-headless has no windows at all
        return False
    if not sys.platform.startswith("linux"):
        return True
    return _x_server_answers(os.environ.get("DISPLAY", ""))


def _x_server_answers(display: str) -> bool:
    import socket  # needed only here

    match = re.fullmatch(r"(?:\w+/)?([^:]*):(\d+)(?:\.\d+)?", display)
    if match is None:
        return False
    host, number = match[1], int(match[2])
    # Display N listens on a socket file, on Linux also under its abstract name, or on a port.
    socket_file = f"/tmp/.X11-unix/X{number}"
    places: list[tuple[socket.AddressFamily, Any]] = (
        [(socket.AF_INET, (host, 6000 + number))]
        if host not in ("", "unix")
        else [(socket.AF_UNIX, socket_file), (socket.AF_UNIX, f"\0{socket_file}")]
    )
    for family, address in places:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            try:
                connection.connect(address)
                return True
            except OSError:
                continue
    return False


def show_photo(image: np.ndarray, title: str) -> int:
    """Show a picture in a window until a key is pressed or the window is closed.

    Args:
        image: uint8 BGR, shape (H, W, 3); shown smaller where it is larger than a screen.

    Returns:
        The key's code, or ``NO_KEY`` where the window was closed.
    """
    try:
        _open_window(title, image)
        cv2.imshow(title, image)
        # Short waits, so that Ctrl-C and the window's close button are noticed.
        while (key := cv2.waitKey(_POLL_MS)) == NO_KEY:
            if _was_closed(title):
                break
        return key
    finally:
        cv2.destroyAllWindows()


class VideoWindow:
    """A window that shows a video and reacts to keys, which ``KEYS`` lists.

    Attributes:
        blur: whose faces are to be blurred; the ``b`` key switches it.

    Args:
        blur: one of ``privacy.BLUR_CHOICES``, to begin with.
        title: the window's title.
    """

    KEYS = (
        "q, Esc  stop",
        "space   pause/continue",
        "s       save this picture",
        "b       blur faces on/off",
        "h       these keys on/off",
    )

    def __init__(self, blur: str, title: str = "Mask detector") -> None:
        self.blur = blur
        self._blurred = "all" if blur == "none" else blur
        self._title = title
        self._is_open = self._help = False
        self._rate, self._shown_title = 0.0, title

    def show(self, picture: np.ndarray, wait_s: float = 0, rate: float = 0) -> bool:
        """Show a picture for at least ``wait_s``, or as long as it is paused, and obey the keys.

        Args:
            picture: uint8 BGR, shape (H, W, 3); shown smaller where it is larger than a screen.
            wait_s: seconds.
            rate: pictures processed per second, for the window's title; 0 where it is not known.

        Returns:
            False when the viewer wants to stop.
        """
        self._rate = rate
        paused = False
        # Polling, so that keys act at once however long the picture is due.
        until = time.monotonic() + wait_s
        while True:
            left_ms = round(1000 * (until - time.monotonic()))
            key = self._wait_for_key(
                picture, _POLL_MS if paused else min(_POLL_MS, max(1, left_ms))
            )
            if key is None or key in _STOP_KEYS:
                return False
            if key == ord(" "):
                paused = not paused
            elif key == ord("s"):
                self._save(picture)
            elif key == ord("b"):
                self.blur = "none" if self.blur != "none" else self._blurred
            elif key == ord("h"):
                self._help = not self._help
            if not paused and time.monotonic() >= until:
                return True

    def close(self) -> None:
        """Close the window."""
        if self._is_open:
            cv2.destroyAllWindows()
            cv2.waitKey(1)  # lets the desktop remove it

    def __enter__(self) -> VideoWindow:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _wait_for_key(self, picture: np.ndarray, wait_ms: int) -> int | None:
        """The key pressed within that time, ``NO_KEY`` for none; None once the window is gone."""
        if not self._is_open:
            _open_window(self._title, picture)
            say("q stops, h shows the keys", sys.stderr)
            self._is_open = True
        elif _was_closed(self._title):
            return None
        title = f"{self._title}, {self._rate:.0f} fps" if self._rate else self._title
        if title != self._shown_title:
            cv2.setWindowTitle(self._title, title)
            self._shown_title = title
        cv2.imshow(self._title, self._with_help(picture) if self._help else picture)
        key = cv2.waitKey(wait_ms)
        return key if key == NO_KEY else key & 0xFF

    def _with_help(self, picture: np.ndarray) -> np.ndarray:
        picture = picture.copy()
        height, width = picture.shape[:2]
        y = round(height / 3)
        for line in self.KEYS:
            *_, y = draw_text(picture, line, (0, y), text_size(width, height), GREY)
        return picture

    def _save(self, picture: np.ndarray) -> None:
        name = time.strftime("still_%Y%m%d_%H%M%S")
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        path = next(path for path in (Path(f"{each}.png") for each in names) if not path.exists())
        try:
            write_photo(path, picture)
            logger.warning("saved %s", path)
        except (PhotoError, FileError) as error:
            logger.warning("%s", error)


def _open_window(title: str, picture: np.ndarray) -> None:
    """Open a window of the picture's size: resizable, without Qt's toolbar and status bar."""
    cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
    cv2.resizeWindow(title, *_window_size(picture))


def _was_closed(title: str) -> bool:
    try:
        return cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1
    except cv2.error:  # Qt, when its last window is gone
        return True


def _window_size(picture: np.ndarray) -> tuple[int, int]:
    """Width and height of a window that fits on most screens."""
    height, width = picture.shape[:2]
    scale = min(1.0, _LARGEST_WINDOW[0] / width, _LARGEST_WINDOW[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
