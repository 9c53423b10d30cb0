"""How long a photo or a video may take, and what ends a process in which one takes longer.

A decoder that hangs holds its thread for good, so the process ends itself; the process that
started it goes on with the other photos.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PHOTO_LIMIT_S, FILM_LIMIT_S = 120.0, 48 * 3600.0

TOO_LATE_STATUS = 75
"""Exit status of a process in which a photo or a video took longer."""


@contextmanager
def limited(limit_s: float) -> Iterator[None]:
    """End this process, without any clean-up, where the block takes longer than this."""
    timer = threading.Timer(limit_s, os._exit, (TOO_LATE_STATUS,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
