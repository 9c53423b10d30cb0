"""Windows on the screen, and whether there is one."""

from __future__ import annotations

import os
import re
import socket
import sys
from typing import Any

import cv2
import numpy as np

_LARGEST_WINDOW = (1280, 800)
_POLL_MS = 30
NO_KEY = -1


def has_display() -> bool:
    """Whether OpenCV can open a window here.

    On Linux its windows speak X11 (Wayland desktops answer it too): without a server that
    answers at ``DISPLAY``, opening one would abort the whole process, where no ``except`` helps.
    """
    if not cv2.currentUIFramework():  # opencv-python-headless has no windows at all
        return False
    if not sys.platform.startswith("linux"):
        return True
    return _x_server_answers(os.environ.get("DISPLAY", ""))


def _x_server_answers(display: str) -> bool:
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
    height, width = image.shape[:2]
    scale = min(1.0, _LARGEST_WINDOW[0] / width, _LARGEST_WINDOW[1] / height)
    try:
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.resizeWindow(title, max(1, round(width * scale)), max(1, round(height * scale)))
        cv2.imshow(title, image)
        # Waiting in short turns, so that Ctrl-C and the window's own button are noticed.
        while (key := cv2.waitKey(_POLL_MS)) == NO_KEY:
            if cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
                break
        return key
    finally:
        cv2.destroyAllWindows()
