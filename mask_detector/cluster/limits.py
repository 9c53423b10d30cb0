"""What ends a process: a photo or a video that takes too long, or the end of its parent.

A decoder that hangs holds its thread for good, so the process ends itself; the process that
started it goes on with the other photos.
"""

from __future__ import annotations

import os
import threading
import time
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


def end_with_parent(every_s: float = 5.0) -> None:
    """End this process soon after the one that started it, whatever it is doing then."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every_s)
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
